"""Unpredictable bits from the browser's cryptographic source."""

import js

__all__ = ["BrowserRandom"]


class BrowserRandom:
    """Random bits for object keys."""

    def hex(self, size: int) -> str:
        """Return `size` random bytes as hex digits."""
        values = js.Uint8Array.new(size)
        js.crypto.getRandomValues(values)
        return "".join([f"{values[index]:02x}" for index in range(size)])

    def unit(self) -> float:
        """Return a number from 0 up to, not including, 1."""
        return int(self.hex(3), 16) / 2**24
