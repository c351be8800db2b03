"""Counters for the `limits` library in this process's memory.

The library's own in-memory storage walks over every counter on every hit; with thousands of
principals that is most of a core. This one forgets what has ended once in a while, and takes a
clock.
"""

from collections import deque

from limits.aio.storage import MovingWindowSupport, SlidingWindowCounterSupport, Storage

from ossferry.clock import Monotonic, monotonic

__all__ = ["CounterMemory"]

SWEEP_S = 60.0


class CounterMemory(Storage, MovingWindowSupport, SlidingWindowCounterSupport):
    """Windows of one process; `limits` calls every method from one event loop."""

    STORAGE_SCHEME = None

    def __init__(self, monotonic: Monotonic = monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._pairs: dict[str, tuple[int, int, int, float]] = {}  # window, count, before, until
        self._moments: dict[str, deque[float]] = {}
        self._swept_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the storage raises: nothing of its own."""
        return ValueError

    async def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count, unless that would be more than `limit` in the last `expiry` seconds."""
        now = self._monotonic()
        window, count, before = self._pair(key, expiry, now)
        left = 1 - (now / expiry) % 1
        if int(before * left + count) + amount > limit:
            return False
        self._pairs[key] = (window, count + amount, before, (window + 2) * expiry)
        if now - self._swept_at > SWEEP_S:
            self._sweep(now)
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return previous count, its time left, current count, its time left."""
        now = self._monotonic()
        _, count, before = self._pair(key, expiry, now)
        left_s = expiry * (1 - (now / expiry) % 1)
        return before, left_s, count, left_s + expiry

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget a window."""
        self._pairs.pop(key, None)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Note the moment, unless `limit` moments lie within the last `expiry` seconds."""
        now = self._monotonic()
        moments = self._moments.setdefault(key, deque())
        while moments and moments[0] <= now - expiry:
            moments.popleft()
        if len(moments) + amount > limit:
            return False
        moments.extend([now] * amount)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return the oldest moment within the window, and how many there are."""
        now = self._monotonic()
        moments = [each for each in self._moments.get(key, ()) if each > now - expiry]
        return (moments[0] if moments else now), len(moments)

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count in a fixed window; no limit of ours uses one."""
        await self.acquire_sliding_window_entry(key, 2**62, expiry, amount)
        return await self.get(key)

    async def get(self, key: str) -> int:
        """Return the count of a fixed window."""
        return self._pairs.get(key, (0, 0, 0, 0.0))[1]

    async def get_expiry(self, key: str) -> float:
        """Return when a window ends."""
        return self._pairs.get(key, (0, 0, 0, self._monotonic()))[3]

    async def check(self) -> bool:
        """Whether the storage works."""
        return True

    async def reset(self) -> int:
        """Forget everything."""
        known = len(self._pairs) + len(self._moments)
        self._pairs.clear()
        self._moments.clear()
        return known

    async def clear(self, key: str) -> None:
        """Forget one key."""
        self._pairs.pop(key, None)
        self._moments.pop(key, None)

    def _pair(self, key: str, expiry: int, now: float) -> tuple[int, int, int]:
        current = int(now // expiry)
        window, count, before, _ = self._pairs.get(key, (current, 0, 0, 0.0))
        if window == current:
            return current, count, before
        return current, 0, count if window == current - 1 else 0

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        self._pairs = {key: pair for key, pair in self._pairs.items() if pair[3] > now}
