"""CRC-64/XZ (ECMA-182, reflected): the checksum in `x-oss-hash-crc64ecma`.

`update` is a compiled function of the fastcrc package. `combine` computes the checksum of two
joined pieces without the data: it multiplies the first checksum by a power of x modulo the
polynomial, and adds the second checksum.
"""

from functools import lru_cache

import fastcrc

_POLYNOMIAL = 0xC96C5795D7870F42
_ONE = 1 << 63

update = fastcrc.crc64.xz
"""`update(data, crc=None)` returns the checksum `crc` continued over `data`."""


def combine(first: int, second: int, second_size: int) -> int:
    """Return the CRC-64 of two joined pieces of data, computed from the CRC-64 of each piece.

    Args:
        first: the CRC-64 of the first piece.
        second: the CRC-64 of the second piece.
        second_size: the size of the second piece in bytes.
    """
    if not second_size:
        return first
    return _multiply(_power(second_size), first) ^ second


def _multiply(a: int, b: int) -> int:
    """Return the product of two reflected polynomials modulo the CRC polynomial."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFF_FFFF_FFFF_FFFF
        b = (b >> 1) ^ (_POLYNOMIAL if b & 1 else 0)
    return product


@lru_cache(maxsize=512)
def _power(size: int) -> int:
    """Return `x ** (8 * size)` modulo the CRC polynomial."""
    result, square = _ONE, 1 << 55  # x^0 and x^8
    while size:
        if size & 1:
            result = _multiply(result, square)
        square = _multiply(square, square)
        size >>= 1
    return result
