"""Records of signed-out sessions, whose cookies the server no longer accepts.

A record is removed when all cookies of the session have expired.
"""

from datetime import datetime

import sqlalchemy as sa

from ossferry.ledger.database import AsyncConnection, insert
from ossferry.ledger.tables import sign_outs


async def add(
    connection: AsyncConnection, session_id: str, *, now: datetime, until: datetime
) -> None:
    """Record that a session was signed out, and delete records of sessions that have expired.

    Args:
        session_id: the random id in the session's cookies.
        until: time at which the last cookie of the session expires.
    """
    await connection.execute(sa.delete(sign_outs).where(sign_outs.c.until < now))
    row = insert(connection.dialect.name, sign_outs).values(session=session_id, until=until)
    await connection.execute(row.on_conflict_do_nothing())


async def has(connection: AsyncConnection, session_id: str) -> bool:
    """Return whether a session was signed out."""
    found = await connection.execute(_ONE, {"of": session_id})
    return found.one_or_none() is not None


_ONE = sa.select(sign_outs.c.session).where(sign_outs.c.session == sa.bindparam("of"))
