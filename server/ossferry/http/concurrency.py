"""A limit on the number of requests that one process answers at the same time."""

from starlette.types import ASGIApp, Receive, Scope, Send

from ossferry.errors import BusyError
from ossferry.settings.model import Settings

__all__ = ["ConcurrencyLimit"]


class ConcurrencyLimit:
    """ASGI middleware that refuses requests above `OSSFERRY_LIMIT_CONCURRENCY`.

    `/healthz` is exempt: a busy process is still alive.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._limit = settings.limit_concurrency
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or raise `BusyError`."""
        if scope["type"] != "http" or scope["path"] == "/healthz":
            await self._app(scope, receive, send)
            return
        if self._running >= self._limit:
            raise BusyError("concurrency-limit")
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1
