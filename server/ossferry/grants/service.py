"""Issues grants, and reuses credentials that are still fresh.

Credentials are fresh while more than half of their lifetime is left. Requests with the same session
policy share credentials, and at most one call to STS at a time runs for these requests. Fresh
credentials are stored in memory, and encrypted in a cache that all processes share. This module
does not check whether a principal has access; callers must check the access first.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from ossferry.clock import Clock
from ossferry.grants.cache import SealedGrantCache
from ossferry.grants.permission import Permission
from ossferry.identity.object_keys import INCOMING
from ossferry.identity.owner import Owner
from ossferry.oss.policy import policy_text, upload_policy
from ossferry.oss.sts import AssumeRole, StsCredentials
from ossferry.settings.model import Settings
from ossferry.uploads.quotas import Left

NewId: TypeAlias = Callable[[], str]
Obtained: TypeAlias = "tuple[StsCredentials, Outcome]"
EVERYTHING = Permission()


class Outcome(StrEnum):
    """Whether the credentials of a grant are new or reused, as written to the audit trail."""

    NEW = "issued"
    REUSED = "reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Credentials with which a principal may upload for a limited time, and their limits.

    Attributes:
        principal: the person or program that requested the grant.
        permission: the folder, sizes and types that are allowed.
        credentials: temporary credentials that can write below `held` and `prefix` only.
        outcome: whether the credentials are new or reused.
        left: remaining quota of the principal; None if there is no limit.
        held: what every object's key in the bucket must have before its final key: `INCOMING` if
            uploads are held until they are checked, otherwise nothing.
    """

    principal: Owner
    permission: Permission
    credentials: StsCredentials
    outcome: Outcome
    left: Left | None = None
    held: str = ""

    @property
    def prefix(self) -> str:
        """The prefix of the final keys of uploads; ends in `/`."""
        return _prefix(self.principal, self.permission)


def _prefix(principal: Owner, permission: Permission) -> str:
    return principal.prefix + (f"{permission.folder}/" if permission.folder else "")


@dataclass(slots=True, eq=False, repr=False)
class Grants:
    """Issues grants with STS credentials.

    Credentials are reused while they are fresh, which means while more than half of their lifetime
    is left. Concurrent requests for the same credentials wait for one call to STS.

    Args:
        cache: shares fresh credentials with other processes; None if there is only one.
        new_id: returns a random id for the session name, used if a request has no id.
    """

    settings: Settings
    assume_role: AssumeRole
    _: KW_ONLY
    clock: Clock
    cache: SealedGrantCache | None = None
    new_id: NewId = lambda: secrets.token_hex(7)
    # credentials by session policy, oldest first
    _fresh: dict[str, StsCredentials] = field(init=False, default_factory=dict)
    _asking: dict[str, asyncio.Task[Obtained]] = field(init=False, default_factory=dict)

    async def grant(
        self,
        principal: Owner,
        permission: Permission = EVERYTHING,
        *,
        left: Left | None = None,
        address: str = "",
        actions: Sequence[str] = (),
        refused_key_id: str = "",
        request_id: str = "",
    ) -> Grant:
        """Return a grant with fresh credentials from memory or the cache, or else with new ones.

        If one caller is cancelled, the call to STS continues for the other callers.

        Args:
            permission: the allowed folder below the principal's prefix, file size and types.
            left: remaining quota of the principal; None if there is no limit.
            address: IP address of the client; the credentials work only from this address if the
                setting `bind_address` is on.
            actions: the actions that the credentials allow; by default the actions in the settings.
            refused_key_id: an access key id that OSS refuses; credentials with this id are not
                reused.
            request_id: id of the request, for the name of a new STS session; by default a random
                id.

        Raises:
            StsRefusedError: STS refused the request.
            StsLostError: STS gave no usable answer.
        """
        settings = self.settings
        held = INCOMING if settings.release == "checked" else ""
        policy = upload_policy(
            bucket=settings.bucket,
            prefix=held + _prefix(principal, permission),
            actions=actions or settings.actions,
            secure_transport=all(each.startswith("https://") for each in settings.upload_origins),
            address=address if settings.bind_address else "",
            until=permission.until,
        )
        credentials, outcome = await self._credentials(
            policy_text(policy),
            session_name=f"{principal.hash}-{request_id or self.new_id()}",
            refused_key_id=refused_key_id,
        )
        if permission.until:
            expires_at = min(credentials.expires_at, permission.until)
            credentials = replace(credentials, expires_at=expires_at)
        return Grant(
            principal=principal,
            permission=permission,
            credentials=credentials,
            outcome=outcome,
            left=left,
            held=held,
        )

    async def close(self) -> None:
        """Cancel all running calls to STS."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _credentials(
        self, policy: str, *, session_name: str, refused_key_id: str
    ) -> Obtained:
        """Return fresh credentials that a session policy limits.

        Args:
            session_name: name of the session, if it is new.
        """
        known = self._fresh.get(policy)
        if known is not None and self._may_reuse(known, refused_key_id):
            return known, Outcome.REUSED
        if asking := self._asking.get(policy):
            credentials, _ = await asyncio.shield(asking)
            return credentials, Outcome.REUSED
        task = asyncio.create_task(self._obtain(policy, session_name, refused_key_id))
        self._asking[policy] = task
        task.add_done_callback(lambda done: self._finish(policy, done))
        return await asyncio.shield(task)

    async def _obtain(self, policy: str, session_name: str, refused_key_id: str) -> Obtained:
        """Return credentials from the cache, or request new ones from STS."""
        if self.cache is None:
            return await self._issue(policy, session_name), Outcome.NEW
        name = f"{self.settings.role_arn}|{policy}"
        async with self.cache.locked(name):
            cached = await self.cache.get(name)
            if cached is not None and self._may_reuse(cached, refused_key_id):
                return cached, Outcome.REUSED
            credentials = await self._issue(policy, session_name)
            await self.cache.put(name, credentials, ttl_s=self.settings.session_duration_s / 2)
            return credentials, Outcome.NEW

    async def _issue(self, policy: str, session_name: str) -> StsCredentials:
        issued = await self.assume_role(session_name=session_name, policy=policy)
        return replace(issued, session_name=session_name)

    def _finish(self, policy: str, task: asyncio.Task[Obtained]) -> None:
        del self._asking[policy]
        if task.cancelled() or task.exception() is not None:
            return
        self._fresh.pop(policy, None)
        self._fresh[policy] = task.result()[0]
        self._forget_stale()

    def _forget_stale(self) -> None:
        while self._fresh:
            oldest = next(iter(self._fresh))
            if self._is_fresh(self._fresh[oldest]):
                return
            del self._fresh[oldest]

    def _may_reuse(self, credentials: StsCredentials, refused_key_id: str) -> bool:
        return credentials.access_key_id != refused_key_id and self._is_fresh(credentials)

    def _is_fresh(self, credentials: StsCredentials) -> bool:
        left_s = (credentials.expires_at - self.clock()).total_seconds()
        return left_s > self.settings.session_duration_s / 2
