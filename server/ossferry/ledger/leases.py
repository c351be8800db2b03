"""Leases: locks in the ledger's database that expire after a time.

A process acquires a lease before work that only one process may do at a time.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import sqlalchemy as sa

from ossferry.clock import Clock
from ossferry.errors import BusyError
from ossferry.ledger.database import AsyncConnection, Database, insert
from ossferry.ledger.tables import leases

SCANNER = "scanner"
"""The lease that every scanner holds while it can scan, with this name as its holder."""

ASK_AGAIN_S = 0.1
ASKED_AT_MOST = 100


@asynccontextmanager
async def held(
    database: Database, name: str, *, clock: Clock, hold_s: float
) -> AsyncIterator[None]:
    """Context manager that acquires a lease, and waits while another process or task holds it.

    On exit, it releases the lease.

    Args:
        name: name of the lease.
        hold_s: seconds after which the lease expires if this process does not release it.

    Raises:
        BusyError: the lease was not free after about 10 seconds.
        LedgerLostError: the database does not answer.
    """
    me = secrets.token_hex(8)
    for _ in range(ASKED_AT_MOST):
        async with database.write() as connection:
            if await take(connection, name, holder=me, now=clock(), hold_s=hold_s):
                break
        await asyncio.sleep(ASK_AGAIN_S)
    else:
        raise BusyError(name)
    try:
        yield
    finally:
        async with database.write() as connection:
            await release(connection, name, holder=me)


async def take(
    connection: AsyncConnection, name: str, *, holder: str, now: datetime, hold_s: float
) -> bool:
    """Acquire a lease that is free or expired, or extend a lease that `holder` already holds.

    Args:
        name: name of the lease.
        holder: id of the task that wants the lease.
        hold_s: seconds after which the lease expires.

    Returns:
        True if `holder` now holds the lease; False if another holder has it.
    """
    row = insert(connection.dialect.name, leases).values(
        name=name, holder=holder, until=now + timedelta(seconds=hold_s)
    )
    free = sa.or_(leases.c.holder == holder, leases.c.until < now)
    taken = await connection.execute(
        row.on_conflict_do_update(
            index_elements=[leases.c.name],
            set_={"holder": row.excluded.holder, "until": row.excluded.until},
            where=free,
        )
    )
    return taken.rowcount == 1


async def release(connection: AsyncConnection, name: str, *, holder: str) -> None:
    """Release a lease; do nothing if another holder has it."""
    mine = sa.and_(leases.c.name == name, leases.c.holder == holder)
    await connection.execute(sa.delete(leases).where(mine))


async def is_held(connection: AsyncConnection, name: str, now: datetime) -> bool:
    """Return whether somebody holds a lease."""
    wanted = sa.select(leases.c.name).where(leases.c.name == name, leases.c.until >= now)
    return (await connection.execute(wanted)).first() is not None
