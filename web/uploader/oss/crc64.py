"""CRC-64/ECMA of a file, combined from the CRC-64 of its parts without reading them again.

Values are integers below 2**64; OSS writes them in decimal in `x-oss-hash-crc64ecma`. The CRC of A
followed by B is crc(A) * x**n + crc(B), where n is the number of bits of B. This is computed with
polynomials over GF(2), modulo the polynomial of the CRC.
"""

__all__ = ["Shifter", "combine", "shift_of"]

POLYNOMIAL = 0xC96C5795D7870F42  # reflected: the highest bit is the coefficient of x**0
ONE = 1 << 63
X = 1 << 62


def shift_of(length: int) -> int:
    """Return the `shift` for `combine`: x**(8 * length) for a second part of `length` bytes."""
    exponent = 8 * length
    power, square = ONE, X
    while exponent:
        if exponent & 1:
            power = _multiply(power, square)
        square = _multiply(square, square)
        exponent >>= 1
    return power


def combine(first: int, second: int, shift: int) -> int:
    """Return the CRC of A followed by B.

    Args:
        first: the CRC of A.
        second: the CRC of B.
        shift: the result of `shift_of` for the length of B in bytes.
    """
    return _multiply(first, shift) ^ second


class Shifter:
    """Combines CRCs for many parts B of equal length, with a table for each 4 bits of a CRC.

    On MicroPython each call of the function `combine` leaves 8 KB of garbage, which is only freed
    when the page is idle: with thousands of parts the page would need twice the memory.

    Args:
        length: the length of B in bytes.
    """

    def __init__(self, length: int) -> None:
        image = shift_of(length)
        images: list[int] = []  # the product of each bit and x**(8 * length), highest bit first
        for _ in range(64):
            images.append(image)
            image = _next(image)
        self._tables = [_sums(images[at : at + 4]) for at in range(0, 64, 4)]

    def combine(self, first: int, second: int) -> int:
        """Return the CRC of A followed by B; B must have the length of this shifter.

        Args:
            first: the CRC of A.
            second: the CRC of B.
        """
        tables = iter(self._tables)
        for byte in first.to_bytes(8, "big"):
            second ^= next(tables)[byte >> 4]
            second ^= next(tables)[byte & 15]
        return second


def _sums(images: "list[int]") -> "list[int]":
    """Return, for each value of 4 bits, the XOR of the images of its set bits: 16 entries.

    Args:
        images: the image of each of the four bits, the highest bit first.
    """
    sums = [0]
    for image in reversed(images):
        sums += [image ^ each for each in sums]
    return sums


def _next(b: int) -> int:
    """Return the polynomial `b` multiplied by x."""
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
