"""Two servers with one ledger, one of them killed while it answers: no confirmed receipt is
lost.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from bench.receipt_server import CRC64, SIZE
from ossferry.identity.owner import owner_of
from ossferry.identity.principal import Principal
from ossferry.ledger import Database, receipts
from support.programs import free_port, wait_for

ROOT = Path(__file__).parents[3]
SECRET = b"a-text-of-more-than-32-characters"
CAROL = owner_of(Principal(id="carol", name="carol"), secret=SECRET)
pytestmark = pytest.mark.slow


def start(
    which: str, port: int, oss_port: int, folder: Path, url: str
) -> "subprocess.Popen[bytes]":
    folder.mkdir(exist_ok=True)
    log = folder / "log"
    paths = os.pathsep.join(str(ROOT / name) for name in ("tests", "server"))
    arguments = [which, str(port), str(oss_port), str(folder), url]
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "bench.receipt_server", *arguments],
            env={**os.environ, "PYTHONPATH": paths},
            stdout=out,
            stderr=out,
        )
    wait_for(oss_port if which == "oss" else port, process, log)
    return process


def report(port: int, answered: list[str], until: threading.Event) -> None:
    """Report uploads until told to stop; record the confirmed ones."""
    number = 0
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        while not until.is_set():
            key = f"{CAROL.prefix}2026-03-14/{port}-{threading.get_ident()}/{number}"
            body = {"key": key, "size": SIZE, "crc64": CRC64}
            with contextlib.suppress(httpx.HTTPError):
                answer = client.post("/api/receipts", json=body, headers={"x-user": "carol"})
                if answer.status_code == 200:
                    answered.append(key)
            number += 1


async def recorded(url: str) -> set[str]:
    database = Database(url)
    try:
        async with database.read() as connection:
            return set(await receipts.in_range(connection, CAROL, after="", until=None))
    finally:
        await database.close()


def test_no_answered_receipt_is_lost(ledger_url: str, tmp_path: Path) -> None:
    oss_port, ports = free_port(), [free_port(), free_port()]
    oss = start("oss", 0, oss_port, tmp_path / "oss", ledger_url)
    servers = [start("ours", port, oss_port, tmp_path / str(port), ledger_url) for port in ports]
    answered: list[str] = []
    stop = threading.Event()
    clients = [threading.Thread(target=report, args=(port, answered, stop)) for port in ports * 4]
    try:
        for client in clients:
            client.start()
        while len(answered) < 300:
            stop.wait(0.05)
        os.kill(servers[0].pid, signal.SIGKILL)
        at_the_kill = len(answered)
        while len(answered) < at_the_kill + 100:  # the other server continues
            stop.wait(0.05)
        os.kill(servers[1].pid, signal.SIGKILL)
    finally:
        stop.set()
        for client in clients:
            client.join()
        for process in (oss, *servers):
            process.kill()
            process.wait()

    assert set(answered) <= asyncio.run(recorded(ledger_url))
