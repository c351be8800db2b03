"""Signed-out sessions, stored as long as their cookies could still be used.

With a ledger, sign-outs are written to the database and survive any restart. Without a ledger,
Redis or the memory of the process stores the opposite: sessions that have begun and not ended. If
that data is lost, sessions end, but no signed-out session becomes valid again.
"""

from datetime import timedelta

from ossferry.clock import Clock
from ossferry.ledger import Database, sign_outs
from ossferry.state.key_value import Storage

__all__ = ["SignOuts"]


class SignOuts:
    """The store of signed-out sessions.

    Args:
        storage: Redis, shared by all processes, or memory; used if there is no ledger.
        database: the ledger, or None.
    """

    def __init__(self, storage: Storage, database: Database | None, *, clock: Clock) -> None:
        self._storage = storage
        self._database = database
        self._clock = clock

    async def begin(self, session_id: str, *, lasts_s: float) -> None:
        """Store the beginning of a session, if there is no ledger.

        Raises:
            StorageLostError: the session cannot be stored.
        """
        if self._database is None:
            await self._storage.put(_name(session_id), b"1", lasts_s)

    async def add(self, session_id: str, *, lasts_s: float) -> None:
        """Store that a session was signed out.

        Args:
            lasts_s: seconds after which all cookies of the session have expired.

        Raises:
            LedgerLostError, StorageLostError: the sign-out cannot be stored.
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
        """Return whether a session was signed out, or its stored data was lost.

        Raises:
            LedgerLostError, StorageLostError: the store does not answer.
        """
        if self._database is None:
            return not await self._storage.has(_name(session_id))
        async with self._database.read() as connection:
            return await sign_outs.has(connection, session_id)


def _name(session_id: str) -> str:
    return f"session:{session_id}"
