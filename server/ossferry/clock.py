"""The only file of the server that reads a real clock.

Everything else takes a `Clock`, so that a test can move time.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

__all__ = ["Clock", "Monotonic", "monotonic", "utc_now", "utc_text"]

Clock: TypeAlias = Callable[[], datetime]
"""Answers the present moment as an aware UTC datetime."""


def utc_now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)


Monotonic: TypeAlias = Callable[[], float]
"""Answers seconds that only ever grow."""


def monotonic() -> float:
    """Return seconds that only ever grow, to measure how long something takes."""
    return time.monotonic()


def utc_text(moment: datetime, *, timespec: str = "seconds") -> str:
    """Return a moment as ISO 8601 in UTC, ``2026-03-14T09:26:53Z``."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
