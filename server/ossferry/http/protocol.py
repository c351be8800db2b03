"""Limits on HTTP connections, enforced in uvicorn; an ASGI application cannot enforce them.

Without these limits, uvicorn keeps an idle connection open for ever, and accepts headers of any
length. `WireLimits` contains the timeouts and the maximum number of connections. `MAX_HEADER_BYTES`
limits the size of the headers.

Headers and body of a small response are sent together. If they were two packets, a process that is
killed in between would leave a response that nobody can repeat, because a proxy has passed on the
headers.
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

from ossferry.errors import BadRequestError, BusyError, HeadersTooLargeError
from ossferry.http.request_limits import MAX_HEADER_BYTES

LINGER_S = 1.0
START_S = 30
"""A process of the server that does not answer its supervisor for this many seconds is replaced. A
busy machine needs more than uvicorn's five seconds to start a process.
"""
CODES_AND_TITLES = {
    **{
        error.status: (error.code, error.title)
        for error in (BadRequestError, HeadersTooLargeError, BusyError)
    },
    408: ("too-slow", "The request took too long"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLimits:
    """The limits of the HTTP connections of one process.

    Attributes:
        read_timeout_s: seconds for receiving a complete request, counted from the start of the
            connection or from the first byte of a later request.
        write_timeout_s: seconds after which a connection is closed if the client does not read the
            response.
        max_connections: maximum number of open connections of the process.
    """

    read_timeout_s: float = 10.0
    write_timeout_s: float = 60.0
    max_connections: int = 4000


class WireConfig(Config):
    """The configuration of uvicorn for this server.

    Args:
        drain_s: seconds after a stop signal during which the server still accepts connections.
        grace_s: further seconds during which running requests may finish.
        factory: whether `app` is a function that returns the application.
    """

    def __init__(
        self,
        app: Any,
        *,
        limits: WireLimits = WireLimits(),
        grace_s: int,
        drain_s: float = 0.0,
        factory: bool = False,
        workers: int = 1,
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
            proxy_headers=False,  # `TrustedProxies` reads these headers, as our settings say
            timeout_graceful_shutdown=grace_s,
            timeout_worker_healthcheck=START_S,
        )
        self.limits = limits
        self.drain_s = drain_s


class GuardedHttp(HttpToolsProtocol):
    """The protocol of one HTTP connection, which enforces `WireLimits`."""

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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # the base class does the same
        """Start the read timeout; respond with status 503 if too many connections are open."""
        super().connection_made(transport)
        self.transport = _JoiningTransport(transport, self.loop)  # type: ignore[assignment] # alike
        if len(self.connections) > self._limits.max_connections:
            self._refuse(503)
            return
        self._start_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the read timeout and the write timeout."""
        self._stop_reading()
        self._stop_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes; respond with status 431 to headers above `MAX_HEADER_BYTES`."""
        if self._refused:
            return
        if self._in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._header_bytes > MAX_HEADER_BYTES:
            self._refuse(431)

    def on_message_begin(self) -> None:
        """Start the read timeout for the next request on the same connection."""
        super().on_message_begin()
        self._in_headers = True
        if self._reading is None:
            self._start_reading()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Accept a header; ignore trailers, which are headers after the body.

        A proxy may interpret trailers differently from this server.
        """
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the header section of a request; refuse a target that is no path, or contains a `#`.

        The target is the second word of the request's first line.

        Raises:
            ValueError: the target is refused; the parser then sends a response with status 400.
        """
        if self.url[:1] not in (b"/", b"*") or b"#" in self.url:
            raise ValueError("the target is no path")  # the parser answers this error with 400
        self._in_headers = False
        self._header_bytes = 0
        super().on_headers_complete()
        self._unanswered = [each for each in self._unanswered if not each.response_complete]
        self._unanswered.append(self.cycle)

    def on_message_complete(self) -> None:
        """Stop the read timeout: the request is complete."""
        self._stop_reading()
        self._in_headers = True
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Start the write timeout: the client has stopped reading."""
        super().pause_writing()
        self._stop_writing()
        self._writing = self.loop.call_later(self._limits.write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the write timeout: the client reads again."""
        self._stop_writing()
        super().resume_writing()

    def shutdown(self) -> None:
        """Close an idle connection, because the server stops; running requests are still finished.

        If the headers of a request are incomplete, respond with status 503.
        """
        half_here = self._in_headers and self._header_bytes > 0
        if half_here and getattr(self.cycle, "response_complete", True):
            self._refuse(503)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Send an error response with status 400 for a request that the parser refused."""
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
        silent = self._in_headers and self._header_bytes == 0  # opened in advance by a browser
        if silent or getattr(self.cycle, "response_started", False):
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        """Send an error response, ignore further bytes, and close the connection.

        The application is not called.
        """
        self._stop_reading()
        for each in self._unanswered:
            each.disconnected = True
            each.message_event.set()
        code, title = CODES_AND_TITLES[status]
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
        # closing at once would discard the response while the client still sends
        self.transport.write_eof()
        self._reading = self.loop.call_later(LINGER_S, self.transport.close)


class _JoiningTransport:
    """A transport that sends two writes together, if the second one follows immediately.

    It has all other methods and attributes of the transport that it wraps.
    """

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        self._loop = loop
        self._held = b""

    def write(self, data: bytes) -> None:
        """Hold the data until the next write, but not longer than until the loop continues."""
        if self._held:
            data, self._held = self._held + data, b""
            self._inner.write(data)
        elif data:
            self._held = data
            self._loop.call_soon(self._flush)

    def write_eof(self) -> None:
        """Send the held data, and close the writing half of the connection."""
        self._flush()
        self._inner.write_eof()

    def close(self) -> None:
        """Send the held data, and close the connection."""
        self._flush()
        self._inner.close()

    def _flush(self) -> None:
        data, self._held = self._held, b""
        if data and not self._inner.is_closing():
            self._inner.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
