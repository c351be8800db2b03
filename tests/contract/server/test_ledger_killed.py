"""Killed processes lose no row that the ledger has confirmed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ossferry.ledger import receipts
from support.ledgers import opened, owner, used

ALICE = owner()
WRITER = """
import asyncio, sys
from ossferry.ledger import Database
from support.ledgers import owner, record

async def main(url, name):
    database, alice = Database(url), owner()
    for number in range(100_000):
        key = f"{alice.prefix}{name}/{number}"
        await record(database, alice, key)
        print(key, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_two_killed_processes_have_lost_no_answered_row(
    ledger_url: str, make_writer: Callable[[str], "subprocess.Popen[str]"]
) -> None:
    async with opened(ledger_url) as database:
        writers = [make_writer(name) for name in ("one", "two")]
        answered = []
        for writer in writers:
            assert writer.stdout is not None
            answered += [writer.stdout.readline().strip() for _ in range(30)]
            os.kill(writer.pid, signal.SIGKILL)
        for writer in writers:
            with writer:
                assert writer.stdout is not None
                lines = writer.stdout.read().splitlines(keepends=True)
            answered += [line.strip() for line in lines if line.endswith("\n")]
        async with database.read() as connection:
            held = await receipts.in_range(connection, ALICE, after="", until=None)
        usage = await used(database, ALICE)

    assert len(answered) >= 60
    assert set(answered) <= set(held)
    assert usage["objects_total"] == len(held)


@pytest.fixture
def make_writer(ledger_url: str) -> Callable[[str], "subprocess.Popen[str]"]:
    """Return a function that starts a process that records uploads and prints them."""
    root = Path(__file__).parents[3]
    paths = os.pathsep.join([str(root / "server"), str(root / "tests")])

    def start(name: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", WRITER, ledger_url, name],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )

    return start
