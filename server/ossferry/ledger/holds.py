"""Records of held uploads, which wait for the scanner or which the scanner found bad.

A held upload counts in its owner's usage, and has no receipt. Its key is the final one, without
`INCOMING`. Scanners lease rows: several scanners never have the same row at the same time, and the
row of a scanner that ended is leased again after its time.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa

from ossferry.identity.object_keys import guest_of
from ossferry.identity.owner import Owner
from ossferry.ledger import receipts
from ossferry.ledger.database import AsyncConnection, insert, lock
from ossferry.ledger.receipts import Claim, Receipt
from ossferry.ledger.tables import BYTES, KEY_LENGTH, TOTAL, day_of, holds
from ossferry.oss.objects import Stored

State: TypeAlias = Literal["waiting", "held", "removed"]
WAITING, HELD, REMOVED = "waiting", "held", "removed"
MAX_REASON = 500
REPLACES = "replaces"
"""The metadata of an object with the key of the upload that it replaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A held upload, as a row of the ledger.

    Attributes:
        key: the final key of the upload, without `INCOMING`.
        etag: the first 100 characters of the ETag, without quotes.
        stored_at: time when OSS stored the object.
        source, checks, details: origin of the report, the page's claim, and the validated details,
            as in `Receipt`.
        state: `waiting` for the scanner, `held` because it is bad, or `removed`: its owner or an
            operator has deleted it, and the object is about to be removed.
        reason: why it is held, as a sentence; empty while it waits.
        attempts: number of leases so far, with the present one.
        next_at: time from which a scanner may lease it, which is the end of a present lease; None
            unless it waits.
        holder: id of the scanner that has leased it; empty if none has.
        remove_at: time when it is removed; None while it waits.
        replaces: key of the upload that it replaces after its release; empty for none.
    """

    key: str
    principal: str
    size: int
    crc64: str
    etag: str
    content_type: str
    stored_at: datetime
    recorded_at: datetime
    source: str
    request_id: str
    checks: Claim | None
    details: Mapping[str, Any] | None
    state: State
    reason: str
    attempts: int
    next_at: datetime | None
    holder: str
    remove_at: datetime | None
    replaces: str = ""

    @property
    def receipt(self) -> Receipt:
        """The receipt of the held upload."""
        names = ("key", "size", "crc64", "etag", "recorded_at", "source", "checks", "details")
        same = {name: getattr(self, name) for name in names}
        return Receipt(**same, reason=self.reason, is_held=True)


COLUMNS = [holds.c[each.name] for each in fields(Hold)]


async def hold_all(
    connection: AsyncConnection,
    owner: Owner,
    uploads: Iterable[tuple[Stored, str]],
    *,
    source: str,
    now: datetime,
    checks: Mapping[str, Claim | None] | None = None,
) -> Sequence[Receipt]:
    """Record held objects, so that a scanner looks at them, and add them to the owner's usage.

    The arguments are those of `receipts.record_all`. A different object with the same key replaces
    the recorded one, and waits. The row of an object that is already recorded stays as it is; only
    missing `checks` are added. An object that was released after the caller has seen it as held
    stays released.

    Returns:
        The receipts, in the order of their keys.
    """
    ordered = sorted(uploads, key=lambda upload: upload[0].key)
    waits = {"state": WAITING, "reason": "", "attempts": 0, "next_at": now, "holder": ""}
    rows = [
        {
            **receipts.row_of(owner, stored, source=source, request_id=request_id, now=now),
            "checks": (checks or {}).get(stored.key),
            **waits,
            "remove_at": None,
            "replaces": _replaces(owner, stored),
        }
        for stored, request_id in ordered
    ]
    new = insert(connection.dialect.name, holds).on_conflict_do_nothing().returning(holds.c.key)
    added = {row.key for row in await connection.execute(new, rows)} if rows else set()
    known = await lock(
        connection, _select(), [row["key"] for row in rows if row["key"] not in added]
    )
    new_rows = [row for row in rows if row["key"] in added]
    found = await _released(
        connection, owner, ordered, new_rows, source=source, now=now, checks=checks
    )
    released = {receipt.key for receipt in found}
    changed, replaced = [], []
    for (stored, _), row in zip(ordered, rows, strict=True):
        if stored.key in released:
            continue
        old = known.get(stored.key)
        if old is not None and _is_of(old, row):
            if old.checks is None and row["checks"] is not None:
                await _change(connection, stored.key, checks=row["checks"])
            row["checks"] = old.checks or row["checks"]
            found.append(receipts.receipt_of(stored, old.recorded_at, row))
            continue
        if old is not None:
            await _change(connection, **row)
            replaced += [old.size] if old.state != REMOVED else []
        changed.append(stored)
    used = await receipts.count(connection, owner.hash, changed, replaced)
    by_key = {row["key"]: row for row in rows}
    found += [receipts.receipt_of(each, now, by_key[each.key], used=used) for each in changed]
    return sorted(found, key=lambda receipt: receipt.key)


async def _released(
    connection: AsyncConnection,
    owner: Owner,
    uploads: Iterable[tuple[Stored, str]],
    rows: Iterable[Mapping[str, Any]],
    *,
    source: str,
    now: datetime,
    checks: Mapping[str, Claim | None] | None,
) -> list[Receipt]:
    """Delete the new rows of objects that have a receipt already, and return their receipts."""
    new = {row["key"]: row for row in rows}
    known = await receipts.of_keys(connection, list(new))
    same = [
        key
        for key, receipt in known.items()
        if (receipt.size, receipt.crc64) == (new[key]["size"], new[key]["crc64"])
        and not receipt.is_as_listed
    ]
    if not same:
        return []
    await connection.execute(sa.delete(holds).where(holds.c.key.in_(same)))
    free = [(replace(each, is_held=False), id_) for each, id_ in uploads if each.key in same]
    return [
        *await receipts.record_all(connection, owner, free, source=source, now=now, checks=checks)
    ]


async def record_all(
    connection: AsyncConnection,
    owner: Owner,
    uploads: Collection[tuple[Stored, str]],
    *,
    source: str,
    now: datetime,
    checks: Mapping[str, Claim | None] | None = None,
    is_counted: bool = False,
) -> Sequence[Receipt]:
    """Record objects with `hold_all` if they are held, and with `receipts.record_all` if not.

    An object that is not held replaces the upload that its metadata `REPLACES` name. The arguments
    are those of `receipts.record_all`.

    Returns:
        The receipts; those of held objects come last.
    """
    free = [each for each in uploads if not each[0].is_held]
    held = [each for each in uploads if each[0].is_held]
    found = list[Receipt]()
    record = partial(receipts.record_all, connection, owner, free, is_counted=is_counted)
    if free:
        late = await _replace_all(connection, owner, [stored for stored, _ in free], now=now)
        found += await record(source=source, now=now, checks=checks, replaced_by=late)
    if held:
        found += await hold_all(connection, owner, held, source=source, now=now, checks=checks)
    return found


async def _replace_all(
    connection: AsyncConnection, owner: Owner, new: Sequence[Stored], *, now: datetime
) -> Mapping[str, str]:
    """Mark the uploads that new ones replace, in the order of their keys to avoid deadlocks.

    If another upload has replaced the same one before, that is replaced; of both, the one that OSS
    has stored later stays. A held upload is dropped, and what it would have replaced is replaced.

    Returns:
        The keys of later uploads, by the keys of those new ones that they replace.
    """
    wishes = sorted((_replaces(owner, stored), stored.key) for stored in new)
    wishes = [wish for wish in wishes if wish[0]]
    late = dict[str, str]()
    if not wishes:
        return late
    known = await receipts.of_keys(connection, [stored.key for stored in new])
    fresh = {  # the others have replaced something before, which its owner may have restored
        stored.key: stored.last_modified
        for stored in new
        if stored.key not in known or known[stored.key].is_as_listed
    }
    for old, key in wishes:
        while old and old != key and key in fresh:
            if dropped := await drop(connection, old, now=now):
                old = dropped.replaces
                continue
            chain = await receipts.lock_chain(connection, old)
            stored_at, by = (fresh[old], late.get(old)) if old in fresh else chain or (now, "")
            if by is None:
                loser, winner = (old, key) if stored_at <= fresh[key] else (key, old)
                if loser in fresh:
                    late[loser] = winner
                else:
                    await receipts.mark_replaced(connection, loser, winner)
            old = by or ""
    return late


def _replaces(owner: Owner, stored: Stored) -> str:
    """Return the key of the upload that an object replaces; empty for none.

    It must be in the folder of its owner and, if a guest has sent the object, of this guest.
    """
    key = stored.metadata.get(REPLACES, "")[:KEY_LENGTH]
    is_theirs = key.startswith(owner.prefix) and guest_of(stored.key) in ("", guest_of(key))
    return key if is_theirs and key != stored.key else ""


async def lease(
    connection: AsyncConnection, *, holder: str, now: datetime, lease_s: float, limit: int
) -> Sequence[Hold]:
    """Lease uploads that wait, for a scanner; those that have waited longest come first.

    Args:
        holder: id of the scanner, at most 40 characters.
        lease_s: seconds after which another scanner may lease them, unless `renew` is called.
        limit: the highest number of uploads.
    """
    due = _select().where(holds.c.state == WAITING, holds.c.next_at <= now)
    due = due.order_by(holds.c.next_at, holds.c.key).limit(limit)
    rows = (await connection.execute(due.with_for_update(skip_locked=True))).all()
    until = now + timedelta(seconds=lease_s)
    if rows:
        await connection.execute(
            sa.update(holds)
            .where(holds.c.key.in_([row.key for row in rows]))
            .values(holder=holder, next_at=until, attempts=holds.c.attempts + 1)
        )
    leased = {"holder": holder, "next_at": until}
    return [Hold(**{**row._mapping, **leased, "attempts": row.attempts + 1}) for row in rows]


async def renew(connection: AsyncConnection, hold: Hold, *, now: datetime, lease_s: float) -> bool:
    """Extend the lease of an upload; return False if the scanner no longer has the lease."""
    return await _change_leased(connection, hold, next_at=now + timedelta(seconds=lease_s))


async def put_off(connection: AsyncConnection, hold: Hold, *, next_at: datetime) -> bool:
    """End the lease of an upload, which scanners may lease again from a later time on.

    Returns:
        False if the scanner no longer has the lease.
    """
    return await _change_leased(connection, hold, next_at=next_at, holder="")


async def keep(
    connection: AsyncConnection, hold: Hold, *, reason: str, remove_at: datetime
) -> bool:
    """Record that the scanner found an upload bad.

    Args:
        reason: what the scanner found, as a sentence; at most `MAX_REASON` characters are kept.
        remove_at: time when the upload is removed.

    Returns:
        False if the scanner no longer has the lease.
    """
    values = {"state": HELD, "reason": reason[:MAX_REASON], "remove_at": remove_at}
    return await _change_leased(connection, hold, **values, next_at=None, holder="")


async def take(connection: AsyncConnection, key: str, etag: str) -> Hold | None:
    """Delete the row of an upload that is released, and return it.

    Of several callers, only one gets the row. The usage still counts the upload.

    Returns:
        None if there is no such row, it is of another object, or it is being removed.
    """
    same = holds.c.key == key, holds.c.etag == etag[:100], holds.c.state != REMOVED
    found = await connection.execute(sa.delete(holds).where(*same).returning(*COLUMNS))
    row = found.one_or_none()
    return None if row is None else Hold(**row._mapping)


async def drop(
    connection: AsyncConnection, key: str, *, now: datetime, of_day: bool = False
) -> Hold | None:
    """Mark a held upload as removed, and subtract it from the total usage.

    The row stays until the object is removed. While a scanner has leased it, `remove_at` is the end
    of the lease.

    Args:
        of_day: whether to subtract it also from the usage of the day on which it was stored.

    Returns:
        The upload; None if the key has none, or it was removed before.
    """
    old = (await lock(connection, _select(), [key])).get(key)
    if old is None or old.state == REMOVED:
        return None
    end = max(old.next_at or now, now) if old.holder else now
    gone = {"state": REMOVED, "next_at": None, "remove_at": end}
    await _change(connection, key, **gone)
    for day in (TOTAL, *([day_of(old.stored_at)] if of_day else [])):
        await receipts.add_usage(connection, old.principal, -old.size, -1, day=day)
    return Hold(**{**old._mapping, **gone})


async def forget(connection: AsyncConnection, hold: Hold) -> None:
    """Delete the row of a removed upload, unless its key has another upload now."""
    same = holds.c.key == hold.key, holds.c.etag == hold.etag, holds.c.state == REMOVED
    await connection.execute(sa.delete(holds).where(*same))


async def find(connection: AsyncConnection, key: str) -> Hold | None:
    """Return the row with this key, in any state; None if there is none."""
    return (await of_keys(connection, [key])).get(key)


async def of_keys(connection: AsyncConnection, keys: Sequence[str]) -> Mapping[str, Hold]:
    """Return the rows with these keys, in any state, by key."""
    wanted = _select().where(holds.c.key.in_(keys))
    return {row.key: Hold(**row._mapping) for row in await connection.execute(wanted)}


async def in_range(
    connection: AsyncConnection, owner: Owner, *, after: str, until: str | None
) -> Mapping[str, Hold]:
    """Return a principal's rows in any state whose keys are in a range, as `receipts.in_range`."""
    key = holds.c.key.collate(BYTES[connection.dialect.name])
    wanted = _select().where(holds.c.principal == owner.hash, key > after)
    if until is not None:
        wanted = wanted.where(key <= until)
    return {row.key: Hold(**row._mapping) for row in await connection.execute(wanted)}


async def page(
    connection: AsyncConnection,
    *,
    principal: str = "",
    state: State | None = None,
    after: Hold | None = None,
    limit: int,
) -> Sequence[Hold]:
    """Return held uploads, the most recently recorded ones first.

    Args:
        principal: hash of one principal; empty for all.
        state: only uploads in this state; None for those that wait or are held.
        after: the last upload of the previous page; None for the first page.
        limit: the highest number of uploads.
    """
    wanted = _select().where(holds.c.state == state if state else holds.c.state != REMOVED)
    if principal:
        wanted = wanted.where(holds.c.principal == principal)
    if after is not None:
        same = sa.and_(holds.c.recorded_at == after.recorded_at, holds.c.key > after.key)
        wanted = wanted.where(sa.or_(holds.c.recorded_at < after.recorded_at, same))
    rows = await connection.execute(
        wanted.order_by(holds.c.recorded_at.desc(), holds.c.key).limit(limit)
    )
    return [Hold(**row._mapping) for row in rows]


async def oldest(connection: AsyncConnection) -> datetime | None:
    """Return the time at which the oldest waiting upload was recorded; None if none waits."""
    recorded = sa.select(sa.func.min(holds.c.recorded_at)).where(holds.c.state == WAITING)
    found: datetime | None = (await connection.execute(recorded)).scalar_one()
    return found


async def overdue(connection: AsyncConnection, now: datetime, *, limit: int) -> Sequence[Hold]:
    """Return the held uploads that are to be removed by now, earliest first.

    Args:
        limit: the largest number of uploads.
    """
    wanted = _select().where(holds.c.remove_at <= now).order_by(holds.c.remove_at).limit(limit)
    return [Hold(**row._mapping) for row in await connection.execute(wanted)]


def _select() -> sa.Select[Any]:
    return sa.select(*COLUMNS)


def _is_of(old: Any, row: Mapping[str, Any]) -> bool:
    """Return whether a row is of the object that `row` describes.

    A removed upload may be sent again with the same key.
    """
    same = all(getattr(old, name) == row[name] for name in ("size", "crc64", "etag"))
    return same and (old.state != REMOVED or old.stored_at >= row["stored_at"])


async def _change(connection: AsyncConnection, key: str, **values: Any) -> None:
    await connection.execute(sa.update(holds).where(holds.c.key == key).values(**values))


async def _change_leased(connection: AsyncConnection, hold: Hold, **values: Any) -> bool:
    """Change the row of an upload, unless another scanner has it, or it is of another object."""
    same = holds.c.key == hold.key, holds.c.etag == hold.etag, holds.c.state == WAITING
    mine = sa.update(holds).where(*same, holds.c.holder == hold.holder)
    return (await connection.execute(mine.values(**values))).rowcount == 1
