"""CRC-64/ECMA of a whole from the CRC-64 of its parts, without reading a byte again.

Values are integers below 2**64, as OSS writes them in decimal in `x-oss-hash-crc64ecma`. A CRC of
A followed by B is that of A, multiplied by x to the number of bits of B, plus that of B,
all of it in the field of polynomials over GF(2) modulo the CRC's own polynomial.
"""

__all__ = ["Shifter", "combine", "shift_of"]

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


class Shifter:
    """Shifts often by the same length, with tables of what becomes of each half of a byte.

    On MicroPython `combine` leaves 8 KB of garbage, and nothing is freed before the page rests:
    thousands of parts would double its memory.
    """

    def __init__(self, length: int) -> None:
        image = shift_of(length)
        images: list[int] = []  # of each bit, the highest first
        for _ in range(64):
            images.append(image)
            image = _next(image)
        self._tables = [_sums(images[at : at + 4]) for at in range(0, 64, 4)]

    def combine(self, first: int, second: int) -> int:
        """Return the CRC of A followed by B, whose length is that of this shifter."""
        tables = iter(self._tables)
        for byte in first.to_bytes(8, "big"):
            second ^= next(tables)[byte >> 4]
            second ^= next(tables)[byte & 15]
        return second


def _sums(images: "list[int]") -> "list[int]":
    """Return for each half of a byte the sum of the images of its bits."""
    sums = [0]
    for image in reversed(images):
        sums += [image ^ each for each in sums]
    return sums


def _next(b: int) -> int:
    """Return what `b` is multiplied by x."""
    return (b >> 1) ^ POLYNOMIAL if b & 1 else b >> 1


def _multiply(a: int, b: int) -> int:
    product = 0
    bit = ONE
    while a:
        if a & bit:
            product ^= b
            a ^= bit
        bit >>= 1
        b = _next(b)
    return product
