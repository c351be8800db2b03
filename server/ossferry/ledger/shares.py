"""Records of share links.

The URL of a link is not recorded, because it is a secret until it expires.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa

from ossferry.identity.owner import Owner
from ossferry.ledger.database import AsyncConnection
from ossferry.ledger.tables import receipts, shares
from ossferry.oss.image_processing import Operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share link, which lets others read one upload, as a row of the ledger.

    Attributes:
        id: id of the link.
        key: the object key of the upload.
        note: text by which the owner recognises the link; may be empty.
        disposition: `attachment` for a download, `inline` for display in the browser.
        process: the requested image processing; None for the unchanged object.
        deleted_at: time when the upload was deleted, so that the link stopped working; None while
            the upload is stored.
    """

    id: str
    key: str
    made_at: datetime
    expires_at: datetime
    disposition: str
    process: Operations | None
    note: str
    deleted_at: datetime | None = None


COLUMNS = [each.name for each in fields(Share) if each.name != "deleted_at"]


async def add(connection: AsyncConnection, owner: Owner, share: Share) -> None:
    """Record a share link of a principal."""
    values = {name: getattr(share, name) for name in COLUMNS}
    values |= {"principal": owner.hash, "process": json.dumps(share.process)}
    await connection.execute(sa.insert(shares).values(values))


async def page(
    connection: AsyncConnection, owner: Owner, *, after: str, limit: int
) -> Sequence[Share]:
    """Return one page of a principal's share links, newest first.

    Args:
        after: id of the last link on the previous page; empty for the first page.
        limit: the highest number of links on a page.
    """
    order = (shares.c.made_at.desc(), shares.c.id.desc())
    uploads = sa.outerjoin(shares, receipts, receipts.c.key == shares.c.key)
    columns = (shares.c[name] for name in COLUMNS)
    wanted = sa.select(*columns, receipts.c.deleted_at).select_from(uploads)
    wanted = wanted.where(shares.c.principal == owner.hash)
    if after:
        last = sa.select(shares.c.made_at, shares.c.id).where(shares.c.id == after)
        wanted = wanted.where(sa.tuple_(shares.c.made_at, shares.c.id) < last.scalar_subquery())
    rows = await connection.execute(wanted.order_by(*order).limit(limit))
    return [Share(**{**row._mapping, "process": json.loads(row.process)}) for row in rows]
