"""GIF files: the header.

Source: GIF89a Specification, section 18.
"""

import struct

from ossferry_checks.photos.photo import Photo
from ossferry_checks.photos.source import BrokenPhotoError, Source

MAGIC = (b"GIF87a", b"GIF89a")


def header(source: Source) -> Photo:
    """Read the header. Each GIF file is seen as an animation.

    Raises:
        BrokenPhotoError: the file has no header.
    """
    width, height = struct.unpack("<HH", source.read_at(len(MAGIC[0]), 4))
    if not width or not height:
        raise BrokenPhotoError
    return Photo(format="gif", width=width, height=height, has_alpha=True, is_animated=True)
