"""Find out how many small requests may be sent at the same time.

Over HTTP/1.1, browsers open six connections to a host, and the other requests wait in the browser.
Over HTTP/2, or if small requests go to several hosts, more than six requests are sent at the same
time. The page cannot find out which protocol is used, because browsers hide it for other origins.

So the number is doubled as long as this raises the number of requests that are completed per
second. The last doubling is undone if it does not. After `AGAIN` rounds the number is doubled
again, because the network may have changed.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LEAST = 12  # two per connection: the browser sends the next one without waiting for Python
MOST = 96
GROWTH = 1.25  # of the rate, for which a doubling is kept
AGAIN = 20


class SmallRequests:
    """The number of small requests that may be sent at the same time, adapted to the network.

    A small request has a body of at most `plan.SMALL_BYTES`. The rate of completed requests is
    measured in rounds. After each round, `allowed` is doubled, halved or kept, depending on the
    rate. A round ignores the first `allowed` completed requests, because they were sent before
    `allowed` changed, and measures the next `allowed` requests.

    Args:
        elapsed_s: returns the seconds since an arbitrary fixed time.

    Attributes:
        allowed: the present number of requests, from `LEAST` to `MOST`.
    """

    def __init__(self, elapsed_s: "Callable[[], float]") -> None:
        self._elapsed_s = elapsed_s
        self.reset()

    def reset(self) -> None:
        """Forget all measurements, and start again with the smallest number of requests."""
        self._rate = 0.0  # requests per second before the latest doubling; 0 if unknown
        self._is_doubled = False
        self._rounds = 0  # since the latest doubling
        self._start(LEAST)

    def completed(self, *, is_busy: bool) -> None:
        """Record that a small request is completed.

        Args:
            is_busy: whether more small requests are waiting for a connection. If not, the allowed
                number does not limit the rate of requests, and a new round begins.
        """
        if not is_busy:
            self._start(self.allowed)
            return
        self._count += 1
        if self._count == self.allowed:
            self._since_s = self._elapsed_s()
        elif self._count == 2 * self.allowed:
            self._end_round(self.allowed / max(self._elapsed_s() - self._since_s, 1e-3))

    def _start(self, allowed: int) -> None:
        self.allowed = allowed
        self._count = 0
        self._since_s = 0.0

    def _end_round(self, rate: float) -> None:
        """Double the number, undo the latest doubling, or keep the number.

        Args:
            rate: the completed requests per second in this round.
        """
        self._rounds += 1
        if self._is_doubled and rate < GROWTH * self._rate:
            self._is_doubled = False
            self._start(self.allowed // 2)
        elif self.allowed < MOST and (self._is_doubled or self._rounds >= AGAIN or not self._rate):
            self._is_doubled = True
            self._rounds = 0
            self._rate = rate
            self._start(2 * self.allowed)
        else:
            self._is_doubled = False
            self._rate = rate
            self._start(self.allowed)
