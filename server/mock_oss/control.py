"""The control plane under ``/_mock/``: a page to look inside, and the same as JSON.

No signature is asked for: whoever reaches the port may look and plan. That is why the mock
binds loopback, and why pages of other origins are refused.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from mock_oss.errors import RefusedError, WorldError
from mock_oss.inspection import bucket_of, object_response, state_of
from mock_oss.signing.callback import MOCK_KEY, public_key_pem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mock_oss.server import MockOSS

__all__ = ["control_app"]

PAGE = Path(__file__).with_name("page")
PAGE_FILES = ("index.html", "page.css", "page.js")
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
Endpoint = Callable[[Request], Awaitable[Response]]


class _Guard:
    """Refuses pages of other origins, and marks every answer ``x-oss-mock: 1``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-oss-mock", b"1")]
            await send(message)

        if origin is not None and origin.partition(b"://")[2] != headers.get(b"host"):
            await _problem("another origin may not look inside", 403)(scope, receive, marked)
            return
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


def _count(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else default


class _Control:
    """The endpoints, as methods over one mock."""

    def __init__(self, mock: MockOSS) -> None:
        self._mock = mock

    async def get_requests(self, request: Request) -> Response:
        since = request.query_params.get("after", "0")
        after = _count(since, 0)
        found = [record for record in self._mock.requests if record.number > after]
        shown = found[-_count(request.query_params.get("last", ""), len(found)) :]
        return JSONResponse({"requests": [record.as_dict() for record in shown]})

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
        if wanted.get("freeze"):
            clock.freeze()
        try:
            if "set" in wanted:
                clock.set(datetime.fromisoformat(wanted["set"]))
            if "advance" in wanted:
                clock.advance(float(wanted["advance"]))
        except (TypeError, ValueError) as e:
            raise WorldError(str(e)) from e
        if wanted.get("freeze") is False:
            clock.unfreeze()
        return await self.get_clock(request)

    async def get_state(self, request: Request) -> Response:
        return JSONResponse(state_of(self._mock.service, self._mock.faults))

    async def get_bucket(self, request: Request) -> Response:
        params = request.query_params
        found = bucket_of(
            self._mock.service,
            request.path_params["bucket"],
            prefix=params.get("prefix", ""),
            after=params.get("after", ""),
            limit=min(_count(params.get("limit", ""), 100), 1000),
        )
        return _problem("there is no such bucket", 404) if found is None else JSONResponse(found)

    async def get_object(self, request: Request) -> Response:
        bucket, key = request.path_params["bucket"], request.path_params["key"]
        found = self._mock.service.store.objects.get(bucket, key)
        if found is None:
            return _problem("there is no such object", 404)
        return object_response(
            self._mock.service,
            found,
            wanted=request.headers.get("range"),
            download="download" in request.query_params,
        )

    async def get_public_key(self, request: Request) -> Response:
        return Response(public_key_pem(MOCK_KEY), media_type="application/x-pem-file")

    async def post_reset(self, request: Request) -> Response:
        self._mock.reset()
        return Response(status_code=204)


async def _on_world_error(request: Request, error: Exception) -> Response:
    return _problem(str(error))


async def _on_refused(request: Request, error: Exception) -> Response:
    return _problem(str(error), error.status if isinstance(error, RefusedError) else 500)


def _page(name: str) -> Response:
    if name not in PAGE_FILES:
        return _problem("there is no such page", 404)
    return FileResponse(PAGE / name, headers=PAGE_HEADERS)


def control_app(mock: MockOSS) -> Starlette:
    """Return the application behind ``/_mock``."""
    control = _Control(mock)
    table: list[tuple[str, str, Endpoint]] = [
        ("GET", "/_mock/state", control.get_state),
        ("GET", "/_mock/buckets/{bucket}", control.get_bucket),
        ("GET", "/_mock/objects/{bucket}/{key:path}", control.get_object),
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
        routes=[
            *(Route(path, endpoint, methods=[method]) for method, path, endpoint in table),
            Route("/_mock", lambda _: RedirectResponse("/_mock/")),
            Route("/_mock/", lambda _: _page("index.html")),
            Route("/_mock/{name:str}", lambda request: _page(request.path_params["name"])),
        ],
        middleware=[Middleware(_Guard)],
        exception_handlers={WorldError: _on_world_error, RefusedError: _on_refused},
    )
