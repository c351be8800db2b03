"""Compute the CRC-64/ECMA of a file from the CRC-64 of each part, without reading the file again.

A CRC is an integer below 2**64; in the header `x-oss-hash-crc64ecma` it is decimal text. The CRC of
A followed by B is crc(A) * x**n + crc(B), where n is the number of bits of B. The operands are
polynomials over GF(2), and the result is taken modulo the polynomial of the CRC.
"""

POLYNOMIAL = 0xC96C5795D7870F42  # reflected: the highest bit is the coefficient of x**0
ONE = 1 << 63
X = 1 << 62


def shift_of(length: int) -> int:
    """Return the argument `shift` that `combine` needs to append a part of `length` bytes.

    It is the polynomial x**(8 * length), modulo the polynomial of the CRC.
    """
    exponent = 8 * length
    power, square = ONE, X
    while exponent:
        if exponent & 1:
            power = _multiply(power, square)
        square = _multiply(square, square)
        exponent >>= 1
    return power


def combine(first: int, second: int, shift: int) -> int:
    """Return the CRC-64 of A followed by B, computed from the two checksums.

    Args:
        first: the CRC-64 of A.
        second: the CRC-64 of B.
        shift: the result of `shift_of` for the length of B in bytes.
    """
    return _multiply(first, shift) ^ second


class Shifter:
    """Computes the CRC-64 of A followed by B from both checksums, for many B of equal length.

    The precomputed tables make it faster than the function `combine`, and it leaves less garbage.
    On MicroPython each call of `combine` leaves 8 KB of garbage, which is freed only when the page
    is idle; with thousands of parts the page would need twice the memory.

    Args:
        length: the length of each B in bytes.
    """

    def __init__(self, length: int) -> None:
        image = shift_of(length)
        images: list[int] = []  # the product of each bit and x**(8 * length), highest bit first
        for _ in range(64):
            images.append(image)
            image = _next(image)
        self._tables = [_sums(images[at : at + 4]) for at in range(0, 64, 4)]

    def combine(self, first: int, second: int) -> int:
        """Return the CRC-64 of A followed by B, where B has the `length` of this `Shifter`.

        Args:
            first: the CRC-64 of A.
            second: the CRC-64 of B.
        """
        tables = iter(self._tables)
        for byte in first.to_bytes(8, "big"):
            second ^= next(tables)[byte >> 4]
            second ^= next(tables)[byte & 15]
        return second


def _sums(images: "list[int]") -> "list[int]":
    """Return a table of the XORs of all 16 subsets of four numbers.

    The index in the table has four bits, one for each number. A bit is 1 if the number is in the
    subset.

    Args:
        images: the four numbers; the first number belongs to the highest bit of the index.
    """
    sums = [0]
    for image in reversed(images):
        sums += [image ^ total for total in sums]
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
