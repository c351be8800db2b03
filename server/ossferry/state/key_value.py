"""A key-value storage for locks, marks and small encrypted values.

A mark is a key whose value has no meaning. With one process, the storage is in memory; several
processes share Redis. Every entry expires. If Redis does not answer within `TIMEOUT_S` seconds,
`StorageLostError` is raised. For the next `LEFT_ALONE_S` seconds, no further request is sent to
Redis, so that waiting requests do not pile up.
"""

from ossferry.clock import Monotonic, monotonic
from ossferry.errors import StorageLostError

TIMEOUT_S = 0.25
LEFT_ALONE_S = 2.0
"""Seconds without requests to Redis after a failure."""
MAX_ENTRIES = 100_000


class MemoryStorage:
    """A key-value storage in the memory of one process; its entries expire.

    `add` and `put` raise `StorageLostError` if there are `MAX_ENTRIES` entries already.
    """

    def __init__(self, monotonic: Monotonic = monotonic) -> None:
        self._monotonic = monotonic
        self._entries: dict[str, tuple[float, bytes]] = {}

    async def add(self, key: str, ttl_s: float) -> bool:
        """Add a key without a value for `ttl_s` seconds; return False if the key already exists."""
        if await self.has(key):
            return False
        await self.put(key, b"1", ttl_s)
        return True

    async def has(self, key: str) -> bool:
        """Return whether a key exists and has not expired."""
        return await self.get(key) is not None

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key; None if the key does not exist or has expired."""
        until, value = self._entries.get(key, (0.0, b""))
        return value if until > self._monotonic() else None

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Set the value of a key for `ttl_s` seconds; replace an earlier value."""
        if len(self._entries) >= MAX_ENTRIES:
            self._forget_ended()
        self._entries[key] = (self._monotonic() + ttl_s, value)

    async def drop(self, key: str) -> None:
        """Remove a key and its value; do nothing if the key does not exist."""
        self._entries.pop(key, None)

    async def ping(self) -> None:
        """Do nothing: a storage in memory always works."""

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _forget_ended(self) -> None:
        now = self._monotonic()
        self._entries = {key: entry for key, entry in self._entries.items() if entry[0] > now}
        if len(self._entries) >= MAX_ENTRIES:
            raise StorageLostError("full")
