"""uvicorn's HTTP protocol with what OSS does differently.

A request that is not HTTP gets OSS's XML instead of plain text, a client that sends half a head
is given up after a while, and handlers can reach the transport to cut a connection.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast
from urllib.parse import quote_from_bytes

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from mock_oss.errors import RefusedError
from mock_oss.response import error_response

__all__ = ["OssProtocol"]

_log = logging.getLogger("mock_oss.http")
_log.addHandler(logging.NullHandler())  # what clients send wrong is in the journal
_TARGET_SAFE = bytes(range(33, 127)).decode()
HEAD_TIMEOUT_S = 60.0
MAX_HEAD_BYTES = 1 << 20
READ_AHEAD_BYTES = 1 << 20


class OssProtocol(HttpToolsProtocol):
    """One connection."""

    head_timer: asyncio.TimerHandle | None = None
    head_bytes = 0
    in_head = True
    flow: FlowControl

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _log

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Begin to wait for a head."""
        super().connection_made(transport)
        self.head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; bound the size of a head and the time it may take."""
        if self.in_head:
            self.head_bytes += len(data)
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
        response = error_response(refused, request_id="0" * 24, host="", head=False)
        lines = [f"HTTP/1.1 {refused.status} Bad Request", "Server: AliyunOSS", "x-oss-mock: 1"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        lines += [f"Content-Length: {len(response.body)}", "Connection: close", "", ""]
        self._stop_timer()
        self.transport.write("\r\n".join(lines).encode() + response.body)
        self.transport.close()
