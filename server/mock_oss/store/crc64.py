"""CRC-64/XZ (ECMA-182, reflected): the value of ``x-oss-hash-crc64ecma``.

``update`` is compiled (fastcrc); ``combine`` joins the checksums of neighbouring pieces without
their bytes, by multiplying with a power of x modulo the polynomial.
"""

from __future__ import annotations

from functools import lru_cache

import fastcrc

__all__ = ["combine", "update"]

_POLYNOMIAL = 0xC96C5795D7870F42
_ONE = 1 << 63

update = fastcrc.crc64.xz
"""``update(data, crc=None)``: continue a checksum over more bytes."""


def combine(first: int, second: int, second_size: int) -> int:
    """Return the checksum of A + B from that of A, that of B and the size of B in bytes."""
    if not second_size:
        return first
    return _multiply(_power(second_size), first) ^ second


def _multiply(a: int, b: int) -> int:
    """Multiply two reflected polynomials modulo the CRC's."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFF_FFFF_FFFF_FFFF
        b = (b >> 1) ^ (_POLYNOMIAL if b & 1 else 0)
    return product


@lru_cache(maxsize=512)
def _power(size: int) -> int:
    """Return x to the power of 8 * size."""
    result, square = _ONE, 1 << 55  # x^0 and x^8
    while size:
        if size & 1:
            result = _multiply(result, square)
        square = _multiply(square, square)
        size >>= 1
    return result
