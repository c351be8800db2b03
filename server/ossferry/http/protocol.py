"""The HTTP connection itself: caps and deadlines that no application can impose.

uvicorn lets a silent connection stay open for ever, and its fast parser takes headers of any
length. Here a request has to be complete within a few seconds, its headers have a cap, an answer
has to be taken, and a process has only so many connections.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from ossferry.http.request_checks import MAX_HEADER_BYTES

__all__ = ["GuardedHttp", "WireConfig", "WireLimits"]

LINGER_S = 1.0
WORDS = {
    400: ("bad-request", "The request could not be understood"),
    408: ("too-slow", "The request took too long"),
    431: ("headers-too-large", "The request's headers are too large"),
    503: ("busy", "The server is busy"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLimits:
    """What a connection may do.

    Attributes:
        read_timeout_s: how long a request may take to arrive, from the first byte or from the
            connection's begin.
        write_timeout_s: how long a client may take nothing of an answer.
        max_connections: of the whole process.
    """

    read_timeout_s: float = 10.0
    write_timeout_s: float = 60.0
    max_connections: int = 4000


class WireConfig(Config):
    """uvicorn's configuration as this server has it."""

    def __init__(
        self, app: Any, *, limits: WireLimits, grace_s: int, factory: bool = False, workers: int = 1
    ) -> None:
        super().__init__(
            app,
            http=GuardedHttp,
            factory=factory,
            workers=workers,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # `proxies` reads them, by our own settings
            timeout_graceful_shutdown=grace_s,
        )
        self.limits = limits


class GuardedHttp(HttpToolsProtocol):
    """One connection."""

    _reading: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _in_headers = True
    _refused = False

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = config.limits if isinstance(config, WireConfig) else WireLimits()
        self._unanswered: list[RequestResponseCycle] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # so does the base
        """Start the clock, or refuse a connection too many."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.max_connections:
            self._refuse(503)
            return
        self._start_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_reading()
        self._stop_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count header bytes while they are incomplete."""
        if self._refused:
            return
        if self._in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._header_bytes > MAX_HEADER_BYTES:
            self._refuse(431)

    def on_message_begin(self) -> None:
        """Start the clock of a request that follows another on the same connection."""
        super().on_message_begin()
        self._in_headers = True
        if self._reading is None:
            self._start_reading()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what trails a body is none, whatever a proxy in front made of it."""
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Stop counting header bytes; refuse an address with a host beside the Host, or a '#'."""
        if self.url[:1] not in (b"/", b"*") or b"#" in self.url:
            raise ValueError("the target is no path")  # the parser makes a 400 of it
        self._in_headers = False
        self._header_bytes = 0
        super().on_headers_complete()
        self._unanswered = [each for each in self._unanswered if not each.response_complete]
        self._unanswered.append(self.cycle)

    def on_message_complete(self) -> None:
        """Stop the clock: the request is complete."""
        self._stop_reading()
        self._in_headers = True
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Start the clock of a client that takes nothing."""
        super().pause_writing()
        self._stop_writing()
        self._writing = self.loop.call_later(self._limits.write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop that clock."""
        self._stop_writing()
        super().resume_writing()

    def shutdown(self) -> None:
        """Tell a client whose request is half here to come back; finish what is under way."""
        half_here = self._in_headers and self._header_bytes > 0
        if half_here and getattr(self.cycle, "response_complete", True):
            self._refuse(503)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser does not take in our own words."""
        self._refuse(400)

    def _start_reading(self) -> None:
        self._reading = self.loop.call_later(self._limits.read_timeout_s, self._too_slow)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _too_slow(self) -> None:
        self._reading = None
        silent = self._in_headers and self._header_bytes == 0  # browsers open such ahead of need
        if silent or getattr(self.cycle, "response_started", False):
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        """Answer without the application, and close; what it is still saying goes nowhere."""
        self._stop_reading()
        for each in self._unanswered:
            each.disconnected = True
            each.message_event.set()
        code, title = WORDS[status]
        problem = {"type": "about:blank", "title": title, "status": status, "code": code}
        body = json.dumps(problem).encode()
        lines = [
            b"content-type: application/problem+json",
            b"content-length: %d" % len(body),
            b"cache-control: no-store",
            b"x-content-type-options: nosniff",
            b"connection: close",
            *([b"retry-after: 2"] if status == 503 else []),
        ]
        self.transport.write(STATUS_LINE[status] + b"\r\n".join(lines) + b"\r\n\r\n" + body)
        self._refused = True
        self.transport.write_eof()  # closed at once, what is still coming would wipe out the answer
        self._reading = self.loop.call_later(LINGER_S, self.transport.close)
