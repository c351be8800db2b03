"""The control plane below `/_mock/`: a page that shows the mock's state, and its JSON API.

The control plane requires no signature: everybody who can connect to the port may use it. Therefore
the mock listens on the loopback interface by default. The control plane refuses requests from web
pages of other origins. As a protection against DNS rebinding, the control plane also refuses
requests with an unknown host name in the Host header.
"""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mock_oss.control.inspection import bucket_of, object_response, state_of
from mock_oss.errors import RefusedError, WorldError
from mock_oss.http.addressing import host_name
from mock_oss.http.documents import read_json
from mock_oss.http.request import whole_number
from mock_oss.journal import RequestRecord
from mock_oss.service import Service
from mock_oss.signing.callback import mock_key, public_key_pem

PAGE = Path(__file__).parents[1] / "page"
PAGE_FILES = tuple(sorted(path.name for path in PAGE.iterdir()))
MAX_STEP_S = 10**12  # outside the clock's range, but exact as a float
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_Endpoint = Callable[[Request], Awaitable[Response]]


class _Guard:
    """ASGI middleware that refuses requests with a wrong Host or Origin header.

    The Host header must contain an allowed host name. The Origin header, if present, must be the
    origin of the mock's own pages. The middleware adds `x-oss-mock: 1` to every response.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin, host = headers.get(b"origin"), headers.get(b"host", b"")

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-oss-mock", b"1")]
            await send(message)

        if not self._allows_host(host_name(host.decode("latin-1")), scope):
            refused = "this Host may not use /_mock/; start the mock with --allow-host to allow it"
        elif origin is not None and origin.partition(b"://")[2] != host:
            refused = "pages of other origins may not use /_mock/"
        else:
            await self._app(scope, receive, marked)
            return
        await _problem(refused, 403)(scope, receive, marked)

    def _allows_host(self, name: str, scope: Scope) -> bool:
        """Return whether the control plane accepts a host name in the Host header.

        The control plane accepts loopback addresses, the address of the server socket, and the
        configured names.
        """
        if name in self._hosts or name == (scope.get("server") or ("",))[0]:
            return True
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return False


def _problem(message: str, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": message}, status)


async def _body(request: Request) -> dict[str, Any]:
    try:
        document = read_json(await request.body() or b"{}")
    except ValueError as e:
        raise WorldError(f"the body is not JSON: {e}") from e
    if not isinstance(document, dict):
        raise WorldError("the body must be a JSON object")
    return document


def _count(text: str, default: int) -> int:
    number = whole_number(text, 0, 10**15)
    return default if number is None else number


def _moment(wanted: dict[str, Any]) -> datetime | None:
    if "set" not in wanted:
        return None
    try:
        moment = datetime.fromisoformat(wanted["set"])
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise WorldError("set must be a time with an offset, such as 2026-03-14T00:00:00+00:00")
    return moment


def _step_s(wanted: dict[str, Any]) -> float:
    step_s = wanted.get("advance", 0)
    if isinstance(step_s, bool) or not isinstance(step_s, int | float):
        raise WorldError("advance must be a number of seconds")
    return float(max(-MAX_STEP_S, min(step_s, MAX_STEP_S)))


class _Control:
    """The endpoint functions of the JSON API, as methods."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def clock(self) -> dict[str, object]:
        return {"now": self._service.clock.now().isoformat()}

    def endpoints(self) -> dict[str, object]:
        refuse = self._service.refuse_public_endpoints
        cnames = dict(self._service.store.cnames.bound)
        return {"cnames": cnames, "refuse_public_endpoints": refuse}

    async def get_requests(self, request: Request) -> Response:
        after = _count(request.query_params.get("after", ""), 0)
        records = [record for record in self._service.journal if record.number > after]
        shown = records[-_count(request.query_params.get("last", ""), len(records)) :]
        brief = "brief" in request.query_params
        dicts = await run_in_threadpool(lambda: [record.as_dict(brief=brief) for record in shown])
        return JSONResponse({"requests": dicts})

    async def get_request(self, request: Request) -> Response:
        record = self._record(request)
        if record is None:
            return _problem("there is no such request in the journal", 404)
        return JSONResponse(await run_in_threadpool(record.as_dict))

    def _record(self, request: Request) -> RequestRecord | None:
        number = _count(request.path_params["number"], 0)
        return next((record for record in self._service.journal if record.number == number), None)

    async def post_compare(self, request: Request) -> Response:
        record, wanted = self._record(request), await _body(request)
        if record is None:
            return _problem("there is no such request in the journal", 404)
        signed = wanted.get("signed")
        if not isinstance(signed, str):
            raise WorldError("signed must be the text that the client signed")
        try:
            return JSONResponse(await run_in_threadpool(record.compare, signed))
        except ValueError as e:
            raise WorldError(str(e)) from e

    def faults(self) -> dict[str, object]:
        return {"faults": [fault.as_dict() for fault in self._service.faults]}

    async def post_faults(self, request: Request) -> Response:
        fault = self._service.faults.add_plan(await _body(request))
        return JSONResponse(fault.as_dict(), 201)

    async def post_clock(self, request: Request) -> Response:
        wanted, clock = await _body(request), self._service.clock
        if unknown := wanted.keys() - {"advance", "set", "freeze"}:
            raise WorldError(f"the clock accepts advance, set and freeze, not {min(unknown)}")
        moment, step_s, freeze = _moment(wanted), _step_s(wanted), wanted.get("freeze")
        if freeze not in (None, True, False):
            raise WorldError("freeze must be true or false")
        if freeze:
            clock.freeze()
        try:
            if moment is not None:
                clock.set(moment)
            clock.advance(step_s)
        except ValueError as e:
            raise WorldError(str(e)) from e
        if freeze is False:
            clock.unfreeze()
        return JSONResponse(self.clock())

    async def post_endpoints(self, request: Request) -> Response:
        wanted, service = await _body(request), self._service
        if unknown := wanted.keys() - {"cnames", "refuse_public_endpoints"}:
            raise WorldError(
                f"endpoints accept cnames and refuse_public_endpoints, not {min(unknown)}"
            )
        refuse = wanted.get("refuse_public_endpoints", service.refuse_public_endpoints)
        cnames = wanted.get("cnames", {})
        if not isinstance(refuse, bool):
            raise WorldError("refuse_public_endpoints must be true or false")
        if not isinstance(cnames, dict) or not all(
            bucket is None or isinstance(bucket, str) for bucket in cnames.values()
        ):
            raise WorldError("cnames must map a custom domain to a bucket, or to null to unbind it")
        for domain, bucket in cnames.items():
            if bucket is None:
                service.unbind_cname(domain)
            else:
                service.bind_cname(domain, bucket)
        service.refuse_public_endpoints = refuse
        return JSONResponse(self.endpoints())

    async def get_bucket(self, request: Request) -> Response:
        params = request.query_params
        state = bucket_of(
            self._service,
            request.path_params["bucket"],
            prefix=params.get("prefix", ""),
            after=params.get("after", ""),
            limit=min(_count(params.get("limit", ""), 100), 1000),
        )
        return _problem("there is no such bucket", 404) if state is None else JSONResponse(state)

    async def get_object(self, request: Request) -> Response:
        bucket, key = request.path_params["bucket"], request.path_params["key"]
        record = self._service.store.objects.get(bucket, key)
        if record is None:
            return _problem("there is no such object", 404)
        return object_response(
            self._service,
            record,
            wanted=request.headers.get("range"),
            download="download" in request.query_params,
        )


async def _public_key(request: Request) -> Response:
    return Response(public_key_pem(mock_key()), media_type="application/x-pem-file")


async def _on_refused(request: Request, error: Exception) -> Response:
    return _problem(str(error), error.status if isinstance(error, RefusedError) else 400)


async def _on_bug(request: Request, error: Exception) -> Response:
    return _problem(f"a bug in the mock: {type(error).__name__}", 500)


async def _on_http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    sentence = f"there is no {request.method} {request.url.path}"
    if allowed := (error.headers or {}).get("Allow"):
        sentence += f"; this path accepts {', '.join(sorted(allowed.split(', ')))}"
    answer = _problem(sentence, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def _page(name: str) -> Response:
    if name not in PAGE_FILES:
        return _problem("there is no such page", 404)
    return FileResponse(PAGE / name, headers=PAGE_HEADERS)


def _shown(values: Callable[[], object]) -> _Endpoint:
    """Return an endpoint that answers with JSON-ready values."""

    async def endpoint(request: Request) -> Response:
        return JSONResponse(values())

    return endpoint


def _done(action: Callable[[], None]) -> _Endpoint:
    """Return an endpoint that runs an action, and answers with 204 and without a body."""

    async def endpoint(request: Request) -> Response:
        action()
        return Response(status_code=204)

    return endpoint


def _route(path: str, **endpoints: _Endpoint) -> Route:
    """Return the route of a path below `/_mock`; the endpoints have the names of the methods."""

    async def serve(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return Route(f"/_mock/{path}", serve, methods=list(endpoints))


def control_app(service: Service, reset: Callable[[], None]) -> ASGIApp:
    """Return the ASGI application that serves the paths below `/_mock`.

    Args:
        service: the shared state of the running mock.
        reset: a function that restores the initial state of the mock.
    """
    control = _Control(service)
    faults, delete_faults = _shown(control.faults), _done(service.faults.clear)
    app = Starlette(
        routes=[
            _route("state", GET=_shown(lambda: state_of(service))),
            _route("buckets/{bucket}", GET=control.get_bucket),
            _route("objects/{bucket}/{key:path}", GET=control.get_object),
            _route("requests", GET=control.get_requests, DELETE=_done(service.journal.clear)),
            _route("requests/{number}", GET=control.get_request),
            _route("requests/{number}/compare", POST=control.post_compare),
            _route("faults", GET=faults, POST=control.post_faults, DELETE=delete_faults),
            _route("clock", GET=_shown(control.clock), POST=control.post_clock),
            _route("endpoints", GET=_shown(control.endpoints), POST=control.post_endpoints),
            _route("reset", POST=_done(reset)),
            _route("callback_pub_key.pem", GET=_public_key),
            Route("/_mock", lambda _: RedirectResponse("/_mock/")),
            Route("/_mock/", lambda _: _page("index.html")),
            Route("/_mock/{name:str}", lambda request: _page(request.path_params["name"])),
        ],
        exception_handlers={
            HTTPException: _on_http_error,
            RefusedError: _on_refused,
            WorldError: _on_refused,
            Exception: _on_bug,
        },
    )
    return _Guard(app, service.hosts)
