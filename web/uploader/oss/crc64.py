"""CRC-64/ECMA of a whole from the CRC-64 of its parts, without reading a byte again.

Values are integers below 2**64, as OSS writes them in decimal in `x-oss-hash-crc64ecma`. A CRC of
A followed by B is that of A, multiplied by x to the number of bits of B, plus that of B,
all of it in the field of polynomials over GF(2) modulo the CRC's own polynomial.
"""

__all__ = ["combine", "shift_of"]

POLYNOMIAL = 0xC96C5795D7870F42  # reflected: the highest bit is the coefficient of x**0
ONE = 1 << 63
X = 1 << 62


def shift_of(length: int) -> int:
    """Return what stands for `length` bytes in `combine`; worth keeping when it is used again."""
    exponent = 8 * length
    power, square = ONE, X
    while exponent:
        if exponent & 1:
            power = _multiply(power, square)
        square = _multiply(square, square)
        exponent >>= 1
    return power


def combine(first: int, second: int, shift: int) -> int:
    """Return the CRC of A followed by B, given those of A and B and `shift_of(len(B))`."""
    return _multiply(first, shift) ^ second


def _multiply(a: int, b: int) -> int:
    product = 0
    bit = ONE
    while a:
        if a & bit:
            product ^= b
            a ^= bit
        bit >>= 1
        b = (b >> 1) ^ POLYNOMIAL if b & 1 else b >> 1
    return product
