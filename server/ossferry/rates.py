"""Says no to those who ask too often: one principal, one address, everybody together.

Counting is done by `limits`, in memory for one process and in Redis for several. A Redis that is
down makes the limits stricter and local, never absent.
"""

import ipaddress
import math
from functools import lru_cache

import limits
from limits.aio.storage import RedisStorage as RedisCounters
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

from ossferry.clock import Monotonic, monotonic
from ossferry.errors import StorageLostError, TooManyError
from ossferry.logs import logger
from ossferry.rate_memory import CounterMemory
from ossferry.settings import Settings

__all__ = ["Counter", "Rates", "address_key"]

REDIS_TIMEOUT_S = 0.25
LEFT_ALONE_S = 2.0
STRICTER = 4
"""While Redis is down, each process allows this fraction of a limit."""

log = logger("ossferry.rates")


class Counter:
    """Counts hits against limits, together with the other processes if there is a Redis."""

    def __init__(self, settings: Settings, *, monotonic: Monotonic = monotonic) -> None:
        self._monotonic = monotonic
        self._local = CounterMemory(monotonic)
        self._pool = _pool(settings)
        self._here = _Windows(self._local)
        self._shared = _Windows(_counters(self._pool)) if self._pool else None
        self._ill_until = 0.0

    async def hit(self, item: limits.RateLimitItem, *names: str) -> bool:
        """Count one; whether it is within the limit."""
        return await self._ask(item, names, "hit")

    async def test(self, item: limits.RateLimitItem, *names: str) -> bool:
        """Whether one more would be within the limit."""
        return await self._ask(item, names, "test")

    async def hit_exactly(self, item: limits.RateLimitItem, *names: str) -> bool:
        """Count one in a window that moves with every moment; costs more memory."""
        return await self._ask(item, names, "exact")

    async def retry_after_s(self, item: limits.RateLimitItem, *names: str) -> int:
        """Return the whole seconds after which one more is likely to be within the limit."""
        expiry = item.get_expiry()
        windows = await self._local.get_sliding_window(item.key_for(*names), expiry)
        before, left_s = windows[0], windows[1]
        return max(1, math.ceil(expiry / before if before else left_s))

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _ask(self, item: limits.RateLimitItem, names: tuple[str, ...], how: str) -> bool:
        if self._shared is None:
            return await self._here.count(item, names, how)
        try:
            if self._monotonic() < self._ill_until:
                raise StorageLostError("left-alone")
            return await self._shared.count(item, names, how)
        except (StorageError, OSError) as error:
            self._ill_until = self._monotonic() + LEFT_ALONE_S
            log.error("redis-lost", error=type(error).__name__)
        except StorageLostError:
            log.debug("redis-left-alone")
        stricter = type(item)(max(1, item.amount // STRICTER), item.multiples, item.namespace)
        return await self._here.count(stricter, names, how)


class Rates:
    """The limits of the settings."""

    def __init__(self, settings: Settings, counter: Counter) -> None:
        self._counter = counter
        self._per_principal = limits.parse(settings.rate_per_principal)
        self._per_address = limits.parse(settings.rate_per_address)
        self._global = limits.parse(settings.rate_global)
        self._failures = limits.parse(settings.rate_failures)

    async def admit(self, address: str) -> None:
        """Count a request before anything is computed for it.

        Raises:
            TooManyError: the address, or everybody, has asked too often.
        """
        who = address_key(address)
        if not await self._counter.test(self._failures, "failed", who):
            await self._refuse("failures", self._failures, "failed", who)
        await self._count("address", self._per_address, "address", who)
        await self._count("global", self._global, "global")

    async def admit_principal(self, principal: str) -> None:
        """Count a request of somebody who is known.

        Args:
            principal: a hash that stands for them.

        Raises:
            TooManyError: they have asked too often.
        """
        await self._count("principal", self._per_principal, "principal", principal)

    async def failed(self, address: str, key_id: str) -> None:
        """Count a failed identification against its address and against the key it named.

        Raises:
            TooManyError: the key id was guessed at too often, from wherever.
        """
        await self._counter.hit(self._failures, "failed", address_key(address))
        if key_id:
            await self._count("failures", self._failures, "key", key_id)

    async def _count(self, limit: str, item: limits.RateLimitItem, *names: str) -> None:
        if not await self._counter.hit(item, *names):
            await self._refuse(limit, item, *names)

    async def _refuse(self, limit: str, item: limits.RateLimitItem, *names: str) -> None:
        raise TooManyError(limit, retry_after_s=await self._counter.retry_after_s(item, *names))


@lru_cache(maxsize=4096)
def address_key(address: str) -> str:
    """Return what stands for an address: IPv6 hosts have a whole /64 to choose from."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


def _pool(settings: Settings) -> ConnectionPool | None:
    if settings.redis_url is None:
        return None
    return ConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
    )


def _counters(pool: ConnectionPool) -> Storage:
    return RedisCounters(
        "async+redis://",  # the pool knows where
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="ossferry",
        connection_pool=pool,  # type: ignore[arg-type] # its annotation forgets the pool
    )


class _Windows:
    """Both kinds of windows over one storage."""

    def __init__(self, storage: Storage) -> None:
        self._sliding = SlidingWindowCounterRateLimiter(storage)
        self._moving = MovingWindowRateLimiter(storage)

    async def count(self, item: limits.RateLimitItem, names: tuple[str, ...], how: str) -> bool:
        """Count, or look, as `how` says."""
        if how == "exact":
            return await self._moving.hit(item, *names)
        ask = self._sliding.hit if how == "hit" else self._sliding.test
        return await ask(item, *names)
