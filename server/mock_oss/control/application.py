"""The control plane below `/_mock/`: a page that shows the mock's state, and its JSON API.

The control plane requires no signature: everybody who can connect to the port may use it. Therefore
the mock listens on the loopback interface by default. The control plane refuses requests from web
pages of other origins. As a protection against DNS rebinding, the control plane also refuses
requests with an unknown host name in the Host header.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mock_oss.clock import Clock
from mock_oss.control.inspection import bucket_of, object_response, state_of
from mock_oss.control.snapshots import Snapshots
from mock_oss.errors import RefusedError, WorldError
from mock_oss.faults.plan import Faults
from mock_oss.http.addressing import host_name
from mock_oss.http.json_text import read_json
from mock_oss.journal import Journal, RequestRecord
from mock_oss.service import Service
from mock_oss.signing.callback import MOCK_KEY, public_key_pem

PAGE = Path(__file__).parents[1] / "page"
PAGE_FILES = tuple(sorted(path.name for path in PAGE.iterdir()))
MAX_STEP_S = 10**12  # outside the clock's range, but exact as a float
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_Endpoint = Callable[[Request], Awaitable[Response]]


class ControlledMock(Protocol):
    """The attributes and methods of `MockOSS` that the control plane uses."""

    clock: Clock
    faults: Faults
    requests: Journal

    @property
    def service(self) -> Service:
        """The shared state of the running mock."""

    @property
    def snapshots(self) -> Snapshots:
        """The snapshots in the data directory."""

    @property
    def cnames(self) -> Mapping[str, str]:
        """A mapping from custom domain to bucket name."""

    @property
    def control_hosts(self) -> frozenset[str]:
        """Host names, in lower case, at which the mock answers `/_mock/` besides loopback IPs."""

    @property
    def refuse_public_endpoints(self) -> bool:
        """Whether public endpoints of regions in mainland China refuse operations on objects."""

    @refuse_public_endpoints.setter
    def refuse_public_endpoints(self, value: bool) -> None: ...

    def bind_cname(self, domain: str, bucket: str) -> None:
        """Bind a custom domain to a bucket."""

    def unbind_cname(self, domain: str) -> None:
        """Remove the binding of a custom domain."""

    def snapshot(self, place: Path | str) -> None:
        """Save a snapshot of the store in a directory.

        Args:
            place: the path of the directory, or the name (`str`) of a snapshot in the data
                directory.
        """

    def restore(self, place: Path | str) -> None:
        """Replace the content of the store with the content of a snapshot.

        Args:
            place: the path of the directory, or the name (`str`) of a snapshot in the data
                directory.
        """

    def reset(self) -> None:
        """Restore the mock's initial state."""


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
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else default


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

    def __init__(self, mock: ControlledMock) -> None:
        self._mock = mock

    async def get_requests(self, request: Request) -> Response:
        since = request.query_params.get("after", "0")
        after = _count(since, 0)
        records = [record for record in self._mock.requests if record.number > after]
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
        return next((record for record in self._mock.requests if record.number == number), None)

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

    async def delete_requests(self, request: Request) -> Response:
        self._mock.requests.clear()
        return Response(status_code=204)

    async def get_faults(self, request: Request) -> Response:
        return JSONResponse({"faults": [fault.as_dict() for fault in self._mock.faults]})

    async def post_faults(self, request: Request) -> Response:
        fault = self._mock.faults.add_plan(await _body(request))
        return JSONResponse(fault.as_dict(), 201)

    async def delete_faults(self, request: Request) -> Response:
        self._mock.faults.clear()
        return Response(status_code=204)

    async def get_clock(self, request: Request) -> Response:
        return JSONResponse({"now": self._mock.clock.now().isoformat()})

    async def post_clock(self, request: Request) -> Response:
        wanted, clock = await _body(request), self._mock.clock
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
        return await self.get_clock(request)

    async def get_endpoints(self, request: Request) -> Response:
        mock = self._mock
        return JSONResponse(
            {"cnames": dict(mock.cnames), "refuse_public_endpoints": mock.refuse_public_endpoints}
        )

    async def post_endpoints(self, request: Request) -> Response:
        wanted, mock = await _body(request), self._mock
        if unknown := wanted.keys() - {"cnames", "refuse_public_endpoints"}:
            raise WorldError(
                f"endpoints accept cnames and refuse_public_endpoints, not {min(unknown)}"
            )
        refuse = wanted.get("refuse_public_endpoints", mock.refuse_public_endpoints)
        cnames = wanted.get("cnames", {})
        if not isinstance(refuse, bool):
            raise WorldError("refuse_public_endpoints must be true or false")
        if not isinstance(cnames, dict) or not all(
            bucket is None or isinstance(bucket, str) for bucket in cnames.values()
        ):
            raise WorldError("cnames must map a custom domain to a bucket, or to null to unbind it")
        for domain, bucket in cnames.items():
            if bucket is None:
                mock.unbind_cname(domain)
            else:
                mock.bind_cname(domain, bucket)
        mock.refuse_public_endpoints = refuse
        return await self.get_endpoints(request)

    async def get_state(self, request: Request) -> Response:
        return JSONResponse(state_of(self._mock.service, self._mock.faults))

    async def get_bucket(self, request: Request) -> Response:
        params = request.query_params
        state = bucket_of(
            self._mock.service,
            request.path_params["bucket"],
            prefix=params.get("prefix", ""),
            after=params.get("after", ""),
            limit=min(_count(params.get("limit", ""), 100), 1000),
        )
        return _problem("there is no such bucket", 404) if state is None else JSONResponse(state)

    async def get_object(self, request: Request) -> Response:
        bucket, key = request.path_params["bucket"], request.path_params["key"]
        record = self._mock.service.store.objects.get(bucket, key)
        if record is None:
            return _problem("there is no such object", 404)
        return object_response(
            self._mock.service,
            record,
            wanted=request.headers.get("range"),
            download="download" in request.query_params,
        )

    async def get_public_key(self, request: Request) -> Response:
        return Response(public_key_pem(MOCK_KEY), media_type="application/x-pem-file")

    async def get_snapshots(self, request: Request) -> Response:
        return JSONResponse({"snapshots": list(self._mock.snapshots)})

    async def post_snapshot(self, request: Request) -> Response:
        self._mock.snapshot(request.path_params["name"])
        return Response(status_code=201)

    async def delete_snapshot(self, request: Request) -> Response:
        self._mock.snapshots.delete(request.path_params["name"])
        return Response(status_code=204)

    async def post_restore(self, request: Request) -> Response:
        self._mock.restore(request.path_params["name"])
        return Response(status_code=204)

    async def post_reset(self, request: Request) -> Response:
        self._mock.reset()
        return Response(status_code=204)


async def _on_world_error(request: Request, error: Exception) -> Response:
    return _problem(str(error))


async def _on_refused(request: Request, error: Exception) -> Response:
    return _problem(str(error), error.status if isinstance(error, RefusedError) else 500)


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


def _routes(table: Iterable[tuple[str, str, _Endpoint]]) -> list[Route]:
    """Return the routes of the API; each route serves all methods of one path.

    Args:
        table: (method, path, endpoint function) tuples.
    """
    paths: dict[str, dict[str, _Endpoint]] = {}
    for method, path, endpoint in table:
        paths.setdefault(path, {})[method] = endpoint
    return [
        Route(path, _by_method(endpoints), methods=list(endpoints))
        for path, endpoints in paths.items()
    ]


def _by_method(endpoints: Mapping[str, _Endpoint]) -> _Endpoint:
    async def serve(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return serve


def control_app(mock: ControlledMock) -> ASGIApp:
    """Return the ASGI application that serves the paths below `/_mock`."""
    control = _Control(mock)
    table: list[tuple[str, str, _Endpoint]] = [
        ("GET", "/_mock/state", control.get_state),
        ("GET", "/_mock/buckets/{bucket}", control.get_bucket),
        ("GET", "/_mock/objects/{bucket}/{key:path}", control.get_object),
        ("GET", "/_mock/requests", control.get_requests),
        ("DELETE", "/_mock/requests", control.delete_requests),
        ("GET", "/_mock/requests/{number}", control.get_request),
        ("POST", "/_mock/requests/{number}/compare", control.post_compare),
        ("GET", "/_mock/faults", control.get_faults),
        ("POST", "/_mock/faults", control.post_faults),
        ("DELETE", "/_mock/faults", control.delete_faults),
        ("GET", "/_mock/clock", control.get_clock),
        ("POST", "/_mock/clock", control.post_clock),
        ("GET", "/_mock/endpoints", control.get_endpoints),
        ("POST", "/_mock/endpoints", control.post_endpoints),
        ("POST", "/_mock/reset", control.post_reset),
        ("GET", "/_mock/snapshots", control.get_snapshots),
        ("POST", "/_mock/snapshots/{name}", control.post_snapshot),
        ("DELETE", "/_mock/snapshots/{name}", control.delete_snapshot),
        ("POST", "/_mock/snapshots/{name}/restore", control.post_restore),
        ("GET", "/_mock/callback_pub_key.pem", control.get_public_key),
    ]
    app = Starlette(
        routes=[
            *_routes(table),
            Route("/_mock", lambda _: RedirectResponse("/_mock/")),
            Route("/_mock/", lambda _: _page("index.html")),
            Route("/_mock/{name:str}", lambda request: _page(request.path_params["name"])),
        ],
        exception_handlers={
            HTTPException: _on_http_error,
            RefusedError: _on_refused,
            WorldError: _on_world_error,
            Exception: _on_bug,
        },
    )
    return _Guard(app, mock.control_hosts)
