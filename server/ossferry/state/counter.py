"""Counters for rate limits: in memory for one process, in Redis for several processes.

The time windows move continuously, so a limit per minute holds for every period of 60 seconds.
While Redis does not answer, each process counts its own events and allows one fourth of each limit.

With Redis, the `limits` library counts. In memory, our class `MovingWindows` counts, for two
reasons:

- After each event, a task of the library's `MemoryStorage` visits all counters, each of them in a
  thread. Measured with limits 5.8 and 10 events per second, an event took 46 ms of processor time
  with 1,000 counters, and 71 ms with 10,000 counters (70 % of a core). With `MovingWindows` an
  event takes 0.004 ms, for any number of counters.
- The library reads the time of day, so a correction of the clock changes the limits.
"""

import math
from collections import deque
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import limits
from limits.aio.storage import RedisStorage as RedisCounters
from limits.errors import StorageError

from ossferry.clock import Monotonic, monotonic
from ossferry.errors import StorageLostError
from ossferry.observability.log_format import logger
from ossferry.settings.model import Settings
from ossferry.state.choice import make_pool
from ossferry.state.key_value import LEFT_ALONE_S, TIMEOUT_S

if TYPE_CHECKING:
    from redis.asyncio import ConnectionPool

STRICTER = 4
"""While Redis is lost, each process allows one fourth of a limit."""

SWEEP_S = 60.0

log = logger("ossferry.rates")


class Counter:
    """Counts events against rate limits in moving windows.

    With Redis, all processes share the counts. Without Redis, each process counts for itself. While
    Redis does not answer, each process counts for itself and allows one fourth of each limit.
    """

    def __init__(
        self, settings: Settings, *, monotonic: Monotonic = monotonic, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._monotonic = monotonic
        self._local = MovingWindows(monotonic)
        self._pool = make_pool(settings, timeout_s=timeout_s)
        self._shared = _counters(self._pool) if self._pool else None
        self._lost_until = 0.0

    async def hit(self, item: limits.RateLimitItem, *names: str, cost: int = 1) -> bool:
        """Count events unless they exceed the rate limit; return whether they were counted.

        Args:
            item: the rate limit.
            names: what the events belong to, such as an address; each combination of `item` and
                `names` has its own counter.
            cost: the number of events. If it exceeds the limit, the events are counted only if
                there were none in the time window, and then fill the window.
        """

        async def hit(storage: WindowStorage, item: limits.RateLimitItem) -> bool:
            key, most = _counter_name(item, names), item.amount
            return await storage.acquire_entry(key, most, item.get_expiry(), min(cost, most))

        return await self._ask(item, hit)

    async def test(self, item: limits.RateLimitItem, *names: str) -> bool:
        """Return whether the rate limit allows one more event, without counting an event.

        Args:
            item: the rate limit.
            names: the same names as in `hit`, which identify the counter.
        """

        async def test(storage: WindowStorage, item: limits.RateLimitItem) -> bool:
            key, most = _counter_name(item, names), item.amount
            _, count = await storage.get_moving_window(key, most, item.get_expiry())
            return count < most

        return await self._ask(item, test)

    async def retry_after_s(self, item: limits.RateLimitItem, *names: str) -> int:
        """Return the whole seconds until the rate limit allows one more event; at least 1.

        Without Redis, the result is exact. With Redis, it is an estimate: half of the time window.

        Args:
            item: the rate limit.
            names: the same names as in `hit`, which identify the counter.
        """
        expiry = item.get_expiry()
        key = _counter_name(item, names)
        oldest, count = await self._local.get_moving_window(key, item.amount, expiry)
        left_s = oldest + expiry - self._monotonic() if count >= item.amount else expiry / 2
        return max(1, math.ceil(left_s))

    async def close(self) -> None:
        """Close the connections to Redis, if there are any."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _ask(self, item: limits.RateLimitItem, ask: "_Ask") -> bool:
        if self._shared is None:
            return await ask(self._local, item)
        try:
            if self._monotonic() < self._lost_until:
                raise StorageLostError("left-alone")
            return await ask(self._shared, item)
        except (StorageError, OSError) as error:
            self._lost_until = self._monotonic() + LEFT_ALONE_S
            log.error("redis-lost", error=type(error).__name__)
        except StorageLostError:
            log.debug("redis-left-alone")
        stricter = type(item)(max(1, item.amount // STRICTER), item.multiples, item.namespace)
        return await ask(self._local, stricter)


class MovingWindows:
    """Counts events in memory: stores the times of recent events for each counter.

    Counters without recent events are removed once a minute. The methods have the same names as
    those of the Redis storage in the `limits` library. Use each instance in one event loop only.
    """

    def __init__(self, monotonic: Monotonic = monotonic) -> None:
        self._monotonic = monotonic
        self._moments: dict[str, tuple[int, deque[float]]] = {}  # window in seconds, oldest first
        self._swept_at = 0.0

    def __len__(self) -> int:
        """Return the number of keys with events."""
        return len(self._moments)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count events unless they exceed the limit; return whether they were counted.

        Args:
            key: the name of the counter.
            limit: the highest number of events in the time window.
            expiry: the length of the time window in seconds.
            amount: the number of events.
        """
        now = self._monotonic()
        if now - self._swept_at > SWEEP_S:
            self._sweep(now)
        _, moments = self._moments.setdefault(key, (expiry, deque()))
        _drop_until(moments, now - expiry)
        if len(moments) + amount > limit:
            return False
        moments.extend([now] * amount)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return the time of the oldest event in the time window, and the number of events.

        The time is in seconds of the monotonic clock; without events, it is the current time.

        Args:
            key: the name of the counter.
            limit: not used; the Redis storage has this parameter.
            expiry: the length of the time window in seconds.
        """
        now = self._monotonic()
        _, moments = self._moments.get(key, (expiry, deque[float]()))
        _drop_until(moments, now - expiry)
        return (moments[0] if moments else now), len(moments)

    def _sweep(self, now: float) -> None:
        """Remove all keys that have no event in their time window."""
        self._swept_at = now
        self._moments = {
            key: (expiry, moments)
            for key, (expiry, moments) in self._moments.items()
            if moments and moments[-1] > now - expiry
        }


WindowStorage: TypeAlias = RedisCounters | MovingWindows


_Ask: TypeAlias = Callable[[WindowStorage, limits.RateLimitItem], Awaitable[bool]]


def _counters(pool: "ConnectionPool") -> RedisCounters:
    return RedisCounters(
        "async+redis://",  # the pool has the address
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="ossferry",
        connection_pool=pool,  # type: ignore[arg-type] # the annotation omits asyncio pools
    )


def _drop_until(moments: deque[float], until: float) -> None:
    """Remove the times up to and including `until` from a sorted queue."""
    while moments and moments[0] <= until:
        moments.popleft()


@lru_cache(maxsize=8192)
def _counter_name(item: limits.RateLimitItem, names: tuple[str, ...]) -> str:
    """Return the name of a counter; cached, because each grant uses five counters."""
    return item.key_for(*names)
