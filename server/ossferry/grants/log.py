"""Asks the ledger before a grant is handed out, and has it remember those that were."""

from collections import OrderedDict

from ossferry.clock import Clock
from ossferry.grants.service import Grant
from ossferry.hooks.calls import Hooks, granted
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, people
from ossferry.ledger.people import GrantRow
from ossferry.uploads.quotas import Quotas

__all__ = ["GrantLog"]

MAX_KNOWN = 10_000


class GrantLog:
    """The ledger as the token API sees it."""

    def __init__(self, database: Database, hooks: Hooks, quotas: Quotas, *, clock: Clock) -> None:
        self._database = database
        self._hooks = hooks
        self._quotas = quotas
        self._clock = clock
        self._known: OrderedDict[str, None] = OrderedDict()

    async def admit(self, owner: Owner, *, size: int = 0) -> dict[str, int | None] | None:
        """Return what somebody may still upload; see `Quotas.admit`.

        Raises:
            RevokedError, QuotaExceededError: they get no credentials.
            LedgerLostError: nobody knows, so they get none now.
        """
        return await self._quotas.admit(owner, size=size)

    async def note(self, owner: Owner, grant: Grant) -> None:
        """Write a grant down, once per credentials, before it is handed out.

        Raises:
            LedgerLostError: it is not written down, so it must not be handed out.
        """
        if grant.session_name in self._known:
            return
        now = self._clock()
        row = GrantRow(
            session_name=grant.session_name,
            key_last4=grant.credentials.access_key_id[-4:],
            issued_at=now,
            expires_at=grant.credentials.expires_at,
        )
        async with self._database.write() as connection:
            if await people.note_grant(connection, owner, row):
                await self._hooks.announce(
                    connection, granted(owner, grant.credentials.expires_at, now)
                )
        self._hooks.wake()
        self._known[grant.session_name] = None
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
