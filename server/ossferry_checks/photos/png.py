"""PNG files: reads the header, and removes metadata.

A PNG file consists of chunks. A chunk has a length, a type, content and a checksum. Decoders may
ignore a chunk whose type begins with a lower-case letter.

Source: W3C, Portable Network Graphics (Third Edition).
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from ossferry_checks.photos.exif import MAX_BYTES, XMP_POSITION, Exif, only_orientation, read_exif
from ossferry_checks.photos.photo import Photo, Stripped
from ossferry_checks.photos.source import BLOCK, BrokenPhotoError, Pieces, Source

MAGIC = b"\x89PNG\r\n\x1a\n"
CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
COLOURS = frozenset(
    {b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI"}
)
ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
KEPT = CRITICAL | COLOURS | ANIMATION | {b"bKGD", b"pHYs"}

HEADER_BYTES = 13
FRAME = 12  # bytes of a chunk besides its content
WITH_ALPHA = (4, 6)  # colour types
XMP = b"XML:com.adobe.xmp"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk (unit of the file structure) of a PNG file.

    It consists of the bytes `[start, stop)` of the file: length, type, content and checksum.
    """

    type: bytes
    start: int
    stop: int

    def read(self, source: Source, most: int = MAX_BYTES) -> bytes:
        """Return the content of the chunk, or its first `most` bytes if the content is longer."""
        return source.read_at(self.start + 8, min(self.stop - self.start - FRAME, most))


def header(source: Source) -> Photo:
    """Read the header of a PNG file, and return its properties, such as width and height.

    Raises:
        BrokenPhotoError: the file has no header.
    """
    width, height, has_alpha = 0, 0, False
    exif, is_animated = Exif(), False
    for chunk in _chunks(source):
        if chunk.type == b"IHDR":
            width, height, _, colour_type = struct.unpack_from(">IIBB", chunk.read(source))
            has_alpha = colour_type in WITH_ALPHA
        elif chunk.type == b"eXIf":
            exif = read_exif(chunk.read(source))
        elif chunk.type == b"IDAT":
            break
        has_alpha |= chunk.type == b"tRNS"
        is_animated |= chunk.type == b"acTL"
    photo = Photo(
        format="png", width=width, height=height, has_alpha=has_alpha, is_animated=is_animated
    )
    return photo.upright(exif.orientation)


def strip(source: Source) -> Stripped:
    """Return a PNG file without metadata and without data after its end.

    The colours, the orientation and the compressed data do not change.

    Raises:
        BrokenPhotoError: the file is incomplete, or its structure or a checksum is wrong.
    """
    pieces = Pieces()
    pieces.keep(0, len(MAGIC))
    has_position, has_picture, has_orientation = False, False, False
    for chunk in _chunks(source):
        has_picture |= chunk.type == b"IDAT"
        if chunk.type in KEPT:
            _verify(source, chunk)
            pieces.keep(chunk.start, chunk.stop)
        elif chunk.type == b"eXIf":
            exif = read_exif(chunk.read(source))
            has_position |= exif.has_position
            if exif.orientation != 1 and not has_orientation:
                _add_orientation(pieces, source, chunk, exif)
                has_orientation = True
        elif chunk.type[:1].isupper():
            raise BrokenPhotoError  # decoders must understand such a chunk
        elif chunk.type == b"iTXt":
            text = chunk.read(source)
            has_position |= text.startswith(XMP) and XMP_POSITION in text
    if not has_picture:
        raise BrokenPhotoError
    return Stripped(pieces, has_position)


def _chunks(source: Source) -> Iterator[Chunk]:
    """Yield the chunks up to IEND.

    Raises:
        BrokenPhotoError: the file ends before IEND, or does not begin with IHDR.
    """
    at = len(MAGIC)
    while True:
        length, kind = struct.unpack(">I4s", source.read_at(at, 8))
        chunk = Chunk(kind, at, at + FRAME + length)
        is_first = at == len(MAGIC)
        if not kind.isalpha() or is_first != (kind == b"IHDR") or chunk.stop > source.size:
            raise BrokenPhotoError
        if is_first and length != HEADER_BYTES:
            raise BrokenPhotoError
        yield chunk
        if kind == b"IEND":
            return
        at = chunk.stop


def _verify(source: Source, chunk: Chunk) -> None:
    """Compare the checksum of a chunk with its type and content.

    Raises:
        BrokenPhotoError: they differ.
    """
    checksum = 0
    for start in range(chunk.start + 4, chunk.stop - 4, BLOCK):
        block = source.read_at(start, min(BLOCK, chunk.stop - 4 - start))
        checksum = zlib.crc32(block, checksum)
    if source.read_at(chunk.stop - 4, 4) != struct.pack(">I", checksum):
        raise BrokenPhotoError


def _add_orientation(pieces: Pieces, source: Source, chunk: Chunk, exif: Exif) -> None:
    """Add a chunk with the orientation only; keep a chunk that has nothing else."""
    content = only_orientation(exif.orientation)
    checksum = struct.pack(">I", zlib.crc32(b"eXIf" + content))
    new = struct.pack(">I4s", len(content), b"eXIf") + content + checksum
    if chunk.stop - chunk.start == len(new) and source.read_at(chunk.start, len(new)) == new:
        pieces.keep(chunk.start, chunk.stop)
    else:
        pieces.add(new)
