"""A principal's standing: usage, limits and revocation."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ossferry.ledger.database import AsyncConnection, insert
from ossferry.ledger.tables import TOTAL, day_of, principals, quotas, usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Limits for one principal, in bytes and objects; a field is None if that limit is not set.

    Limits per day count every upload of a day (in UTC), even if it is deleted later. Total limits
    count only stored uploads.
    """

    bytes_day: int | None = None
    objects_day: int | None = None
    bytes_total: int | None = None
    objects_total: int | None = None


NAMES = tuple(each.name for each in fields(Quota))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A principal's usage, limits and revocation at one moment.

    Attributes:
        used: bytes and number of objects, of today and in total; the keys are the field names of
            `Quota`.
        own: the principal's own limits. If a field is None, the limit of the settings applies.
    """

    used: Mapping[str, int]
    own: Quota
    is_revoked: bool


async def standing(connection: AsyncConnection, hash_: str, now: datetime) -> Standing:
    """Return a principal's usage, limits and revocation; an unknown principal has used nothing.

    Args:
        hash_: the keyed hash of the principal.
        now: the current time; determines the day of the usage.
    """
    found = await connection.execute(_STANDING, {"of": hash_, "today": day_of(now)})
    row = found.one_or_none()
    return Standing(
        used={name: getattr(row, f"used_{name}", None) or 0 for name in NAMES},
        own=Quota(**{name: getattr(row, name, None) for name in NAMES}),
        is_revoked=getattr(row, "revoked_at", None) is not None,
    )


async def set_quota(connection: AsyncConnection, hash_: str, quota: Quota) -> None:
    """Set the limits of one principal, which apply instead of the limits in the settings.

    Args:
        hash_: the keyed hash of the principal.
        quota: the new limits; they replace earlier ones. If a field is None, the limit of the
            settings applies.
    """
    values = {name: getattr(quota, name) for name in NAMES}
    row = insert(connection.dialect.name, quotas).values(principal=hash_, **values)
    await connection.execute(
        row.on_conflict_do_update(index_elements=[quotas.c.principal], set_=values)
    )


def _standing() -> sa.Select[Any]:
    days = {"day": usage.alias(), "total": usage.alias()}
    joined = principals.outerjoin(quotas)
    for span, day in (("day", sa.bindparam("today")), ("total", TOTAL)):
        table = days[span]
        its = sa.and_(table.c.principal == principals.c.hash, table.c.day == day)
        joined = joined.outerjoin(table, its)
    used = [
        days[span].c[unit].label(f"used_{unit}_{span}")
        for unit, _, span in (name.partition("_") for name in NAMES)
    ]
    limits = (quotas.c[name] for name in NAMES)
    wanted = sa.select(principals.c.revoked_at, *limits, *used)
    return wanted.select_from(joined).where(principals.c.hash == sa.bindparam("of"))


_STANDING = _standing()
