"""Sessions that were signed out; rows go away once no cookie of the session could be used."""

from datetime import datetime

import sqlalchemy as sa

from ossferry.ledger.database import AsyncConnection, insert
from ossferry.ledger.tables import sign_outs

__all__ = ["add", "has"]


async def add(
    connection: AsyncConnection, session_id: str, *, now: datetime, until: datetime
) -> None:
    """Write down a sign-out, and forget those that no longer matter."""
    await connection.execute(sa.delete(sign_outs).where(sign_outs.c.until < now))
    row = insert(connection.dialect.name, sign_outs).values(session=session_id, until=until)
    await connection.execute(row.on_conflict_do_nothing())


async def has(connection: AsyncConnection, session_id: str) -> bool:
    """Whether a session was signed out."""
    found = await connection.execute(_ONE, {"of": session_id})
    return found.one_or_none() is not None


_ONE = sa.select(sign_outs.c.session).where(sign_outs.c.session == sa.bindparam("of"))
