"""The values of EXIF metadata that matter here, and EXIF metadata with the orientation only.

The metadata is a TIFF file without a picture. It contains directories (IFD); the first one has the
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
    """What EXIF metadata says.

    Attributes:
        orientation: from 1 to 8, as EXIF numbers them; from 5, width and height are exchanged.
        has_position: whether there is a directory with a position.
    """

    orientation: int = 1
    has_position: bool = False


def read_exif(content: bytes) -> Exif:
    """Return the values of EXIF metadata; the default values if the metadata is broken.

    Args:
        content: the TIFF file, with or without `HEADER`.
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
    """Return EXIF metadata with the orientation only, without `HEADER`."""
    entry = struct.pack(">HHIHH", ORIENTATION, SHORT, 1, orientation, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
