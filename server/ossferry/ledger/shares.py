"""Records of share links.

The URL of a link is not recorded, because it is a secret until it expires. The id of a link that
the server answers is a hash of the token in its URL.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from ossferry.identity.owner import Owner
from ossferry.ledger.database import AsyncConnection
from ossferry.ledger.tables import principals, receipts, shared_files, shares
from ossferry.oss.image_processing import Operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share link, which lets others read one upload or several, as a row of the ledger.

    Attributes:
        id: id of the link.
        key: the object key of the upload, or of the first one.
        note: text by which the owner recognises the link; may be empty.
        disposition: `attachment` for a download, `inline` for display in the browser.
        process: the requested image processing; None for the unchanged object.
        password_hash: empty if there is no password.
        opens: how many visitors have opened the link; None for a presigned URL, which OSS answers.
        max_opens: how many visitors may open the link; None for any number.
        opened_at: time of the latest of these visits.
        revoked_at: time when the owner ended the link; None until then.
        deleted_at: time when the upload of `key` was deleted; None while any of the uploads is
            stored.
        renamed_to: folders and file name that the owner has given to the upload of `key`; None if
            it has those of its key.
        files: number of uploads of the link.
    """

    id: str
    key: str
    made_at: datetime
    expires_at: datetime
    disposition: str
    process: Operations | None
    note: str
    password_hash: str = ""
    opens: int | None = None
    max_opens: int | None = None
    opened_at: datetime | None = None
    revoked_at: datetime | None = None
    deleted_at: datetime | None = None
    renamed_to: str | None = None
    files: int = 1


_OTHERS = sa.select(sa.func.count()).where(shared_files.c.share == shares.c.id)
_gone = receipts.alias()
_IS_GONE = sa.exists().where(_gone.c.key == shared_files.c.key, _gone.c.deleted_at.is_not(None))
COMPUTED = {
    "deleted_at": sa.case((_OTHERS.where(~_IS_GONE).scalar_subquery() == 0, receipts.c.deleted_at)),
    "renamed_to": receipts.c.renamed_to,
    "files": 1 + _OTHERS.scalar_subquery(),
}
COLUMNS = [each.name for each in fields(Share) if each.name not in COMPUTED]
_SHARES = (
    sa.select(*(shares.c[name] for name in COLUMNS))
    .add_columns(*(column.label(name) for name, column in COMPUTED.items()))
    .add_columns(*(principals.c[name] for name in ("hash", "label", "prefix")))
    .add_columns(principals.c.id.label("principal_id"))
    .select_from(shares)
    .join(principals)
    .outerjoin(receipts, receipts.c.key == shares.c.key)
)


async def add(
    connection: AsyncConnection, owner: Owner, share: Share, others: Sequence[str] = ()
) -> None:
    """Record a share link of a principal; `others` are the keys of its further uploads."""
    values = {name: getattr(share, name) for name in COLUMNS}
    values |= {"principal": owner.hash, "process": json.dumps(share.process)}
    await connection.execute(sa.insert(shares).values(values))
    if others:
        rows = [{"share": share.id, "number": i, "key": key} for i, key in enumerate(others, 1)]
        await connection.execute(sa.insert(shared_files), rows)


class File(NamedTuple):
    """An upload of a link: its key, and the path that its owner has given to it, or None."""

    key: str
    renamed_to: str | None


async def files_of(connection: AsyncConnection, share: Share) -> Sequence[File]:
    """Return the uploads of a link, in the owner's order."""
    others = (
        sa.select(shared_files.c.key, receipts.c.renamed_to)
        .outerjoin(receipts, receipts.c.key == shared_files.c.key)
        .where(shared_files.c.share == share.id)
        .order_by(shared_files.c.number)
    )
    rows = await connection.execute(others)
    return [File(share.key, share.renamed_to), *(File(row.key, row.renamed_to) for row in rows)]


async def page(
    connection: AsyncConnection, owner: Owner, *, after: str, limit: int
) -> Sequence[Share]:
    """Return one page of a principal's share links, newest first.

    Args:
        after: id of the last link on the previous page; empty for the first page.
        limit: the highest number of links on a page.
    """
    order = (shares.c.made_at.desc(), shares.c.id.desc())
    wanted = _SHARES.where(shares.c.principal == owner.hash)
    if after:
        last = sa.select(shares.c.made_at, shares.c.id).where(shares.c.id == after)
        wanted = wanted.where(sa.tuple_(shares.c.made_at, shares.c.id) < last.scalar_subquery())
    rows = await connection.execute(wanted.order_by(*order).limit(limit))
    return [_share(row) for row in rows]


async def find(connection: AsyncConnection, id_: str) -> tuple[Share, Owner] | None:
    """Return a link that the server answers, and its owner.

    Return None if there is no such link, or if an administrator has revoked the owner's access.
    """
    mine = (shares.c.id == id_, shares.c.opens.is_not(None), principals.c.revoked_at.is_(None))
    row = (await connection.execute(_SHARES.where(*mine))).one_or_none()
    return row and (
        _share(row),
        Owner(hash=row.hash, label=row.label, prefix=row.prefix, id=row.principal_id),
    )


async def count_open(connection: AsyncConnection, id_: str, now: datetime) -> bool:
    """Count a visitor of a link; return False if the link has had `max_opens`, or has ended."""
    free = sa.or_(shares.c.max_opens.is_(None), shares.c.opens < shares.c.max_opens)
    counted = await connection.execute(
        sa.update(shares)
        .where(shares.c.id == id_, free, shares.c.revoked_at.is_(None))
        .values(opens=shares.c.opens + 1, opened_at=now)
    )
    return counted.rowcount > 0


async def revoke(connection: AsyncConnection, owner: Owner, id_: str, now: datetime) -> bool:
    """End a link that the server answers; return False if the principal has no such link."""
    mine = (shares.c.id == id_, shares.c.principal == owner.hash, shares.c.opens.is_not(None))
    ended = sa.func.coalesce(shares.c.revoked_at, now)
    done = await connection.execute(sa.update(shares).where(*mine).values(revoked_at=ended))
    return done.rowcount > 0


def _share(row: sa.Row[Any]) -> Share:
    values = {name: row._mapping[name] for name in (*COLUMNS, *COMPUTED)}
    return Share(**{**values, "process": json.loads(row.process)})
