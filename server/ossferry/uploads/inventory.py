"""Lists the stored objects of several principals, and compares stored objects with receipts.

The bucket determines which objects exist. Their owners and checksums come from the ledger, because
OSS lists neither.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from ossferry.errors import NotStoredError, OssRefusedError
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, holds, people, receipts
from ossferry.ledger.receipts import Receipt
from ossferry.ledger.reports import UploadRow, upload_pages
from ossferry.oss.objects import Listed, ObjectStore, Stored
from ossferry.uploads.scope import Scope

PAGE = 1000
AT_ONCE = 32
"""Concurrent requests to OSS."""

Outcome: TypeAlias = Literal["same", "differs", "missing", "symlink", "no-checksum", "unreadable"]
"""Result of a comparison.

`no-checksum` means that OSS has no CRC-64 of the object; `unreadable`, that OSS refuses to
describe the object.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUpload:
    """An object in the bucket, with its owner and its receipt from the ledger.

    Attributes:
        listed: the object as OSS lists it.
        owner: the principal whose prefix contains the key; None if the ledger has no such
            principal.
        held: `waiting` if the object waits for the scanner, `held` if the scanner found it bad,
            `removed` if it is about to be removed; empty if it is not held.
        receipt: the receipt with the key, size and ETag of the object; None if the ledger has none,
            or if the server has only seen the object in a list and knows no checksum.
    """

    listed: Listed
    owner: Owner | None
    held: str
    receipt: Receipt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The result of comparing one receipt with the object in the bucket.

    Attributes:
        receipt: the receipt, as a row of the ledger.
        stored: the object in the bucket; None if it is missing, a symlink or unreadable.
        outcome: `same`, `differs`, `missing`, `symlink`, `no-checksum` (OSS has no CRC-64 of the
            object) or `unreadable` (OSS refuses to describe the object).
    """

    receipt: UploadRow
    stored: Stored | None
    outcome: Outcome


async def stored_uploads(
    store: ObjectStore, database: Database, scope: Scope
) -> AsyncIterator[StoredUpload]:
    """Yield all stored objects in a scope, each with its owner and its receipt, sorted by key.

    Raises:
        OssLostError: OSS does not answer.
        OssRefusedError: OSS refuses to list the objects.
        LedgerLostError: the database does not answer.
    """
    owners: dict[str, Owner | None] = {}
    after = ""
    while True:
        page = await store.list(scope.prefix, after=after, limit=PAGE)
        async with database.read() as connection:
            known = await receipts.of_keys(connection, [each.key for each in page])
            held = await holds.of_keys(connection, [each.key for each in page])
            for each in page:
                folder = _folder(each.key)
                if folder not in owners:
                    owners[folder] = await people.owner_of_key(connection, each.key)
        for each in page:
            hold = held.get(each.key)
            receipt = hold.receipt if hold else known.get(each.key)
            is_same = receipt and (receipt.size, receipt.etag) == (each.size, each.etag)
            if receipt and (receipt.is_as_listed or not is_same):
                receipt = None  # nobody has read the object, or it is of an earlier object
            state = hold.state if hold else "waiting" if each.place else ""
            owner = owners[_folder(each.key)]
            yield StoredUpload(listed=each, owner=owner, held=state, receipt=receipt)
        if len(page) < PAGE:
            return
        after = page[-1].key


async def check_receipts(
    store: ObjectStore, database: Database, scope: Scope, *, since: datetime | None = None
) -> AsyncIterator[Checked]:
    """Compare receipts with the objects in the bucket, and yield a result for each receipt.

    The latest upload comes first. The comparison uses the CRC-64 that OSS computed while it stored
    the object; no bytes are downloaded.

    Args:
        scope: compare only uploads in this set.
        since: compare only uploads that were recorded at or after this time; None for all.

    Raises:
        OssLostError: OSS does not answer.
        LedgerLostError: the database does not answer.
    """
    principal = scope.owner.hash if scope.owner else ""
    async for page in upload_pages(database, principal=principal, since=since):
        wanted = [
            row for row in page if row.deleted_at is None and row.key.startswith(scope.prefix)
        ]
        for start in range(0, len(wanted), AT_ONCE):
            rows = wanted[start : start + AT_ONCE]
            for checked in await asyncio.gather(*(_check(store, row) for row in rows)):
                yield checked


async def count_unrecorded(
    store: ObjectStore, database: Database, scope: Scope, *, since: datetime | None = None
) -> int:
    """Return the number of stored objects in a scope that have no receipt in the ledger.

    Args:
        since: count only objects stored at or after this time; None for all.

    Raises:
        OssLostError: OSS does not answer.
        OssRefusedError: OSS refuses to list the objects.
        LedgerLostError: the database does not answer.
    """
    count, after = 0, ""
    while True:
        page = await store.list(scope.prefix, after=after, limit=PAGE)
        keys = [each.key for each in page if since is None or each.last_modified >= since]
        async with database.read() as connection:
            count += len(keys) - len(await receipts.of_keys(connection, keys))
        if len(page) < PAGE:
            return count
        after = page[-1].key


async def _check(store: ObjectStore, row: UploadRow) -> Checked:
    stored: Stored | None = None
    outcome: Outcome
    try:
        stored = await store.head(row.key)
        if stored is None:
            outcome = "symlink" if await _is_symlink(store, row.key) else "missing"
        else:
            outcome = outcome_of(stored, size=row.size, crc64=row.crc64)
    except OssRefusedError:
        outcome = "unreadable"
    return Checked(receipt=row, stored=stored, outcome=outcome)


async def _is_symlink(store: ObjectStore, key: str) -> bool:
    listed = await store.list(key, after="", limit=1)
    return any(each.key == key and each.is_symlink for each in listed)


async def find_upload(store: ObjectStore, key: str) -> Stored:
    """Return the metadata of the stored upload with this key.

    Raises:
        NotStoredError: OSS has no object with this key, or only a symlink.
        OssLostError: OSS does not answer.
        OssRefusedError: OSS refuses a request.
    """
    stored = await store.head(key)
    if stored is not None:
        return stored
    if await _is_symlink(store, key):
        raise NotStoredError(f"{key!r} is a symlink, which no command follows.")
    raise NotStoredError(f"OSS has no object {key!r}; `ossferry ls` lists keys.")


def outcome_of(stored: Stored, *, size: int, crc64: str) -> Outcome:
    """Compare an object in the bucket with an expected size and CRC-64.

    Args:
        size: the expected size in bytes.
        crc64: the expected CRC-64 as decimal text.

    Returns:
        `same`; `differs`; or `no-checksum` if the sizes are equal, but OSS has no CRC-64.
    """
    if stored.size != size or (stored.crc64 and stored.crc64 != crc64):
        return "differs"
    return "same" if stored.crc64 else "no-checksum"


def _folder(key: str) -> str:
    return "/".join(key.split("/")[:2])
