"""Receipts, which record stored uploads, and counters of each principal's usage.

A receipt and the counters change in the same transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningInsert

from ossferry.identity.object_keys import name_of, path_of, safe_path, shown_path
from ossferry.identity.owner import Owner
from ossferry.ledger.database import AsyncConnection, insert, lock
from ossferry.ledger.tables import BYTES, TOTAL, day_of, folded, receipts, usage
from ossferry.oss.objects import Stored

LISTED = "listed"
"""The source of a receipt of an object that the server has only seen in a list."""

Outcome: TypeAlias = Literal["passed", "noted", "changed", "undone", "asks", "rejected", "error"]
"""What a check in the page can say: the outcomes of `ossferry_checks`."""

Claim: TypeAlias = Mapping[str, Any]
"""What the page says about its checks of a file, as JSON. A client can lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The ledger's record of a stored upload.

    Attributes:
        source: origin of the first report: `page`, `form`, `callback`, `found` (no report: the
            server requested the object's metadata itself), or `listed` (the constant `LISTED`: the
            server has only seen the object in a listing of the bucket). Empty in the results of
            `record_all`.
        checks: results of the checks that the page ran in the browser, as reported by the page,
            which the server cannot verify; None if the page reported none.
        details: what people have said about the upload, validated; None if nothing was asked.
        renamed_to: folders and file name that the owner has given to the upload; None if it has
            those of its key.
        is_held: True if the upload waits for the scanner, or the scanner holds it.
        reason: why the scanner holds it; empty otherwise.
        is_news: True if `record_all` has just added or changed this receipt.
        used: the principal's usage after `record_all` has added or changed this receipt, as
            `used[day] = (bytes, objects)`. The keys are the latest day on which one of the recorded
            objects was stored (`YYYY-MM-DD`), and `total`. Otherwise empty.
    """

    key: str
    size: int
    crc64: str
    etag: str
    recorded_at: datetime
    source: str = ""
    checks: Claim | None = None
    details: Mapping[str, Any] | None = None
    renamed_to: str | None = None
    is_held: bool = False
    reason: str = ""
    is_news: bool = False
    used: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def is_as_listed(self) -> bool:
        """Whether the server knows the object only from a listing of the bucket, without CRC-64."""
        return self.source == LISTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The data for restoring a deleted upload.

    Attributes:
        id: id that a client sends to restore the upload; empty if the upload can no longer be
            restored, because another object has its key.
        key: the key that the upload had.
        how: the key of the upload's copy in the trash, which begins with `trash/`; or, in a bucket
            with versions, the version id of the delete marker that hides the upload.
        until: time until which the upload can be restored.
        size: size of the upload in bytes.
    """

    id: str
    key: str
    how: str
    until: datetime
    size: int


async def record_all(
    connection: AsyncConnection,
    owner: Owner,
    uploads: Iterable[tuple[Stored, str]],
    *,
    source: str,
    now: datetime,
    checks: Mapping[str, Claim | None] | None = None,
    replaced_by: Mapping[str, str] | None = None,
    is_counted: bool = False,
) -> Sequence[Receipt]:
    """Record stored objects, and add them to the owner's usage.

    A recorded object keeps its receipt, which only gets missing `checks`. A different object with
    its key replaces it; a deleted upload with this key can no longer be restored. To avoid
    deadlocks, receipts are locked by key, then usage.

    Args:
        uploads: each stored object with the id of its request, or an empty text; keys occur once.
        source: origin of the report, as in `Receipt.source`.
        checks: results of the checks in the browser, by key; keys may be missing.
        replaced_by: keys of later uploads, by the keys of the uploads that they have replaced.
        is_counted: whether the usage already has the objects, because they were held.

    Returns:
        The receipts, in the order of their keys.
    """
    ordered = sorted(uploads, key=lambda upload: upload[0].key)
    checks, later = checks or {}, replaced_by or {}
    rows = [
        row_of(owner, stored, source=source, request_id=request_id, now=now)
        | {**_STORED, "checks": checks.get(stored.key), "replaced_by": later.get(stored.key)}
        for stored, request_id in ordered
    ]
    written = await connection.execute(_insert_receipt(connection.dialect.name), rows)
    new = {row.key for row in written}
    known = await lock(connection, _ROW, sorted({row["key"] for row in rows} - new))
    unchanged, changed, replaced = {}, [], []
    for (stored, _), row in zip(ordered, rows, strict=True):
        old: Any = None if stored.key in new else known[stored.key]
        row["renamed_to"] = old and old.renamed_to
        is_same = old is not None and (old.size, old.crc64) == (stored.size, stored.crc64)
        if is_same and old.checks is not None:
            row["checks"] = old.checks  # the first claim about an object stays
        if old is not None and old.deleted_at is None and is_same:
            if row["checks"] != old.checks:
                await _change(connection, stored.key, {"checks": row["checks"]})
            unchanged[stored.key] = receipt_of(stored, old.recorded_at, row)
            continue
        if old is not None and old.deleted_at is None:
            replaced.append(old.size)
        if old is not None:
            await _change(connection, stored.key, _renewed(row, old, now))
        changed.append(stored)
    again = [each.size for each in unchanged.values()] if is_counted else None
    used = await count(connection, owner.hash, changed, replaced, twice=again)
    return [
        unchanged.get(stored.key) or receipt_of(stored, now, row, used=used)
        for (stored, _), row in zip(ordered, rows, strict=True)
    ]


async def find(connection: AsyncConnection, key: str) -> Receipt | None:
    """Return the receipt of a stored upload, or None if there is no receipt."""
    return (await of_keys(connection, [key])).get(key)


async def of_keys(connection: AsyncConnection, keys: Sequence[str]) -> Mapping[str, Receipt]:
    """Return the receipts of the stored uploads with these keys.

    Returns:
        A mapping from keys to receipts, without the keys that have no receipt.
    """
    rows = await connection.execute(
        sa.select(*RECEIPT).where(receipts.c.key.in_(keys), receipts.c.deleted_at.is_(None))
    )
    return {row.key: Receipt(**row._mapping) for row in rows}


async def identical(
    connection: AsyncConnection, owner: Owner, *, path: str, size: int, crc64: str
) -> Sequence[str]:
    """Return the keys of a principal's uploads with this path, size and CRC-64, newest first.

    Args:
        path: folders and file name: those that the owner has given to the upload or, by default,
            those in its key, as `path_of` returns them.
        crc64: CRC-64 as decimal text.
    """
    rows = await connection.execute(
        sa.select(receipts.c.key, receipts.c.renamed_to)
        .where(
            receipts.c.principal == owner.hash,
            receipts.c.crc64 == crc64,
            receipts.c.size == size,
            receipts.c.path == folded(path),
            receipts.c.deleted_at.is_(None),
        )
        .order_by(receipts.c.stored_at.desc(), receipts.c.key)
    )
    return [row.key for row in rows if (row.renamed_to or path_of(row.key, owner.prefix)) == path]


async def rename(
    connection: AsyncConnection, owner: Owner, key: str, *, folder: str | None, name: str | None
) -> bool:
    """Give an upload other folders or another file name in lists, searches and downloads.

    The key stays. Unsafe characters become `_`.

    Args:
        folder: the folders, such as `a/b`; empty for none, and None to keep those of now.
        name: the file name; None to keep that of now.

    Returns:
        False if the principal has no stored upload with this key; otherwise True.

    Raises:
        BadRequestError: the path is too long.
    """
    row = (await connection.execute(_ROW.where(receipts.c.key == key))).one_or_none()
    if row is None or row.deleted_at is not None or row.principal != owner.hash:
        return False
    old_folder, old_name = shown_path(key, row.renamed_to)
    path = safe_path(old_folder if folder is None else folder, name or old_name)
    values = {"renamed_to": path, "path": folded(path), "name": folded(name_of(path))}
    await _change(connection, key, values)
    return True


async def in_range(
    connection: AsyncConnection, owner: Owner, *, after: str, until: str | None
) -> Mapping[str, Receipt]:
    """Return the receipts of a principal's stored uploads whose keys are in a range.

    Args:
        after: the start of the range; this key itself is excluded.
        until: the last key of the range, which is included; None for no end.

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
    await _change(connection, key, values)
    await add_usage(connection, row.principal, -row.size, -1)
    return True


async def lock_chain(connection: AsyncConnection, key: str) -> tuple[datetime, str | None] | None:
    """Lock the receipt of an upload, and return when it was stored, and what has replaced it.

    Returns:
        The time, and the key of the later upload, which is empty if the upload was deleted without
        one, and None if it is stored; or None if there is no receipt.
    """
    columns = [receipts.c[name] for name in ("stored_at", "deleted_at", "replaced_by")]
    wanted = sa.select(*columns).where(receipts.c.key == key).with_for_update()
    row = (await connection.execute(wanted)).one_or_none()
    return row and (row.stored_at, row.replaced_by or ("" if row.deleted_at else None))


async def mark_replaced(connection: AsyncConnection, key: str, by: str) -> None:
    """Mark an upload as replaced by the one with the key `by`, so that `replaced` returns it."""
    await _change(connection, key, {"replaced_by": by})


async def replaced(
    connection: AsyncConnection, *, principal: str, limit: int
) -> Sequence[tuple[str, str]]:
    """Return the principal and the key of uploads that are replaced, but not deleted yet.

    Args:
        principal: hash of one principal; empty for all.
        limit: the highest number of uploads.
    """
    wanted = sa.select(receipts.c.principal, receipts.c.key).where(
        receipts.c.replaced_by.is_not(None), receipts.c.deleted_at.is_(None)
    )
    if principal:
        wanted = wanted.where(receipts.c.principal == principal)
    return [(row.principal, row.key) for row in await connection.execute(wanted.limit(limit))]


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
    await add_usage(connection, row.principal, -row.size, -1, day=day_of(row.stored_at))
    await add_usage(connection, row.principal, -row.size, -1)
    return True


async def find_undo(
    connection: AsyncConnection, now: datetime, *, undo_id: str = "", key: str = ""
) -> Undo | None:
    """Return the undo data of a deleted upload, by its undo id or by its key.

    The result is None if no deleted upload has this undo id or key, or if it can no longer be
    restored.
    """
    same = receipts.c.undo_id == undo_id if undo_id else receipts.c.key == key
    found = await connection.execute(sa.select(*UNDO).where(same, receipts.c.undo_until > now))
    row = found.one_or_none()
    return None if row is None else undo_of(row)


async def undone(connection: AsyncConnection, undo: Undo) -> bool:
    """Mark a deleted upload as restored, and add it to the total usage again.

    Returns:
        False if the upload was not marked as deleted; otherwise True.
    """
    row = (await connection.execute(_ROW.where(receipts.c.key == undo.key))).one()
    if row.deleted_at is None:
        return False
    await _change(connection, undo.key, _STORED)
    await add_usage(connection, row.principal, row.size, 1)
    return True


def undo_of(row: Any) -> Undo:
    """Convert a database row with the columns in `UNDO` to an `Undo` object."""
    return Undo(
        id=row.undo_id or "", key=row.key, how=row.undo_how, until=row.undo_until, size=row.size
    )


async def undos_ended(
    connection: AsyncConnection, now: datetime, *, key: str = "", limit: int
) -> Sequence[Undo]:
    """Return the undo data of deleted uploads that can no longer be restored.

    The trash may still contain the objects of these uploads.

    Args:
        key: return only undo data for this key; empty for all keys.
        limit: the highest number of results.
    """
    wanted = sa.select(*UNDO).where(receipts.c.undo_until <= now)
    if key:
        wanted = wanted.where(receipts.c.key == key)
    return [undo_of(row) for row in await connection.execute(wanted.limit(limit))]


async def restorable(connection: AsyncConnection, owner: Owner) -> tuple[int, int]:
    """Return the total bytes and the number of a principal's deleted uploads with an undo id.

    These are the restorable uploads, and expired ones that are not purged yet.
    """
    what = sa.func.coalesce(sa.func.sum(receipts.c.size), 0), sa.func.count()
    found = await connection.execute(sa.select(*what).where(*_restorable(owner)))
    size, count = found.one()
    return int(size), count


async def oldest_undos(connection: AsyncConnection, owner: Owner, *, limit: int) -> Sequence[Undo]:
    """Return the undo data of the uploads that a principal deleted first, in order of deletion.

    Uploads without an undo id, which cannot be restored, are left out.

    Args:
        limit: the highest number of results.
    """
    wanted = sa.select(*UNDO).where(*_restorable(owner)).order_by(receipts.c.deleted_at)
    return [undo_of(row) for row in await connection.execute(wanted.limit(limit))]


async def forget_undo(connection: AsyncConnection, undo: Undo) -> None:
    """Delete the undo data of a deleted upload, so that the upload can no longer be restored."""
    gone = dict.fromkeys(("undo_id", "undo_how", "undo_until"))
    same = receipts.c.key == undo.key, receipts.c.undo_how == undo.how
    await connection.execute(sa.update(receipts).where(*same).values(**gone))


def columns(names: str) -> list[sa.Column[Any]]:
    """Return columns of the table `receipts`, by their names with spaces between them."""
    return [receipts.c[name] for name in names.split()]


RECEIPT = columns("key size crc64 etag recorded_at source checks details renamed_to")
UNDO = columns("undo_id key undo_how undo_until size")
_ROW = sa.select(
    *columns("key principal size crc64 stored_at recorded_at deleted_at undo_how checks renamed_to")
).with_for_update()


_STORED: Mapping[str, Any] = dict.fromkeys(
    ("deleted_at", "undo_id", "undo_how", "undo_until", "replaced_by")
)
"""The columns of a receipt whose upload is neither deleted nor replaced."""

_LASTING = ("key", "principal", "name", "path", "renamed_to")
"""The columns that stay when another object with the same key replaces the recorded object."""

_COUNT = sa.text(
    "INSERT INTO usage (principal, day, bytes, objects)"
    " VALUES (:principal, :day, :bytes, :objects),"
    " (:principal, :total, :total_bytes, :total_objects)"
    " ON CONFLICT (principal, day) DO UPDATE"
    " SET bytes = usage.bytes + excluded.bytes, objects = usage.objects + excluded.objects"
    " RETURNING day, bytes, objects"
).bindparams(
    *(sa.bindparam(name, type_=sa.String) for name in ("principal", "day", "total")),
    *(sa.bindparam(name, type_=sa.BigInteger) for name in ("bytes", "total_bytes")),
    *(sa.bindparam(name, type_=sa.Integer) for name in ("objects", "total_objects")),
)
"""Written as text because SQLAlchemy compiles an INSERT of several rows anew for each execution."""


def receipt_of(
    stored: Stored,
    recorded_at: datetime,
    row: Mapping[str, Any],
    *,
    used: Mapping[str, tuple[int, int]] | None = None,
) -> Receipt:
    """Return the receipt of a stored object.

    Args:
        row: the values `checks` and, if there is one, `renamed_to` of the receipt.
        used: the owner's usage after the receipt was added or changed; None if it was not.
    """
    return Receipt(
        key=stored.key,
        size=stored.size,
        crc64=stored.crc64,
        etag=stored.etag,
        recorded_at=recorded_at,
        checks=row["checks"],
        details=stored.details,
        renamed_to=row.get("renamed_to"),
        is_held=stored.is_held,
        is_news=used is not None,
        used=used or {},
    )


def row_of(
    owner: Owner, stored: Stored, *, source: str, request_id: str, now: datetime
) -> dict[str, Any]:
    """Return the columns that the tables `receipts` and `holds` have in common, for an object."""
    path = path_of(stored.key, owner.prefix)
    return {
        "key": stored.key,
        "principal": owner.hash,
        "name": folded(name_of(path)),
        "path": folded(path),
        "size": stored.size,
        "crc64": stored.crc64,
        "etag": stored.etag[:100],
        "content_type": stored.content_type[:200],
        "stored_at": stored.last_modified,
        "recorded_at": now,
        "source": source,
        "request_id": request_id,
        "details": stored.details,
    }


def _renewed(row: Mapping[str, Any], old: Any, now: datetime) -> dict[str, Any]:
    """Return the columns that change if an object takes the key of another."""
    values = {name: value for name, value in row.items() if name not in _LASTING}
    if old.undo_how:  # of a deleted object, which nobody can restore any more
        values |= {"undo_how": old.undo_how, "undo_until": now}
    return values


async def _change(connection: AsyncConnection, key: str, values: Mapping[str, Any]) -> None:
    """Set columns of a receipt."""
    await connection.execute(sa.update(receipts).where(receipts.c.key == key).values(**values))


def _restorable(owner: Owner) -> tuple[sa.ColumnElement[bool], ...]:
    return receipts.c.principal == owner.hash, receipts.c.undo_id.is_not(None)


async def count(
    connection: AsyncConnection,
    principal: str,
    added: Sequence[Stored],
    replaced: Sequence[int],
    *,
    twice: Sequence[int] | None = None,
) -> dict[str, tuple[int, int]]:
    """Add uploads to the usage of their days and to the total usage.

    OSS reports the storage time, which determines the day. Call this function at the end of a
    transaction, because it locks the principal's usage rows for other transactions.

    Args:
        added: the uploads; if there are none, nothing changes.
        replaced: sizes of the recorded objects that `added` replaces; they stay in the usage of
            their days.
        twice: None, or sizes of uploads that the usage has twice; it then has `added` already.

    Returns:
        The new usage: a mapping with the last day and `total` as keys. Each value is the number
        of bytes and the number of objects. Empty if nothing is added.
    """
    if twice is not None:
        gone = [*replaced, *twice]
        await add_usage(connection, principal, -sum(gone), -len(gone))
    if twice is not None or not added:
        return {}
    days: dict[str, list[int]] = {}
    for stored in added:
        days.setdefault(day_of(stored.last_modified), []).append(stored.size)
    *earlier, last = sorted(days)
    for day in earlier:
        await add_usage(connection, principal, sum(days[day]), len(days[day]), day=day)
    row = {
        "principal": principal,
        "day": last,
        "bytes": sum(days[last]),
        "objects": len(days[last]),
        "total": TOTAL,
        "total_bytes": sum(each.size for each in added) - sum(replaced),
        "total_objects": len(added) - len(replaced),
    }
    counted = await connection.execute(_COUNT, row)
    return {each.day: (int(each.bytes), int(each.objects)) for each in counted}


async def add_usage(
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
def _insert_receipt(dialect: str) -> ReturningInsert[tuple[str]]:
    return insert(dialect, receipts).on_conflict_do_nothing().returning(receipts.c.key)


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
