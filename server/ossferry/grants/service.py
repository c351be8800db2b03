"""Hands out grants: one call to STS per principal at a time, and no call while an answer is fresh.

A grant is fresh while more than half of its life is left, so that whoever gets it has time
to use it. Grants live in memory, and sealed on a shelf that several processes share. Who may ask
is decided before this module is reached.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from ossferry.clock import Clock
from ossferry.grants.cache import NoShelf, Shelf
from ossferry.identity.owner import principal_hash, principal_prefix
from ossferry.identity.principal import Principal
from ossferry.oss.policy import Conditions, policy_text, upload_policy
from ossferry.oss.sts import AssumeRole, StsCredentials
from ossferry.settings.model import Settings

__all__ = ["Grant", "Grants", "Issued", "Outcome"]

NewId: TypeAlias = Callable[[], str]
Scope: TypeAlias = tuple[str, str, tuple[str, ...]]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is asked of STS: whose, from where, for what, and which request asked first."""

    principal: Principal
    address: str
    actions: tuple[str, ...]
    refused_key_id: str
    request_id: str

    @property
    def scope(self) -> Scope:
        return self.principal.id, self.address, self.actions


class Grants:
    """Every grant that is fresh, and every call to STS that is under way."""

    def __init__(
        self,
        settings: Settings,
        assume_role: AssumeRole,
        *,
        clock: Clock,
        shelf: Shelf | None = None,
        new_id: NewId = lambda: secrets.token_hex(7),
    ) -> None:
        self._settings = settings
        self._assume_role = assume_role
        self._clock = clock
        self._shelf = shelf or NoShelf()
        self._new_id = new_id
        self._fresh: dict[Scope, Grant] = {}  # by scope, oldest first
        self._asking: dict[Scope, asyncio.Task[Issued]] = {}

    async def grant(
        self,
        principal: Principal,
        *,
        address: str = "",
        actions: Sequence[str] = (),
        refused_key_id: str = "",
        request_id: str = "",
    ) -> Issued:
        """Return a grant for this principal.

        A caller that gives up does not stop the call that others may be waiting for.

        Args:
            address: where the request came from; part of the grant if the settings bind it.
            actions: what the credentials allow; by default what the settings say.
            refused_key_id: an access key id that OSS no longer takes; that grant is not reused.
            request_id: hexadecimal; joins our audit trail with the cloud's.

        Raises:
            StsRefusedError: STS said no.
            StsLostError: STS gave no usable answer.
        """
        wanted = _Wanted(
            principal=principal,
            address=address if self._settings.bind_address else "",
            actions=tuple(actions or self._settings.actions),
            refused_key_id=refused_key_id,
            request_id=request_id or self._new_id(),
        )
        known = self._fresh.get(wanted.scope)
        if known is not None and self._may_reuse(known.credentials, wanted):
            return Issued(grant=known, outcome=Outcome.REUSED)
        if asking := self._asking.get(wanted.scope):
            return replace(await asyncio.shield(asking), outcome=Outcome.REUSED)
        task = asyncio.create_task(self._obtain(wanted))
        self._asking[wanted.scope] = task
        task.add_done_callback(lambda done: self._finish(wanted.scope, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Stop every call to STS that is under way."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _obtain(self, wanted: _Wanted) -> Issued:
        secret = self._settings.secret_bytes
        prefix = principal_prefix(wanted.principal, secret=secret)
        settings = self._settings
        what = (settings.role_arn, settings.bucket, *wanted.actions, prefix, wanted.address)
        name = "|".join(what)
        async with self._shelf.turn(name):
            shelved = await self._shelf.take(name)
            if shelved is not None and self._may_reuse(shelved[0], wanted):
                grant = Grant(credentials=shelved[0], prefix=prefix, session_name=shelved[1])
                return Issued(grant=grant, outcome=Outcome.REUSED)
            grant = await self._ask(wanted, prefix)
            ttl_s = self._settings.session_duration_s / 2
            await self._shelf.put(name, (grant.credentials, grant.session_name), ttl_s=ttl_s)
            return Issued(grant=grant, outcome=Outcome.NEW)

    async def _ask(self, wanted: _Wanted, prefix: str) -> Grant:
        settings = self._settings
        conditions = Conditions(
            secure_transport=all(each.startswith("https://") for each in settings.upload_origins),
            address=wanted.address,
        )
        policy = upload_policy(
            bucket=settings.bucket, prefix=prefix, actions=wanted.actions, conditions=conditions
        )
        who = principal_hash(wanted.principal, secret=settings.secret_bytes)
        session_name = f"{who}-{wanted.request_id}"
        credentials = await self._assume_role(session_name=session_name, policy=policy_text(policy))
        return Grant(credentials=credentials, prefix=prefix, session_name=session_name)

    def _finish(self, scope: Scope, task: asyncio.Task[Issued]) -> None:
        del self._asking[scope]
        if task.cancelled() or task.exception() is not None:
            return
        self._fresh.pop(scope, None)
        self._fresh[scope] = task.result().grant
        self._forget_stale()

    def _forget_stale(self) -> None:
        while self._fresh:
            oldest = next(iter(self._fresh))
            if self._is_fresh(self._fresh[oldest].credentials):
                return
            del self._fresh[oldest]

    def _may_reuse(self, credentials: StsCredentials, wanted: _Wanted) -> bool:
        return credentials.access_key_id != wanted.refused_key_id and self._is_fresh(credentials)

    def _is_fresh(self, credentials: StsCredentials) -> bool:
        left_s = (credentials.expires_at - self._clock()).total_seconds()
        return left_s > self._settings.session_duration_s / 2
