"""Says no to those who ask too often: one principal, one address, everybody together.

Windows are exact: no minute sees more than a limit per minute allows. Counting is done in memory
for one process, and by `limits` in Redis for several. A Redis that is down makes the limits
stricter and local, never absent.
"""

import ipaddress
import math
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TypeAlias

import limits
from limits.aio.storage import RedisStorage as RedisCounters
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

from ossferry.clock import Monotonic, monotonic
from ossferry.errors import StorageLostError, TooManyError
from ossferry.observability.logs import logger
from ossferry.settings.model import Settings
from ossferry.state.key_value import LEFT_ALONE_S, TIMEOUT_S, redis_pool
from ossferry.state.rate_memory import MovingWindows

__all__ = ["Counter", "Rates", "address_key"]

STRICTER = 4
"""While Redis is down, each process allows this fraction of a limit."""

log = logger("ossferry.rates")


WindowStorage: TypeAlias = RedisCounters | MovingWindows


Ask: TypeAlias = Callable[["_Windows", limits.RateLimitItem, tuple[str, ...]], Awaitable[bool]]


class Counter:
    """Counts hits against limits, together with the other processes if there is a Redis."""

    def __init__(
        self,
        settings: Settings,
        *,
        monotonic: Monotonic = monotonic,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._monotonic = monotonic
        self._local = MovingWindows(monotonic)
        self._pool = _pool(settings, timeout_s)
        self._here = _Windows(self._local)
        self._shared = _Windows(_counters(self._pool)) if self._pool else None
        self._ill_until = 0.0

    async def hit(self, item: limits.RateLimitItem, *names: str) -> bool:
        """Count one; whether it is within the limit."""
        return await self._ask(item, names, _Windows.hit)

    async def test(self, item: limits.RateLimitItem, *names: str) -> bool:
        """Whether one more would be within the limit."""
        return await self._ask(item, names, _Windows.test)

    async def retry_after_s(self, item: limits.RateLimitItem, *names: str) -> int:
        """Return the whole seconds after which one more is within the limit, or likely so.

        This process knows the moment if it counts alone; of others' counts half the window is said.
        """
        expiry = item.get_expiry()
        key = _counter_name(item, names)
        oldest, count = await self._local.get_moving_window(key, item.amount, expiry)
        left_s = oldest + expiry - self._monotonic() if count >= item.amount else expiry / 2
        return max(1, math.ceil(left_s))

    async def close(self) -> None:
        """Close the HTTP connections."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _ask(self, item: limits.RateLimitItem, names: tuple[str, ...], how: Ask) -> bool:
        if self._shared is None:
            return await how(self._here, item, names)
        try:
            if self._monotonic() < self._ill_until:
                raise StorageLostError("left-alone")
            return await how(self._shared, item, names)
        except (StorageError, OSError) as error:
            self._ill_until = self._monotonic() + LEFT_ALONE_S
            log.error("redis-lost", error=type(error).__name__)
        except StorageLostError:
            log.debug("redis-left-alone")
        stricter = type(item)(max(1, item.amount // STRICTER), item.multiples, item.namespace)
        return await how(self._here, stricter, names)


class Rates:
    """The limits of the settings."""

    def __init__(self, settings: Settings, counter: Counter) -> None:
        self._counter = counter
        self._per_principal = limits.parse(settings.rate_per_principal)
        self._renewals = limits.parse(settings.rate_renewals)
        self._objects = limits.parse(settings.rate_objects)
        self._per_address = limits.parse(settings.rate_per_address)
        self._global = limits.parse(settings.rate_global)
        self._failures = limits.parse(settings.rate_failures)

    async def admit(self, address: str) -> None:
        """Count a request before anything is computed for it.

        Raises:
            TooManyError: the address, or everybody, has asked too often.
        """
        await self._count(self._per_address, "address", address_key(address))
        await self._count(self._global, "global")

    async def admit_frequent(self, address: str) -> None:
        """Count a request of a kind that one address may well send by the hundred.

        Raises:
            TooManyError: the address has proven nothing too often, or everybody has asked too
                often.
        """
        who = address_key(address)
        if not await self._counter.test(self._per_address, "address", who):
            await self._refuse(self._per_address, "address", who)
        await self._count(self._global, "global")

    async def admit_stranger(self, address: str) -> None:
        """Count a request of such a kind that proves nothing.

        Raises:
            TooManyError: the address has sent too many.
        """
        await self._count(self._per_address, "address", address_key(address))

    async def admit_principal(self, principal: str) -> None:
        """Count a request of somebody who is known.

        Args:
            principal: a hash that stands for them.

        Raises:
            TooManyError: they have asked too often.
        """
        await self._count(self._per_principal, "principal", principal)

    async def admit_renewal(self, principal: str) -> None:
        """Count a call to STS that somebody causes by saying that theirs are refused.

        Raises:
            TooManyError: they have said so too often.
        """
        await self._count(self._renewals, "renewal", principal)

    async def admit_objects(self, principal: str) -> None:
        """Count a request about uploads, of somebody who is known.

        Raises:
            TooManyError: they have asked too often.
        """
        await self._count(self._objects, "objects", principal)

    async def failed(self, address: str, key_id: str) -> None:
        """Count a failed identification against its address and against the key it named.

        Raises:
            TooManyError: the address has failed too often, or the key id was guessed at too often
                from wherever.
        """
        who = address_key(address)
        within = await self._counter.hit(self._failures, "failed", who)
        if key_id:
            await self._count(self._failures, "key", key_id)
        if not within:
            await self._refuse(self._failures, "failed", who)

    async def refuse_guessing(self, address: str) -> None:
        """Refuse whoever has an address that failed too often, before they are looked at.

        For what is dear to look at: it shuts out those too who would pass.

        Raises:
            TooManyError: it has.
        """
        who = address_key(address)
        if not await self._counter.test(self._failures, "failed", who):
            await self._refuse(self._failures, "failed", who)

    async def _count(self, item: limits.RateLimitItem, *names: str) -> None:
        if not await self._counter.hit(item, *names):
            await self._refuse(item, *names)

    async def _refuse(self, item: limits.RateLimitItem, *names: str) -> None:
        raise TooManyError(retry_after_s=await self._counter.retry_after_s(item, *names))


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


def _pool(settings: Settings, timeout_s: float) -> ConnectionPool | None:
    if settings.redis_url is None:
        return None
    return redis_pool(settings.redis_url.get_secret_value(), timeout_s=timeout_s)


def _counters(pool: ConnectionPool) -> RedisCounters:
    return RedisCounters(
        "async+redis://",  # the pool knows where
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="ossferry",
        connection_pool=pool,  # type: ignore[arg-type] # its annotation forgets the pool
    )


class _Windows:
    """Exact windows over one storage.

    They count as the moving window of `limits` does, which puts together the name of a counter anew
    each time; five of them stand before each grant.
    """

    def __init__(self, storage: WindowStorage) -> None:
        self._storage = storage

    async def hit(self, item: limits.RateLimitItem, names: tuple[str, ...]) -> bool:
        """Count one; whether it is within the limit."""
        key = _counter_name(item, names)
        return await self._storage.acquire_entry(key, item.amount, item.get_expiry())

    async def test(self, item: limits.RateLimitItem, names: tuple[str, ...]) -> bool:
        """Whether one more would be within the limit."""
        key = _counter_name(item, names)
        _, count = await self._storage.get_moving_window(key, item.amount, item.get_expiry())
        return count < item.amount


@lru_cache(maxsize=8192)
def _counter_name(item: limits.RateLimitItem, names: tuple[str, ...]) -> str:
    return item.key_for(*names)
