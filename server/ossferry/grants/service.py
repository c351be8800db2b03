"""Issues grants, and reuses grants that are still fresh.

A grant is fresh while more than half of its lifetime is left. Requests with the same prefix,
address and actions share one grant, and at most one call to STS at a time runs for these requests.
Fresh grants are stored in memory, and encrypted in a cache that all processes share. This module
does not check whether a principal has access; callers must check the access first.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from ossferry.clock import Clock
from ossferry.grants.cache import GrantCache, NoGrantCache
from ossferry.identity.owner import Owner
from ossferry.oss.policy import Conditions, policy_text, upload_policy
from ossferry.oss.sts import AssumeRole, StsCredentials
from ossferry.settings.model import Settings

__all__ = ["Grant", "Grants", "Issued", "Outcome"]

NewId: TypeAlias = Callable[[], str]
Scope: TypeAlias = tuple[str, str, tuple[str, ...]]


class Outcome(StrEnum):
    """Whether the credentials of a grant are new or reused."""

    NEW = "issued"
    REUSED = "reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Temporary credentials that can write below one key prefix only.

    Attributes:
        prefix: the key prefix; ends in `/`.
        session_name: name of the STS session; appears in the audit trails of the server and of the
            cloud.
    """

    credentials: StsCredentials
    prefix: str
    session_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A grant for one request, and whether its credentials are new or reused."""

    grant: Grant
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class _GrantRequest:
    """A request for a grant; requests with the same prefix, address and actions share one grant."""

    owner: Owner
    prefix: str
    address: str
    actions: tuple[str, ...]
    refused_key_id: str
    request_id: str

    @property
    def scope(self) -> Scope:
        return self.prefix, self.address, self.actions


class Grants:
    """Issues grants.

    A grant is reused while it is fresh. Concurrent requests for the same grant wait for one call to
    STS.

    Args:
        cache: shares fresh grants with other processes; by default nothing is shared.
        new_id: returns a random id for the session name, used if a request has no id.
    """

    def __init__(
        self,
        settings: Settings,
        assume_role: AssumeRole,
        *,
        clock: Clock,
        cache: GrantCache | None = None,
        new_id: NewId = lambda: secrets.token_hex(7),
    ) -> None:
        self._settings = settings
        self._assume_role = assume_role
        self._clock = clock
        self._cache = cache or NoGrantCache()
        self._new_id = new_id
        self._fresh: dict[Scope, Grant] = {}  # by scope, oldest first
        self._asking: dict[Scope, asyncio.Task[Issued]] = {}

    async def grant(
        self,
        owner: Owner,
        *,
        prefix: str = "",
        address: str = "",
        actions: Sequence[str] = (),
        refused_key_id: str = "",
        request_id: str = "",
    ) -> Issued:
        """Return the fresh grant of an owner; if there is none, request a new grant from STS.

        If one caller is cancelled, the call to STS continues for the other callers.

        Args:
            prefix: key prefix below which the credentials may write, at or below the owner's prefix
                (the default).
            address: IP address of the client; the credentials work only from this address if the
                setting `bind_address` is on.
            actions: the actions that the credentials allow; by default the actions in the settings.
            refused_key_id: an access key id that OSS refuses; a grant with this id is not reused.
            request_id: hexadecimal digits for the session name.

        Raises:
            StsRefusedError: STS refused the request.
            StsLostError: STS gave no usable answer.
        """
        wanted = _GrantRequest(
            owner=owner,
            prefix=prefix or owner.prefix,
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
        """Cancel all running calls to STS."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _obtain(self, wanted: _GrantRequest) -> Issued:
        """Return a grant from the cache, or request a new grant from STS."""
        settings, prefix = self._settings, wanted.prefix
        what = (settings.role_arn, settings.bucket, *wanted.actions, prefix, wanted.address)
        name = "|".join(what)
        async with self._cache.locked(name):
            cached = await self._cache.get(name)
            if cached is not None and self._may_reuse(cached[0], wanted):
                grant = Grant(credentials=cached[0], prefix=prefix, session_name=cached[1])
                return Issued(grant=grant, outcome=Outcome.REUSED)
            grant = await self._ask_sts(wanted)
            ttl_s = settings.session_duration_s / 2
            await self._cache.put(name, (grant.credentials, grant.session_name), ttl_s=ttl_s)
            return Issued(grant=grant, outcome=Outcome.NEW)

    async def _ask_sts(self, wanted: _GrantRequest) -> Grant:
        settings, owner = self._settings, wanted.owner
        conditions = Conditions(
            secure_transport=all(each.startswith("https://") for each in settings.upload_origins),
            address=wanted.address,
        )
        policy = upload_policy(
            bucket=settings.bucket,
            prefix=wanted.prefix,
            actions=wanted.actions,
            conditions=conditions,
        )
        session_name = f"{owner.hash}-{wanted.request_id}"
        credentials = await self._assume_role(session_name=session_name, policy=policy_text(policy))
        return Grant(credentials=credentials, prefix=wanted.prefix, session_name=session_name)

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

    def _may_reuse(self, credentials: StsCredentials, wanted: _GrantRequest) -> bool:
        return credentials.access_key_id != wanted.refused_key_id and self._is_fresh(credentials)

    def _is_fresh(self, credentials: StsCredentials) -> bool:
        left_s = (credentials.expires_at - self._clock()).total_seconds()
        return left_s > self._settings.session_duration_s / 2
