"""What several processes must agree on: marks that something was used, and small sealed values.

In memory for one process, in Redis for several. Everything has an end, so nothing grows for ever.
A Redis that does not answer raises `StorageLostError` within a fraction of a second, and is then
left alone for a while, so that its illness does not become ours.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias, TypeVar

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ossferry.clock import Monotonic, monotonic
from ossferry.errors import StorageLostError
from ossferry.observability.logs import logger
from ossferry.settings.model import Settings

__all__ = [
    "LEFT_ALONE_S",
    "TIMEOUT_S",
    "MemoryStorage",
    "RedisStorage",
    "Storage",
    "make_storage",
    "redis_pool",
]

TIMEOUT_S = 0.25
LEFT_ALONE_S = 2.0
MAX_CONNECTIONS = 16
"""Of one pool; more would not be faster, one event loop cannot keep these busy."""
WAIT_S = 3.0
"""How long a command waits for its turn when a crowd comes, before Redis counts as lost."""
MAX_ENTRIES = 100_000

T = TypeVar("T")
Ask: TypeAlias = Callable[[], Awaitable[T]]

log = logger("ossferry.storage")


class Storage(Protocol):
    """The port; keys are text of ours, never a client's."""

    async def add(self, key: str, ttl_s: float) -> bool:
        """Mark a key; whether it was not marked before."""
        ...

    async def has(self, key: str) -> bool:
        """Whether a key is marked or holds a value."""
        ...

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key."""
        ...

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value for a while."""
        ...

    async def drop(self, key: str) -> None:
        """Forget a key."""
        ...

    async def ping(self) -> None:
        """Return if the storage works.

        Raises:
            StorageLostError: it does not; so do all other methods.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class MemoryStorage:
    """For one process."""

    def __init__(self, monotonic: Monotonic = monotonic) -> None:
        self._monotonic = monotonic
        self._entries: dict[str, tuple[float, bytes]] = {}

    async def add(self, key: str, ttl_s: float) -> bool:
        """See `Storage`."""
        if await self.has(key):
            return False
        await self.put(key, b"1", ttl_s)
        return True

    async def has(self, key: str) -> bool:
        """See `Storage`."""
        return await self.get(key) is not None

    async def get(self, key: str) -> bytes | None:
        """See `Storage`."""
        until, value = self._entries.get(key, (0.0, b""))
        return value if until > self._monotonic() else None

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """See `Storage`."""
        if len(self._entries) >= MAX_ENTRIES:
            self._forget_ended()
        self._entries[key] = (self._monotonic() + ttl_s, value)

    async def drop(self, key: str) -> None:
        """See `Storage`."""
        self._entries.pop(key, None)

    async def ping(self) -> None:
        """See `Storage`."""

    async def close(self) -> None:
        """See `Storage`."""

    def _forget_ended(self) -> None:
        now = self._monotonic()
        self._entries = {key: entry for key, entry in self._entries.items() if entry[0] > now}
        if len(self._entries) >= MAX_ENTRIES:
            raise StorageLostError("full")


class RedisStorage:
    """For several processes and machines."""

    def __init__(
        self, url: str, monotonic: Monotonic = monotonic, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._redis = redis.Redis.from_pool(redis_pool(url, timeout_s=timeout_s))
        self._monotonic = monotonic
        self._ill_until = 0.0

    async def add(self, key: str, ttl_s: float) -> bool:
        """See `Storage`."""
        return bool(
            await self._ask(lambda: self._redis.set(_name(key), b"1", nx=True, px=_ms(ttl_s)))
        )

    async def has(self, key: str) -> bool:
        """See `Storage`."""
        return bool(await self._ask(lambda: self._redis.exists(_name(key))))

    async def get(self, key: str) -> bytes | None:
        """See `Storage`."""
        found = await self._ask(lambda: self._redis.get(_name(key)))
        return found.encode() if isinstance(found, str) else found

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """See `Storage`."""
        await self._ask(lambda: self._redis.set(_name(key), value, px=_ms(ttl_s)))

    async def drop(self, key: str) -> None:
        """See `Storage`."""
        await self._ask(lambda: self._redis.delete(_name(key)))

    async def ping(self) -> None:
        """See `Storage`."""
        await self._ask(lambda: self._redis.ping())

    async def close(self) -> None:
        """See `Storage`."""
        await self._redis.aclose()

    async def _ask(self, ask: Ask[T]) -> T:
        if self._monotonic() < self._ill_until:
            raise StorageLostError("left-alone")
        try:
            return await ask()
        except (RedisError, OSError) as error:
            self._ill_until = self._monotonic() + LEFT_ALONE_S
            log.error("redis-lost", error=type(error).__name__)
            raise StorageLostError("no-answer") from error


def redis_pool(url: str, *, timeout_s: float = TIMEOUT_S) -> redis.BlockingConnectionPool:
    """Return connections to Redis: few, so that a crowd waits instead of being refused.

    One that has broken since it was last used, as after a restart of Redis, is made anew.
    """
    return redis.BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=WAIT_S,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


def make_storage(settings: Settings) -> Storage:
    """Return the storage that the settings name."""
    if settings.redis_url is None:
        return MemoryStorage()
    return RedisStorage(settings.redis_url.get_secret_value())


def _name(key: str) -> str:
    return f"ossferry:{key}"


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
