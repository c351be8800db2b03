"""Knows which sessions were ended by a sign-out, for as long as their cookies could be used.

With a ledger, sign-outs are written down in it, and outlast everything. Without one it is the other
way round: Redis, or the memory of the process, holds the sessions that have begun and not ended. A
restart without their data so ends sessions, and brings none back.
"""

from datetime import timedelta

from ossferry.clock import Clock
from ossferry.ledger import Database, sign_outs
from ossferry.state.key_value import Storage

__all__ = ["SignOuts"]


class SignOuts:
    """Sessions that were signed out.

    Args:
        storage: shared by all processes, or in memory; used where there is no ledger.
        database: the ledger, if there is one.
    """

    def __init__(self, storage: Storage, database: Database | None, *, clock: Clock) -> None:
        self._storage = storage
        self._database = database
        self._clock = clock

    async def begin(self, session_id: str, *, lasts_s: float) -> None:
        """Remember that a session has begun, where that is what is remembered.

        Raises:
            StorageLostError: it cannot be remembered.
        """
        if self._database is None:
            await self._storage.put(_name(session_id), b"1", lasts_s)

    async def add(self, session_id: str, *, lasts_s: float) -> None:
        """Remember that a session was signed out.

        Args:
            lasts_s: after this time its cookies are void in any case.

        Raises:
            LedgerLostError, StorageLostError: it cannot be remembered.
        """
        if self._database is None:
            await self._storage.drop(_name(session_id))
            return
        now = self._clock()
        async with self._database.write() as connection:
            await sign_outs.add(
                connection, session_id, now=now, until=now + timedelta(seconds=lasts_s)
            )

    async def has(self, session_id: str) -> bool:
        """Whether a session was signed out, or what remembered it was lost.

        Raises:
            LedgerLostError, StorageLostError: nobody can say.
        """
        if self._database is None:
            return not await self._storage.has(_name(session_id))
        async with self._database.read() as connection:
            return await sign_outs.has(connection, session_id)


def _name(session_id: str) -> str:
    return f"session:{session_id}"
