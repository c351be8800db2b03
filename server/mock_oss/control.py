"""The control plane under ``/_mock/``: requests, faults, clock and reset as JSON.

No signature is asked for: whoever reaches the port may look and plan. That is why the mock
binds loopback.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mock_oss.errors import WorldError
from mock_oss.signing.callback import MOCK_KEY, public_key_pem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mock_oss.server import MockOSS

__all__ = ["control_app"]

Endpoint = Callable[[Request], Awaitable[Response]]


class _Mark:
    """Marks every answer ``x-oss-mock: 1``, as the mock's own are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-oss-mock", b"1")]
            await send(message)

        await self._app(scope, receive, marked)


def _problem(message: str, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": message}, status)


async def _body(request: Request) -> dict[str, Any]:
    try:
        document = json.loads(await request.body() or b"{}")
    except ValueError as e:
        raise WorldError(f"the body is not JSON: {e}") from e
    if not isinstance(document, dict):
        raise WorldError("the body must be a JSON object")
    return document


class _Control:
    """The endpoints, as methods over one mock."""

    def __init__(self, mock: MockOSS) -> None:
        self._mock = mock

    async def get_requests(self, request: Request) -> Response:
        since = request.query_params.get("after", "0")
        after = int(since) if since.isascii() and since.isdigit() and len(since) < 16 else 0
        records = [record.as_dict() for record in self._mock.requests if record.number > after]
        return JSONResponse({"requests": records})

    async def delete_requests(self, request: Request) -> Response:
        self._mock.requests.clear()
        return Response(status_code=204)

    async def get_faults(self, request: Request) -> Response:
        return JSONResponse({"faults": [fault.as_dict() for fault in self._mock.faults]})

    async def post_faults(self, request: Request) -> Response:
        plan = await _body(request)
        try:
            fault = self._mock.faults.add(**plan)
        except TypeError as e:
            raise WorldError(str(e)) from e
        return JSONResponse(fault.as_dict(), 201)

    async def delete_faults(self, request: Request) -> Response:
        self._mock.faults.clear()
        return Response(status_code=204)

    async def get_clock(self, request: Request) -> Response:
        return JSONResponse({"now": self._mock.clock.now().isoformat()})

    async def post_clock(self, request: Request) -> Response:
        wanted, clock = await _body(request), self._mock.clock
        if unknown := wanted.keys() - {"advance", "set", "freeze"}:
            raise WorldError(f"the clock knows advance, set and freeze, not {min(unknown)}")
        try:
            if "set" in wanted:
                clock.set(datetime.fromisoformat(wanted["set"]))
            if "advance" in wanted:
                clock.advance(float(wanted["advance"]))
        except (TypeError, ValueError) as e:
            raise WorldError(str(e)) from e
        if "freeze" in wanted:
            (clock.freeze if wanted["freeze"] else clock.unfreeze)()
        return await self.get_clock(request)

    async def get_public_key(self, request: Request) -> Response:
        return Response(public_key_pem(MOCK_KEY), media_type="application/x-pem-file")

    async def post_reset(self, request: Request) -> Response:
        self._mock.reset()
        return Response(status_code=204)


async def _on_world_error(request: Request, error: Exception) -> Response:
    return _problem(str(error))


def control_app(mock: MockOSS) -> Starlette:
    """Return the application behind ``/_mock``."""
    control = _Control(mock)
    table: list[tuple[str, str, Endpoint]] = [
        ("GET", "/_mock/requests", control.get_requests),
        ("DELETE", "/_mock/requests", control.delete_requests),
        ("GET", "/_mock/faults", control.get_faults),
        ("POST", "/_mock/faults", control.post_faults),
        ("DELETE", "/_mock/faults", control.delete_faults),
        ("GET", "/_mock/clock", control.get_clock),
        ("POST", "/_mock/clock", control.post_clock),
        ("POST", "/_mock/reset", control.post_reset),
        ("GET", "/_mock/callback_pub_key.pem", control.get_public_key),
    ]
    return Starlette(
        routes=[Route(path, endpoint, methods=[method]) for method, path, endpoint in table],
        middleware=[Middleware(_Mark)],
        exception_handlers={WorldError: _on_world_error},
    )
