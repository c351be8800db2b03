"""The model of a line: bandwidth, delay and congestion windows, without sockets or a clock.

Times are seconds of any clock that never goes back, and come in as arguments. `bench.line` applies
the model to real connections.
"""

from dataclasses import dataclass

SEGMENT = 1_460  # bytes of data in one Ethernet packet
INITIAL_WINDOW = 10 * SEGMENT
MAX_WINDOW = 4 << 20  # the limit of Linux for the send buffer of a connection
MIN_TIMEOUT_S = 0.2  # the shortest retransmission timeout of Linux
CHUNK_S = 0.001
MAX_CHUNK = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Properties of a line; both directions are the same.

    Attributes:
        mbit: bandwidth in Mbit/s of each direction, which all connections share.
        rtt_ms: time from sending a byte until its acknowledgement, without waiting in a queue.
        handshakes: round trips before the first byte of a connection leaves (TCP and TLS 1.3: 2).
        max_window: most bytes that one connection may have in flight in one direction.
    """

    mbit: float
    rtt_ms: float
    handshakes: float = 2
    max_window: int = MAX_WINDOW

    @property
    def bytes_per_s(self) -> float:
        """Bandwidth of one direction."""
        return self.mbit * 1e6 / 8

    @property
    def rtt_s(self) -> float:
        """Round-trip time."""
        return self.rtt_ms / 1000

    @property
    def queue_s(self) -> float:
        """Longest time that the queue may need to empty: a round trip, but at least one chunk."""
        return max(self.rtt_s, CHUNK_S)

    @property
    def timeout_s(self) -> float:
        """Retransmission timeout: the idle time after which a window restarts."""
        return self.rtt_s + max(self.rtt_s, MIN_TIMEOUT_S)

    @property
    def chunk(self) -> int:
        """Most bytes that a connection may send at once before the others have their turn."""
        return min(max(int(self.bytes_per_s * CHUNK_S), SEGMENT), MAX_CHUNK)


LINES = {
    f"{mbit / 1000:g} Gbit/s {rtt_ms} ms" if mbit >= 1000 else f"{mbit} Mbit/s {rtt_ms} ms": Line(
        mbit=mbit, rtt_ms=rtt_ms
    )
    for mbit, rtt_ms in ((20, 40), (100, 20), (100, 200), (1000, 10))
}
"""Lines with names, such as `100 Mbit/s 200 ms`."""


class Link:
    """The bandwidth of one direction: a queue that sends one byte after the other."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_s = 0.0  # when the queue is empty

    def queued_s(self, now_s: float) -> float:
        """Return how long the queue needs to empty."""
        return max(self._free_s - now_s, 0.0)

    def send(self, size: int, now_s: float) -> float:
        """Add bytes to the queue, and return the time when the last of them leaves."""
        self._free_s = max(self._free_s, now_s) + size / self._bytes_per_s
        return self._free_s


class Window:
    """The congestion window of one direction of a connection.

    Slow start: the window grows by each acknowledged byte, so it doubles in each round trip. It
    does not grow while the sender uses less than half of it.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._size = INITIAL_WINDOW
        self._in_flight = 0
        self._most_in_flight = 0  # since nothing was in flight
        self._sent_s = 0.0

    @property
    def room(self) -> int:
        """Number of bytes that may be sent now."""
        return max(self._size - self._in_flight, 0)

    def send(self, size: int, now_s: float) -> None:
        """Record that bytes are sent."""
        self._in_flight += size
        self._most_in_flight = max(self._most_in_flight, self._in_flight)
        self._sent_s = now_s

    def acknowledge(self, size: int) -> None:
        """Record that bytes have arrived, and let the window grow."""
        if 2 * self._most_in_flight > self._size:
            self._size = min(self._size + size, self._line.max_window)
        self._in_flight -= size
        if not self._in_flight:
            self._most_in_flight = 0

    def restart_if_idle(self, now_s: float) -> None:
        """Return to the initial size, with slow start, if nothing was sent for a timeout."""
        if not self._in_flight and now_s - self._sent_s > self._line.timeout_s:
            self._size = min(self._size, INITIAL_WINDOW)
