"""WebP files: reads the header, and removes metadata.

A WebP file is one chunk RIFF, which contains the other chunks. A chunk has a type, a length and
content; if the length is odd, a padding byte follows. The chunk VP8X tells which other chunks
exist. In an animation, a chunk ANMF contains the chunks of a frame.

Source: RFC 9649.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ossferry_checks.photos.exif import MAX_BYTES, XMP_POSITION, Exif, only_orientation, read_exif
from ossferry_checks.photos.photo import Photo, Stripped
from ossferry_checks.photos.source import BrokenPhotoError, Pieces, Source

MAGIC, FORM = b"RIFF", b"WEBP"
HEADER_BYTES = 12

VP8, VP8L, VP8X, ANMF, EXIF, XMP = b"VP8 ", b"VP8L", b"VP8X", b"ANMF", b"EXIF", b"XMP "
KEPT = frozenset({VP8, VP8L, VP8X, b"ALPH", b"ANIM", b"ICCP"})
VP8X_BYTES, ANMF_BYTES = 10, 16  # of the content of VP8X, and before the chunks in ANMF
HAS_ALPHA, HAS_EXIF, HAS_XMP, IS_ANIMATED = 0x10, 0x08, 0x04, 0x02  # flags of VP8X
VP8_START, VP8L_START = b"\x9d\x01\x2a", b"\x2f"
SIDE = 0x3FFF  # the bits of a side


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk (unit of the file structure) of a WebP file: the bytes `[start, stop)` of the file.

    The content ends at the offset `end`. If its length is odd, a padding byte follows, up to
    `stop`.
    """

    type: bytes
    start: int
    end: int
    stop: int

    def read(self, source: Source, most: int = MAX_BYTES) -> bytes:
        """Return the content of the chunk, or its first `most` bytes if the content is longer."""
        return source.read_at(self.start + 8, min(self.end - self.start - 8, most))


def header(source: Source) -> Photo:
    """Read the header of a WebP file, and return its properties, such as width and height.

    Raises:
        BrokenPhotoError: the file has no header.
    """
    photo: Photo | None = None
    exif = Exif()
    for chunk in _chunks(source, HEADER_BYTES, _end(source)):
        if photo is None:
            photo = _first(chunk.type, chunk.read(source, VP8X_BYTES))
        if chunk.type == EXIF:
            exif = read_exif(chunk.read(source))
    if photo is None:
        raise BrokenPhotoError
    return photo.upright(exif.orientation)


def strip(source: Source) -> Stripped:
    """Return a WebP file without metadata and without data after its end.

    The colour profile, the orientation and the compressed data do not change.

    Raises:
        BrokenPhotoError: the file is incomplete, or its structure is wrong.
    """
    chunks = list(_chunks(source, HEADER_BYTES, _end(source)))
    exifs = [read_exif(each.read(source)) for each in chunks if each.type == EXIF]
    has_position = any(each.has_position for each in exifs) or any(
        XMP_POSITION in each.read(source) for each in chunks if each.type == XMP
    )
    orientation = exifs[0].orientation if exifs else 1
    if not chunks or not {VP8, VP8L, ANMF} & {each.type for each in chunks}:
        raise BrokenPhotoError
    _first(chunks[0].type, chunks[0].read(source, VP8X_BYTES))
    body = Pieces()
    for chunk in chunks:
        if chunk.type == VP8X:
            _add_flags(body, source, chunk, has_exif=orientation != 1)
        elif chunk.type == ANMF:
            _add_frame(body, source, chunk)
        elif chunk.type in KEPT:
            body.keep(chunk.start, chunk.stop)
        elif chunk.type == EXIF and orientation != 1:
            _add_or_keep(body, source, chunk, only_orientation(orientation))
            orientation = 1  # not a second time
    pieces = Pieces()
    (stated,) = struct.unpack("<I", source.read_at(4, 4))
    size = len(FORM) + body.size
    if stated in (size, size + size % 2):  # the byte that fills the last chunk may be missing
        pieces.keep(0, HEADER_BYTES)
    else:
        pieces.add(MAGIC + struct.pack("<I", size) + FORM)
    pieces.extend(body)
    return Stripped(pieces, has_position)


def _end(source: Source) -> int:
    """Return the offset at which RIFF ends. The byte that fills the last chunk may be missing.

    Raises:
        BrokenPhotoError: the file ends before.
    """
    magic, length, form = struct.unpack("<4sI4s", source.read_at(0, HEADER_BYTES))
    end = min(8 + int(length), source.size)
    if magic != MAGIC or form != FORM or end + 1 < 8 + length:
        raise BrokenPhotoError
    return end


def _chunks(source: Source, start: int, end: int) -> Iterator[Chunk]:
    """Yield the chunks in `[start, end)`. The last one may lack the byte that fills it.

    Raises:
        BrokenPhotoError: a chunk is longer.
    """
    while start < end:
        kind, length = struct.unpack("<4sI", source.read_at(start, 8))
        chunk = Chunk(kind, start, start + 8 + length, min(start + 8 + length + length % 2, end))
        if chunk.end > end:
            raise BrokenPhotoError
        yield chunk
        start = chunk.stop


def _first(kind: bytes, content: bytes) -> Photo:
    """Return the header of a photo by its first chunk, before its orientation is applied.

    Args:
        content: the first bytes of the chunk.

    Raises:
        BrokenPhotoError: no photo begins with this chunk.
    """
    if len(content) < VP8X_BYTES and kind != VP8L:
        raise BrokenPhotoError
    if kind == VP8X:
        flags = content[0]
        width, height = (1 + int.from_bytes(content[at : at + 3], "little") for at in (4, 7))
        has_alpha, is_animated = bool(flags & HAS_ALPHA), bool(flags & IS_ANIMATED)
    elif kind == VP8 and content[3:6] == VP8_START:
        width, height = (side & SIDE for side in struct.unpack_from("<HH", content, 6))
        has_alpha, is_animated = False, False
    elif kind == VP8L and content.startswith(VP8L_START) and len(content) >= 5:
        (bits,) = struct.unpack_from("<I", content, 1)
        width, height = 1 + (bits & SIDE), 1 + (bits >> 14 & SIDE)
        has_alpha, is_animated = bool(bits >> 28 & 1), False
    else:
        raise BrokenPhotoError
    return Photo(
        format="webp", width=width, height=height, has_alpha=has_alpha, is_animated=is_animated
    )


def _add_flags(body: Pieces, source: Source, chunk: Chunk, *, has_exif: bool) -> None:
    """Add VP8X without the flags of what is removed.

    Raises:
        BrokenPhotoError: the chunk has a wrong length.
    """
    content = chunk.read(source)
    if len(content) != VP8X_BYTES:
        raise BrokenPhotoError
    flags = content[0] & ~(HAS_EXIF | HAS_XMP) | (HAS_EXIF if has_exif else 0)
    _add_or_keep(body, source, chunk, bytes([flags]) + content[1:])


def _add_frame(body: Pieces, source: Source, chunk: Chunk) -> None:
    """Add a frame of an animation without chunks that are not its picture."""
    inside = Pieces()
    first = chunk.start + 8 + ANMF_BYTES
    inside.keep(chunk.start + 8, first)
    for each in _chunks(source, first, chunk.end):
        if each.type in KEPT:
            inside.keep(each.start, each.stop)
    if inside.size == chunk.end - chunk.start - 8:
        body.keep(chunk.start, chunk.stop)
        return
    body.add(struct.pack("<4sI", ANMF, inside.size))
    body.extend(inside)


def _add_or_keep(body: Pieces, source: Source, chunk: Chunk, content: bytes) -> None:
    """Add a chunk with new content; keep a chunk that has this content already."""
    if chunk.read(source) == content:
        body.keep(chunk.start, chunk.stop)
    else:
        body.add(struct.pack("<4sI", chunk.type, len(content)) + content)
