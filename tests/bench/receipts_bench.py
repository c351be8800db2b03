"""Receipts per second on one core: 32 connections, OSS at 5 ms, on both kinds of ledger.

`wrk` generates the load; each report is about another object. Afterwards the ledger must contain
each report that was answered.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from bench.api_load import load, serving
from bench.api_server import CRC64, SIZE, receipt_settings
from bench.table import Bench, Only, Row, Value
from ossferry.identity.owner import owner_of
from ossferry.identity.principal import Principal
from ossferry.ledger import Database
from ossferry.ledger.tables import receipts
from support.postgres import postgres
from support.programs import free_port

SECONDS = 8
USERS, REPORTS = 50, 30_000
SQLITE, POSTGRESQL = "receipts, SQLite", "receipts, PostgreSQL"


def _on_sqlite(_only: Only) -> Iterator[Value]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _measure(SQLITE, f"sqlite:///{folder}/ledger.db")


def _on_postgresql(_only: Only) -> Iterator[Value]:
    with postgres() as server:
        yield from _measure(POSTGRESQL, server.new_database())


def _measure(name: str, ledger_url: str) -> Iterator[Value]:
    with tempfile.TemporaryDirectory() as given:
        folder, port, oss_port = Path(given), free_port(), free_port()
        secret = receipt_settings(folder, oss_port, ledger_url).secret_bytes
        with (
            serving("oss", oss_port, 0, folder / "oss"),
            serving("receipts", port, oss_port, folder / "ours", ledger_url),
        ):
            done = load(port, folder, _reports(secret), SECONDS)
    lost = done.requests - asyncio.run(_count(ledger_url))
    if lost > 0:
        raise RuntimeError(f"{lost} answered reports are lost")
    yield f"{name}: recorded", done.per_s, None
    yield f"{name}: p99", done.p99_ms, None


def _reports(secret: bytes) -> Iterator[str]:
    for number in range(REPORTS):
        user = f"user-{number % USERS}"
        prefix = owner_of(Principal(id=user, name=user), secret=secret).prefix
        key = f"{prefix}2026-03-14/{number:032x}/x.txt"
        report = {"key": key, "size": SIZE, "crc64": CRC64, "request_id": "5C06A3B67B8B5A3DA4"}
        yield f"POST /api/receipts X-User {user} {json.dumps(report)}"


async def _count(ledger_url: str) -> int:
    database = Database(ledger_url)
    try:
        async with database.read() as connection:
            counted = await connection.execute(sa.select(sa.func.count()).select_from(receipts))
            return counted.scalar_one()
    finally:
        await database.close()


def _rows(ledger: str, reach: int) -> tuple[Row, Row]:
    recorded = Row(f"{ledger}: recorded", "receipts/s", reach=f">= {reach} receipts/s")
    return recorded, Row(f"{ledger}: p99", "ms")


BENCHES = (
    Bench(rows=_rows(SQLITE, 200), needs=("wrk",), measure=_on_sqlite),
    Bench(rows=_rows(POSTGRESQL, 500), needs=("wrk", "initdb"), measure=_on_postgresql),
)
