"""File requests: what a principal asks guests for, and the guests who have opened the link.

The token of the link is not recorded, only its hash. Guests have no account; all that they store
belongs to the principal.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from typing_extensions import TypedDict

from ossferry.identity.object_keys import guest_of
from ossferry.identity.owner import Owner
from ossferry.ledger import holds, receipts
from ossferry.ledger.database import AsyncConnection
from ossferry.ledger.tables import file_requests, guests, principals
from ossferry.oss.objects import Stored

Way: TypeAlias = Literal["form", "sts"]


class Terms(TypedDict):
    """What a principal asks guests for, and the limits.

    Attributes:
        fields: what guests fill in: objects with `name`, `label`, `required` and `choices`.
        types: allowed types, in the syntax of the setting `allowed_types`; empty for all.
        max_file_size: in bytes.
        max_files: the number of files that each guest may send.
        checks: names of the checks that run before an upload; null for all checks of the server.
        way: what guests get: a signed `form`, or credentials (`sts`).
        ask_name, ask_email: whether guests must tell these.
    """

    title: str
    text: str
    fields: list[dict[str, Any]]
    types: list[str]
    max_file_size: int
    max_files: int
    max_guests: int
    checks: list[str] | None
    way: Way
    ask_name: bool
    ask_email: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """A file request, and what has arrived.

    Attributes:
        token_hash: SHA-256 of the token in the link, as hexadecimal digits.
        password_hash: empty if there is no password.
        closed_at: time when the owner closed the request; None while it is open.
        guests, files, bytes: how many guests have entered, and what they have sent.
        last_at: time of the last file; None without files.
    """

    id: str
    token_hash: str
    terms: Terms
    password_hash: str
    made_at: datetime
    ends_at: datetime
    closed_at: datetime | None = None
    guests: int = 0
    files: int = 0
    bytes: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A guest of a file request.

    Attributes:
        request: id of the request.
        fields: what the guest has filled in, by the name of the field.
        files: number of recorded files.
    """

    id: str
    request: str
    name: str
    email: str
    fields: Mapping[str, str]
    first_at: datetime
    files: int = 0


Found: TypeAlias = tuple[FileRequest, Owner, bool]
"""A request, its owner, and whether an administrator has revoked the owner's access."""

_REQUEST = [file_requests.c[each.name] for each in fields(FileRequest)]
_GUEST = [guests.c[each.name] for each in fields(Guest)]
_PLACE = (file_requests.c.made_at, file_requests.c.id)


async def add(connection: AsyncConnection, owner: Owner, request: FileRequest) -> None:
    """Record a file request of a principal."""
    values = {**asdict(request), "principal": owner.hash}
    await connection.execute(sa.insert(file_requests).values(values))


async def page(
    connection: AsyncConnection, owner: Owner, *, id_: str = "", after: str = "", limit: int = 1
) -> Sequence[FileRequest]:
    """Return one page of a principal's requests, newest first.

    Args:
        id_: return only the request with this id; empty for all.
        after: id of the last request on the previous page; empty for the first page.
        limit: the highest number of requests on a page.
    """
    where = [file_requests.c.principal == owner.hash]
    if id_:
        where.append(file_requests.c.id == id_)
    if after:
        last = sa.select(*_PLACE).where(file_requests.c.id == after)
        where.append(sa.tuple_(*_PLACE) < last.scalar_subquery())
    return [found for found, _, _ in await _find(connection, *where, limit=limit)]


async def by_token(connection: AsyncConnection, token_hash: str) -> Found | None:
    """Return a file request by the SHA-256 of the token in its link; None if there is none."""
    found = await _find(connection, file_requests.c.token_hash == token_hash)
    return found[0] if found else None


async def open_requests(connection: AsyncConnection, now: datetime) -> Sequence[Found]:
    """Return all requests that are neither closed nor at their end, newest first."""
    return await _find(
        connection, file_requests.c.closed_at.is_(None), file_requests.c.ends_at > now
    )


async def change(
    connection: AsyncConnection, owner: Owner, id_: str, values: Mapping[str, datetime | None]
) -> None:
    """Set `ends_at` or `closed_at` of a principal's request, if there is one with this id."""
    mine = (file_requests.c.id == id_, file_requests.c.principal == owner.hash)
    await connection.execute(sa.update(file_requests).where(*mine).values(**values))


async def enter(connection: AsyncConnection, guest: Guest, *, most: int) -> bool:
    """Record a new guest; return False if the request has `most` guests already."""
    free = (file_requests.c.id == guest.request, file_requests.c.guests < most)
    one_more = sa.update(file_requests).where(*free).values(guests=file_requests.c.guests + 1)
    if (await connection.execute(one_more)).rowcount == 0:
        return False
    await connection.execute(sa.insert(guests).values(asdict(guest)))
    return True


async def guests_by_id(connection: AsyncConnection, ids: Iterable[str]) -> Mapping[str, Guest]:
    """Return the guests with these ids, by id; unknown ids are left out."""
    rows = await connection.execute(sa.select(*_GUEST).where(guests.c.id.in_(set(ids))))
    return {row.id: Guest(**row._mapping) for row in rows}


async def count(
    connection: AsyncConnection, owner: Owner, uploads: Collection[Stored], now: datetime
) -> set[str]:
    """Count the uploads of guests that are not recorded yet.

    Call it in the transaction that records the uploads, before it does.

    Returns:
        The keys of uploads above the number or the size that the request allows a guest, which must
        not be recorded.
    """
    by_guest = await rest(connection, owner, [each.key for each in uploads], lock=True)
    if not by_guest:
        return set()
    keys = [each.key for each in uploads]
    known = {*await receipts.of_keys(connection, keys), *await holds.of_keys(connection, keys)}
    new = [each for each in sorted(uploads, key=lambda one: one.key) if each.key not in known]
    above: set[str] = set()
    for guest, (left, largest) in by_guest.items():
        sent = [each for each in new if guest_of(each.key) == guest]
        kept = [each for each in sent if each.size <= largest][: max(0, left)]
        above |= {each.key for each in sent if each not in kept}
        if kept:
            size = sum(each.size for each in kept)
            await _add(connection, guest, len(kept), size, last_at=now)
    return above


async def rest(
    connection: AsyncConnection, owner: Owner, keys: Iterable[str], *, lock: bool = False
) -> Mapping[str, tuple[int, int]]:
    """Return what the guests of this owner, below whose prefixes these keys are, may still send.

    Args:
        lock: whether to lock the guests until the end of the transaction. Do this before the
            transaction locks receipts, so that two transactions cannot wait for each other.

    Returns:
        A mapping from the ids of the guests to the number of files that each may still send, and
        the size of the largest file in bytes.
    """
    ids = {guest_of(key) for key in keys} - {""}
    if not ids:
        return {}
    wanted = (
        sa.select(guests.c.id, guests.c.files, file_requests.c.terms)
        .join_from(guests, file_requests)
        .where(guests.c.id.in_(ids), file_requests.c.principal == owner.hash)
        .order_by(guests.c.id)
    )
    rows = await connection.execute(wanted.with_for_update(of=guests) if lock else wanted)
    return {
        row.id: (row.terms["max_files"] - row.files, row.terms["max_file_size"]) for row in rows
    }


async def uncount(connection: AsyncConnection, guest: str, stored: Stored) -> None:
    """Subtract an upload that `count` has counted, because its receipt was removed."""
    await _add(connection, guest, -1, -stored.size)


async def sender(
    connection: AsyncConnection, hash_: str, key: str
) -> Mapping[str, Mapping[str, str]]:
    """Return who has sent an upload, and for which request; empty if no guest has.

    Args:
        hash_: hash of the owner of the upload.
    """
    guest = guest_of(key)
    if not guest:
        return {}
    found = await connection.execute(
        sa.select(guests.c.name, guests.c.email, file_requests.c.id, file_requests.c.terms)
        .join_from(guests, file_requests)
        .where(guests.c.id == guest, file_requests.c.principal == hash_)
    )
    row = found.one_or_none()
    if row is None:
        return {}
    return {
        "request": {"id": row.id, "title": row.terms["title"]},
        "guest": {"id": guest, "name": row.name, "email": row.email},
    }


async def forget_guests(connection: AsyncConnection, hash_: str) -> None:
    """Remove what guests have told of themselves in the requests of a principal."""
    theirs = sa.select(file_requests.c.id).where(file_requests.c.principal == hash_)
    gone = sa.update(guests).where(guests.c.request.in_(theirs))
    await connection.execute(gone.values(name="", email="", fields={}))


async def _find(
    connection: AsyncConnection, *where: sa.ColumnElement[bool], limit: int | None = None
) -> Sequence[Found]:
    owner = [principals.c[name] for name in ("hash", "label", "prefix", "id")]
    rows = await connection.execute(
        sa.select(*_REQUEST, *owner, principals.c.revoked_at)
        .join_from(file_requests, principals)
        .where(*where)
        .order_by(*(each.desc() for each in _PLACE))
        .limit(limit)
    )
    found = []
    for row in rows:  # both tables have an id
        request, of = (
            {each.name: row._mapping[each] for each in part} for part in (_REQUEST, owner)
        )
        found.append((FileRequest(**request), Owner(**of), row.revoked_at is not None))
    return found


async def _add(
    connection: AsyncConnection, guest: str, files: int, size: int, **more: datetime
) -> None:
    mine = guests.c.id == guest
    counted = sa.update(guests).where(mine).values(files=guests.c.files + files)
    await connection.execute(counted)
    asked = file_requests.c.id == sa.select(guests.c.request).where(mine).scalar_subquery()
    sums = {"files": file_requests.c.files + files, "bytes": file_requests.c.bytes + size}
    await connection.execute(sa.update(file_requests).where(asked).values(**sums, **more))
