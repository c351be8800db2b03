"""Decides about held uploads as another process: the scanner, or an operator."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any, TypeVar

from ossferry.cli.demo import SERVER, Demo
from ossferry.ledger import Database, holds
from ossferry.ledger.holds import Hold
from ossferry.ledger.receipts import Receipt
from ossferry.oss.bucket import OssBucket
from ossferry.oss.objects import Stored
from ossferry.oss.sts import access_key, objects_sts
from ossferry.scanning.look import Found, Looks
from ossferry.scanning.verdict import CLEAN, Outcome, Verdict
from ossferry.settings.model import Settings
from ossferry.uploads.held import HeldUploads
from ossferry.uploads.trash import trash_of

T = TypeVar("T")


class QuickLooks(Looks):
    """Looks that start no process: an upload is bad if its content says so.

    Args:
        during: called during each look.
    """

    def __init__(
        self, store: OssBucket, during: Callable[[Stored], object] = lambda _stored: None
    ) -> None:
        self._store = store
        self._during = during

    async def probe(self) -> str:
        """Return nothing: there is no scanner to complain about."""
        return ""

    def claim(self, found: Found) -> dict[str, Any]:
        """Return what was found as JSON for the receipt."""
        return {"version": "", "ran": found.ran}

    async def look(self, stored: Stored, key: str) -> Found:
        """Look for the word `bad`."""
        content = await self._store.read(stored, 0, stored.size)
        self._during(stored)
        return Found(Verdict(Outcome.BAD, "It is bad.") if b"bad" in content else CLEAN)


def rows(demo: Demo, statement: str, *values: object) -> list[Any]:
    """Return the rows of a statement in the demo's ledger, which may change it."""
    file = demo.settings.ledger_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None)) as ledger:
        return ledger.execute(statement, values).fetchall()


def deciding(
    demo: Demo, work: Callable[[HeldUploads], Awaitable[T]], settings: Settings | None = None
) -> T:
    """Await `work` with a ledger and a bucket of its own, and return its result."""
    settings = settings or demo.settings
    (pair,) = SERVER.keys.items()

    async def main() -> T:
        sts = objects_sts(settings, access_key(*pair))
        store = OssBucket(settings, sts, clock=demo.oss.clock.now, max_copy=200_000)
        database = Database(settings.ledger_url)
        try:
            return await work(trash_of(settings, store, database).held)
        finally:
            await database.close()
            await store.close()

    return asyncio.run(main())


def leased(demo: Demo, key: str, *, lease_s: float = 60) -> Hold:
    """Lease all uploads that wait for a scanner, and return the one with this key."""

    async def work(held: HeldUploads) -> Hold:
        async with held.database.write() as connection:
            found = await holds.lease(
                connection, holder="scanner", now=held.clock(), lease_s=lease_s, limit=100
            )
        return next(each for each in found if each.key == key)

    return deciding(demo, work)


def release(demo: Demo, key: str, settings: Settings | None = None) -> Receipt | None:
    """Release a held upload, by default with the settings of the demo."""

    async def work(held: HeldUploads) -> Receipt | None:
        return await held.release(await held.find(key))

    return deciding(demo, work, settings)


def find_bad(demo: Demo, key: str, reason: str = "Eicar-Test-Signature") -> None:
    """Hold an upload as the scanner does, which found it bad."""
    hold = leased(demo, key)
    assert deciding(demo, lambda held: held.keep(hold, reason=reason))
