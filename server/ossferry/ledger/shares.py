"""Records of share links.

The URL of a link is not recorded, because it is a secret until it expires.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ossferry.identity.owner import Owner
from ossferry.ledger.database import AsyncConnection
from ossferry.ledger.tables import receipts, shares
from ossferry.oss.image_processing import Operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share link to an upload, as a row of the ledger.

    Attributes:
        id: id of the link.
        key: the object key of the upload.
        note: text by which the owner recognises the link; may be empty.
        disposition: `attachment` for a download, `inline` for display in the browser.
        process: the requested image processing; None for the unchanged object.
        deleted_at: time of the upload's deletion, after which the link no longer works; None while
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


async def add(connection: AsyncConnection, owner: Owner, share: Share) -> None:
    """Record a share link."""
    await connection.execute(
        sa.insert(shares).values(
            id=share.id,
            principal=owner.hash,
            key=share.key,
            made_at=share.made_at,
            expires_at=share.expires_at,
            disposition=share.disposition,
            process=json.dumps(share.process),
            note=share.note,
        )
    )


async def page(
    connection: AsyncConnection, owner: Owner, *, after: str, limit: int
) -> Sequence[Share]:
    """Return one page of a principal's share links, newest first.

    Args:
        after: id of the last link on the previous page; empty for the first page.
    """
    order = (shares.c.made_at.desc(), shares.c.id.desc())
    uploads = sa.outerjoin(shares, receipts, receipts.c.key == shares.c.key)
    wanted = sa.select(shares, receipts.c.deleted_at).select_from(uploads)
    wanted = wanted.where(shares.c.principal == owner.hash)
    if after:
        last = sa.select(shares.c.made_at, shares.c.id).where(shares.c.id == after)
        wanted = wanted.where(sa.tuple_(shares.c.made_at, shares.c.id) < last.scalar_subquery())
    rows = await connection.execute(wanted.order_by(*order).limit(limit))
    return [
        Share(
            id=row.id,
            key=row.key,
            made_at=row.made_at,
            expires_at=row.expires_at,
            disposition=row.disposition,
            process=json.loads(row.process),
            note=row.note,
            deleted_at=row.deleted_at,
        )
        for row in rows
    ]
