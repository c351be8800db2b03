"""Reads orientation and position from EXIF metadata; writes metadata with the orientation only.

EXIF metadata is a TIFF file without a picture. It contains directories (IFD); the first one has the
orientation, and a pointer to a directory with the position.
"""

import struct
from dataclasses import dataclass

HEADER = b"Exif\0\0"
"""The bytes before the TIFF header in JPEG files, and in some WebP files."""
MAX_BYTES = 1 << 20
"""The directories are at the start of the metadata, so more bytes need not be read."""

ORIENTATION, POSITION = 0x0112, 0x8825  # tags
XMP_POSITION = b"GPSL"  # of `exif:GPSLatitude`, in metadata of another kind
SHORT = 3  # a type
ENTRY = 12  # bytes


@dataclass(frozen=True, slots=True)
class Exif:
    """Values from the EXIF metadata of a photo.

    Attributes:
        orientation: the EXIF orientation, from 1 to 8; from 5 on, width and height are exchanged.
        has_position: whether the metadata contains the position at which the photo was taken.
    """

    orientation: int = 1
    has_position: bool = False


def read_exif(content: bytes) -> Exif:
    """Return values from EXIF metadata.

    If the metadata is broken, values that cannot be read have their defaults: orientation 1, no
    position.

    Args:
        content: the metadata, with or without the leading bytes `HEADER`.
    """
    tiff = content.removeprefix(HEADER)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return Exif()
    orientation, has_position = 1, False
    try:
        (at,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, at)
        for index in range(count):
            entry = at + 2 + index * ENTRY
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if tag == ORIENTATION and kind == SHORT:
                (orientation,) = struct.unpack_from(f"{order}H", tiff, entry + 8)
            has_position = has_position or tag == POSITION
    except struct.error:  # the directory is longer than the metadata
        pass
    return Exif(orientation if 1 <= orientation <= 8 else 1, has_position)


def only_orientation(orientation: int) -> bytes:
    """Return EXIF metadata that contains only an orientation, without the leading bytes `HEADER`.

    Args:
        orientation: the EXIF orientation, from 1 to 8.
    """
    entry = struct.pack(">HHIHH", ORIENTATION, SHORT, 1, orientation, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
