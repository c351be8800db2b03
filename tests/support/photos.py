"""Photos for tests, with metadata as cameras write it."""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from ossferry_checks.photos import formats
from ossferry_checks.photos.photo import Photo
from ossferry_checks.photos.source import Source

RED, BLUE = (254, 0, 0), (0, 0, 254)
ORIENTATION, MAKE, DESCRIPTION, POSITION = 0x0112, 0x010F, 0x010E, 0x8825
SECRETS = (b"Camera Maker", b"Home, second floor", b"GPSLatitude")
"""Bytes that occur in the metadata."""
VECTORS = Path(__file__).parents[1] / "vectors" / "photos"


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Return a blue picture with a red quarter at the top on the left, as the file stores it."""
    made = Image.new(mode, (width, height), BLUE)
    made.paste(RED, (0, 0, width // 2, height // 2))
    return made


def exif(orientation: int = 1, *, position: bool = True) -> Image.Exif:
    """Return EXIF metadata with secrets."""
    made = Image.Exif()
    made[MAKE], made[DESCRIPTION] = "Camera Maker", "Home, second floor"
    if orientation != 1:
        made[ORIENTATION] = orientation
    if position:
        directory = made.get_ifd(POSITION)
        directory[1], directory[2] = "N", (47.0, 22.0, 33.0)
        directory[3], directory[4] = "E", (8.0, 32.0, 30.0)
    return made


def saved(made: Image.Image, format: str, **options: Any) -> bytes:
    """Return a picture as a file."""
    out = io.BytesIO()
    made.save(out, format, **options)
    return out.getvalue()


def colour_at(content: bytes, x: float, y: float) -> tuple[int, ...]:
    """Return the colour of a pixel of a file, at shares of its width and height."""
    with Image.open(io.BytesIO(content)) as made:
        found = made.convert("RGB").getpixel((int(x * made.width), int(y * made.height)))
    assert isinstance(found, tuple)
    return found


def vector(name: str) -> bytes:
    """Return the content of `vectors/photos/<name>`."""
    return (VECTORS / name).read_bytes()


def source_of(content: bytes) -> Source:
    """Return an open file."""
    return Source(io.BytesIO(content), len(content))


def header(content: bytes) -> Photo:
    """Return what the header of a photo says."""
    return formats.header(source_of(content))


def strip(content: bytes) -> bytes:
    """Return a photo without its metadata."""
    stripped = formats.strip(source_of(content))
    assert stripped is not None
    return b"".join(
        each if isinstance(each, bytes) else content[each.start : each.stop]
        for each in stripped.pieces._pieces
    )
