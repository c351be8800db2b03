"""Stopping without losing a request: the server first lets clients move to another server.

After a stop signal the server still accepts connections for some seconds. It answers each request
with `Connection: close`, and `/readyz` with 503, so that proxies and load balancers move on. Then
it accepts no new connections, finishes running requests, and closes its socket.
"""

import asyncio
import ctypes
import socket
import struct
import sys

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from ossferry.http.protocol import WireConfig
from ossferry.observability.logs import logger

__all__ = ["DrainingServer"]

IDLE_S = 1.0
"""A single process stops draining early if there was no connection for this many seconds."""
HANDSHAKE_S = 0.2
"""How many seconds the handshake of a new connection may take."""
LINGER_S = 0.9
"""How many seconds the requests on connections accepted last may take to arrive. Clients try again
after one second, and then the socket must be closed.
"""
TICK_S = 0.05
CLOSE = (b"connection", b"close")

SO_ATTACH_FILTER = 26
DROP_SYN = (
    (0x30, 0, 0, 13),  # load the flags of the TCP header
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN without ACK?
    (0x06, 0, 0, 0),  # then drop the packet
    (0x06, 0, 0, 0xFFFFFFFF),  # otherwise accept the packet
)
"""A packet filter; source: the page "Linux Socket Filtering" of the kernel's documentation."""

log = logger("ossferry.draining")


class DrainingServer(uvicorn.Server):
    """A uvicorn server that drains for `WireConfig.drain_s` seconds before it closes its socket."""

    def __init__(self, config: WireConfig) -> None:
        super().__init__(config)
        self._drain_s = config.drain_s
        self._all_stop = config.all_stop
        self._busy_at: float | None = None
        self._ends_at = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, and only then listen on the sockets.

        Raises:
            SystemExit: another program listens on the address.
        """
        try:
            await super().startup(sockets)
            listens = all(
                each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for each in sockets or []
            )
        except OSError:  # uvloop raises no error, but closes the socket
            listens = False
        if not listens:
            log.error("cannot-listen", reason="another program has taken the address")
            self.started = False
            await self.lifespan.shutdown()
            sys.exit(STARTUP_FAILURE)

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop now; uvicorn calls this method ten times per second."""
        if not await super().on_tick(counter):
            return False
        now = asyncio.get_running_loop().time()
        if self._busy_at is None:
            self._begin(now)
        elif self.server_state.connections:
            self._busy_at = now
        is_idle = self._busy_at is not None and now - self._busy_at >= IDLE_S
        is_alone = self._all_stop is None
        return self.force_exit or (is_alone and is_idle) or now >= self._ends_at

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the sockets, finish running requests, and stop the application.

        If other processes share the sockets and do not stop, they accept further connections. If
        this process was told to stop before it had started, it drains first: it must not stop new
        connections earlier than the other processes.
        """
        if self._busy_at is None:
            await self.main_loop()
        if self._drain_s and not self.force_exit:
            if self._all_stop is None or self._all_stop.is_set():
                for sock in sockets or []:
                    _ignore_new_connections(sock)
            await self._answer_last()
        await super().shutdown(sockets)

    def _begin(self, now: float) -> None:
        self._busy_at, self._ends_at = now, now + self._drain_s
        if self._drain_s:
            self.config.encoded_headers = [*self.config.encoded_headers, CLOSE]
            self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]
            self.lifespan.state["stopping"] = True  # for `/readyz`

    async def _answer_last(self) -> None:
        """Accept the connections whose handshake has begun, and wait for their requests."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + LINGER_S
        await asyncio.sleep(HANDSHAKE_S)
        for server in self.servers:
            server.close()
        while self.server_state.connections and loop.time() < ends_at:  # noqa: ASYNC110 - no event
            await asyncio.sleep(TICK_S)


def _ignore_new_connections(sock: socket.socket) -> None:
    """Let the kernel ignore requests for new connections to a listening socket.

    When a socket is closed, the kernel resets connections that are not accepted yet, and their
    requests are lost. A client whose request for a connection is ignored repeats the request after
    a second; by then the socket is closed, and the client is told so and can ask another server.

    Do nothing on systems other than Linux, and if the kernel does not allow a filter.
    """
    if not sys.platform.startswith("linux"):
        return
    code = b"".join(struct.pack("HBBI", *each) for each in DROP_SYN)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HP", len(DROP_SYN), ctypes.addressof(buffer))
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    except OSError as error:
        log.warning("new-connections-not-ignored", reason=error.strerror)
