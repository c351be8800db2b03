"""Records of principals and of the grants issued to them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ossferry.identity.owner import Owner
from ossferry.ledger.database import AsyncConnection, insert
from ossferry.ledger.file_requests import forget_guests
from ossferry.ledger.tables import Utc, deliveries, grants, principals

MAX_LABEL = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """A record of issued credentials, without the secret and the token.

    `key_last4` is the end of the access key id.
    """

    session_name: str
    key_last4: str
    issued_at: datetime
    expires_at: datetime


async def note_grant(connection: AsyncConnection, principal: Owner, grant: GrantRow) -> bool:
    """Record a grant and its principal; return False if the grant was already recorded."""
    await remember(connection, principal, grant.issued_at, granted_until=grant.expires_at)
    values = {**asdict(grant), "principal": principal.hash}
    row = insert(connection.dialect.name, grants).values(values)
    result = await connection.execute(row.on_conflict_do_nothing())
    return result.rowcount == 1


async def remember(
    connection: AsyncConnection,
    principal: Owner,
    now: datetime,
    *,
    granted_until: datetime | None = None,
) -> None:
    """Add a principal to the ledger if it is missing.

    If `granted_until` is given, also update the id, the label and the expiry time of a principal
    that the ledger already has.

    Args:
        granted_until: expiry time of the principal's newest credentials; an expiry time in the
            ledger that is later stays. None if the principal gets no credentials now.
    """
    row = insert(connection.dialect.name, principals).values(
        hash=principal.hash,
        id=_id(principal.id),
        label=_label(principal.label),
        prefix=principal.prefix,
        first_seen_at=now,
        granted_until=granted_until or now,
    )
    added = await connection.execute(row.on_conflict_do_nothing())
    if granted_until is None or added.rowcount == 1:
        return
    # ON CONFLICT DO UPDATE would name one of the two unique columns; two processes that add the
    # same principal at the same time may collide in the other one
    await connection.execute(
        sa.update(principals)
        .where(principals.c.hash == principal.hash)
        .values(
            id=_id(principal.id),
            label=_label(principal.label),
            granted_until=_not_before(granted_until),
        )
    )


def _not_before(time: datetime) -> sa.Case[datetime]:
    """Return the new value of `granted_until`: a time, or the present value if that is later."""
    until = sa.bindparam("until", time, type_=Utc())
    return sa.case((principals.c.granted_until > until, principals.c.granted_until), else_=until)


async def owner_by_hash(connection: AsyncConnection, hash_: str) -> Owner | None:
    """Return the principal with this hash, or None if the hash is unknown."""
    found = await connection.execute(_OWNERS.where(principals.c.hash == hash_))
    return _owner(found.one_or_none())


async def owner_of_key(connection: AsyncConnection, key: str) -> Owner | None:
    """Return the principal whose prefix contains an object key, or None if there is none."""
    prefix = "/".join(key.split("/")[:2]) + "/"
    found = await connection.execute(_OWNERS.where(principals.c.prefix == prefix))
    return _owner(found.one_or_none())


async def to_reconcile(
    connection: AsyncConnection, now: datetime, *, at_least_every: timedelta, limit: int
) -> Sequence[Owner]:
    """Return the principals whose objects should be compared with the ledger, longest wait first.

    This comparison is called reconciliation. A principal is due if its credentials were valid after
    the last reconciliation, because new objects may have been stored. Every principal is due again
    after `at_least_every`, because objects can be lost at any time.
    """
    open_ = sa.or_(
        principals.c.reconciled_at.is_(None),
        principals.c.granted_until > principals.c.reconciled_at,
        principals.c.reconciled_at < now - at_least_every,
    )
    order = principals.c.reconciled_at.asc().nulls_first()
    found = await connection.execute(_OWNERS.where(open_).order_by(order).limit(limit))
    return [Owner(**row._mapping) for row in found]


async def reconciled(
    connection: AsyncConnection, hash_: str, at: datetime, *, granted_until: datetime | None = None
) -> None:
    """Record that a principal's objects were compared with the ledger at the time `at`.

    Args:
        granted_until: time when OSS stored the newest object that the comparison has not recorded
            yet. The principal's credentials then count as valid until this time at least, so that
            the principal is compared again. None if there is no such object.
    """
    until = {} if granted_until is None else {"granted_until": _not_before(granted_until)}
    await connection.execute(
        sa.update(principals).where(principals.c.hash == hash_).values(reconciled_at=at, **until)
    )


async def was_granted(
    connection: AsyncConnection, hash_: str, at: datetime, *, slack: timedelta
) -> bool:
    """Return whether a principal had valid credentials at a given time.

    Args:
        slack: tolerance for differing clocks: credentials count as valid from `slack` before they
            were issued until `slack` after they expired.
    """
    found = await connection.execute(
        sa.select(grants.c.session_name)
        .where(
            grants.c.principal == hash_,
            grants.c.issued_at <= at + slack,
            grants.c.expires_at >= at - slack,
        )
        .limit(1)
    )
    return found.one_or_none() is not None


async def set_revoked(connection: AsyncConnection, hash_: str, at: datetime | None) -> bool:
    """Revoke or restore a principal's access.

    Args:
        at: time of the revocation; None to restore the access.

    Returns:
        True if the principal exists, otherwise False.
    """
    result = await connection.execute(
        sa.update(principals).where(principals.c.hash == hash_).values(revoked_at=at)
    )
    return result.rowcount == 1


async def forget(connection: AsyncConnection, hash_: str) -> bool:
    """Remove a principal's id and name from the ledger; the hash replaces the name.

    The principal's next grant adds the id and the name again. Also delete events about the
    principal whose delivery is finished, because they contain the id and the name.

    What guests have told of themselves in the principal's file requests is removed, too.

    Returns:
        True if the principal exists, otherwise False.
    """
    result = await connection.execute(
        sa.update(principals).where(principals.c.hash == hash_).values(id="", label=hash_)
    )
    await forget_guests(connection, hash_)
    told = json.dumps({"hash": hash_})[1:-1]  # as in the JSON text of the event
    await connection.execute(
        sa.delete(deliveries).where(
            deliveries.c.next_at.is_(None), deliveries.c.event.contains(told, autoescape=True)
        )
    )
    return result.rowcount == 1


_OWNERS = sa.select(principals.c.hash, principals.c.label, principals.c.prefix, principals.c.id)


def _owner(row: Any) -> Owner | None:
    return row and Owner(**row._mapping)


def _id(given: str) -> str:
    """Return an id; an empty text if databases cannot store the id, as a part names nobody."""
    return "" if "\0" in given else given


def _label(name: str) -> str:
    """Remove characters that databases cannot store, and limit the length to `MAX_LABEL`."""
    return name.encode("utf-8", "replace").decode().replace("\0", "")[:MAX_LABEL]
