"""The mock's clock: the only file of the package that reads a real one.

Everything that has to do with dates (skew, token expiry, Last-Modified, lifecycle) asks a
``Clock``, so that a test can move time without sleeping.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

__all__ = ["Clock", "Pace", "monotonic_ms"]


EARLIEST_S = 365 * 86400.0
LATEST_S = 253370764800.0 - 366 * 86400.0  # a year before 9999-01-01


class Clock:
    """Wall clock in UTC that can be moved, set or stopped.

    Args:
        start: aware datetime shown from now on; the real time when left out.
        frozen: stand still until moved.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        self._offset_s = 0.0
        self._frozen_at_s: float | None = None
        self._start, self._frozen = start, frozen
        self.reset()

    def timestamp(self) -> float:
        """Return seconds since the epoch, as the mock sees them."""
        base = time.time() if self._frozen_at_s is None else self._frozen_at_s
        return base + self._offset_s

    def timestamp_ms(self) -> int:
        """Return whole milliseconds since the epoch, as the mock sees them."""
        return int(self.timestamp() * 1000)

    def now(self) -> datetime:
        """Return the mock's time as an aware UTC datetime."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def advance(self, seconds: float | timedelta) -> None:
        """Move the clock forward, or back with a negative number of seconds.

        Raises:
            ValueError: the clock would leave the years 1971 to 9998.
        """
        step_s = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        _check(self.timestamp() + step_s)
        self._offset_s += step_s

    def set(self, moment: datetime) -> None:
        """Make the clock show this aware datetime now; it keeps running unless frozen."""
        if moment.tzinfo is None:
            raise ValueError("the mock's clock takes aware datetimes only")
        _check(moment.timestamp())
        if self._frozen_at_s is None:
            self._offset_s = moment.timestamp() - time.time()
        else:
            self._frozen_at_s, self._offset_s = moment.timestamp(), 0.0

    def freeze(self) -> None:
        """Stop the clock at what it shows now."""
        if self._frozen_at_s is None:
            self._frozen_at_s = time.time()

    def unfreeze(self) -> None:
        """Let a frozen clock run on from what it shows."""
        shown_s = self.timestamp()
        self._frozen_at_s = None
        self._offset_s = shown_s - time.time()

    def reset(self) -> None:
        """Show what the clock began with: the real time, or its start."""
        self._frozen_at_s = None
        self._offset_s = 0.0
        if self._frozen:
            self.freeze()
        if self._start is not None:
            self.set(self._start)


def _check(timestamp_s: float) -> None:
    """Refuse a time that could not be written as a date, with a year to spare on both sides."""
    if not EARLIEST_S <= timestamp_s <= LATEST_S:  # a NaN is refused too
        raise ValueError("the mock's clock shows the years 1971 to 9998")


class Pace:
    """Keeps a transfer at or below a rate, by the monotonic clock.

    Args:
        bytes_per_s: the cap.
    """

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._started_s = time.monotonic()

    async def wait(self, moved_bytes: int) -> None:
        """Sleep until so many bytes may have moved."""
        due_s = self._started_s + moved_bytes / self._bytes_per_s
        if (ahead_s := due_s - time.monotonic()) > 0:
            await asyncio.sleep(ahead_s)


def monotonic_ms() -> float:
    """Return a reading for measuring durations, in milliseconds."""
    return time.perf_counter() * 1000
