"""Ledger operations for grants: check the principal's access and quota, and record the grant."""

from collections import OrderedDict
from dataclasses import KW_ONLY, dataclass, field

from ossferry.clock import Clock
from ossferry.hooks.calls import Hooks, granted
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, people
from ossferry.ledger.people import GrantRow
from ossferry.oss.sts import StsCredentials
from ossferry.uploads.quotas import Quotas

MAX_KNOWN = 10_000
"""Number of session names kept in memory, so that each grant is written to the ledger once."""


@dataclass(slots=True, eq=False, repr=False)
class GrantLog:
    """Records grants in the ledger.

    Attributes:
        quotas: checks access and quota of the principal before a grant.
    """

    database: Database
    hooks: Hooks
    quotas: Quotas
    _: KW_ONLY
    clock: Clock
    _known: OrderedDict[str, None] = field(init=False, default_factory=OrderedDict)

    async def record(self, principal: Owner, credentials: StsCredentials) -> None:
        """Record a grant in the ledger and announce it to hooks, once for each STS session.

        Raises:
            LedgerLostError: the grant is not recorded, so it must not be issued.
        """
        session_name, expires_at = credentials.session_name, credentials.expires_at
        if session_name in self._known:
            return
        now = self.clock()
        row = GrantRow(
            session_name=session_name,
            key_last4=credentials.access_key_id[-4:],
            issued_at=now,
            expires_at=expires_at,
        )
        async with self.database.write() as connection:
            if await people.note_grant(connection, principal, row):
                await self.hooks.announce(connection, granted(principal, expires_at, now))
        self.hooks.wake()
        self._known[session_name] = None
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
