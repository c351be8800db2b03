"""The clocks of the server; no other module reads the real time.

All other modules take a `Clock` or a `Monotonic` as an argument, so tests can set the time.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""A function that returns the current time as an aware UTC datetime."""


def utc_now() -> datetime:
    """Return the current time as a timezone-aware datetime in UTC."""
    return datetime.now(UTC)


Monotonic: TypeAlias = Callable[[], float]
"""A function that returns seconds that never decrease."""


def monotonic() -> float:
    """Return a time in seconds that never decreases, for measuring durations."""
    return time.monotonic()


def utc_text(moment: datetime, *, timespec: str = "seconds") -> str:
    """Return a time as ISO 8601 in UTC, such as `2026-03-14T09:26:53Z`.

    Args:
        timespec: the precision, as in `datetime.isoformat`.
    """
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
