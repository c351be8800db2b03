"""STS sessions of the server's own role for stored objects: one session for each session policy.

Credentials are renewed after half of their lifetime. While STS does not answer, existing
credentials are used until shortly before they expire.
"""

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ossferry.clock import Clock
from ossferry.errors import StsLostError
from ossferry.observability.log_format import logger
from ossferry.oss.sts import OBJECTS_SESSION_S, AssumeRole, StsCredentials

LAST_S = 60.0
"""Do not use credentials in their last seconds: a request could outlast them."""

LEFT_ALONE = timedelta(seconds=2)
"""Pause between attempts to renew credentials while STS does not answer."""

MAX_KEPT = 10_000

log = logger("ossferry.bucket")


@dataclass(slots=True)
class _Session:
    credentials: StsCredentials | None = None
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sessions:
    """A cache of STS credentials of one role, by the session policy that limits the credentials.

    Args:
        assume_role: function that requests credentials of the role.
    """

    def __init__(self, assume_role: AssumeRole, *, clock: Clock) -> None:
        self._assume_role = assume_role
        self._clock = clock
        self._kept: OrderedDict[str, _Session] = OrderedDict()
        self._left_alone_until = datetime.min.replace(tzinfo=UTC)
        self._loss = "no-credentials"

    async def fresh(self, policy: str) -> StsCredentials:
        """Return STS credentials that are limited by a session policy.

        Cached credentials are renewed when half of their lifetime is over. While STS does not
        answer, they are used until `LAST_S` seconds before they expire.

        Args:
            policy: the session policy as JSON.

        Raises:
            StsRefusedError: STS refuses to issue credentials.
            StsLostError: STS does not answer, and the cache has no credentials that last longer
                than `LAST_S` seconds.
        """
        session = self._kept.setdefault(policy, _Session())
        self._kept.move_to_end(policy)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        if session.renewing.locked() and session.credentials and self._left_s(session) > LAST_S:
            return session.credentials
        async with session.renewing:
            if self._left_s(session) <= OBJECTS_SESSION_S / 2:
                await self._renew(session, policy)
            if session.credentials is None or self._left_s(session) <= LAST_S:
                raise StsLostError(self._loss)
            return session.credentials

    def forget(self, policy: str) -> None:
        """Remove the credentials for a session policy from the cache.

        Call this method if OSS does not accept the credentials.
        """
        self._kept.pop(policy, None)

    async def _renew(self, session: _Session, policy: str) -> None:
        if self._clock() < self._left_alone_until:
            return
        try:
            session.credentials = await self._assume_role(
                session_name=f"objects-{secrets.token_hex(7)}", policy=policy
            )
        except StsLostError as error:
            log.warning("own-credentials-not-renewed", reason=error.reason)
            self._left_alone_until = self._clock() + LEFT_ALONE
            self._loss = error.reason

    def _left_s(self, session: _Session) -> float:
        if session.credentials is None:
            return 0.0
        return (session.credentials.expires_at - self._clock()).total_seconds()
