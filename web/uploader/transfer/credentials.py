"""Credentials that are always fresh: fetched once for all uploads, renewed before they end.

The end is judged by the server's clock: the user's own may be wrong by any amount.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.transfer.grant import Grant
    from uploader.transfer.ports import Clock, Grants

__all__ = ["RENEW_BEFORE_S", "GrantKeeper"]

RENEW_BEFORE_S = 60


class _Fetch:
    """One request for a grant, and all who wait for it."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.grant: Grant | None = None
        self.error: Exception | None = None


class GrantKeeper:
    """Keeps the current grant in memory and the difference to the server's clock.

    `on_fetched(grant, error)` is called after each fetch; one of the two is `None`.
    """

    def __init__(
        self,
        grants: "Grants",
        clock: "Clock",
        *,
        on_fetched: "Callable[[Grant | None, Exception | None], None]" = lambda grant, error: None,
    ) -> None:
        self._on_fetched = on_fetched
        self._grants = grants
        self._clock = clock
        self._grant: Grant | None = None
        self._fetch: _Fetch | None = None
        self._refused_key_id = ""
        self.skew_s = 0.0  # server minus client

    def server_now_s(self) -> float:
        """Return now by the server's clock."""
        return self._clock.now_s() + self.skew_s

    def set_server_time(self, server_time_s: float) -> None:
        """Take the server's word for what time it is now."""
        self.skew_s = server_time_s - self._clock.now_s()

    def discard(self, grant: "Grant") -> None:
        """Forget a grant that OSS refused, unless a newer one is already here."""
        if self._grant is grant:
            self._grant = None
            self._refused_key_id = grant.credentials.access_key_id

    async def get(self) -> "Grant":
        """Return a grant with at least `RENEW_BEFORE_S` of life, or as fresh as the server gives.

        Callers that come while one fetch is under way share its result.

        Raises:
            GrantRefused: the server gave none.
        """
        grant = self._grant
        if grant and grant.expires_at_s - self.server_now_s() >= RENEW_BEFORE_S:
            return grant
        fetch = self._fetch
        if not fetch:
            fetch = self._fetch = _Fetch()
            asyncio.create_task(self._run(fetch))  # noqa: RUF006 - it outlives its first caller
        await fetch.done.wait()
        if fetch.grant:
            return fetch.grant
        raise fetch.error or RuntimeError("a fetch ended without grant and without error")

    async def _run(self, fetch: "_Fetch") -> None:
        try:
            refused, self._refused_key_id = self._refused_key_id, ""
            fetch.grant = self._grant = await self._grants.fetch(refused_key_id=refused)
            self.set_server_time(fetch.grant.server_time_s)
        except Exception as error:  # raised again in every waiting caller
            fetch.error = error
        finally:
            self._fetch = None
            fetch.done.set()
            self._on_fetched(fetch.grant, fetch.error)
