"""A limit on the number of requests that one process handles at the same time."""

from starlette.types import ASGIApp, Receive, Scope, Send

from ossferry.errors import BusyError
from ossferry.mount import route_path

MAX_REQUESTS = 1000
"""A process that handles more at the same time would answer all of them too late."""


class ConcurrencyLimit:
    """ASGI middleware that refuses a request if `MAX_REQUESTS` requests are already running.

    It refuses by raising a `BusyError`, which becomes status 503. Requests to `/healthz` are always
    allowed, because a busy process is still healthy.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._limit = MAX_REQUESTS
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to the application.

        Raises:
            BusyError: the process already handles the maximum number of requests.
        """
        if scope["type"] != "http" or route_path(scope) == "/healthz":
            await self._app(scope, receive, send)
            return
        if self._running >= self._limit:
            raise BusyError("concurrency-limit")
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1
