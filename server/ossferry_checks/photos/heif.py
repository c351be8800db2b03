"""Reads the header of HEIF files, such as HEIC.

A HEIF file consists of boxes. The box `meta` tells which item is the picture, and which properties
the picture has: size, crop, rotation and colours.

Source: ISO/IEC 14496-12 and ISO/IEC 23008-12.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from ossferry_checks.photos.photo import Photo
from ossferry_checks.photos.source import BrokenPhotoError, Source

MAGIC = b"ftyp"  # after the length of the first box
BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)

MAX_META = 4 << 20  # bytes
P3 = 12  # colour primaries of Display P3, in ITU-T H.273
P3_NAMES = (b"Display P3", "Display P3".encode("utf-16-be"))  # in colour profiles, old and new


@dataclass(frozen=True, slots=True)
class Box:
    """A box (unit of the file structure) of a HEIF file.

    Attributes:
        type: the four letters that name the type of the box.
        start, stop: the content of the box is the bytes `[start, stop)` of the file.
    """

    type: bytes
    start: int
    stop: int


def header(source: Source) -> Photo:
    """Read the header of a HEIF file, and return its properties, such as width and height.

    Raises:
        BrokenPhotoError: the file has no header, or the header is not valid.
    """
    meta = next((box for box in _boxes(source, 0, source.size) if box.type == b"meta"), None)
    if meta is None or meta.stop - meta.start > MAX_META:
        raise BrokenPhotoError
    content = source.read_at(meta.start, meta.stop - meta.start)
    try:
        return _photo(content, Source(BytesIO(content), len(content)))
    except (struct.error, KeyError, IndexError) as error:
        raise BrokenPhotoError from error


def _photo(meta: bytes, source: Source) -> Photo:
    """Return the header by the content of the box `meta`, which `source` reads.

    Raises:
        struct.error, KeyError, IndexError, BrokenPhotoError: boxes are missing or too short.
    """

    def boxes(start: int, stop: int) -> dict[bytes, Box]:
        return {box.type: box for box in _boxes(source, start, stop)}

    outer = boxes(4, len(meta))
    item_at = outer[b"pitm"].start
    (item,) = struct.unpack_from(">I" if meta[item_at] else ">H", meta, item_at + 4)
    inner = boxes(outer[b"iprp"].start, outer[b"iprp"].stop)
    every = list(_boxes(source, inner[b"ipco"].start, inner[b"ipco"].stop))
    indexes = _associations(meta, inner[b"ipma"])[item]
    properties = [every[index - 1] for index in indexes if index]
    size = next((box for box in properties if box.type == b"ispe"), None)
    if size is None:
        raise BrokenPhotoError
    width, height = struct.unpack_from(">II", meta, size.start + 4)
    for box in properties:
        if box.type == b"clap":
            width, height = _cropped(meta, box)
    turns = sum(meta[box.start] & 3 for box in properties if box.type == b"irot")
    if turns % 2:
        width, height = height, width
    colours = [meta[box.start : box.stop] for box in properties if box.type == b"colr"]
    return Photo(
        format="heif", width=width, height=height, has_wide_gamut=any(map(_is_p3, colours))
    )


def _cropped(meta: bytes, box: Box) -> tuple[int, int]:
    """Return width and height of a box `clap`, which crops the picture.

    Raises:
        struct.error: the box is too short.
        BrokenPhotoError: a denominator is 0.
    """
    width, of_width, height, of_height = struct.unpack_from(">IIII", meta, box.start)
    if not of_width or not of_height:
        raise BrokenPhotoError
    return width // of_width, height // of_height


def _is_p3(colours: bytes) -> bool:
    """Return whether the content of a box `colr` names Display P3."""
    if colours[:4] == b"nclx":
        return len(colours) >= 6 and struct.unpack_from(">H", colours, 4) == (P3,)
    return any(name in colours for name in P3_NAMES)


def _associations(meta: bytes, box: Box) -> dict[int, list[int]]:
    """Return the numbers of properties, from 1, by item.

    Raises:
        struct.error, IndexError: the box is too short.
    """
    version, flags = meta[box.start], meta[box.start + 3]
    (count,) = struct.unpack_from(">I", meta, box.start + 4)
    at = box.start + 8
    found: dict[int, list[int]] = {}
    for _ in range(count):
        item, many = struct.unpack_from(">IB" if version else ">HB", meta, at)
        at += 5 if version else 3
        wide = flags & 1
        numbers = struct.unpack_from(f">{many}{'H' if wide else 'B'}", meta, at)
        at += many * (2 if wide else 1)
        found[item] = [number & (0x7FFF if wide else 0x7F) for number in numbers]
    return found


def _boxes(source: Source, at: int, stop: int) -> Iterator[Box]:
    """Yield the boxes in `[at, stop)`.

    Raises:
        BrokenPhotoError: a box is too short, or longer than what contains it.
    """
    while at < stop:
        length, kind = struct.unpack(">I4s", source.read_at(at, 8))
        start = at + 8
        if length == 1:
            (length,) = struct.unpack(">Q", source.read(8))
            start += 8
        end = at + length if length else stop
        if end < start or end > stop:
            raise BrokenPhotoError
        yield Box(kind, start, end)
        at = end
