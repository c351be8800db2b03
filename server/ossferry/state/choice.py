"""The choice between memory and Redis; the package `redis` is imported only if it is needed."""

from typing import TYPE_CHECKING, TypeAlias

from ossferry.extras import require_extra
from ossferry.settings.model import Settings
from ossferry.state.key_value import MemoryStorage

if TYPE_CHECKING:
    from redis.asyncio import ConnectionPool

    from ossferry.state.redis_storage import RedisStorage

Storage: TypeAlias = "MemoryStorage | RedisStorage"
"""A key-value storage with entries that expire. The server creates all keys, never a client."""


def make_storage(settings: Settings) -> Storage:
    """Return a key-value storage: in Redis if the settings have a Redis URL, otherwise in memory.

    Raises:
        SettingsError: Redis is needed, but the package `redis` is not installed.
    """
    if settings.redis_url is None:
        return MemoryStorage()
    _require_redis()
    from ossferry.state.redis_storage import RedisStorage

    return RedisStorage(settings.redis_url.get_secret_value())


def make_pool(settings: Settings, *, timeout_s: float) -> "ConnectionPool | None":
    """Return a pool of connections to Redis; None if the settings have no Redis URL.

    Args:
        timeout_s: the longest time in seconds to wait for a connection or an answer of Redis.

    Raises:
        SettingsError: Redis is needed, but the package `redis` is not installed.
    """
    if settings.redis_url is None:
        return None
    _require_redis()
    from ossferry.state.redis_storage import redis_pool

    return redis_pool(settings.redis_url.get_secret_value(), timeout_s=timeout_s)


def _require_redis() -> None:
    require_extra("redis", module="redis", needed_by="OSSFERRY_REDIS_URL")
