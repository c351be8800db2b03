"""A TCP proxy that simulates a line: bandwidth, round-trip time and slow start.

Every connection to the proxy is forwarded to one server through the model of `bench.line_model`.
The proxy reads a connection only as fast as the line carries it, so senders are slowed down and
the proxy never holds more than the windows of its connections and the queue of the line.

Usage: python -m bench.line --to HOST:PORT --listen PORT --line NAME [--handshakes N]
"""

import argparse
import asyncio
import contextlib
import selectors
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from bench.line_model import LINES, Line, Link, Window

HOST = "127.0.0.1"
BACKLOG = 1024
SOCKET_BUFFER = 64 << 10
Address = tuple[str, int] | str
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends a reset


class SharedLink:
    """One direction of the line; connections take turns in the order in which they ask."""

    def __init__(self, line: Line) -> None:
        self._link = Link(line.bytes_per_s)
        self._queue_s = line.queue_s
        self._turn = asyncio.Lock()

    async def send(self, size: int) -> float:
        """Wait for space in the queue, and return the time when the last byte leaves it."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            await asyncio.sleep(self._link.queued_s(loop.time()) - self._queue_s)
            return self._link.send(size, loop.time())


class Flow:
    """One direction of a connection.

    Args:
        link: bandwidth that all connections share in this direction.
        receive: returns at most the given number of bytes, and none at the end.
        send: delivers bytes to the receiver; called without bytes at the end.
    """

    def __init__(
        self,
        line: Line,
        link: SharedLink,
        *,
        receive: Callable[[int], Awaitable[bytes]],
        send: Callable[[bytes], Awaitable[None]],
    ) -> None:
        self._line = line
        self._link = link
        self._receive = receive
        self._send = send
        self._window = Window(line)
        self._acknowledged = asyncio.Event()
        self._in_flight: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def run(self) -> None:
        """Carry bytes until the sender has ended its direction.

        Raises:
            ConnectionError: one of the ends has reset the connection.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take())
            tasks.create_task(self._deliver())

    async def _take(self) -> None:
        """Take bytes from the sender, as far as window and queue have space."""
        loop = asyncio.get_running_loop()
        line, window, data = self._line, self._window, b" "
        while data:
            while not window.room:
                self._acknowledged.clear()
                await self._acknowledged.wait()
            data = await self._receive(min(line.chunk, window.room))
            window.restart_if_idle(loop.time())
            left_s = await self._link.send(len(data))
            window.send(len(data), left_s)
            self._in_flight.put_nowait((left_s + line.rtt_s / 2, data))

    async def _deliver(self) -> None:
        """Deliver each chunk when it arrives, and acknowledge it half a round trip later."""
        loop = asyncio.get_running_loop()
        data = b" "
        while data:
            arrives_s, data = await self._in_flight.get()
            await asyncio.sleep(arrives_s - loop.time())
            await self._send(data)
            loop.call_at(arrives_s + self._line.rtt_s / 2, self._acknowledge, len(data))

    def _acknowledge(self, size: int) -> None:
        self._window.acknowledge(size)
        self._acknowledged.set()


class Proxy:
    """Forwards connections to a server through a line.

    Args:
        server: host and port, or the path of a Unix socket.
    """

    def __init__(self, line: Line, server: Address) -> None:
        self._line = line
        self._server = server
        self._up = SharedLink(line)
        self._down = SharedLink(line)
        self._running: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket) -> None:
        """Accept connections until cancelled."""
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        _limit_buffers(listener)  # accepted connections inherit the limits
        while True:
            client, _ = await loop.sock_accept(listener)
            task = asyncio.create_task(self.carry(client))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def carry(self, client: socket.socket) -> None:
        """Carry one connection until both directions have ended, or one end has reset it."""
        loop = asyncio.get_running_loop()
        server = socket.socket(socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET)
        server.setblocking(False)
        _limit_buffers(server)
        line = self._line
        with client, server:
            try:
                await asyncio.sleep(line.handshakes * line.rtt_s)
                await loop.sock_connect(server, self._server)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_flow(line, self._up, client, server).run())
                    tasks.create_task(_flow(line, self._down, server, client).run())
            except* OSError:
                await asyncio.sleep(line.rtt_s / 2)
                for end in (client, server):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def _flow(line: Line, link: SharedLink, source: socket.socket, to: socket.socket) -> Flow:
    loop = asyncio.get_running_loop()

    async def receive(size: int) -> bytes:
        return await loop.sock_recv(source, size)

    async def send(data: bytes) -> None:
        if data:
            await loop.sock_sendall(to, data)
        else:
            to.shutdown(socket.SHUT_WR)

    return Flow(line, link, receive=receive, send=send)


def _limit_buffers(sock: socket.socket) -> None:
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def parse(arguments: Sequence[str]) -> tuple[Line, tuple[str, int], int]:
    """Return the line, the address of the server, and the port on which the proxy listens."""
    parser = argparse.ArgumentParser(prog="bench.line", description="Simulate a line.")
    parser.add_argument("--to", required=True, metavar="HOST:PORT", help="server")
    parser.add_argument("--listen", required=True, type=int, metavar="PORT")
    parser.add_argument("--line", required=True, choices=LINES)
    parser.add_argument("--handshakes", type=float, default=2, help="round trips to connect: 2")
    given = parser.parse_args(arguments)
    host, _, port = given.to.rpartition(":")
    line = replace(LINES[given.line], handshakes=given.handshakes)
    return line, (host, int(port)), given.listen


def main(arguments: Sequence[str]) -> None:
    """Run the proxy until the process is killed.

    `select` wakes within microseconds; the default loop and uvloop round times up to milliseconds.
    """
    line, server, port = parse(arguments)
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    with socket.create_server((HOST, port), backlog=BACKLOG) as listener:
        loop.run_until_complete(Proxy(line, server).serve(listener))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(sys.argv[1:])
