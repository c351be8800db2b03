"""Records of uploads that the page refused: the stored object differs from the file that was sent.

A refusal applies to one object, identified by its key and its ETag. It does not apply to a later
object with the same key.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ossferry.identity.owner import Owner
from ossferry.ledger.database import AsyncConnection, insert
from ossferry.ledger.tables import refusals
from ossferry.oss.objects import Listed, Stored

FORGOTTEN = sa.delete(refusals).where(refusals.c.key == sa.bindparam("of"))
"""Built once, because every receipt executes this statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The page's report of an upload that it refuses, because the object differs from the file.

    Attributes:
        size: size of the file in bytes.
        crc64: CRC-64 of the file as decimal text.
        request_id: id of the request that stored the object; may be empty.
    """

    size: int
    crc64: str
    request_id: str


async def add(
    connection: AsyncConnection, owner: Owner, stored: Stored, refusal: Refusal, *, now: datetime
) -> None:
    """Record a refused object, together with the size and checksum of the file that was sent."""
    values = {
        "etag": stored.etag[:100],
        "size": stored.size,
        "crc64": stored.crc64,
        "file_size": refusal.size,
        "file_crc64": refusal.crc64,
        "request_id": refusal.request_id,
        "refused_at": now,
    }
    row = insert(connection.dialect.name, refusals).values(
        key=stored.key, principal=owner.hash, **values
    )
    await connection.execute(
        row.on_conflict_do_update(index_elements=[refusals.c.key], set_=values)
    )


async def of_objects(connection: AsyncConnection, objects: Iterable[Listed]) -> set[str]:
    """Return the keys of those given objects that the page has refused.

    An object that later got the key of a refused object is not refused.
    """
    etags = {each.key: each.etag[:100] for each in objects}
    rows = await connection.execute(
        sa.select(refusals.c.key, refusals.c.etag).where(refusals.c.key.in_(etags))
    )
    return {row.key for row in rows if row.etag == etags[row.key]}


async def forget(connection: AsyncConnection, keys: Iterable[str]) -> None:
    """Delete the records which say that the page has refused the objects with these keys.

    Args:
        keys: at least one key; keys without a record have no effect.
    """
    await connection.execute(FORGOTTEN, [{"of": key} for key in keys])
