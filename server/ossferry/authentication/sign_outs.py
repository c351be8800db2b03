"""Stores which sessions were signed out.

If the server has a ledger (a database), the ledger stores the ids of signed-out sessions until
their cookies have expired. Without a ledger, the ids of active sessions are stored instead, in
Redis or in the memory of the process. If these ids are lost, all sessions end, and no signed-out
session becomes valid again.
"""

from datetime import timedelta

from ossferry.clock import Clock
from ossferry.ledger import Database, sign_outs
from ossferry.state.choice import Storage


class SignOuts:
    """Knows which sessions were signed out, so that copies of their cookies are invalid.

    With a ledger, signed-out sessions are stored in the ledger. Without a ledger, active sessions
    are stored in `storage`.

    Args:
        storage: Redis, shared by all processes, or the memory of this process.
        database: the ledger; None if the server has no ledger.
    """

    def __init__(self, storage: Storage, database: Database | None, *, clock: Clock) -> None:
        self._storage = storage
        self._database = database
        self._clock = clock

    async def begin(self, session_id: str, *, lasts_s: float) -> None:
        """Store a new session as active; do nothing if there is a ledger.

        Args:
            lasts_s: maximum duration of the session in seconds.

        Raises:
            StorageLostError: the session cannot be stored.
        """
        if self._database is None:
            await self._storage.put(_name(session_id), b"1", lasts_s)

    async def add(self, session_id: str, *, lasts_s: float) -> None:
        """Record that a session was signed out.

        Args:
            lasts_s: seconds until all cookies of the session have expired.

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
        """Return whether a session is no longer valid.

        With a ledger, this means that the session was signed out. Without a ledger, it means that
        the session is not among the active sessions.

        Raises:
            LedgerLostError, StorageLostError: the ledger or Redis does not answer.
        """
        if self._database is None:
            return not await self._storage.has(_name(session_id))
        async with self._database.read() as connection:
            return await sign_outs.has(connection, session_id)


def _name(session_id: str) -> str:
    return f"session:{session_id}"
