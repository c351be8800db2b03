"""Receipts per second on one core: 32 connections, OSS at 5 ms, on both kinds of ledger.

`wrk` generates the load; each report is about another object. Afterwards the ledger must contain
each report that was answered.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from bench.receipt_server import CRC64, SIZE, receipt_settings
from bench.table import Bench, Only, Row
from bench.token_server import HOST
from bench.wrk import wrk
from ossferry.identity.owner import owner_of
from ossferry.identity.principal import Principal
from ossferry.ledger import Database
from ossferry.ledger.tables import receipts
from support.postgres import postgres
from support.programs import free_port

HERE = Path(__file__).parent
SECONDS, CONNECTIONS = 8, 32
USERS, REPORTS = 50, 30_000
SQLITE, POSTGRESQL = "receipts, SQLite", "receipts, PostgreSQL"
REACH = {SQLITE: 200, POSTGRESQL: 500}
WHATS = ("recorded", "p99")


def _on_sqlite(_only: Only) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _measure(SQLITE, f"sqlite:///{folder}/ledger.db")


def _on_postgresql(_only: Only) -> Iterator[Row]:
    with postgres() as server:
        yield from _measure(POSTGRESQL, server.new_database())


def _measure(name: str, ledger_url: str) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as given:
        folder, port, oss_port = Path(given), free_port(), free_port()
        settings = receipt_settings(folder, oss_port, ledger_url)
        reports = folder / "reports"
        reports.write_text("".join(_reports(settings.secret_bytes)))
        arguments = [str(port), str(oss_port), str(folder), ledger_url]
        with _serving("oss", oss_port, arguments), _serving("ours", port, arguments):
            answered, seconds, p99_ms, failed = _load(f"http://{HOST}:{port}", reports)
    lost = answered - asyncio.run(_count(ledger_url))
    if failed or lost > 0:
        raise RuntimeError(f"{failed:.0f} reports failed, {lost:.0f} answered ones are lost")
    rate = answered / seconds
    reach = f">= {REACH[name]} receipts/s"
    yield Row(name=f"{name}: recorded", value=rate, unit="receipts/s", reach=reach)
    yield Row(name=f"{name}: p99", value=p99_ms, unit="ms")


def _reports(secret: bytes) -> Iterator[str]:
    for number in range(REPORTS):
        user = f"user-{number % USERS}"
        prefix = owner_of(Principal(id=user, name=user), secret=secret).prefix
        key = f"{prefix}2026-03-14/{number:032x}/x.txt"
        report = {"key": key, "size": SIZE, "crc64": CRC64, "request_id": "5C06A3B67B8B5A3DA4"}
        yield f"{user} {json.dumps(report)}\n"


async def _count(ledger_url: str) -> int:
    database = Database(ledger_url)
    try:
        async with database.read() as connection:
            counted = await connection.execute(sa.select(sa.func.count()).select_from(receipts))
            return counted.scalar_one()
    finally:
        await database.close()


def _load(url: str, reports: Path) -> tuple[float, ...]:
    said = wrk(
        url,
        HERE / "receipts.lua",
        connections=CONNECTIONS,
        seconds=SECONDS,
        env={"WRK_REPORTS": str(reports)},
    )
    return tuple(float(value) for value in said.rpartition("BENCH ")[2].split())


@contextmanager
def _serving(which: str, port: int, arguments: list[str]) -> Iterator[None]:
    """Run one of the servers."""
    paths = os.pathsep.join(str(HERE.parents[1] / name) for name in ("tests", "server"))
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "bench.receipt_server", which, *arguments],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            try:
                socket.create_connection((HOST, port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
                continue
            break
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _names(ledger: str) -> tuple[str, ...]:
    return tuple(f"{ledger}: {what}" for what in WHATS)


BENCHES = (
    Bench(names=_names(SQLITE), needs=("wrk",), rows=_on_sqlite),
    Bench(names=_names(POSTGRESQL), needs=("wrk", "initdb"), rows=_on_postgresql),
)
