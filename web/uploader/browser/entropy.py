"""Unpredictable bits from the browser's cryptographic source."""

import js

__all__ = ["BrowserRandom"]


POOL_BYTES = 512  # asked for at once: to ask takes longer than to make them


class BrowserRandom:
    """Random bits for object keys."""

    def __init__(self) -> None:
        self._pool = ""
        self._at = 0

    def hex(self, size: int) -> str:
        """Return `size` random bytes as hex digits, none of them twice."""
        if self._at + 2 * size > len(self._pool):
            self._pool, self._at = str(js.ossferry.random(max(size, POOL_BYTES))), 0
        start, self._at = self._at, self._at + 2 * size
        return self._pool[start : self._at]

    def unit(self) -> float:
        """Return a number from 0 up to, not including, 1."""
        return int(self.hex(3), 16) / 2**24
