"""Random bits from the browser's cryptographic random number generator."""

import js

POOL_BYTES = 512  # fetched at a time: the call takes longer than generating the bytes


class BrowserRandom:
    """Gets random numbers from the browser; implements `transfer.ports.Random`."""

    def __init__(self) -> None:
        self._pool = ""
        self._at = 0

    def hex(self, size: int) -> str:
        """Return `size` random bytes as hex digits.

        The bytes come from a buffer that is filled in advance. Each byte is used only once.
        """
        if self._at + 2 * size > len(self._pool):
            self._pool, self._at = str(js.ossferry.random(max(size, POOL_BYTES))), 0
        start, self._at = self._at, self._at + 2 * size
        return self._pool[start : self._at]

    def unit(self) -> float:
        """Return a random number of at least 0 and less than 1."""
        return int(self.hex(3), 16) / 2**24
