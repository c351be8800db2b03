"""Reads the directory (list of files) of a ZIP archive, and limits the memory for it.

Python's `zipfile` reads the whole directory at once, whatever its size. This module stops at a
given number of files.

Source: APPNOTE.TXT of PKWARE, sections 4.3 and 4.5.
"""

import os
import stat
import struct
from dataclasses import dataclass
from typing import BinaryIO

END = struct.Struct("<4s4H2IH")
END_64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR = struct.Struct("<4sIQI")
CENTRAL = struct.Struct("<4s6H3I5H2I")
LOCAL = struct.Struct("<4s5H3I2H")
MAX_COMMENT = 65_535
UNKNOWN = 0xFFFFFFFF  # the extra field has the value
ENCRYPTED, UTF8 = 0x1, 0x800  # flags
BYTES_PER_FILE = 1000  # mean size of an entry in the largest directory that is read


class BrokenZipError(ValueError):
    """Raised if a file is not a complete ZIP archive."""


class TooManyFilesError(ValueError):
    """Raised if a ZIP archive has more files and folders than allowed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder in a ZIP archive, as the directory of the archive describes it.

    Attributes:
        method: the number of the compression method; 0 for none.
        crc: the CRC-32 of the unpacked content.
        packed: the number of bytes of the content in the archive.
        size: the number of bytes of the content after unpacking.
        offset: the offset of the local header (the header before the content) in the archive.
        end: the smallest offset at which the entry can end. The real end is later if the local
            header is longer than the directory tells.
        is_link: whether the entry is a symbolic link.
    """

    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    end: int
    is_encrypted: bool
    is_link: bool


def read_directory(source: BinaryIO, *, max_files: int) -> list[Entry]:
    """Return the files and folders that the directory of a ZIP archive lists.

    Args:
        source: the archive.
        max_files: the largest allowed number of files and folders.

    Raises:
        BrokenZipError: the file is not a ZIP archive, or the archive is not complete.
        TooManyFilesError: the archive has more than `max_files` files and folders.
    """
    start, size, shift = _place(source)
    if size > (max_files + 1) * BYTES_PER_FILE:
        raise TooManyFilesError
    source.seek(start)
    found: list[Entry] = []
    end = start + size
    while source.tell() < end:
        if len(found) == max_files:
            raise TooManyFilesError
        entry = _entry(source, shift)
        if entry.end > start:
            raise BrokenZipError
        found.append(entry)
    return found


def _place(source: BinaryIO) -> tuple[int, int, int]:
    """Return the position and size of the directory, and how far all positions are shifted."""
    size = source.seek(0, os.SEEK_END)
    tail_at = max(0, size - END.size - MAX_COMMENT)
    source.seek(tail_at)
    tail = source.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + END.size > len(tail):
        raise BrokenZipError
    _, disk, first_disk, _, _, length, offset, _ = END.unpack_from(tail, at)
    end = tail_at + at
    if at >= LOCATOR.size and tail.startswith(b"PK\6\7", at - LOCATOR.size):
        end -= LOCATOR.size + END_64.size
        source.seek(max(0, end))
        fields = END_64.unpack(_exactly(source, END_64.size))
        if fields[0] != b"PK\6\6":
            raise BrokenZipError
        disk, first_disk, length, offset = fields[4], fields[5], fields[8], fields[9]
    shift = end - length - offset  # bytes before the archive, such as an unpacking program
    if disk or first_disk or shift < 0:
        raise BrokenZipError
    return end - length, length, shift


def _entry(source: BinaryIO, shift: int) -> Entry:
    fields = CENTRAL.unpack(_exactly(source, CENTRAL.size))
    magic, made_by, _, flags, method, _, _, crc, packed, size = fields[:10]
    name_size, extra_size, comment_size, _, _, attributes, offset = fields[10:]
    if magic != b"PK\1\2":
        raise BrokenZipError
    name = _exactly(source, name_size)
    extra = _exactly(source, extra_size)
    _exactly(source, comment_size)
    size, packed, offset = _long_values(extra, (size, packed, offset))
    return Entry(
        name=name.decode("utf-8" if flags & UTF8 else "cp437", "replace"),
        method=method,
        crc=crc,
        packed=packed,
        size=size,
        offset=offset + shift,
        end=offset + shift + LOCAL.size + name_size + packed,
        is_encrypted=bool(flags & ENCRYPTED),
        is_link=made_by >> 8 in (3, 19) and stat.S_ISLNK(attributes >> 16),
    )


def _long_values(extra: bytes, values: tuple[int, ...]) -> list[int]:
    """Return the values, with those that need 64 bits from the extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            data = extra[at + 4 : at + 4 + length]
            longs = iter(struct.unpack_from(f"<{len(data) // 8}Q", data))
            return [next(longs, value) if value == UNKNOWN else value for value in values]
        at += 4 + length
    return list(values)


def contents_of(source: BinaryIO, entry: Entry) -> str:
    """Move the file position of a ZIP archive to the packed content of one of its files.

    Returns:
        The name of the file in its local header, which precedes the content.

    Raises:
        BrokenZipError: there is no local header at the offset of the entry.
    """
    source.seek(entry.offset)
    fields = LOCAL.unpack(_exactly(source, LOCAL.size))
    name = _exactly(source, fields[9])
    _exactly(source, fields[10])
    if fields[0] != b"PK\3\4":
        raise BrokenZipError
    return name.decode("utf-8" if fields[2] & UTF8 else "cp437", "replace")


def _exactly(source: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    if len(data) != size:
        raise BrokenZipError
    return data
