"""The key-value storage in Redis; only this module imports the optional package `redis`."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ossferry.clock import Monotonic, monotonic
from ossferry.errors import SettingsError, StorageLostError
from ossferry.observability.log_format import logger
from ossferry.state.key_value import LEFT_ALONE_S, TIMEOUT_S

MAX_CONNECTIONS = 16
"""Connections of one pool; one event loop cannot use more of them at the same time."""
WAIT_S = 3.0
"""Seconds for which a command waits for a free connection before Redis counts as lost."""

T = TypeVar("T")
Ask: TypeAlias = Callable[[], Awaitable[T]]

log = logger("ossferry.storage")


class RedisStorage:
    """A key-value storage in Redis, which several processes and machines share; its entries expire.

    Every method except `close` raises `StorageLostError` if Redis does not answer.

    Args:
        url: the address of Redis, `redis://host:port/database`.
        timeout_s: the longest time in seconds to wait for a connection or an answer.
    """

    def __init__(
        self, url: str, monotonic: Monotonic = monotonic, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._redis = redis.Redis.from_pool(redis_pool(url, timeout_s=timeout_s))
        self._monotonic = monotonic
        self._lost_until = 0.0

    async def add(self, key: str, ttl_s: float) -> bool:
        """Add a key without a value for `ttl_s` seconds; return False if the key already exists."""
        return bool(
            await self._ask(lambda: self._redis.set(_name(key), b"1", nx=True, px=_ms(ttl_s)))
        )

    async def has(self, key: str) -> bool:
        """Return whether a key exists and has not expired."""
        return bool(await self._ask(lambda: self._redis.exists(_name(key))))

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key; None if the key does not exist or has expired."""
        found = await self._ask(lambda: self._redis.get(_name(key)))
        return found.encode() if isinstance(found, str) else found

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Set the value of a key for `ttl_s` seconds; replace an earlier value."""
        await self._ask(lambda: self._redis.set(_name(key), value, px=_ms(ttl_s)))

    async def drop(self, key: str) -> None:
        """Remove a key and its value; do nothing if the key does not exist."""
        await self._ask(lambda: self._redis.delete(_name(key)))

    async def ping(self) -> None:
        """Test the connection to Redis, and raise `StorageLostError` if Redis does not answer."""
        await self._ask(lambda: self._redis.ping())

    async def close(self) -> None:
        """Close all connections to Redis."""
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

    If all connections are in use, a command waits for at most `WAIT_S` seconds. If Redis has closed
    an idle connection, for example during a restart, the connection is opened again.

    Args:
        url: the address of Redis, `redis://host:port/database`.
        timeout_s: the longest time in seconds to wait for a connection or an answer of Redis.

    Raises:
        SettingsError: a parameter in the query of the URL has an invalid value.
    """
    try:
        return redis.BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=WAIT_S,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )
    except ValueError as error:
        raise SettingsError(
            "OSSFERRY_REDIS_URL: a parameter after ? has an invalid value; correct or remove it."
        ) from error


def _name(key: str) -> str:
    return f"ossferry:{key}"


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
