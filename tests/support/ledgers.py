"""Helpers for tests of the ledger: a database, a principal, a stored object, and usage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import UTC, datetime

from ossferry.identity.owner import Owner
from ossferry.ledger import Database, holds, people, receipts
from ossferry.ledger.holds import Hold
from ossferry.ledger.receipts import Claim, Receipt
from ossferry.ledger.standing import standing
from ossferry.oss.objects import Stored

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


def owner(name: str = "alice") -> Owner:
    """Return a principal."""
    hash_ = name.encode().hex()[:16].ljust(16, "0")
    return Owner(hash=hash_, label=name.title(), prefix=f"uploads/{name}-x/")


def stored(key: str, **changes: object) -> Stored:
    """Return the metadata of an object of five bytes."""
    values: dict[str, object] = {
        "key": key,
        "size": 5,
        "crc64": "4041730234",
        "etag": "5D41",
        "last_modified": NOW,
        "content_type": "text/plain",
        **changes,
    }
    return Stored(**values)  # type: ignore[arg-type] # as the tests give them


async def record(
    database: Database,
    who: Owner,
    key: str,
    *,
    checks: Claim | None = None,
    now: datetime = NOW,
    source: str = "page",
    **changes: object,
) -> Receipt:
    """Record an object of a principal; by default as one that the page has reported."""
    async with database.write() as connection:
        await people.remember(connection, who, NOW)
        found = stored(key, **changes)
        [receipt] = await receipts.record_all(
            connection, who, [(found, "")], source=source, now=now, checks={key: checks}
        )
    return receipt


async def hold(database: Database, who: Owner, key: str, **changes: object) -> Receipt:
    """Record a held object of a principal; by default as one that the page has reported."""
    async with database.write() as connection:
        await people.remember(connection, who, NOW)
        found = stored(key, is_held=True, **changes)
        [receipt] = await holds.hold_all(connection, who, [(found, "")], source="page", now=NOW)
    return receipt


def a_hold(**changes: object) -> Hold:
    """Return the row of an upload that the scanner found bad."""
    values: dict[str, object] = {each.name: "" for each in fields(Hold)}
    values |= dict.fromkeys(("stored_at", "recorded_at", "next_at", "remove_at"), NOW)
    values |= {"size": 5, "attempts": 1, "checks": None, "state": "held", **changes}
    return Hold(**values)  # type: ignore[arg-type] # as the tests give them


async def used(database: Database, who: Owner, at: datetime = NOW) -> dict[str, int]:
    """Return the usage of a principal."""
    async with database.read() as connection:
        return dict((await standing(connection, who.hash, at)).used)


@asynccontextmanager
async def opened(url: str, **options: float) -> AsyncIterator[Database]:
    """Yield the ledger with one principal in it."""
    database = Database(url, **options)
    try:
        async with database.write() as connection:
            await people.remember(connection, owner(), NOW)
        yield database
    finally:
        await database.close()
