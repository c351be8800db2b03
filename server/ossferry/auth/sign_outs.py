"""Remembers which sessions were ended by a sign-out, for as long as their cookies could be used.

The ledger keeps this over restarts, Redis shares it between processes. Where there is neither, a
restart would forget it: then a session belongs to the process in which it began, and ends with it.
"""

import secrets
from datetime import timedelta

from ossferry.clock import Clock
from ossferry.ledger import Database, sign_outs
from ossferry.storage import Storage

__all__ = ["SignOuts"]


class SignOuts:
    """Sessions that were signed out.

    Args:
        storage: shared by all processes, or in memory.
        database: the ledger, if there is one.
        lasts: whether a restart forgets nothing.

    Attributes:
        generation: what the ids of sessions begin with that can be answered for.
    """

    def __init__(
        self, storage: Storage, database: Database | None, *, lasts: bool, clock: Clock
    ) -> None:
        self.generation = "" if lasts else secrets.token_hex(4)
        self._storage = storage
        self._database = database
        self._clock = clock

    async def add(self, session_id: str, *, lasts_s: float) -> None:
        """Remember that a session was signed out.

        Args:
            lasts_s: after this time its cookies are void in any case.

        Raises:
            LedgerLostError, StorageLostError: it cannot be remembered.
        """
        if self._database is not None:
            now = self._clock()
            async with self._database.write() as connection:
                await sign_outs.add(
                    connection, session_id, now=now, until=now + timedelta(seconds=lasts_s)
                )
        await self._storage.add(_name(session_id), lasts_s)

    async def has(self, session_id: str) -> bool:
        """Whether a session was signed out, or began in a process that is gone.

        Raises:
            LedgerLostError, StorageLostError: nobody can say.
        """
        if not session_id.startswith(self.generation) or await self._storage.has(_name(session_id)):
            return True
        if self._database is None:
            return False
        async with self._database.read() as connection:
            return await sign_outs.has(connection, session_id)


def _name(session_id: str) -> str:
    return f"ended:{session_id}"
