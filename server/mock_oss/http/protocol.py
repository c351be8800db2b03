"""uvicorn's HTTP protocol with what OSS does differently.

A request that is not HTTP gets OSS's XML instead of plain text, a client that sends half a head
is given up after a while, handlers can reach the transport to cut a connection, and an answer to
a client that has gone ends with ``ClientGoneError`` in the handler.
"""

from __future__ import annotations

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
from mock_oss.http.response import error_response

__all__ = ["OssProtocol"]

_log = logging.getLogger("mock_oss.http")
_log.addHandler(logging.NullHandler())  # what clients send wrong is in the journal
_TARGET_SAFE = bytes(range(33, 127)).decode()
HEAD_TIMEOUT_S = 60.0
MAX_HEAD_BYTES = 1 << 20
READ_AHEAD_BYTES = 1 << 20
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)
CLOSE = b"\r\nConnection: close\r\n"


class OssProtocol(HttpToolsProtocol):
    """One connection.

    Args:
        report: records a refused request in the journal and returns its request id.
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
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _log
        self.report = report
        # ali-oss sends streams of a known size in chunks and with that size; OSS takes both.
        self.parser.set_dangerous_leniencies(lenient_chunked_length=True)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Begin to wait for a head."""
        super().connection_made(transport)
        self.head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request being served, which need not be the last one read."""
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
        """Feed the parser; bound the size of a head and the time it may take."""
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

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio looks at the answer
        """Answer a client that has finished sending, even in mid request."""
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
        """Take raw UTF-8 in a target as if it were percent-encoded."""
        super().on_url(url if url.isascii() else quote_from_bytes(url, safe=_TARGET_SAFE).encode())

    def on_message_begin(self) -> None:
        """Put the transport within reach of the application."""
        super().on_message_begin()
        self.in_head = True
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # a key of ours
        scope["mock_oss.transport"] = self.transport

    def on_headers_complete(self) -> None:
        """Start the request."""
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
        """Take a piece of a body; read on until a piece of the store's size is waiting."""
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
        """Answer bytes that are no request, after the request before them."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            self._answer(RefusedError("InvalidRequest", msg))
        else:
            cycle.keep_alive = False

    def _answer(self, refused: RefusedError) -> None:
        request_id = self.report(refused)
        response = error_response(refused, request_id=request_id, host="", head=False)
        lines = [f"HTTP/1.1 {refused.status} Bad Request", "Server: AliyunOSS", "x-oss-mock: 1"]
        lines.append(f"x-oss-request-id: {request_id}")
        lines += [f"{name}: {value}" for name, value in response.headers]
        lines += [f"Content-Length: {len(response.body)}", "Connection: close", "", ""]
        self._stop_timer()
        self.transport.write("\r\n".join(lines).encode() + response.body)
        self.transport.close()


def _without_upgrade(data: bytes) -> bytes:
    """Take the offer of another protocol out of a head: the parser would lose what follows it."""
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"", head) + end + rest


def _take_body(cycle: RequestResponseCycle, limit: int) -> bytes | None:
    """Take a body that has come whole, in place of ``receive``; None if it has not, or is large."""
    if cycle.more_body or cycle.disconnected or len(cycle.body) > limit:
        return None
    cycle.message_event.clear()
    body, cycle.body = bytes(cycle.body), bytearray()
    return body


def _answer(cycle: RequestResponseCycle, status: int, headers: bytes, body: bytes) -> bool:
    """Send status, headers and body of an answer in one write.

    Returns:
        False, with nothing sent, for a client that is slow to read: uvicorn's ``send`` waits.

    Raises:
        ClientGoneError: there is no client any more.
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
    """Return the application with a ``send`` that raises ClientGoneError for a client gone.

    A transport closes before its protocol hears of it; in between, uvicorn would write to it.
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
        del scope["mock_oss.answer"], scope["mock_oss.take_body"]  # they hold what holds the scope
        if transport.is_closing():
            cycle.disconnected = True  # nobody is left to be told that there is no answer

    return serve
