"""The ASGI application of the mock: processes each request and sends the response.

The steps are: determine the bucket and key, look up the bucket, apply planned faults, authenticate,
authorize, run the operation, add the CORS headers and the common headers, send the response, and
complete the request's record in the journal. Requests for paths below `/_mock` go to the control
plane, which shows and changes the state of the mock.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from functools import cached_property
from typing import TYPE_CHECKING

from mock_oss.access.authentication import authenticate
from mock_oss.access.authorization import authorize
from mock_oss.access.referer import check_referer
from mock_oss.clock import Pace, monotonic_ms
from mock_oss.errors import RefusedError, STSRefusedError
from mock_oss.faults import effects
from mock_oss.faults.plan import Fault, RequestFacts
from mock_oss.http.addressing import (
    Target,
    check_bucket_name,
    check_endpoint,
    check_host,
    check_public_endpoint,
)
from mock_oss.http.body import Body, ClientGoneError, CutConnectionError
from mock_oss.http.cors import answer_headers, check_page, preflight
from mock_oss.http.request import Receive, Request, Scope, Send, whole_number
from mock_oss.http.response import Response, Sender, error_response, header_block
from mock_oss.journal import RequestRecord
from mock_oss.operations.objects import traffic_limit
from mock_oss.operations.post_object import key_in_form
from mock_oss.operations.routes import DATA_OPERATIONS, OPERATIONS, Operation, find_operation
from mock_oss.service import Call, Service
from mock_oss.store.records import BucketRecord
from mock_oss.sts.endpoint import ACTION_NAMES, is_sts, serve_sts, sts_error
from mock_oss.sts.signatures import Nonces, STSCall

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    Answer = tuple[Response, bytes]

CONTROL_PREFIX = b"/_mock"
OPERATION_NAMES = ACTION_NAMES | {
    *(operation.name for operation in OPERATIONS),
    "OptionObject",
    "NotImplemented",
}
"""The names of operations in the journal; STS requests may name others, which are refused."""
_CREATING = frozenset({"PutBucket", "PutBucketAcl"})
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_NO_SCRIPTS = ("Content-Security-Policy", "sandbox")
"""In path style, objects have the origin of `/_mock/`: a script in an object could use its API."""
_log = logging.getLogger("mock_oss")


class App:
    """The ASGI application that serves all requests to the mock.

    Args:
        service: the state shared by all requests.
        control: a function that returns the ASGI application for paths below `/_mock`; called once,
            when the first request for such a path arrives.
    """

    def __init__(self, service: Service, control: "Callable[[], ASGIApp]") -> None:
        self._service = service
        self._make_control = control
        self._nonces = Nonces()
        self._date = (0, "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; ignore ASGI connections of other types."""
        if scope["type"] != "http":
            return
        request = Request(scope)
        if request.raw_path.startswith(CONTROL_PREFIX) and self._is_control(scope):
            with suppress(ClientGoneError):
                await self._control(scope, receive, send)
            return
        started_ms = monotonic_ms()
        service = self._service
        record = service.journal.open(service.ids.request_id(), service.clock.timestamp())
        record.method = request.method
        record.path = request.raw_path.decode("latin-1")
        body = Body(receive, request, service.executor, service.idle_timeout_s)
        exchange = _Exchange(service, self._nonces, request, record, body)
        try:
            answer = await exchange.answer()
            record.status = answer[0].status
            if request.method != "HEAD" and answer[0].length and not answer[0].size:
                exchange.keep_alive = False  # the client would wait for the announced body
            await self._send(send, exchange, answer)
        except CutConnectionError:
            record.status = None
            await effects.cut_connection(scope)
        except ClientGoneError:
            record.message = "the client closed the connection"
            if record.status is None:
                record.code = "IncompleteBody"
        finally:
            record.received_bytes = body.received
            record.duration_ms = monotonic_ms() - started_ms
            service.journal.close(record)

    @cached_property
    def _control(self) -> "ASGIApp":
        return self._make_control()

    def _is_control(self, scope: Scope) -> bool:
        """Return whether the control plane serves a request with a path below `/_mock`.

        The control plane does not serve the request if the host name addresses a bucket: the path
        is then an object key.
        """
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        return not self._service.locate(host.decode("latin-1"), b"").bucket

    async def _send(self, send: Send, exchange: "_Exchange", answer: "Answer") -> None:
        response, block = answer
        service, faults = self._service, exchange.faults
        pace = effects.pace_of(faults) or exchange.pace
        head_only = exchange.request.method == "HEAD"
        await Sender(exchange.request.scope, send, service.store.blobs, service.executor).answer(
            response,
            self._common_headers(exchange) + block,
            pace=pace if response.size and not head_only else None,
            cut=effects.cut_offset(faults, response.length or response.size),
        )

    def _common_headers(self, exchange: "_Exchange") -> bytes:
        timestamp = self._service.clock.timestamp()
        second = int(timestamp)
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        return (
            f"Server: AliyunOSS\r\nDate: {self._date[1]}\r\n"
            f"x-oss-request-id: {exchange.record.request_id}\r\n"
            f"x-oss-server-time: {int(timestamp * 1000)}\r\nx-oss-mock: 1\r\n"
            f"Connection: {'keep-alive' if exchange.keep_alive else 'close'}\r\n"
        ).encode()


@dataclass(slots=True)
class _Exchange:
    """One request and its response; converts exceptions into error responses."""

    service: Service
    nonces: Nonces
    request: Request
    record: RequestRecord
    body: Body
    bucket: BucketRecord | None = None
    faults: Sequence[Fault] = ()
    pace: Pace | None = None
    keep_alive: bool = False

    async def answer(self) -> "Answer":
        """Process the request and return the response with its encoded headers.

        An unexpected exception gives an InternalError response.

        Raises:
            CutConnectionError: a planned fault requires cutting the connection.
            ClientGoneError: the client closed the connection.
        """
        try:
            try:
                response = await self._serve()
            except RefusedError as refused:
                response = self._refuse(refused)
            return response, header_block(response)
        except (CutConnectionError, ClientGoneError):
            raise
        except Exception:
            _log.exception("request %s failed inside the mock", self.record.request_id)
        response = self._refuse(RefusedError("InternalError", why={"kind": "bug in the mock"}))
        return response, header_block(response)

    async def _serve(self) -> Response:
        request, record, service = self.request, self.record, self.service
        request.read_head()
        headers = request.headers
        record.headers, record.params, record.host = headers, request.params, request.host
        self.keep_alive = (
            request.http_version == "1.1" and headers.get("connection", "").lower() != "close"
        )
        if headers.get("transfer-encoding", "chunked").lower() != "chunked":
            raise RefusedError(
                "NotImplemented", Header="Transfer-Encoding", headers={"Connection": "close"}
            )
        if request.method in _BODILESS and self.body.announced:
            self.keep_alive = False  # the mock does not read this body: close the connection
        target = service.locate(request.host, request.raw_path)
        record.bucket, record.key = target.bucket, target.key
        if not target.bucket and is_sts(request):
            return await self._serve_sts()
        return await self._serve_oss(target)

    async def _serve_sts(self) -> Response:
        record, service = self.record, self.service
        record.request_id = service.ids.uuid()
        call = STSCall(service, self.request, record)
        call.action = call.action or self.request.params.get("Action", "")
        record.operation = call.action
        try:
            replaced = None
            if len(service.faults):
                target = Target("", "", "sts")
                replaced = await self._apply_faults(call.action or "AssumeRole", target)
                call.lifetime_s = effects.lifetime_of(self.faults)
                call.ignores_policy = effects.ignores_policy(self.faults)
            response = replaced or await serve_sts(call, self.body, self.nonces)
        except STSRefusedError as refused:
            record.code, record.message, record.why = refused.code, refused.message, refused.why
            response = sts_error(call, refused, record.request_id)
        effects.apply_to_response(self.faults, response)
        return response

    async def _apply_faults(self, operation: str, target: Target) -> Response | None:
        number = whole_number(self.request.params.get("partNumber", ""), 0, 10**8)
        facts = RequestFacts(self.request.method, target.bucket, target.key, operation, number)
        self.faults = self.service.faults.select(facts)
        self.record.faults = tuple(fault.effect for fault in self.faults)
        return await effects.apply_before(
            self.faults,
            self.body,
            clock=self.service.clock,
            sessions=self.service.store.sessions,
            sts=target.style == "sts",
        )

    async def _serve_oss(self, target: Target) -> Response:
        request, record, service = self.request, self.record, self.service
        check_host(target)
        if target.bucket:
            self.bucket = service.store.buckets.get(target.bucket)
            if self.bucket is None:
                check_bucket_name(target.bucket)
            elif self.bucket.lifecycle:
                service.apply_lifecycle(self.bucket)
        replaced = None
        if request.method == "OPTIONS":
            record.operation = "OptionObject"
            if len(service.faults):
                replaced = await self._apply_faults("OptionObject", target)
            return replaced or self._preflight(target)
        operation = find_operation(request, target)
        record.operation = operation.name
        if self.bucket is not None:
            check_endpoint(target, self.bucket.region)
        if len(service.faults):
            addressed = target
            if operation.name == "PostObject":
                key = await key_in_form(request.headers.get("content-type", ""), self.body)
                addressed = target._replace(key=key)
            replaced = await self._apply_faults(operation.name, addressed)
        response = replaced or await self._run(operation, target)
        response.headers += self._cors()
        if target.style == "path" and request.method == "GET":
            response.headers.append(_NO_SCRIPTS)
        effects.apply_to_response(self.faults, response)
        return response

    async def _run(self, operation: Operation, target: Target) -> Response:
        service = self.service
        call = Call(service, self.request, target, self.body, self.record, self.bucket)
        if target.bucket and operation.name not in _CREATING:
            _ = call.bucket  # NoSuchBucket takes precedence over an error of the signature
        if service.refuse_public_endpoints and operation.name in DATA_OPERATIONS:
            check_public_endpoint(target, call.region)
        if self.request.method == "POST":
            check_page(self.bucket.cors if self.bucket else "", self.request.headers.get("origin"))
        if operation.name != "PostObject":  # the form of a PostObject carries the signature
            call.caller = authenticate(call)
        if self.bucket is not None and target.key:
            check_referer(self.bucket.referer, self.request)
        if operation.action:
            authorize(call, operation.action)
        if (rate := traffic_limit(call)) is not None:
            await self.body.limit(rate)
            self.pace = Pace(rate)
        return await operation.handler(call)

    def _preflight(self, target: Target) -> Response:
        headers = self.request.headers
        if self.bucket is None:
            raise RefusedError("NoSuchBucket", BucketName=target.bucket)
        answer = preflight(
            self.bucket.cors,
            headers.get("origin"),
            headers.get("access-control-request-method"),
            headers.get("access-control-request-headers"),
        )
        return Response(200, answer)

    def _cors(self) -> list[tuple[str, str]]:
        method = self.request.method
        if self.bucket is None or method == "OPTIONS":
            return []
        return answer_headers(self.bucket.cors, self.request.headers.get("origin"), method)

    def _refuse(self, refused: RefusedError) -> Response:
        record = self.record
        record.code, record.message = refused.code, refused.message
        record.why = refused.explain or refused.why
        if refused.status == 304:
            record.code = ""
        if refused.headers.get("Connection") == "close":
            self.keep_alive = False
        response = error_response(
            refused,
            request_id=record.request_id,
            host=self.request.host,
            head=self.request.method == "HEAD",
        )
        response.headers += self._cors()
        effects.apply_to_response(self.faults, response)
        return response
