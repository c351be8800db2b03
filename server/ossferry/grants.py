"""Hands out grants: one call to STS per principal at a time, and no call while an answer is fresh.

A grant is fresh while more than half of its life is left, so that whoever gets it has time
to use it. Grants live in memory only. Who may ask is decided before this module is reached.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ossferry.auth import Principal
from ossferry.clock import Clock
from ossferry.policy import policy_text, upload_policy
from ossferry.prefixes import principal_hash, principal_prefix
from ossferry.settings import Settings
from ossferry.sts import AssumeRole, StsCredentials

__all__ = ["Grant", "Grants", "Issued", "Outcome"]

NewId: TypeAlias = Callable[[], str]


class Outcome(StrEnum):
    """How a grant came to be handed out."""

    NEW = "issued"
    REUSED = "reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Credentials, and the only prefix below which they can write.

    Attributes:
        prefix: ends in ``/``.
        session_name: names the session in the cloud's audit trail; ours holds it too.
    """

    credentials: StsCredentials
    prefix: str
    session_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A grant as handed out to one request."""

    grant: Grant
    outcome: Outcome


class Grants:
    """Every grant that is fresh, and every call to STS that is under way."""

    def __init__(
        self,
        settings: Settings,
        assume_role: AssumeRole,
        *,
        clock: Clock,
        new_id: NewId = lambda: secrets.token_hex(6),
    ) -> None:
        self._settings = settings
        self._assume_role = assume_role
        self._clock = clock
        self._new_id = new_id
        self._fresh: dict[str, Grant] = {}  # by principal id, oldest first
        self._asking: dict[str, asyncio.Task[Grant]] = {}

    async def grant(self, principal: Principal, *, refused_key_id: str = "") -> Issued:
        """Return a grant for this principal.

        A caller that gives up does not stop the call that others may be waiting for.

        Args:
            refused_key_id: an access key id that OSS no longer takes; that grant is not reused.

        Raises:
            StsRefusedError: STS said no.
            StsLostError: STS gave no usable answer.
        """
        known = self._fresh.get(principal.id)
        if (
            known is not None
            and self._is_fresh(known)
            and known.credentials.access_key_id != refused_key_id
        ):
            return Issued(grant=known, outcome=Outcome.REUSED)
        task = self._asking.get(principal.id)
        outcome = Outcome.REUSED
        if task is None:
            outcome = Outcome.NEW
            task = asyncio.create_task(self._ask(principal))
            self._asking[principal.id] = task
            task.add_done_callback(lambda done: self._finish(principal.id, done))
        return Issued(grant=await asyncio.shield(task), outcome=outcome)

    async def close(self) -> None:
        """Stop every call to STS that is under way."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, principal: Principal) -> Grant:
        secret = self._settings.secret.get_secret_value().encode()
        prefix = principal_prefix(principal, secret=secret)
        policy = policy_text(upload_policy(bucket=self._settings.bucket, prefix=prefix))
        session_name = f"{principal_hash(principal, secret=secret)}-{self._new_id()}"
        credentials = await self._assume_role(session_name=session_name, policy=policy)
        return Grant(credentials=credentials, prefix=prefix, session_name=session_name)

    def _finish(self, principal_id: str, task: asyncio.Task[Grant]) -> None:
        del self._asking[principal_id]
        if task.cancelled() or task.exception() is not None:
            return
        self._fresh.pop(principal_id, None)
        self._fresh[principal_id] = task.result()
        self._forget_stale()

    def _forget_stale(self) -> None:
        while self._fresh:
            oldest = next(iter(self._fresh))
            if self._is_fresh(self._fresh[oldest]):
                return
            del self._fresh[oldest]

    def _is_fresh(self, grant: Grant) -> bool:
        left_s = (grant.credentials.expires_at - self._clock()).total_seconds()
        return left_s > self._settings.session_duration_s / 2
