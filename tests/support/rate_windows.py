"""Events against a limit of 60 per minute, and the events that a moving window counts."""

from collections.abc import Sequence
from typing import TypeAlias

import limits

from ossferry.state.counter import Counter

LIMIT = limits.parse("60/minute")

Events: TypeAlias = Sequence[tuple[float, int, int]]
"""For each moment: the second, the number of events, and how many of them must be counted."""

EVENTS: dict[str, Events] = {
    "bursts at the edge of a minute": [
        (59.5, 60, 60),
        (60.5, 60, 0),
        (119.0, 60, 0),
        (120.0, 60, 60),
    ],
    "bursts after one event": [
        (0.0, 1, 1),
        (59.5, 60, 59),
        (60.5, 60, 1),
        (119.0, 60, 0),
        (120.0, 60, 59),
        (121.0, 60, 1),
    ],
    "just below the limit": [(1.01 * number, 1, 1) for number in range(130)],
    "twice the limit": [(0.505 * number, 1, int(number % 119 < 60)) for number in range(240)],
}
"""A fixed window, or one that is estimated from two fixed ones, counts other numbers."""


class Seconds:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 6000.0

    def __call__(self) -> float:
        return self.now


async def counted(
    counter: Counter, seconds: Seconds, events: Events, *names: str
) -> list[tuple[float, int, int]]:
    """Return `events` with the numbers that a counter has counted.

    Args:
        seconds: the clock of the counter.
        names: names that identify the counter.
    """
    started, found = seconds.now, []
    for at_s, number, _ in events:
        seconds.now = started + at_s
        hits = [await counter.hit(LIMIT, *names) for _ in range(number)]
        found.append((at_s, number, hits.count(True)))
    return found
