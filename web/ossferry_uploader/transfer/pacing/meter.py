"""Measure the smoothed rate of a transfer, and estimate the remaining time."""

HALF_LIFE_S = 3.0
MIN_STEP_S = 0.4
MIN_WATCHED_S = 1.5  # a shorter measurement gives no remaining time
MAX_LEFT_S = 7 * 86400.0  # a longer remaining time is not given


class Meter:
    """Measures the smoothed rate of a transfer in bytes per second."""

    def __init__(self) -> None:
        self.rate_bytes_per_s = 0.0
        self._at_s: float | None = None
        self._sent = 0
        self._watched_s = 0.0

    def note(self, now_s: float, sent: int) -> None:
        """Add a measurement, unless it is less than 0.4 s after the last one that was added.

        Args:
            now_s: the time of the measurement in seconds.
            sent: the total number of bytes sent so far.
        """
        if self._at_s is None or now_s < self._at_s or sent < self._sent:
            self._at_s, self._sent = now_s, sent
            return
        step_s = now_s - self._at_s
        if step_s < MIN_STEP_S:
            return
        rate = (sent - self._sent) / step_s
        weight = 1 - 0.5 ** (step_s / HALF_LIFE_S) if self.rate_bytes_per_s else 1.0
        self.rate_bytes_per_s += weight * (rate - self.rate_bytes_per_s)
        self._watched_s += step_s
        self._at_s, self._sent = now_s, sent

    def left_s(self, remaining: int) -> "float | None":
        """Return the estimated time to send `remaining` bytes, in seconds.

        The result is `None` if too little was measured, or if the time is longer than `MAX_LEFT_S`.
        """
        if self._watched_s < MIN_WATCHED_S or self.rate_bytes_per_s <= 0:
            return None
        left_s = remaining / self.rate_bytes_per_s
        return left_s if left_s <= MAX_LEFT_S else None
