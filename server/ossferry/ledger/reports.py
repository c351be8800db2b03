"""Reports for administrators: principals with their usage, and uploads."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa

from ossferry.ledger.database import AsyncConnection, Database
from ossferry.ledger.receipts import Claim, Outcome, columns
from ossferry.ledger.standing import NAMES, Quota
from ossferry.ledger.tables import TOTAL, principals, quotas, receipts, usage

PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalRow:
    """A row of the report on principals: a principal, and the number and size of its objects.

    Attributes:
        last_upload: time when the last upload was recorded; None without uploads.
        own: the principal's own limits, which an administrator has set.
    """

    hash: str
    label: str
    prefix: str
    objects: int
    bytes: int
    last_upload: datetime | None
    revoked_at: datetime | None
    own: Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRow:
    """A row of the report on uploads: a receipt, and the hash and label of its principal.

    Attributes:
        checks_claimed: results of the checks in the browser, as reported by the page, which the
            server cannot verify; None if the page reported none.
    """

    recorded_at: datetime
    principal: str
    label: str
    key: str
    size: int
    crc64: str
    content_type: str
    source: str
    request_id: str
    deleted_at: datetime | None
    checks_claimed: Claim | None


async def principals_report(
    connection: AsyncConnection, *, principal: str = "", limit: int
) -> Sequence[PrincipalRow]:
    """Return principals, sorted by the total size of their stored uploads, largest first.

    Args:
        principal: hash of one principal; empty for all principals.
        limit: the highest number of principals.
    """
    last = (
        sa.select(sa.func.max(receipts.c.recorded_at))
        .where(receipts.c.principal == principals.c.hash)
        .scalar_subquery()
    )
    used = sa.and_(usage.c.principal == principals.c.hash, usage.c.day == TOTAL)
    rows = await connection.execute(
        sa.select(
            *(principals.c[name] for name in ("hash", "label", "prefix", "revoked_at")),
            sa.func.coalesce(usage.c.objects, 0).label("objects"),
            sa.func.coalesce(usage.c.bytes, 0).label("bytes"),
            last.label("last_upload"),
            *(quotas.c[name] for name in NAMES),
        )
        .select_from(principals.outerjoin(usage, used).outerjoin(quotas))
        .where(principals.c.hash == principal if principal else sa.true())
        .order_by(sa.desc("bytes"), principals.c.hash)
        .limit(limit)
    )
    return [_principal(dict(row._mapping)) for row in rows]


def _principal(row: dict[str, Any]) -> PrincipalRow:
    own = Quota(**{name: row.pop(name) for name in NAMES})
    return PrincipalRow(**row, own=own)


async def uploads_report(
    connection: AsyncConnection,
    *,
    principal: str = "",
    since: datetime | None = None,
    after: UploadRow | None = None,
    limit: int,
) -> Sequence[UploadRow]:
    """Return the receipts of stored and deleted uploads, the most recently recorded ones first.

    Args:
        principal: hash of one principal; empty for all principals.
        since: the earliest time of recording; None for all uploads.
        after: the last row of the previous page; None for the first page.
        limit: the highest number of rows on a page.
    """
    wanted = (
        sa.select(*_ROW, principals.c.label, receipts.c.checks.label("checks_claimed"))
        .join_from(receipts, principals)
        .where(*_limits(principal, since))
    )
    if after is not None:
        same = sa.and_(receipts.c.recorded_at == after.recorded_at, receipts.c.key > after.key)
        wanted = wanted.where(sa.or_(receipts.c.recorded_at < after.recorded_at, same))
    order = (receipts.c.recorded_at.desc(), receipts.c.key)
    rows = await connection.execute(wanted.order_by(*order).limit(limit))
    return [UploadRow(**row._mapping) for row in rows]


async def count_uploads(
    connection: AsyncConnection, *, principal: str = "", since: datetime | None = None
) -> int:
    """Return the number of receipts of stored uploads.

    Args:
        principal: hash of one principal; empty for all principals.
        since: the earliest time of recording; None for all uploads.
    """
    stored = sa.select(sa.func.count()).where(receipts.c.deleted_at.is_(None))
    found = await connection.execute(stored.where(*_limits(principal, since)))
    return int(found.scalar_one())


_ROW = columns("recorded_at principal key size crc64 content_type source request_id deleted_at")


def _limits(principal: str, since: datetime | None) -> Iterator[sa.ColumnElement[bool]]:
    if principal:
        yield receipts.c.principal == principal
    if since is not None:
        yield receipts.c.recorded_at >= since


def count_outcomes(checks: Claim | None) -> Mapping[str, int]:
    """Return how many of the page's checks of a file had each outcome, such as `{"passed": 2}`.

    Args:
        checks: the page's report, which the server cannot verify; None if the page reported no
            checks.
    """
    counted = Counter(each["outcome"] for each in checks["ran"]) if checks else {}
    return {outcome: counted[outcome] for outcome in get_args(Outcome) if outcome in counted}


async def upload_pages(
    database: Database, *, principal: str = "", since: datetime | None = None
) -> AsyncIterator[Sequence[UploadRow]]:
    """Yield the rows of the report on stored and deleted uploads in pages, which are lists of rows.

    The most recently recorded uploads come first. Each page is read in a separate transaction, so a
    slow consumer does not occupy a connection.

    Args:
        principal: hash of one principal; empty for all principals.
        since: the earliest time of recording; None for all uploads.

    Raises:
        LedgerLostError: the database failed; the remaining pages are missing.
    """
    after = None
    while True:
        async with database.read() as connection:
            page = await uploads_report(
                connection, principal=principal, since=since, after=after, limit=PAGE
            )
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1]
