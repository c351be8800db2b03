"""The pool of connections that the requests of all uploads share.

A free connection goes to a request of the upload with the lowest rank. If several requests of this
upload are waiting, the oldest one gets the connection.

Congestion halves the number of connections. If several requests in flight fail, the number is
halved only once. When as many requests have succeeded as there are connections, one connection is
added (additive increase, multiplicative decrease).

While the number is not reduced, more small requests than connections may be sent. The browser then
queues them, so that a free connection does not wait for Python, or it sends them at once, over
HTTP/2 or to several hosts.

A request that sends a whole large file may keep its connection for hours. So at most `MOST_LONG`
connections are for such requests, and other files can pass them.
"""

import asyncio

from ossferry_uploader.transfer.plan import CONNECTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.pacing.small_requests import SmallRequests

MOST_LONG = 4
PLAIN, SMALL, LONG = "plain", "small", "long"  # kinds of requests


class _Ticket:
    def __init__(self, rank: "Callable[[], Any]", kind: str) -> None:
        self.rank = rank
        self.kind = kind
        self.granted = asyncio.Event()


class ConnectionPool:
    """Limits how many requests to OSS are in flight; each request takes a connection of the pool.

    Args:
        connections: the number of connections without congestion and without a speed limit.
        small: its attribute `allowed` is the number of requests with a small body that may be sent
            at the same time; if `None`, as many as there are connections.

    Attributes:
        most: the number of connections without congestion; a speed limit reduces this number.
        allowed: the present number of connections, from 1 to `most`.
        used: the number of connections in use.
        cuts: how often congestion has halved `allowed`.
    """

    def __init__(
        self, connections: int = CONNECTIONS, *, small: "SmallRequests | None" = None
    ) -> None:
        self.connections = connections
        self._small = small
        self.most = connections
        self.allowed = connections
        self.used = 0
        self.cuts = 0
        self._waiting: list[_Ticket] = []
        self._long = 0  # connections that whole large files use
        self._successes = 0

    async def acquire(self, rank: "Callable[[], Any]", kind: str = PLAIN) -> None:
        """Wait until a request gets a connection of the pool.

        Args:
            rank: a function that returns the sort key of the request. The waiting request with the
                smallest sort key gets the next connection.
            kind: `SMALL` for a request with a small body, `LONG` for a request that sends a whole
                large file, `PLAIN` for all others.
        """
        ticket = _Ticket(rank, kind)
        self._waiting.append(ticket)
        self._hand_out()
        try:
            await ticket.granted.wait()
        except asyncio.CancelledError:
            if ticket.granted.is_set():
                self.release(kind)
            else:
                self._waiting.remove(ticket)
            raise

    def release(self, kind: str = PLAIN) -> None:
        """Return a connection to the pool.

        Args:
            kind: the argument with which `acquire` was called.
        """
        self.used -= 1
        self._long -= 1 if kind == LONG else 0
        self._hand_out()

    @property
    def small(self) -> int:
        """The number of small requests that may be sent at the same time."""
        if self._small and self.allowed == self.connections:
            return self._small.allowed
        return self.allowed

    def success(self, kind: str = PLAIN) -> None:
        """Record that a request has succeeded; call this before `release`.

        After `allowed` successful requests, one connection is added.

        Args:
            kind: the argument with which `acquire` was called.
        """
        if kind == SMALL and self._small:
            is_busy = bool(self._waiting) or 2 * self.used > self._small.allowed
            self._small.completed(is_busy=is_busy)
        self._successes += 1
        if self._successes >= self.allowed and self.allowed < self.most:
            self.allowed += 1
            self._successes = 0
            self._hand_out()

    def congestion(self, cuts: int) -> None:
        """Halve the number of connections, because a request failed due to congestion.

        Args:
            cuts: the value of the attribute `cuts` when the request was sent. If the attribute has
                changed since then, the number was halved meanwhile, and the call does nothing.
        """
        if cuts == self.cuts:
            self.cuts += 1
            self.allowed = max(1, self.allowed // 2)
            self._successes = 0
            if self._small:
                self._small.reset()

    def limit(self, most: int) -> None:
        """Set the largest number of connections, because a speed limit has changed.

        Requests in flight continue.
        """
        is_cut = self.allowed < self.most
        self.most = most
        self.allowed = min(self.allowed, most) if is_cut else most
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and self.used < self.small:
            ready = self._waiting
            if self._long >= MOST_LONG:
                ready = [ticket for ticket in ready if ticket.kind != LONG]
                if not ready:
                    return
            first = min(ready, key=lambda ticket: ticket.rank())
            if self.used >= (self.small if first.kind == SMALL else self.allowed):
                return
            self._waiting.remove(first)
            self.used += 1
            self._long += 1 if first.kind == LONG else 0
            first.granted.set()
