"""Simulated files whose bytes follow from a seed, and the contents of parts and objects."""

import asyncio
from functools import cache

from ossferry_uploader.oss.crc64 import combine, shift_of
from ossferry_uploader.transfer.files import Piece
from support.fakes import FakeFile

MIB = 1024**2
ONES = 2**64 - 1
POLYNOMIAL = 0xC96C5795D7870F42
Content = tuple[tuple[int, int, int], ...]  # pieces: seed of the file, offset, size


class SimFile(FakeFile):
    """A file in which adjacent MiBs have different bytes, so that every mix-up is detected."""

    def __init__(self, seed: int, size: int, *, name: str = "") -> None:
        super().__init__(name or f"{seed}.bin", size)
        self.seed = seed
        self.begins_at = 0  # offset in the file that this file is a part of


class SimSource:
    """The source of a stream with a file's bytes."""

    def __init__(self, seed: int, size: int) -> None:
        self._seed = seed
        self._size = size
        self._given = 0

    async def read(self, size: int) -> SimFile:
        await asyncio.sleep(0)
        part = SimFile(self._seed, min(size, self._size - self._given))
        part.begins_at = self._given
        self._given += part.size
        return part


def content_of(piece: Piece) -> Content:
    """Return the content of a part or object made from this piece, encrypted if the piece is."""
    begin = piece.file.begins_at + piece.offset
    seed = piece.cut if piece.crc64 else piece.file.seed
    return ((seed, begin, piece.size),) if piece.size else ()


@cache
def encrypted(seed: int, key: bytes) -> int:
    """Return the seed of the encrypted bytes of a file."""
    return int.from_bytes(key, "big") * 1000 + seed


@cache
def _crc64_of_bytes(byte: int, count: int) -> int:
    """Return the CRC-64 of one byte repeated `count` times."""
    power = byte ^ ONES
    for _ in range(8):
        power = power >> 1 ^ POLYNOMIAL if power & 1 else power >> 1
    crc, power, length = 0, power ^ ONES, 1
    while count:
        if count & 1:
            crc = combine(crc, power, shift_of(length))
        power = combine(power, power, shift_of(length))
        length, count = 2 * length, count >> 1
    return crc


@cache
def _crc64_of_piece(seed: int, offset: int, size: int) -> int:
    crc = 0
    while size:
        block = offset // MIB
        count = min(size, (block + 1) * MIB - offset)
        crc = combine(crc, _crc64_of_bytes((37 * seed + block) % 251, count), shift_of(count))
        offset, size = offset + count, size - count
    return crc


@cache
def crc64_of(content: Content) -> int:
    """Return the CRC-64 of the content of a part or object."""
    crc = 0
    for seed, offset, size in content:
        crc = combine(crc, _crc64_of_piece(seed, offset, size), shift_of(size))
    return crc


def size_of(content: Content) -> int:
    """Return the size of a content in bytes."""
    return sum(size for _, _, size in content)
