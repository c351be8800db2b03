"""Shutdown without losing a request: clients get time to move to another server.

After a stop signal, the server still accepts connections for some seconds. It adds `Connection:
close` to each response, and responds to `/readyz` with 503, so that proxies and load balancers use
another server. Then it accepts no new connections, finishes running requests, and closes its
socket.
"""

import asyncio
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from ossferry.http.protocol import GuardedHttp, WireConfig
from ossferry.observability.log_format import logger

IDLE_S = 1.0
"""A process stops draining early if there was no connection for this many seconds."""
HANDSHAKE_S = 0.2
"""How many seconds the handshake of a new connection may take."""
LINGER_S = 0.9
"""How many seconds the requests on connections accepted last may take to arrive. Clients try again
after one second, and then the socket must be closed.
"""
TICK_S = 0.05
CLOSE = (b"connection", b"close")

log = logger("ossferry.draining")


class DrainingServer(uvicorn.Server):
    """A uvicorn server that still accepts connections for some time after a stop signal.

    This time is `WireConfig.drain_s` seconds.

    Args:
        on_listening: called when the server accepts connections.
    """

    def __init__(
        self, config: WireConfig, *, on_listening: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(config)
        self._on_listening = on_listening
        self._drain_s = config.drain_s
        self._busy_at: float | None = None
        self._ends_at = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, and listen on the sockets only after that.

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
        self._on_listening()

    async def on_tick(self, counter: int) -> bool:
        """Return whether the server should stop now; uvicorn calls this ten times per second."""
        if not await super().on_tick(counter):
            return False
        now = asyncio.get_running_loop().time()
        if self._busy_at is None:
            self._begin(now)
        elif self.server_state.connections:
            self._busy_at = now
        is_idle = self._busy_at is not None and now - self._busy_at >= IDLE_S
        return self.force_exit or is_idle or now >= self._ends_at

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the sockets, finish running requests, and stop the application."""
        if self._drain_s and not self.force_exit:
            is_alone = self.config.workers == 1  # otherwise the others may go on
            await self._answer_last(sockets if sockets and is_alone else [])
        await super().shutdown(sockets)

    def _begin(self, now: float) -> None:
        self._busy_at, self._ends_at = now, now + self._drain_s
        if self._drain_s:
            self.config.encoded_headers = [*self.config.encoded_headers, CLOSE]
            self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]
            self.lifespan.state["stopping"] = True  # for `/readyz`

    async def _answer_last(self, sockets: Sequence[socket.socket]) -> None:
        """Stop accepting connections, and wait for the requests on those accepted last.

        When a socket is closed, the kernel resets connections that are not accepted yet, and their
        requests are lost. So the kernel queues one more connection, which this method accepts
        before it closes the socket. Linux ignores further connections meanwhile: their clients try
        again after a second, and are then told that nothing listens.

        Args:
            sockets: sockets from which no other process accepts connections.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + LINGER_S
        protocol = partial(
            GuardedHttp,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        last = [each.dup() for each in sockets]
        for sock in last:
            sock.listen(0)
        for server in self.servers:
            server.close()
        for sock in sockets:
            sock.close()
        await asyncio.sleep(HANDSHAKE_S)
        for sock in last:
            with sock, suppress(BlockingIOError):
                while True:
                    connection, _ = sock.accept()
                    await loop.connect_accepted_socket(protocol, connection)
        while self.server_state.connections and loop.time() < ends_at:  # noqa: ASYNC110 - no event
            await asyncio.sleep(TICK_S)
