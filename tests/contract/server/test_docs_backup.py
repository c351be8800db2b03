"""Backup and restore of the ledger, with the commands in docs/operating.md."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support import ledgers
from support.ledgers import opened, owner, used
from support.postgres import Postgres
from support.programs import program

PAGE = (Path(__file__).parents[3] / "docs/operating.md").read_text()
SECTION = PAGE.partition("## Backup")[2].partition("## Upgrade")[0]
ALICE = owner()

Run = Callable[[str], None]


def line(beginning: str) -> str:
    """Return the command of the section with this beginning."""
    blocks = "".join(re.findall(r"```console\n(.*?)```", SECTION, re.DOTALL))
    (found,) = (each[2:] for each in blocks.splitlines() if each[2:].startswith(beginning))
    return found


async def record(url: str, name: str) -> None:
    """Record an upload of 10 bytes in the ledger."""
    async with opened(url) as database:
        await ledgers.record(database, ALICE, f"{ALICE.prefix}2026-03-14/r/{name}", size=10)


def shell(command: str, **environment: str) -> None:
    done = subprocess.run(  # noqa: S603 - a line of our own documentation
        ["/bin/sh", "-c", command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def url(a_postgres: Postgres, tmp_path: Path) -> str:
    """The address of an empty ledger, which is also in the file `ledger`."""
    url = a_postgres.new_database()
    (tmp_path / "ledger").write_text(f"{url}\n")
    return url


@pytest.fixture
def run(url: str, tmp_path: Path) -> Run:
    """Return a function that runs a command of the page for PostgreSQL on that ledger."""
    parts = urlsplit(url)
    where = {"PGHOST": "127.0.0.1", "PGPORT": str(parts.port), "PGUSER": "postgres"}
    folders = f"{Path(program('initdb')).resolve().parent}:{os.environ['PATH']}"

    def call(command: str) -> None:
        for theirs, ours in (
            ("runuser -u postgres -- ", ""),
            ("--owner=ossferry ossferry", f"--owner=postgres {parts.path[1:]}"),
            ("dropdb ossferry", f"dropdb {parts.path[1:]}"),
            ("/etc/ossferry", str(tmp_path)),
            ("/var/backups", str(tmp_path)),
        ):
            command = command.replace(theirs, ours)
        shell(command, PATH=folders, **where)

    return call


async def test_postgresql_is_restored_to_the_moment_of_the_backup(run: Run, url: str) -> None:
    await record(url, "before")
    run(line("pg_dump"))
    await record(url, "after")
    for beginning in ("runuser -u postgres -- dropdb", "runuser -u postgres -- createdb"):
        run(line(beginning))
    run(line("pg_restore"))

    async with opened(url) as database:
        restored = await used(database, ALICE)
    await record(url, "later")
    async with opened(url) as database:
        assert (restored["bytes_total"], (await used(database, ALICE))["bytes_total"]) == (10, 20)


async def test_each_copy_of_sqlite_is_a_complete_ledger(tmp_path: Path) -> None:
    url, copy = (f"sqlite:///{tmp_path}/{name}" for name in ("ledger.db", "ossferry.db"))
    command = line("/opt/ossferry/bin/python -c")
    for theirs, ours in (
        ("/opt/ossferry/bin/python", sys.executable),
        ("/var/lib/ossferry", str(tmp_path)),
        ("/var/backups", str(tmp_path)),
    ):
        assert theirs in command
        command = command.replace(theirs, ours)

    for number, name in enumerate(("first", "second"), 1):
        await record(url, name)
        async with opened(url) as running, running.read():  # the server need not stop
            shell(command)

        async with opened(copy) as database:
            assert (await used(database, ALICE))["bytes_total"] == 10 * number
