"""AES-128 encryption in CBC mode, for pypdf in the browser, where Python has no AES.

pypdf needs it to find out whether a PDF file opens without a password. This code is slow, and its
running time depends on the key; do not use it to protect secrets.

Source: FIPS 197; NIST SP 800-38A, section 6.2.
"""

import struct

ROUNDS = 10
MODULUS = 0x11B  # x^8 + x^4 + x^3 + x + 1


def _double(value: int) -> int:
    return value << 1 ^ (MODULUS if value & 0x80 else 0)


def _substitutions() -> list[int]:
    """Return the S-box: for each byte, its inverse after an affine transformation."""
    powers = [1]  # of x + 1
    while len(powers) < 255:
        powers.append(powers[-1] ^ _double(powers[-1]))
    boxed = [0x63] * 256
    for exponent, value in enumerate(powers):
        bits = powers[-exponent % 255] * 0x101  # the inverse, twice
        boxed[value] = 0x63 ^ (bits ^ bits >> 4 ^ bits >> 5 ^ bits >> 6 ^ bits >> 7) & 0xFF
    return boxed


BOX = _substitutions()
MIXED = [_double(each) << 24 | each << 16 | each << 8 | each ^ _double(each) for each in BOX]
"""SubBytes and MixColumns of the first byte of a column; the other bytes are rotations of it."""
TABLES = [[each >> 8 * n | each << 32 - 8 * n & 0xFFFFFFFF for each in MIXED] for n in range(4)]


def _expanded(key: bytes) -> list[int]:
    """Return the words of the round keys."""
    words, constant = list(struct.unpack(">4I", key)), 1
    while len(words) < 4 * (ROUNDS + 1):
        word = words[-1]
        if not len(words) % 4:
            b = [BOX[each] for each in word.to_bytes(4, "big")]
            word = (b[1] ^ constant) << 24 | b[2] << 16 | b[3] << 8 | b[0]
            constant = _double(constant)
        words.append(words[-4] ^ word)
    return words


def encrypt_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Return data encrypted with AES-128 in CBC mode, without padding.

    Args:
        key, iv: the key and the initialization vector, 16 bytes each.
        data: the data to encrypt; its length is a multiple of 16 bytes.
    """
    keys = _expanded(key)
    t0, t1, t2, t3 = TABLES
    a, b, c, d = struct.unpack(">4I", iv)
    found = bytearray()
    for block in struct.iter_unpack(">4I", data):
        a, b, c, d = (x ^ y ^ z for x, y, z in zip((a, b, c, d), block, keys[:4], strict=True))
        for at in range(4, 4 * ROUNDS, 4):
            a, b, c, d = (
                t0[a >> 24] ^ t1[b >> 16 & 255] ^ t2[c >> 8 & 255] ^ t3[d & 255] ^ keys[at],
                t0[b >> 24] ^ t1[c >> 16 & 255] ^ t2[d >> 8 & 255] ^ t3[a & 255] ^ keys[at + 1],
                t0[c >> 24] ^ t1[d >> 16 & 255] ^ t2[a >> 8 & 255] ^ t3[b & 255] ^ keys[at + 2],
                t0[d >> 24] ^ t1[a >> 16 & 255] ^ t2[b >> 8 & 255] ^ t3[c & 255] ^ keys[at + 3],
            )
        a, b, c, d = (
            (BOX[w >> 24] << 24 | BOX[x >> 16 & 255] << 16 | BOX[y >> 8 & 255] << 8 | BOX[z & 255])
            ^ key
            for w, x, y, z, key in (
                (a, b, c, d, keys[-4]),
                (b, c, d, a, keys[-3]),
                (c, d, a, b, keys[-2]),
                (d, a, b, c, keys[-1]),
            )
        )
        found += struct.pack(">4I", a, b, c, d)
    return bytes(found)
