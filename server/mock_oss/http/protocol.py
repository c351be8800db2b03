"""A subclass of uvicorn's HTTP protocol that behaves like OSS.

- A request that is not valid HTTP receives an XML error of OSS instead of plain text.
- A client that does not send all headers in time receives the error RequestTimeout.
- The ASGI scope contains the transport, so that the application can cut the connection.
- Sending to a closed connection raises `ClientGoneError` in the application.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from functools import partial
from typing import Any, cast
from urllib.parse import quote_from_bytes

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from mock_oss.errors import RefusedError
from mock_oss.http.body import ClientGoneError
from mock_oss.http.request import Message, Receive, Scope, Send
from mock_oss.http.response import error_response, header_block

_log = logging.getLogger("mock_oss.http")
_log.addHandler(logging.NullHandler())  # the journal has the errors of clients
_TARGET_SAFE = bytes(range(33, 127)).decode()
HEAD_TIMEOUT_S = 60.0
MAX_HEAD_BYTES = 1 << 20
READ_AHEAD_BYTES = 1 << 20
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)
CLOSE = b"\r\nConnection: close\r\n"


class OssProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol for one connection to a client, changed to behave like OSS.

    Invalid HTTP gets an XML error of OSS, headers that arrive too slowly get RequestTimeout, and
    sending to a closed connection raises ClientGoneError in the application.

    Args:
        report: a function that records a refused request in the journal and returns a request id.
        secure: whether the mock treats the requests as sent with `https`.
    """

    head_timer: asyncio.TimerHandle | None = None
    head_bytes = 0
    in_head = True
    flow: FlowControl
    running: RequestResponseCycle | None = None

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        report: Callable[[RefusedError], str],
        secure: bool = False,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.secure = secure
        self.logger = _log
        self.report = report
        # For a stream of known size, ali-oss sends chunks and a Content-Length; OSS accepts both.
        self.parser.set_dangerous_leniencies(lenient_chunked_length=True)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start the timeout within which the headers of the first request must arrive."""
        super().connection_made(transport)
        if self.secure:
            self.scheme = "https"
        self.head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the application that the connection is closed."""
        self._stop_timer()
        if self.running is not None and not self.running.response_complete:
            self.running.disconnected = True
            self.running.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, _guarded(app, cycle))

    def data_received(self, data: bytes) -> None:
        """Pass received data to the parser; refuse headers that are too large or take too long."""
        if self.in_head:
            self.head_bytes += len(data)
            if b"pgrade" in data:
                data = _without_upgrade(data)
        super().data_received(data)
        if not self.in_head or self.transport.is_closing():
            return
        if self.head_bytes > MAX_HEAD_BYTES:
            self.send_400_response("The request line and headers are too large.")
        elif self.head_timer is None:
            self.head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio uses the result
        """Handle a client that closes the sending direction of the connection.

        A request with incomplete headers receives an error response. If the body is incomplete, the
        application sends the error response.

        Returns:
            True if the transport must stay open for the application's response.
        """
        cycle: RequestResponseCycle | None = self.cycle
        if self.in_head:
            if self.head_bytes:
                self._answer(RefusedError("InvalidRequest", "The request ends in its head."))
            return False
        if cycle is None or cycle.response_complete:
            return False
        cycle.keep_alive = False
        cast("dict[str, Any]", cycle.scope)["mock_oss.eof"] = True
        cycle.message_event.set()
        return True

    def on_url(self, url: bytes) -> None:
        """Accept raw UTF-8 bytes in a request target, as if they were percent-encoded."""
        super().on_url(url if url.isascii() else quote_from_bytes(url, safe=_TARGET_SAFE).encode())

    def on_message_begin(self) -> None:
        """Start a new request: add the transport of the connection to its ASGI scope."""
        super().on_message_begin()
        self.in_head = True
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # adds a key of the mock
        scope["mock_oss.transport"] = self.transport

    def on_headers_complete(self) -> None:
        """Start the application for a request whose headers are complete.

        The parser httptools calls this method. The method adds three functions to the ASGI scope.
        `mock_oss.wake` wakes the task that waits in ASGI's `receive`. `mock_oss.answer` sends a
        given status, headers and body in one write. `mock_oss.take_body` returns a completely
        received body of at most a given length, or None.

        Raises:
            ValueError: the request has a body and asks for a protocol upgrade; uvicorn then calls
                `send_400_response`.
        """
        self.in_head = False
        self.head_bytes = 0
        if self.head_timer is not None:
            self._stop_timer()
        if self.parser.should_upgrade() and self._has_body():
            raise ValueError("a body cannot follow a request to upgrade")
        super().on_headers_complete()
        scope = cast("dict[str, Any]", self.scope)
        scope["mock_oss.wake"] = self.cycle.message_event.set
        scope["mock_oss.answer"] = partial(_answer, self.cycle)
        scope["mock_oss.take_body"] = partial(_take_body, self.cycle)

    def _has_body(self) -> bool:
        return any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)

    def on_body(self, body: bytes) -> None:
        """Buffer a piece of a body; pause reading if the buffer exceeds `READ_AHEAD_BYTES`."""
        if self.cycle.response_complete:
            return
        self.cycle.body += body
        if len(self.cycle.body) > READ_AHEAD_BYTES:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def _stop_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _give_up(self) -> None:
        self.head_timer = None
        if not self.transport.is_closing():
            self._answer(RefusedError("RequestTimeout"))

    def send_400_response(self, msg: str) -> None:
        """Respond with InvalidRequest to a request that is not valid HTTP.

        If an earlier request has not received its response yet, this method sends no response. The
        connection is then closed after the response to the earlier request.
        """
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            self._answer(RefusedError("InvalidRequest", msg))
        else:
            cycle.keep_alive = False

    def _answer(self, refused: RefusedError) -> None:
        request_id = self.report(refused)
        response = error_response(refused, request_id=request_id, host="", head=False)
        response.headers += [("Server", "AliyunOSS"), ("x-oss-mock", "1"), ("Connection", "close")]
        response.headers.append(("x-oss-request-id", request_id))
        self._stop_timer()
        start = f"HTTP/1.1 {refused.status} Bad Request\r\n".encode()
        self.transport.write(start + header_block(response) + b"\r\n" + response.body)
        self.transport.close()


def _without_upgrade(data: bytes) -> bytes:
    """Return the received data without the Upgrade header.

    If the data contained this header, the parser would lose the data after the headers.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"", head) + end + rest


def _take_body(cycle: RequestResponseCycle, limit: int) -> bytes | None:
    """Remove a completely received request body from the buffer, and return the body.

    Returns:
        The body, or None if the body is incomplete or longer than `limit` bytes.
    """
    if cycle.more_body or cycle.disconnected or len(cycle.body) > limit:
        return None
    cycle.message_event.clear()
    body, cycle.body = bytes(cycle.body), bytearray()
    return body


def _answer(cycle: RequestResponseCycle, status: int, headers: bytes, body: bytes) -> bool:
    """Send the status, headers and body of a response in one write.

    Returns:
        True if the response was sent. False if the client reads slowly: the caller must then use
        uvicorn's `send`, which can wait.

    Raises:
        ClientGoneError: the connection is closed.
    """
    transport = cycle.transport
    if cycle.disconnected or transport.is_closing():
        cycle.disconnected = True
        raise ClientGoneError
    if cycle.flow.write_paused:
        return False
    if CLOSE in headers:
        cycle.keep_alive = False
    elif not cycle.keep_alive:
        headers = headers.replace(b"\r\nConnection: keep-alive\r\n", CLOSE, 1)
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    transport.write(b"".join((STATUS_LINE[status], headers, b"\r\n", body)))
    cycle.message_event.set()
    if not cycle.keep_alive:
        transport.close()
    cycle.on_response()
    return True


def _guarded(app: Any, cycle: RequestResponseCycle) -> Any:
    """Wrap the application, so that `send` raises ClientGoneError on a closed connection.

    Without this wrapper, uvicorn writes to a closed transport until asyncio calls
    `connection_lost`.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        transport = cycle.transport

        async def guarded(message: Message) -> None:
            if not transport.is_closing():
                try:
                    await send(message)
                except RuntimeError:
                    if not transport.is_closing():
                        raise
                    cycle.disconnected = True
                if not cycle.disconnected:
                    return
            cycle.disconnected = True
            raise ClientGoneError

        await app(scope, receive, guarded)
        del scope["mock_oss.answer"], scope["mock_oss.take_body"]  # break a reference cycle
        if transport.is_closing():
            cycle.disconnected = True  # uvicorn must not report a missing response

    return serve
