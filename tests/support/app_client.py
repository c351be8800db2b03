"""A synchronous client that calls an ASGI application in memory, without a socket.

The application's startup and shutdown run too, as in a server. A request's extension `target`
replaces the request target, because httpx would normalize the path of its URL.
"""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from urllib.parse import unquote

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send


def app_client(app: ASGIApp, base_url: str = "http://127.0.0.1:8000") -> httpx.Client:
    """Return a client that sends every request to this application; close it after use."""
    return httpx.Client(transport=_AppTransport(app), base_url=base_url)


class _AppTransport(httpx.BaseTransport):
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._target = b""
        self._inner = httpx.ASGITransport(self._to_target, client=("192.0.2.7", 1234))
        self._runner = asyncio.Runner()
        self._lifespan = AsyncExitStack()
        if isinstance(app, Starlette):
            self._runner.run(self._lifespan.enter_async_context(app.router.lifespan_context(app)))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._target = request.extensions.get("target", b"")
        return self._runner.run(self._ask(request))

    async def _to_target(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._target:
            raw = self._target.partition(b"?")[0]
            scope = {**scope, "raw_path": raw, "path": unquote(raw.decode("ascii"))}
        await self._app(scope, receive, send)

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        content = b"".join([chunk async for chunk in answer.stream])
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content)
        )

    def close(self) -> None:
        with self._runner:
            self._runner.run(self._lifespan.aclose())

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self.close()
