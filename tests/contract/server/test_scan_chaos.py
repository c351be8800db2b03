"""Scanners and a ledger that end at any step, and very many files."""

import asyncio
import hashlib
import random
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from fastcrc import crc64

from ossferry.cli.demo import Demo
from ossferry.clock import utc_now
from ossferry.errors import LedgerLostError, OssLostError
from ossferry.ledger import AsyncConnection, Database, holds, people
from ossferry.observability.metrics import Metrics
from ossferry.oss.bucket import OssBucket
from ossferry.oss.objects import Stored
from ossferry.scanning import worker as module
from ossferry.scanning.clamd import EICAR
from ossferry.scanning.sandbox import Locks
from ossferry.scanning.worker import Worker, scan_uploads
from ossferry.uploads.held import HeldUploads
from ossferry_checks.runner import Verdict as Checked
from support.after_upload import become, operators_bucket
from support.clamd import clamd
from support.commands import environment, run
from support.scanned import QuickLooks, deciding, rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
OPTIONS: dict[str, Any] = {
    "release": "checked",
    "clamd": "/run/clamav/clamd.ctl",
    "webhook_url": "http://127.0.0.1:9/hook",
    "webhook_secret": "whsec_" + b64encode(bytes(range(32))).decode(),
}
KILL, LOSE = 0.003, 0.01
"""How likely the scanner ends, or an answer is lost, at each step."""


@contextmanager
def demo_that_holds(web_dir: Path, **options: Any) -> Iterator[Demo]:
    with (
        patch("ossferry.background.RECONCILE_S", 3000),
        patch("ossferry.background.PURGE_S", 3000),
        patch("ossferry.uploads.refused.SETTLE", timedelta()),
        Demo(web_dir=web_dir, **{**OPTIONS, **options}) as demo,
    ):
        yield demo


def hold_many(demo: Demo, contents: Sequence[bytes]) -> dict[str, bytes]:
    """Store and hold uploads of Alice, and return their contents by final key."""
    with httpx.Client(base_url=demo.url, trust_env=False) as site:
        site.headers["sec-fetch-site"] = "same-origin"
        become(site, "alice")
        grant = site.post("/api/grant").json()
    made = {
        f"{grant['prefix']}2026-03-14/{number:032x}/{number}.txt": data
        for number, data in enumerate(contents)
    }
    bucket = operators_bucket(demo)
    with ThreadPoolExecutor(8) as threads:
        for _ in threads.map(
            lambda each: bucket.put_object("incoming/" + each[0], each[1]), made.items()
        ):
            pass

    async def record(held: HeldUploads) -> None:
        async with held.database.write() as connection:
            owner = await people.owner_of_key(connection, next(iter(made)))
            assert owner is not None
            uploads = [(_stored(key, data), "") for key, data in made.items()]
            await holds.hold_all(connection, owner, uploads, source="page", now=utc_now())

    deciding(demo, record)
    return made


def _stored(key: str, data: bytes) -> Stored:
    return Stored(
        key=key,
        size=len(data),
        etag=hashlib.md5(data).hexdigest().upper(),  # noqa: S324
        last_modified=utc_now(),
        crc64=str(crc64.xz(data)),
        content_type="text/plain",
    )


def assert_all_are_decided(demo: Demo, made: dict[str, bytes], bad: bytes) -> None:
    """Nothing is released unscanned, nothing is lost, and nothing happened twice."""
    objects = demo.oss.bucket(demo.bucket).objects
    clean = {key: data for key, data in made.items() if bad not in data}
    infected = {f"incoming/{key}": data for key, data in made.items() if bad in data}
    assert {key: objects[key].data for key in objects} == clean | infected
    copied = {each.key for each in demo.oss.requests if each.operation == "CopyObject"}
    assert copied <= set(clean)  # the mock forgets old requests
    released = [key for (key,) in rows(demo, "SELECT key FROM receipts")]
    held = [tuple(row) for row in rows(demo, "SELECT 'incoming/' || key, state FROM holds")]
    events = [
        key
        for (key,) in rows(
            demo,
            "SELECT event ->> '$.data.key' FROM deliveries"
            " WHERE event ->> '$.type' = 'uploaded' AND target = 'server'",
        )
    ]
    assert sorted(released) == sorted(events) == sorted(clean)
    assert sorted(held) == sorted((key, "held") for key in infected)
    size = sum(map(len, made.values()))
    assert rows(demo, "SELECT bytes, objects FROM usage WHERE day = 'total'") == [(size, len(made))]


# A scanner and a ledger that end


class KilledError(BaseException):
    """The end of the scanner's process."""


@dataclass(slots=True)
class Fate:
    """Decides at each step whether the scanner ends; after that, nothing works any more."""

    chance: random.Random
    is_dead: bool = False
    steps: int = 0
    kills: int = 0

    def step(self, lost: Exception) -> None:
        self.steps += 1
        luck = self.chance.random()
        if luck < KILL and not self.is_dead:
            self.is_dead, self.kills = True, self.kills + 1
        if self.is_dead:
            raise KilledError
        if luck < KILL + LOSE:
            raise lost


@contextmanager
def mortal(fate: Fate) -> Iterator[None]:
    """Let each request to OSS and each transaction fail, before and after it has its effect."""
    ask, write = OssBucket._once, Database.write

    async def once(self: OssBucket, *arguments: Any) -> Any:
        fate.step(OssLostError("no-answer"))
        answer = await ask(self, *arguments)
        fate.step(OssLostError("no-answer"))
        return answer

    @asynccontextmanager
    async def transaction(self: Database) -> AsyncIterator[AsyncConnection]:
        fate.step(LedgerLostError("ended"))
        async with write(self) as connection:
            yield connection
            fate.step(LedgerLostError("ended"))  # before the commit
        fate.step(LedgerLostError("ended"))

    with patch.object(OssBucket, "_once", once), patch.object(Database, "write", transaction):
        yield


def scan_once(demo: Demo, later: timedelta) -> None:
    """Run two scanners until nothing is due, some time later than now."""

    def clock() -> datetime:
        return utc_now() + later

    async def main(held: HeldUploads) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                worker = Worker(
                    demo.settings,
                    held.database,
                    replace(held, clock=clock),
                    QuickLooks(bucket(held)),
                    metrics=Metrics(),
                    clock=clock,
                )
                group.create_task(worker.run(asyncio.Event(), concurrency=4, once=True))

    deciding(demo, main)


def bucket(held: HeldUploads) -> OssBucket:
    assert isinstance(held.store, OssBucket)
    return held.store


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_r69_scanner_and_ledger_may_end_at_every_step(web_dir: Path, seed: int) -> None:
    chance = random.Random(seed)
    fate = Fate(chance)
    with demo_that_holds(web_dir) as demo:
        contents = [f"{number} {'bad' * (number % 3 == 0)}".encode() for number in range(500)]
        made = hold_many(demo, contents)
        demo.oss.requests.clear()

        rounds = 0
        while rows(demo, "SELECT 1 FROM holds WHERE state = 'waiting'"):
            rounds += 1
            assert rounds < 200
            fate.is_dead = False
            later = rounds * timedelta(seconds=module.LONGEST_PAUSE_S + 1)
            with mortal(fate):
                try:
                    scan_once(demo, later)
                except* (KilledError, LedgerLostError):
                    pass
        variables = {f"OSSFERRY_{name.upper()}": value for name, value in OPTIONS.items()}
        run("admin", "reconcile", environment=environment(demo) | variables)

        assert fate.kills > 10
        assert_all_are_decided(demo, made, b"bad")


# Very many files


def test_ten_thousand_small_files_are_scanned(web_dir: Path, tmp_path: Path) -> None:
    async def check(*_: object) -> Checked:
        return Checked(Path(), "", "")

    async def find_locks() -> Locks:
        return Locks(calls=True, files=True)

    async def scan(held: HeldUploads) -> None:
        await scan_uploads(
            held.settings,
            bucket(held),
            held.database,
            concurrency=8,
            stop=asyncio.Event(),
            metrics=Metrics(),
            clock=utc_now,
            once=True,
        )

    with ExitStack() as running:
        socket = running.enter_context(clamd(tmp_path))
        demo = running.enter_context(demo_that_holds(web_dir, clamd=socket))
        infected = EICAR.encode()
        contents = [infected if each % 1000 == 0 else b"%d" % each for each in range(10_000)]
        made = hold_many(demo, contents)
        demo.oss.requests.clear()
        # a process for each file takes 0.2 s of processor time: half an hour
        running.enter_context(patch("ossferry.scanning.look.check_file", check))
        running.enter_context(patch.object(module, "find_locks", find_locks))

        deciding(demo, scan)

        assert_all_are_decided(demo, made, infected)
