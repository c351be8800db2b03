"""Finds how many requests may be sent at the same time.

Over HTTP/1.1, browsers open six connections to a host, and other requests wait in the browser. Over
HTTP/2, or if requests go to several hosts, more requests than six are sent at the same time. The
page cannot ask which protocol is used, because browsers hide it for other origins. It also cannot
ask whether the line is full.

So the number is doubled as long as more files or bytes per second arrive. The last doubling is
undone if the rate has not grown. After `AGAIN` rounds the number is doubled again, because the line
may have changed.
"""

from uploader.transfer.plan import CONNECTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RequestCount", "large_requests", "small_requests"]

SMALL_LEAST = 12  # two per connection: the browser sends the next one without waiting for Python
SMALL_MOST = 96
SMALL_GROWTH = 1.25
LARGE_GROWTH = 1.1  # twice the connections fill a line with 200 ms at most by a third more
AGAIN = 20


class RequestCount:
    """The number of requests that may be sent at the same time.

    The rate is measured in rounds. A round ignores the first `allowed` completed requests, because
    these were sent before the number has changed, and measures the next `allowed` ones.

    Args:
        elapsed_s: returns the seconds since any fixed time.
        least: the number at the beginning.
        most: the largest number.
        growth: the growth of the rate for which a doubling is kept, for example 1.25.

    Attributes:
        allowed: the present number, from `least` to `most`.
    """

    def __init__(
        self, elapsed_s: "Callable[[], float]", *, least: int, most: int, growth: float
    ) -> None:
        self._elapsed_s = elapsed_s
        self._least = least
        self.most = most
        self._growth = growth
        self.reset()

    def reset(self) -> None:
        """Start again with the smallest number."""
        self._rate = 0.0  # before the latest doubling; 0 if unknown
        self._before = 0  # the number before the latest doubling; 0 if that is decided
        self._rounds = 0  # since the latest doubling
        self._start(self._least)

    def limit(self, most: int) -> None:
        """Set the largest number. If it has grown, the number may be doubled after this round."""
        if most > self.most:
            self._rounds = AGAIN
        self.most = most
        if self.allowed > most:
            self.reset()

    def completed(self, amount: int = 1, *, is_busy: bool) -> None:
        """Record that a request is completed.

        Args:
            amount: the bytes of the request, or 1 to measure requests per second.
            is_busy: whether there are enough requests to send. Otherwise the rate does not depend
                on the number, and the round begins again.
        """
        if not is_busy:
            self._start(self.allowed)
            return
        self._count += 1
        if self._count > self.allowed:
            self._amount += amount
        if self._count == self.allowed:
            self._since_s = self._elapsed_s()
        elif self._count == 2 * self.allowed:
            self._end_round(self._amount / max(self._elapsed_s() - self._since_s, 1e-3))

    def _start(self, allowed: int) -> None:
        self.allowed = allowed
        self._count = self._amount = 0
        self._since_s = 0.0

    def _end_round(self, rate: float) -> None:
        """Double the number, undo the latest doubling, or keep the number.

        Args:
            rate: what has arrived per second in this round.
        """
        self._rounds += 1
        before, self._before = self._before, 0
        if before and rate < self._growth * self._rate:
            self._start(before)
            return
        may_grow = before or self._rounds >= AGAIN or not self._rate
        self._rate = rate
        if may_grow and self.allowed < self.most:
            self._before = self.allowed
            self._rounds = 0
        self._start(min(self.most, 2 * self._before) if self._before else self.allowed)


def small_requests(elapsed_s: "Callable[[], float]") -> RequestCount:
    """Return the number of small requests. The caller reports each completed request."""
    return RequestCount(elapsed_s, least=SMALL_LEAST, most=SMALL_MOST, growth=SMALL_GROWTH)


def large_requests(elapsed_s: "Callable[[], float]") -> RequestCount:
    """Return the number of large requests. The caller reports the bytes of completed requests.

    It stays the number of connections to one host until the caller sets a larger `limit`, because
    the bucket has several hosts.
    """
    return RequestCount(elapsed_s, least=CONNECTIONS, most=CONNECTIONS, growth=LARGE_GROWTH)
