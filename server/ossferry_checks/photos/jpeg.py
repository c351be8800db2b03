"""JPEG files: reads the header, and removes metadata.

A JPEG file consists of segments, which begin with a marker: 0xFF and another byte. The segment SOS
is followed by compressed data, up to the next marker.

Source: ITU-T T.81, annex B; T.872 (JFIF and Adobe segments); ICC.1, annex B.4.
"""

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ossferry_checks.photos.exif import HEADER, XMP_POSITION, Exif, only_orientation, read_exif
from ossferry_checks.photos.photo import Photo, Stripped
from ossferry_checks.photos.source import BrokenPhotoError, Pieces, Source

MAGIC = b"\xff\xd8"

DHT, DAC, EOI, SOS, DQT, DNL, DRI = 0xC4, 0xCC, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD
SOF = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, DAC}  # frame headers
APP0, APP1, APP2, APP14, COM = 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
METADATA = frozenset({*range(0xE0, 0xF0), COM})
JFIF, ICC, ADOBE = b"JFIF\0", b"ICC_PROFILE\0", b"Adobe"
JFIF_BYTES, ADOBE_BYTES = 12, 12  # without a thumbnail, and without what programs append

MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # the others occur in compressed data
SMALLEST_BLOCK, LARGEST_BLOCK = 1 << 9, 1 << 20


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment (unit of the file structure) of a JPEG file: the bytes `[start, stop)` of the file.

    Attributes:
        marker: the second byte of the marker, which names the type of the segment.
        stop: for the type SOS, the end of the compressed data that follows the segment.
        content: the bytes after the marker and the length; without compressed data.
    """

    marker: int
    start: int
    stop: int
    content: bytes


def header(source: Source) -> Photo:
    """Read the header of a JPEG file, and return its properties, such as width and height.

    Raises:
        BrokenPhotoError: the file has no header.
    """
    exif: Exif | None = None
    for segment in _segments(source):
        if exif is None and _is_exif(segment):
            exif = read_exif(segment.content)
        if segment.marker in SOF:
            height, width = struct.unpack_from(">HH", segment.content, 1)
            photo = Photo(format="jpeg", width=width, height=height)
            return photo.upright(exif.orientation) if exif else photo
    raise BrokenPhotoError


def strip(source: Source) -> Stripped:
    """Return a JPEG file without metadata, without thumbnails and without data after its end.

    The colour profile, the orientation and the compressed data do not change.

    Raises:
        BrokenPhotoError: the file is incomplete, or its structure is wrong.
    """
    pieces = Pieces()
    pieces.keep(0, len(MAGIC))
    exif: Exif | None = None
    had_position, has_frame, has_scan = False, False, False
    for segment in _segments(source):
        new: bytes | None = segment.content
        if _is_exif(segment):
            found = read_exif(segment.content)
            had_position |= found.has_position
            new = _orientation(found) if exif is None else None
            exif = exif or found
        elif segment.marker in METADATA:
            had_position |= XMP_POSITION in segment.content
            new = _without_metadata(segment)
        has_frame |= segment.marker in SOF
        has_scan |= segment.marker == SOS
        if new == segment.content:
            pieces.keep(segment.start, segment.stop)
        elif new is not None:
            pieces.add(struct.pack(">BBH", 0xFF, segment.marker, 2 + len(new)) + new)
    if not has_frame or not has_scan:
        raise BrokenPhotoError
    return Stripped(pieces, had_position)


def _is_exif(segment: Segment) -> bool:
    return segment.marker == APP1 and segment.content.startswith(HEADER)


def _orientation(exif: Exif) -> bytes | None:
    return None if exif.orientation == 1 else HEADER + only_orientation(exif.orientation)


def _without_metadata(segment: Segment) -> bytes | None:
    """Return what is left of a segment that decoders may ignore; None if nothing is left."""
    content = segment.content
    if segment.marker == APP0 and content.startswith(JFIF) and len(content) >= JFIF_BYTES + 2:
        return content[:JFIF_BYTES] + bytes(2)
    if segment.marker == APP2 and content.startswith(ICC):
        return content
    if segment.marker == APP14 and content.startswith(ADOBE) and len(content) >= ADOBE_BYTES:
        return content[:ADOBE_BYTES]
    return None


def _segments(source: Source) -> Iterator[Segment]:
    """Yield the segments after the first marker, up to EOI.

    Raises:
        BrokenPhotoError: the file ends before EOI, or a segment has a wrong structure.
    """
    source.seek(len(MAGIC))
    while True:
        start, marker = _next_marker(source)
        if marker == EOI:
            yield Segment(marker, start, source.at, b"")
            return
        (length,) = struct.unpack(">H", source.read(2))
        if length < 2:
            raise BrokenPhotoError
        content = source.read(length - 2)
        if marker not in METADATA and not _is_valid(marker, content):
            raise BrokenPhotoError
        stop = source.at
        if marker == SOS:
            stop, _ = _find_marker(source)
        yield Segment(marker, start, stop, content)
        source.seek(stop)


def _next_marker(source: Source) -> tuple[int, int]:
    """Read a marker, and return its offset and its second byte. Other bytes before it are skipped.

    Raises:
        BrokenPhotoError: there is no marker.
    """
    start = source.at
    found = source.read(2)
    if MARKER.match(found):
        return start, found[1]
    source.seek(start)
    return _find_marker(source)


def _find_marker(source: Source) -> tuple[int, int]:
    """Go behind the next marker; return its offset and its second byte.

    The bytes 0xFF before a marker fill space, and belong to it.

    Raises:
        BrokenPhotoError: there is no marker.
    """
    base, size = source.at, SMALLEST_BLOCK
    filled_from: int | None = None  # where the bytes 0xFF at the end of the last block begin
    while block := source.read_up_to(size):
        if filled_from is not None:
            block, base = b"\xff" + block, base - 1
        if found := MARKER.search(block):
            start = found.start()
            while start and block[start - 1] == 0xFF:
                start -= 1
            begins = base + start if start or filled_from is None else filled_from
            source.seek(base + found.end())
            return begins, block[found.end() - 1]
        data = len(block.rstrip(b"\xff"))
        if data == len(block):
            filled_from = None
        elif data or filled_from is None:
            filled_from = base + data
        base += len(block)
        size = min(2 * size, LARGEST_BLOCK)
    raise BrokenPhotoError


def _is_valid(marker: int, content: bytes) -> bool:
    """Return whether the content of a segment has the right length for its marker."""
    length = len(content)
    if marker in SOF:
        frame = length >= 6 and length == 6 + 3 * content[5]
        return frame and 0 not in struct.unpack_from(">HH", content, 1)
    if marker == SOS:
        return length >= 4 and length == 4 + 2 * content[0]
    if marker == DHT:
        return _fits(content, lambda at: 17 + sum(content[at + 1 : at + 17]))
    if marker == DQT:
        return _fits(content, lambda at: 129 if content[at] >> 4 else 65)
    if marker == DAC:
        return length % 2 == 0
    return (marker, length) in {(DRI, 2), (DNL, 2)}


def _fits(content: bytes, size_at: Callable[[int], int]) -> bool:
    """Return whether the tables in a segment fill it.

    Args:
        size_at: returns the size of the table at an offset.
    """
    at = 0
    while at < len(content):
        at += size_at(at)
    return at == len(content)
