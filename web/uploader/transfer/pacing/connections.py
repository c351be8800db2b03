"""One budget of connections over all files and parts.

Whoever wants to send waits for a place; a free place goes to the upload that comes first, and
within it to whoever asked first. Trouble halves the number of places, once for all requests that
were on their way together, and each run of successes as long as that number gives one back:
additive increase, multiplicative decrease.

While nothing asks for less, there may be more places for small requests than connections: those
wait in the browser, so that a connection that is free does not wait for Python.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["CONNECTIONS", "ConnectionPool"]

CONNECTIONS = 6  # what a browser opens to one host


class _Ticket:
    def __init__(self, rank: "Callable[[], Any]", is_small: bool) -> None:
        self.rank = rank
        self.is_small = is_small
        self.granted = asyncio.Event()


class ConnectionPool:
    """Places to send from: `connections` at best, `most` within a speed limit; `allowed` moves
    between 1 and that, and `cuts` counts how often it was halved. `queued` is how many small
    requests there may be for each connection.
    """

    def __init__(self, connections: int = CONNECTIONS, *, queued: int = 1) -> None:
        self.connections = connections
        self._queued = queued
        self.most = connections
        self.allowed = connections
        self.used = 0
        self.cuts = 0
        self._waiting: list[_Ticket] = []
        self._successes = 0

    async def acquire(self, rank: "Callable[[], Any]", *, is_small: bool = False) -> None:
        """Wait for a place; `rank()` is asked when one is free, the smallest goes first."""
        ticket = _Ticket(rank, is_small)
        self._waiting.append(ticket)
        self._hand_out()
        try:
            await ticket.granted.wait()
        except asyncio.CancelledError:
            if ticket.granted.is_set():
                self.release()
            else:
                self._waiting.remove(ticket)
            raise

    def release(self) -> None:
        """Give a place back."""
        self.used -= 1
        self._hand_out()

    def success(self) -> None:
        """Note a request that went well."""
        self._successes += 1
        if self._successes >= self.allowed and self.allowed < self.most:
            self.allowed += 1
            self._successes = 0
            self._hand_out()

    def trouble(self, cuts: int) -> None:
        """Note a request that OSS or the line could not bear.

        Args:
            cuts: the count when it left; one that left before the latest cut asks for no other.
        """
        if cuts == self.cuts:
            self.cuts += 1
            self.allowed = max(1, self.allowed // 2)
            self._successes = 0

    def limit(self, most: int) -> None:
        """Allow up to `most` places from now on; those in use are not taken away."""
        is_cut = self.allowed < self.most
        self.most = most
        self.allowed = min(self.allowed, most) if is_cut else most
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and self.used < self._queued * self.allowed:
            first = min(self._waiting, key=lambda ticket: ticket.rank())
            may_queue = first.is_small and self.allowed == self.connections
            if self.used >= self.allowed and not may_queue:
                return
            self._waiting.remove(first)
            self.used += 1
            first.granted.set()
