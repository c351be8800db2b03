"""Ledger operations for grants: check the principal's access and quota, and record the grant."""

from collections import OrderedDict

from ossferry.clock import Clock
from ossferry.hooks.calls import Hooks, granted
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, people
from ossferry.ledger.people import GrantRow
from ossferry.oss.sts import StsCredentials
from ossferry.uploads.quotas import Left, Quotas

MAX_KNOWN = 10_000
"""Number of session names kept in memory, so that each grant is written to the ledger once."""


class GrantLog:
    """Checks access and quota of principals before a grant, and records grants in the ledger."""

    def __init__(self, database: Database, hooks: Hooks, quotas: Quotas, *, clock: Clock) -> None:
        self._database = database
        self._hooks = hooks
        self._quotas = quotas
        self._clock = clock
        self._known: OrderedDict[str, None] = OrderedDict()

    async def admit(self, principal: Owner, *, size: int = 0) -> Left | None:
        """Check that a principal may upload, and return the remaining quota.

        The result is None if there is no limit.

        Args:
            size: bytes of the object to be stored; 0 if the size is unknown.

        Raises:
            RevokedError: an administrator has revoked the access.
            QuotaExceededError: no quota is left, or too little for an object of this size.
            LedgerLostError: the ledger does not answer, so no grant may be issued.
        """
        return await self._quotas.admit(principal, size=size)

    async def record(self, principal: Owner, credentials: StsCredentials) -> None:
        """Record a grant in the ledger and announce it to hooks, once for each STS session.

        Raises:
            LedgerLostError: the grant is not recorded, so it must not be issued.
        """
        session_name, expires_at = credentials.session_name, credentials.expires_at
        if session_name in self._known:
            return
        now = self._clock()
        row = GrantRow(
            session_name=session_name,
            key_last4=credentials.access_key_id[-4:],
            issued_at=now,
            expires_at=expires_at,
        )
        async with self._database.write() as connection:
            if await people.note_grant(connection, principal, row):
                await self._hooks.announce(connection, granted(principal, expires_at, now))
        self._hooks.wake()
        self._known[session_name] = None
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
