"""Receipts of uploads, and counters of each principal's usage.

A receipt and the counters change in the same transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from ossferry.identity.object_keys import name_of, path_of
from ossferry.identity.owner import Owner
from ossferry.ledger.database import AsyncConnection, insert
from ossferry.ledger.tables import BYTES, TOTAL, day_of, folded, receipts, usage
from ossferry.oss.objects import Stored

__all__ = [
    "RECEIPT",
    "UNDO",
    "Receipt",
    "Undo",
    "find",
    "find_undo",
    "forget_undo",
    "identical",
    "in_range",
    "mark_deleted",
    "of_keys",
    "record",
    "undo_of",
    "undo_under",
    "undone",
    "undos_ended",
    "unrecord",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The ledger's record of an upload.

    Attributes:
        source: origin of the first report: ``page``, ``form``, ``callback``, or ``found`` (by the
            server itself).
        is_news: True if `record` has added or changed this receipt.
        used: the principal's new usage: a mapping with the day and ``total`` as keys. Each value is
            the number of bytes and the number of objects. Empty if nothing changed.
    """

    key: str
    size: int
    crc64: str
    etag: str
    recorded_at: datetime
    source: str = ""
    is_news: bool = False
    used: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The data for restoring a deleted upload.

    Attributes:
        how: a key in the trash, or the version id of a delete marker.
        until: time until which the upload can be restored.
        size: size of the upload in bytes.
    """

    id: str
    key: str
    how: str
    until: datetime
    size: int


async def record(
    connection: AsyncConnection,
    owner: Owner,
    stored: Stored,
    *,
    source: str,
    request_id: str,
    now: datetime,
) -> Receipt:
    """Record a stored object, and add it to the principal's usage.

    Recording the same object again changes nothing. A different object with the same key replaces
    the recorded object.
    """
    values = {
        "size": stored.size,
        "crc64": stored.crc64,
        "etag": stored.etag[:100],
        "content_type": stored.content_type[:200],
        "stored_at": stored.last_modified,
        "recorded_at": now,
        "source": source,
        "request_id": request_id,
        "deleted_at": None,
        "undo_id": None,
        "undo_how": None,
        "undo_until": None,
    }
    path = path_of(stored.key, owner.prefix)
    names = {"name": folded(name_of(path)), "path": folded(path)}
    row = {"key": stored.key, "principal": owner.hash, **names, **values}
    written = await connection.execute(_insert_receipt(connection.dialect.name), row)
    if written.rowcount == 1:
        used = await _count(connection, owner.hash, stored)
        return _receipt(stored, now, used=used)
    known = (await connection.execute(_ROW.where(receipts.c.key == stored.key))).one()
    if known.deleted_at is None and (known.size, known.crc64) == (stored.size, stored.crc64):
        return _receipt(stored, known.recorded_at)
    await connection.execute(
        sa.update(receipts).where(receipts.c.key == stored.key).values(**values)
    )
    used = await _count(connection, owner.hash, stored)
    if known.deleted_at is None:
        await _add(connection, owner.hash, -known.size, -1)
        used[TOTAL] = (used[TOTAL][0] - known.size, used[TOTAL][1] - 1)
    return _receipt(stored, now, used=used)


async def find(connection: AsyncConnection, key: str) -> Receipt | None:
    """Return the receipt of a stored upload, or None if there is no receipt."""
    return (await of_keys(connection, [key])).get(key)


async def of_keys(connection: AsyncConnection, keys: Sequence[str]) -> Mapping[str, Receipt]:
    """Return a mapping from keys to receipts; keys without a stored upload are omitted."""
    rows = await connection.execute(
        sa.select(*RECEIPT).where(receipts.c.key.in_(keys), receipts.c.deleted_at.is_(None))
    )
    return {row.key: Receipt(**row._mapping) for row in rows}


async def identical(
    connection: AsyncConnection, owner: Owner, *, path: str, size: int, crc64: str
) -> Sequence[str]:
    """Return the keys of a principal's uploads with this path, size and CRC-64, latest first."""
    rows = await connection.execute(
        sa.select(receipts.c.key)
        .where(
            receipts.c.principal == owner.hash,
            receipts.c.crc64 == crc64,
            receipts.c.size == size,
            receipts.c.path == folded(path),
            receipts.c.deleted_at.is_(None),
        )
        .order_by(receipts.c.stored_at.desc(), receipts.c.key)
    )
    return [row.key for row in rows if path_of(row.key, owner.prefix) == path]


async def in_range(
    connection: AsyncConnection, owner: Owner, *, after: str, until: str | None
) -> Mapping[str, Receipt]:
    """Return the receipts of a principal's stored uploads in a range of keys.

    Args:
        after: the start of the range; this key itself is excluded.
        until: the last key of the range; None for no end.

    Returns:
        A mapping from keys to receipts.
    """
    wanted = [receipts.c.principal == owner.hash, receipts.c.deleted_at.is_(None)]
    wanted.append(receipts.c.key.collate(BYTES[connection.dialect.name]) > after)
    if until is not None:
        wanted.append(receipts.c.key.collate(BYTES[connection.dialect.name]) <= until)
    rows = await connection.execute(sa.select(*RECEIPT).where(*wanted))
    return {row.key: Receipt(**row._mapping) for row in rows}


async def mark_deleted(
    connection: AsyncConnection, key: str, *, now: datetime, undo: Undo | None
) -> bool:
    """Mark an upload as deleted, and subtract it from the total usage.

    Args:
        undo: data for restoring the upload; None if it cannot be restored.

    Returns:
        False if there is no receipt or the upload is already marked as deleted; otherwise True.
    """
    values: dict[str, Any] = {"deleted_at": now}
    if undo is not None:
        values |= {"undo_id": undo.id, "undo_how": undo.how, "undo_until": undo.until}
    row = (await connection.execute(_ROW.where(receipts.c.key == key))).one_or_none()
    if row is None or row.deleted_at is not None:
        return False
    await connection.execute(sa.update(receipts).where(receipts.c.key == key).values(**values))
    await _add(connection, row.principal, -row.size, -1)
    return True


async def unrecord(connection: AsyncConnection, key: str) -> bool:
    """Delete the receipt of an upload.

    The upload is also subtracted from two counters: the total usage, and the usage of the day on
    which the upload was stored.

    Returns:
        False if there is no receipt or the upload is marked as deleted; otherwise True.
    """
    row = (await connection.execute(_ROW.where(receipts.c.key == key))).one_or_none()
    if row is None or row.deleted_at is not None:
        return False
    await connection.execute(sa.delete(receipts).where(receipts.c.key == key))
    await _add(connection, row.principal, -row.size, -1)
    await _add(connection, row.principal, -row.size, -1, day=day_of(row.stored_at))
    return True


async def find_undo(connection: AsyncConnection, undo_id: str, now: datetime) -> Undo | None:
    """Return the data for restoring a deleted upload; None if the undo id is unknown or expired."""
    found = await connection.execute(
        sa.select(*UNDO).where(receipts.c.undo_id == undo_id, receipts.c.undo_until > now)
    )
    row = found.one_or_none()
    return row and undo_of(row)


async def undo_under(connection: AsyncConnection, key: str, now: datetime) -> Undo | None:
    """Return the undo data of a deleted upload; None if the upload can no longer be restored."""
    found = await connection.execute(
        sa.select(*UNDO).where(receipts.c.key == key, receipts.c.undo_until > now)
    )
    row = found.one_or_none()
    return row and undo_of(row)


async def undone(connection: AsyncConnection, undo: Undo) -> bool:
    """Mark an upload as restored, and add it to the total usage again.

    Returns:
        False if the upload was not marked as deleted; otherwise True.
    """
    row = (await connection.execute(_ROW.where(receipts.c.key == undo.key))).one()
    if row.deleted_at is None:
        return False
    back = dict.fromkeys(("deleted_at", "undo_id", "undo_how", "undo_until"))
    await connection.execute(sa.update(receipts).where(receipts.c.key == undo.key).values(**back))
    await _add(connection, row.principal, row.size, 1)
    return True


def undo_of(row: Any) -> Undo:
    """Convert a database row with the columns `UNDO` to an `Undo` object."""
    return Undo(id=row.undo_id, key=row.key, how=row.undo_how, until=row.undo_until, size=row.size)


async def undos_ended(connection: AsyncConnection, now: datetime, *, limit: int) -> Sequence[Undo]:
    """Return the undo data of deleted uploads that can no longer be restored.

    The objects of these uploads may still be in the trash.
    """
    found = await connection.execute(
        sa.select(*UNDO).where(receipts.c.undo_until <= now).limit(limit)
    )
    return [undo_of(row) for row in found]


async def forget_undo(connection: AsyncConnection, undo_id: str) -> None:
    """Delete the undo data of a deleted upload, so that the upload can no longer be restored."""
    gone = dict.fromkeys(("undo_id", "undo_how", "undo_until"))
    await connection.execute(
        sa.update(receipts).where(receipts.c.undo_id == undo_id).values(**gone)
    )


RECEIPT = (
    receipts.c.key,
    receipts.c.size,
    receipts.c.crc64,
    receipts.c.etag,
    receipts.c.recorded_at,
    receipts.c.source,
)
_ROW = sa.select(
    receipts.c.principal,
    receipts.c.size,
    receipts.c.crc64,
    receipts.c.stored_at,
    receipts.c.recorded_at,
    receipts.c.deleted_at,
).with_for_update()
UNDO = (
    receipts.c.undo_id,
    receipts.c.key,
    receipts.c.undo_how,
    receipts.c.undo_until,
    receipts.c.size,
)


_COUNT = sa.text(
    "INSERT INTO usage (principal, day, bytes, objects)"
    " VALUES (:principal, :day, :bytes, 1), (:principal, :total, :bytes, 1)"
    " ON CONFLICT (principal, day) DO UPDATE"
    " SET bytes = usage.bytes + excluded.bytes, objects = usage.objects + excluded.objects"
    " RETURNING day, bytes, objects"
).bindparams(
    *(sa.bindparam(name, type_=sa.String) for name in ("principal", "day", "total")),
    sa.bindparam("bytes", type_=sa.BigInteger),
)
"""Written as text because SQLAlchemy compiles an INSERT of several rows anew for each execution."""


def _receipt(
    stored: Stored, recorded_at: datetime, *, used: Mapping[str, tuple[int, int]] | None = None
) -> Receipt:
    return Receipt(
        key=stored.key,
        size=stored.size,
        crc64=stored.crc64,
        etag=stored.etag,
        recorded_at=recorded_at,
        is_news=used is not None,
        used=used or {},
    )


async def _count(
    connection: AsyncConnection, principal: str, stored: Stored
) -> dict[str, tuple[int, int]]:
    """Add an upload to the usage of its day and to the total usage.

    OSS reports the storage time, which determines the day. Call this function at the end of a
    transaction, because it locks the principal's usage rows for other transactions.

    Returns:
        The new usage: a mapping with the day and ``total`` as keys. Each value is the number of
        bytes and the number of objects.
    """
    row = {"principal": principal, "day": day_of(stored.last_modified), "total": TOTAL}
    counted = await connection.execute(_COUNT, row | {"bytes": stored.size})
    return {each.day: (int(each.bytes), int(each.objects)) for each in counted}


async def _add(
    connection: AsyncConnection, principal: str, size: int, objects: int, *, day: str = TOTAL
) -> None:
    """Add bytes and objects to a principal's total usage, or to the usage of one day.

    Args:
        size: number of bytes; negative to subtract.
        objects: number of objects; negative to subtract.
    """
    row = {"principal": principal, "day": day, "bytes": size, "objects": objects}
    await connection.execute(_add_usage(connection.dialect.name), row)


@cache
def _insert_receipt(dialect: str) -> sa.Insert:
    return insert(dialect, receipts).on_conflict_do_nothing()


@cache
def _add_usage(dialect: str) -> sa.Insert:
    row = insert(dialect, usage)
    return row.on_conflict_do_update(
        index_elements=[usage.c.principal, usage.c.day],
        set_={
            "bytes": usage.c.bytes + row.excluded.bytes,
            "objects": usage.c.objects + row.excluded.objects,
        },
    )
