"""Credentials that all uploads of a page share; they are renewed before they expire.

The expiry time is compared with the server's time, because the user's clock may be wrong.
"""

import asyncio

from ossferry_uploader.transfer.errors import GrantRefused
from ossferry_uploader.transfer.pacing.retry import retry_after, waits_for
from ossferry_uploader.transfer.states import FOR_QUOTA, FOR_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeGuard

    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.ports import Clock

    class GrantSource(Protocol):
        """Interface of an object that requests grants from the server."""

        async def fetch(self, *, refused_key_id: str = "") -> Grant:
            """Request a new grant from the server.

            Args:
                refused_key_id: the access key id of credentials that OSS refused, or an empty text.
                    The new grant must have another access key id.

            Raises:
                GrantRefused: the server refused the request, or did not answer.
            """


RENEW_BEFORE_S = 60
LEAST_S = 5  # the shortest validity with which a request is sent
AGAIN_S = 10.0  # how long the server's latest answer is reused
SIGNED_OUT = 401
TOO_MANY_REQUESTS = 429
OTHER_PLACE = "other-place"  # error code: a later grant is for another bucket
OTHER_PERSON = "other-person"  # error code: a later grant is for another key prefix


class _Fetch:
    """One request for a grant, shared by all callers that wait for the result."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.grant: Grant | None = None
        self.error: Exception | None = None


class GrantKeeper:
    """Fetches grants and keeps the latest; `skew_s` is the server's clock minus the browser's.

    `on_fetched(grant, error)` is called after each request for a grant: with the grant and `None`,
    or with `None` and the error.
    """

    def __init__(
        self,
        grants: "GrantSource",
        clock: "Clock",
        *,
        on_fetched: "Callable[[Grant | None, Exception | None], None]" = lambda grant, error: None,
    ) -> None:
        self._on_fetched = on_fetched
        self._grants = grants
        self._clock = clock
        self._grant: Grant | None = None
        self._fetch: _Fetch | None = None
        self._asked_at_s = -AGAIN_S
        self._not_before_s = 0.0  # end of the latest `Retry-After`, by the same clock
        self._refused_key_id = ""
        self._place: tuple[str, str, bool, str] | None = None  # with the prefix as last item
        self._prefix = ""
        self._error: Exception | None = None  # of the latest fetch
        self._signed_out = 0  # number of sign-outs
        self.skew_s = 0.0  # server minus client

    @property
    def current(self) -> "Grant | None":
        """The latest grant, which may have expired; `None` if there is none or OSS refused it."""
        return self._grant

    def has_form(self) -> bool:
        """Return whether the current grant has a PostObject form instead of credentials."""
        return bool(self._grant and self._grant.form)

    def server_now_s(self) -> float:
        """Return the server's time in seconds since 1970."""
        return self._clock.now_s() + self.skew_s

    def set_server_time(self, server_time_s: float) -> None:
        """Record how much the server's clock differs from the user's clock.

        Args:
            server_time_s: the server's present time in seconds since 1970.
        """
        self.skew_s = server_time_s - self._clock.now_s()

    def reject(self, grant: "Grant") -> None:
        """Stop using a grant that OSS refused, unless a newer grant is already in use."""
        if self._grant is grant:
            self._grant = None
            self._refused_key_id = grant.credentials.access_key_id

    def forget(self) -> None:
        """Delete all credentials, because the person has signed out.

        If a request for a grant is in progress, its credentials are deleted too.
        """
        self.drop()
        self._signed_out += 1

    def drop(self) -> None:
        """Delete the credentials; the next call of `get` requests new ones."""
        if self._grant:
            self._grant.forget()
        self._grant = None

    async def get(self) -> "Grant":
        """Return the current grant, or a new grant if the current one expires soon or is missing.

        "Soon" means in less than `RENEW_BEFORE_S` seconds. Concurrent callers share one request to
        the server. A grant that is valid for at least `LEAST_S` more seconds is still returned if
        the server was asked in the last `AGAIN_S` seconds, or is not available.

        Raises:
            GrantRefused: the server gave no grant; or the new grant has another bucket or prefix
                than the first grant; or the server has answered with status 429 and a time to wait
                that is not over, so that it is not asked again.
        """
        grant = self._grant
        if grant and self._left_s(grant) >= RENEW_BEFORE_S:
            return grant
        if grant and self._is_valid(grant) and self._has_just_asked():
            return grant
        try:
            self._check_pace()
            return await self._fetched()
        except GrantRefused as error:
            if waits_for(error) == FOR_SERVER and grant is self._grant and self._is_valid(grant):
                return grant
            raise

    async def renewed(self) -> "Grant":
        """Request a new grant from the server, and return it.

        If the server was asked in the last `AGAIN_S` seconds, return the result of `get` instead.

        Raises:
            GrantRefused: the server gave no grant; `get` may still return the current one.
        """
        if self._has_just_asked():
            return await self.get()
        return await self._fetched()

    async def anew(self) -> "Grant":
        """Request a new grant even if the current grant is still valid, and return it.

        Call this method when the remaining quota, which is part of the grant, may have changed.

        Raises:
            GrantRefused: the server gave no grant.
        """
        return await self._fetched()

    async def prefix(self) -> str:
        """Return the prefix with which all object keys of the person who uploads begin.

        The prefix is in the grant. If the quota is used up, the server gives no grant, but its
        error response contains the prefix.

        Raises:
            GrantRefused: the server did not give the prefix.
        """
        try:
            return (await self.get()).prefix
        except GrantRefused as error:
            if not error.prefix or self._prefix not in ("", error.prefix):
                raise
            self._prefix = error.prefix
            return error.prefix

    async def is_used_up(self) -> bool:
        """Return whether the server gives no credentials because the person's quota is used up.

        If the server refused a grant in the last `AGAIN_S` seconds, the result depends on that
        refusal; otherwise on the result of `get`.
        """
        if self._error and self._has_just_asked():
            return waits_for(self._error) == FOR_QUOTA
        try:
            await self.get()
        except GrantRefused as error:
            return waits_for(error) == FOR_QUOTA
        return False

    def _check_pace(self) -> None:
        """Check that the page may ask the server for a grant now.

        Raises:
            GrantRefused: the server has answered with 429, and the `Retry-After` time is not over.
        """
        error = self._error
        is_limit = isinstance(error, GrantRefused) and error.status == TOO_MANY_REQUESTS
        if error and is_limit and waits_for(error) == FOR_SERVER:
            left_s = self._not_before_s - self._clock.elapsed_s()
            if left_s > 0:
                raise GrantRefused(TOO_MANY_REQUESTS, retry_after_s=left_s)

    def _left_s(self, grant: "Grant") -> float:
        return grant.expires_at_s - self.server_now_s()

    def _is_valid(self, grant: "Grant | None") -> "TypeGuard[Grant]":
        return grant is not None and self._left_s(grant) >= LEAST_S

    def _has_just_asked(self) -> bool:
        return 0 <= self._clock.elapsed_s() - self._asked_at_s < AGAIN_S

    async def _fetched(self) -> "Grant":
        fetch = self._fetch
        if not fetch:
            fetch = self._fetch = _Fetch()
            asyncio.create_task(self._run(fetch))  # noqa: RUF006 - it outlives its first caller
        await fetch.done.wait()
        if fetch.grant:
            return fetch.grant
        raise fetch.error or RuntimeError("a fetch ended without grant and without error")

    async def _run(self, fetch: "_Fetch") -> None:
        refused, self._refused_key_id = self._refused_key_id, ""
        signed_out = self._signed_out
        try:
            grant = await self._grants.fetch(refused_key_id=refused)
            if signed_out != self._signed_out:
                grant.forget()
                raise GrantRefused(SIGNED_OUT, detail="it comes from before the sign-out")
            self._check_place(grant)
            self.set_server_time(grant.server_time_s)
            fetch.grant = self._grant = grant
        except Exception as error:  # raised again in every waiting caller
            fetch.error = error
            self._refused_key_id = self._refused_key_id or refused
        finally:
            self._fetch = None
            self._asked_at_s = self._clock.elapsed_s()
            self._error = fetch.error
            if fetch.error:
                self._not_before_s = self._asked_at_s + (retry_after(fetch.error) or 0)
            fetch.done.set()
            self._on_fetched(fetch.grant, fetch.error)

    def _check_place(self, grant: "Grant") -> None:
        """Check that a grant has the same bucket, prefix and kind as the first grant.

        Keys and unfinished uploads belong to one bucket and one prefix. The hosts may differ,
        because several hosts can serve the same bucket. Uploads in parts need credentials, so a
        grant with a form cannot follow.

        Raises:
            GrantRefused: the bucket, its region, the prefix or the kind differs.
        """
        bucket = grant.bucket
        place = (bucket.name, bucket.region, bool(grant.form), grant.prefix)
        is_same = place == self._place if self._place else self._prefix in ("", grant.prefix)
        if not is_same:
            detail = f"it is for {grant.prefix} in {bucket.name}, {bucket.region}"
            is_person = (self._place or place)[:3] == place[:3]
            raise GrantRefused(200, code=OTHER_PERSON if is_person else OTHER_PLACE, detail=detail)
        self._place, self._prefix = place, grant.prefix
