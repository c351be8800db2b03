"""Lists of a principal's uploads: stored uploads (with search and sorting) and deleted uploads.

The first of these lists has held uploads, too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ossferry.identity.object_keys import path_of
from ossferry.identity.owner import Owner
from ossferry.ledger.database import AsyncConnection
from ossferry.ledger.receipts import RECEIPT, UNDO, Receipt, Undo, columns, undo_of
from ossferry.ledger.tables import BYTES, folded, holds, receipts
from ossferry.oss.objects import Listed

SORTS = ("key", "newest", "name", "size")
MAX_COPIES = 5000
"""How many uploads `newest` looks at, latest first, if a principal has stored names very often."""

_GONE = columns("crc64 deleted_at renamed_to")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A deleted upload that can still be restored, as a row of the list of deleted uploads."""

    crc64: str
    deleted_at: datetime
    renamed_to: str | None
    undo: Undo


async def page(
    connection: AsyncConnection, owner: Owner, *, words: str, sort: str, after: str, limit: int
) -> Sequence[tuple[Listed, Receipt]] | None:
    """Return one page of a principal's uploads, each as a listed object with its receipt.

    Args:
        words: search words, separated by spaces; only uploads whose path contains all of them are
            returned. Case is ignored.
        sort: `key`, `newest`, `name` or `size` (largest first); uploads that are equal in this are
            sorted by path and key.
        after: the key of the last upload of the previous page; empty for the first page.
        limit: the highest number of uploads on a page.

    Returns:
        The uploads, or None if the principal has no upload with the key `after`.
    """
    collation, rows = BYTES[connection.dialect.name], await _uploads(connection, owner)
    key, path = rows.c.key.collate(collation), rows.c.path.collate(collation)
    column, descends = _order(rows, sort, collation)
    wanted = sa.select(rows).where(
        rows.c.deleted_at.is_(None),
        *(rows.c.path.contains(word, autoescape=True) for word in folded(words).split()),
    )
    if after:
        last = await _place(connection, rows, column, after)
        if last is None:
            return None
        later = column < last.value if descends else column > last.value
        beside = sa.and_(column == last.value, sa.tuple_(path, key) > sa.tuple_(last.path, after))
        wanted = wanted.where(sa.or_(later, beside))
    order = column.desc() if descends else column.asc()
    found = await connection.execute(wanted.order_by(order, path, key).limit(limit))
    return [_pair(row) for row in found]


async def newest(
    connection: AsyncConnection, owner: Owner, paths: Collection[str]
) -> Mapping[str, tuple[Listed, Receipt]]:
    """Return a principal's latest upload for each path that is taken, also if it is held.

    Args:
        paths: paths as `receipts.identical` takes them: the folders and the file name.

    Returns:
        A mapping from paths to listed objects with their receipts, without the paths that no
        upload has.
    """
    rows = await _uploads(connection, owner)
    wanted = sa.select(rows).where(
        rows.c.deleted_at.is_(None), rows.c.path.in_({folded(path) for path in paths})
    )
    latest = wanted.order_by(rows.c.stored_at.desc(), rows.c.key).limit(MAX_COPIES)
    found: dict[str, tuple[Listed, Receipt]] = {}
    for row in await connection.execute(latest):
        found.setdefault(row.renamed_to or path_of(row.key, owner.prefix), _pair(row))
    return {path: found[path] for path in paths if path in found}


async def deleted_page(
    connection: AsyncConnection,
    owner: Owner,
    *,
    now: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Deleted]:
    """Return one page of a principal's restorable uploads, the most recently deleted first.

    Args:
        after: deletion time and undo id of the last upload on the previous page; None for the first
            page.
        limit: the highest number of uploads on a page.
    """
    wanted = sa.select(*UNDO, *_GONE).where(
        receipts.c.principal == owner.hash, receipts.c.undo_until > now
    )
    if after is not None:
        at, undo_id = after
        later = sa.and_(receipts.c.deleted_at == at, receipts.c.undo_id < undo_id)
        wanted = wanted.where(sa.or_(receipts.c.deleted_at < at, later))
    order = (receipts.c.deleted_at.desc(), receipts.c.undo_id.desc())
    rows = await connection.execute(wanted.order_by(*order).limit(limit))
    return [
        Deleted(**{each.name: row._mapping[each.name] for each in _GONE}, undo=undo_of(row))
        for row in rows
    ]


async def _uploads(connection: AsyncConnection, owner: Owner) -> sa.Subquery:
    """Return a principal's uploads as rows: deleted ones, too; a held one replaces its receipt.

    Without held uploads, the database can use its indexes, which is twice as fast.
    """
    shown = [*RECEIPT, *columns("stored_at name path")]
    stored = sa.select(*shown, receipts.c.deleted_at, sa.null().label("reason"))
    stored = stored.where(receipts.c.principal == owner.hash)
    mine = holds.c.principal == owner.hash, holds.c.state != "removed"
    keys = sa.select(holds.c.key).where(*mine)
    if (await connection.execute(keys.limit(1))).first() is None:
        return stored.subquery()
    others = (
        holds.c[each.name] if each.name in holds.c else sa.null().label(each.name) for each in shown
    )
    held = sa.select(*others, sa.null().label("deleted_at"), holds.c.reason).where(*mine)
    return sa.union_all(stored.where(receipts.c.key.not_in(keys)), held).subquery()


def _order(rows: sa.Subquery, sort: str, collation: str) -> tuple[sa.ColumnElement[Any], bool]:
    """Return the column for a value of `SORTS`, and whether the order is descending."""
    if sort == "newest":
        return rows.c.stored_at, True
    if sort == "size":
        return rows.c.size, True
    return rows.c["name" if sort == "name" else "key"].collate(collation), False


async def _place(
    connection: AsyncConnection, rows: sa.Subquery, column: sa.ColumnElement[Any], key: str
) -> Any:
    """Return the position of an upload in a sorted list.

    The next page of the list starts after this position. Deleted uploads are included, because the
    last upload of a page may be deleted before the next page is requested.

    Returns:
        A row with two values: `value` from the given column, and `path`. None if the key is
        unknown.
    """
    found = await connection.execute(
        sa.select(column.label("value"), rows.c.path).where(rows.c.key == key)
    )
    return found.one_or_none()


def _pair(row: Any) -> tuple[Listed, Receipt]:
    listed = Listed(key=row.key, size=row.size, etag=row.etag, last_modified=row.stored_at)
    values = {column.name: row._mapping[column.name] for column in RECEIPT}
    return listed, Receipt(**values, is_held=row.reason is not None, reason=row.reason or "")
