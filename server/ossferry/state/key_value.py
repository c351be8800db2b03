"""A key-value storage for locks, marks and small encrypted values.

A mark is a key without a value. One process uses its memory; several processes share Redis. Every
entry expires. If Redis does not answer within `TIMEOUT_S` seconds, `StorageLostError` is raised. No
further request is sent to Redis for the next `LEFT_ALONE_S` seconds, so that waiting requests do
not pile up.
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
"""Seconds without requests to Redis after a failure."""
MAX_CONNECTIONS = 16
"""Connections of one pool; one event loop cannot use more of them at the same time."""
WAIT_S = 3.0
"""Seconds for which a command waits for a free connection before Redis counts as lost."""
MAX_ENTRIES = 100_000

T = TypeVar("T")
Ask: TypeAlias = Callable[[], Awaitable[T]]

log = logger("ossferry.storage")


class Storage(Protocol):
    """Interface of the key-value storage.

    The server creates all keys; they never come from a client. Every method except `close` raises
    `StorageLostError` if the storage does not work.
    """

    async def add(self, key: str, ttl_s: float) -> bool:
        """Mark a key for `ttl_s` seconds; return False if the key was already marked."""
        ...

    async def has(self, key: str) -> bool:
        """Return whether a key is marked or has a value."""
        ...

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key, or None if the key has no value."""
        ...

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Set the value of a key for `ttl_s` seconds."""
        ...

    async def drop(self, key: str) -> None:
        """Remove a key and its value."""
        ...

    async def ping(self) -> None:
        """Raise `StorageLostError` if the storage does not work."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class MemoryStorage:
    """A key-value storage in the memory of one process."""

    def __init__(self, monotonic: Monotonic = monotonic) -> None:
        self._monotonic = monotonic
        self._entries: dict[str, tuple[float, bytes]] = {}

    async def add(self, key: str, ttl_s: float) -> bool:
        """Mark a key for `ttl_s` seconds; return False if the key was already marked."""
        if await self.has(key):
            return False
        await self.put(key, b"1", ttl_s)
        return True

    async def has(self, key: str) -> bool:
        """Return whether a key is marked or has a value."""
        return await self.get(key) is not None

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key, or None if the key has no value."""
        until, value = self._entries.get(key, (0.0, b""))
        return value if until > self._monotonic() else None

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Set the value of a key for `ttl_s` seconds."""
        if len(self._entries) >= MAX_ENTRIES:
            self._forget_ended()
        self._entries[key] = (self._monotonic() + ttl_s, value)

    async def drop(self, key: str) -> None:
        """Remove a key and its value."""
        self._entries.pop(key, None)

    async def ping(self) -> None:
        """Do nothing: memory always works."""

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _forget_ended(self) -> None:
        now = self._monotonic()
        self._entries = {key: entry for key, entry in self._entries.items() if entry[0] > now}
        if len(self._entries) >= MAX_ENTRIES:
            raise StorageLostError("full")


class RedisStorage:
    """A key-value storage in Redis for several processes and machines.

    Args:
        url: the address of Redis, ``redis://host:port/database``.
        timeout_s: the longest time in seconds to wait for a connection or an answer.
    """

    def __init__(
        self, url: str, monotonic: Monotonic = monotonic, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._redis = redis.Redis.from_pool(redis_pool(url, timeout_s=timeout_s))
        self._monotonic = monotonic
        self._lost_until = 0.0

    async def add(self, key: str, ttl_s: float) -> bool:
        """Mark a key for `ttl_s` seconds; return False if the key was already marked."""
        return bool(
            await self._ask(lambda: self._redis.set(_name(key), b"1", nx=True, px=_ms(ttl_s)))
        )

    async def has(self, key: str) -> bool:
        """Return whether a key is marked or has a value."""
        return bool(await self._ask(lambda: self._redis.exists(_name(key))))

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key, or None if the key has no value."""
        found = await self._ask(lambda: self._redis.get(_name(key)))
        return found.encode() if isinstance(found, str) else found

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Set the value of a key for `ttl_s` seconds."""
        await self._ask(lambda: self._redis.set(_name(key), value, px=_ms(ttl_s)))

    async def drop(self, key: str) -> None:
        """Remove a key and its value."""
        await self._ask(lambda: self._redis.delete(_name(key)))

    async def ping(self) -> None:
        """Raise `StorageLostError` if Redis does not answer."""
        await self._ask(lambda: self._redis.ping())

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()

    async def _ask(self, ask: Ask[T]) -> T:
        if self._monotonic() < self._lost_until:
            raise StorageLostError("left-alone")
        try:
            return await ask()
        except (RedisError, OSError) as error:
            self._lost_until = self._monotonic() + LEFT_ALONE_S
            log.error("redis-lost", error=type(error).__name__)
            raise StorageLostError("no-answer") from error


def redis_pool(url: str, *, timeout_s: float = TIMEOUT_S) -> redis.BlockingConnectionPool:
    """Return a pool of at most `MAX_CONNECTIONS` connections to Redis.

    If all connections are in use, a command waits. If Redis has closed an idle connection, for
    example during a restart, the connection is opened again.

    Args:
        timeout_s: the longest time in seconds to wait for a connection or an answer of Redis.
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
    """Return a storage in Redis if the settings have a Redis URL; otherwise a storage in memory."""
    if settings.redis_url is None:
        return MemoryStorage()
    return RedisStorage(settings.redis_url.get_secret_value())


def _name(key: str) -> str:
    return f"ossferry:{key}"


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
