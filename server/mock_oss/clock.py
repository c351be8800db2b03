"""The mock's clock: the only module of the package that reads the system time.

All code that depends on the time (clock skew, token expiry, Last-Modified, lifecycle) uses a
`Clock`, so that a test can change the time without sleeping.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta

EARLIEST_S = 365 * 86400.0
LATEST_S = 253370764800.0 - 366 * 86400.0  # one year before 9999-01-01


class Clock:
    """A UTC clock that can be moved, set or frozen.

    Args:
        start: the timezone-aware datetime at which the clock starts; by default the real time.
        frozen: whether the clock starts frozen, so that only `set` and `advance` change the
            time.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        self._offset_s = 0.0
        self._frozen_at_s: float | None = None
        self._start, self._frozen = start, frozen
        self.reset()

    def timestamp(self) -> float:
        """Return the mock's time in seconds since the epoch."""
        base = time.time() if self._frozen_at_s is None else self._frozen_at_s
        return base + self._offset_s

    def timestamp_ms(self) -> int:
        """Return the mock's time in whole milliseconds since the epoch."""
        return int(self.timestamp() * 1000)

    def now(self) -> datetime:
        """Return the mock's time as a timezone-aware UTC datetime."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def advance(self, seconds: float | timedelta) -> None:
        """Move the clock forward; a negative value moves the clock back.

        Args:
            seconds: a number of seconds, or a timedelta.

        Raises:
            ValueError: the resulting time is outside the years 1971 to 9998.
        """
        step_s = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        _check(self.timestamp() + step_s)
        self._offset_s += step_s

    def set(self, moment: datetime) -> None:
        """Set the clock to a timezone-aware datetime.

        A frozen clock stays at this time; otherwise the clock continues from this time.

        Raises:
            ValueError: the datetime has no timezone, or is outside the years 1971 to 9998.
        """
        if moment.tzinfo is None:
            raise ValueError("the mock's clock requires an aware datetime")
        _check(moment.timestamp())
        if self._frozen_at_s is None:
            self._offset_s = moment.timestamp() - time.time()
        else:
            self._frozen_at_s, self._offset_s = moment.timestamp(), 0.0

    def freeze(self) -> None:
        """Stop the clock at its current time."""
        if self._frozen_at_s is None:
            self._frozen_at_s = time.time()

    def unfreeze(self) -> None:
        """Let a frozen clock continue from its current time."""
        shown_s = self.timestamp()
        self._frozen_at_s = None
        self._offset_s = shown_s - time.time()

    def reset(self) -> None:
        """Restore the time and the state (frozen or running) that the constructor set.

        A clock that was created without a start time shows the real time again.
        """
        self._frozen_at_s = None
        self._offset_s = 0.0
        if self._frozen:
            self.freeze()
        if self._start is not None:
            self.set(self._start)


def _check(timestamp_s: float) -> None:
    """Raise ValueError if a time is outside the years 1971 to 9998."""
    if not EARLIEST_S <= timestamp_s <= LATEST_S:  # also true for NaN
        raise ValueError("the mock's clock supports the years 1971 to 9998 only")


class Pace:
    """A rate limit for the transfer of one request or response body.

    The transfer starts when the `Pace` is created. A monotonic clock measures the time.

    Args:
        bytes_per_s: the highest rate, in bytes per second.
    """

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._started_s = time.monotonic()

    async def wait(self, moved_bytes: int) -> None:
        """Sleep as long as necessary to keep the transfer within the rate limit.

        Args:
            moved_bytes: the number of bytes transferred since the `Pace` was created.
        """
        due_s = self._started_s + moved_bytes / self._bytes_per_s
        if (ahead_s := due_s - time.monotonic()) > 0:
            await asyncio.sleep(ahead_s)


def monotonic_ms() -> float:
    """Return a monotonic time in milliseconds, for measuring durations."""
    return time.perf_counter() * 1000
