"""Counts in this process's memory, exactly: in no window of time is more let through than allowed.

The in-memory storage of the `limits` library walks over every counter on every hit, in a thread for
each; with thousands of principals that is most of a core. This one forgets what has ended once in a
while, and takes a clock. Its methods are those of the library's storages, as Redis has them.
"""

from collections import deque

from ossferry.clock import Monotonic, monotonic

__all__ = ["MovingWindows"]

SWEEP_S = 60.0


class MovingWindows:
    """The moments at which something was let through, by key; for one event loop."""

    def __init__(self, monotonic: Monotonic = monotonic) -> None:
        self._monotonic = monotonic
        self._moments: dict[str, tuple[int, deque[float]]] = {}  # window in seconds, oldest first
        self._swept_at = 0.0

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._moments)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Note the moment, unless `limit` moments lie within the last `expiry` seconds."""
        now = self._monotonic()
        if now - self._swept_at > SWEEP_S:
            self._sweep(now)
        _, moments = self._moments.setdefault(key, (expiry, deque()))
        _forget(moments, now - expiry)
        if len(moments) + amount > limit:
            return False
        moments.extend([now] * amount)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return the oldest moment within the window, and how many there are."""
        now = self._monotonic()
        _, moments = self._moments.get(key, (expiry, deque[float]()))
        _forget(moments, now - expiry)
        return (moments[0] if moments else now), len(moments)

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        self._moments = {
            key: (expiry, moments)
            for key, (expiry, moments) in self._moments.items()
            if moments and moments[-1] > now - expiry
        }


def _forget(moments: deque[float], until: float) -> None:
    """Forget moments up to this one."""
    while moments and moments[0] <= until:
        moments.popleft()
