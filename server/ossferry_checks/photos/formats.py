"""Opens photos. The content of the file determines the format; the name may be wrong.

This module also reads GIF files, which have no module of their own (source: GIF89a Specification,
section 18).
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from ossferry_checks.files import CheckedFile
from ossferry_checks.photos import heif, jpeg, png, webp
from ossferry_checks.photos.photo import Format, Photo, Stripped
from ossferry_checks.photos.source import BrokenPhotoError, Source
from ossferry_checks.results import Reject
from ossferry_checks.sentences import say

SMALLER_PATTERNS = ("*.jpg", "*.jpeg", "*.jpe", "*.jfif", "*.png", "*.webp")
HEIC_PATTERNS = ("*.heic", "*.heif", "*.hif")
PATTERNS = (*SMALLER_PATTERNS, "*.gif", *HEIC_PATTERNS)
"""The names of photos."""
FIRST_BYTES = 12
GIF = (b"GIF87a", b"GIF89a")


class UnknownPhotoError(Exception):
    """Raised if a file is not a photo, or if its format is not supported."""


@contextmanager
def opened(file: CheckedFile) -> Iterator[Source]:
    """Context manager that opens a file as a photo, for reading.

    Raises:
        Reject: the `with` block has raised UnknownPhotoError or BrokenPhotoError, because the file
            is not a photo or is broken.
    """
    try:
        with file.path.open("rb") as content:
            yield Source(content, file.size)
    except UnknownPhotoError as error:
        raise Reject(say("photo_unknown", file.language)) from error
    except BrokenPhotoError as error:
        raise Reject(say("photo_broken", file.language)) from error


def format_of(source: Source) -> Format:
    """Return the format of a photo, judged by the first bytes of the file.

    Raises:
        UnknownPhotoError: the first bytes are not those of a photo.
    """
    source.seek(0)
    first = source.read_up_to(FIRST_BYTES)
    if first.startswith(jpeg.MAGIC):
        return "jpeg"
    if first.startswith(png.MAGIC):
        return "png"
    if first.startswith(GIF):
        return "gif"
    if first[:4] == webp.MAGIC and first[8:] == webp.FORM:
        return "webp"
    if first[4:8] == heif.MAGIC and first[8:] in heif.BRANDS:
        return "heif"
    raise UnknownPhotoError


def header(source: Source) -> Photo:
    """Read the header of a photo, and return its properties, such as width and height.

    Raises:
        UnknownPhotoError: the first bytes are not those of a photo.
        BrokenPhotoError: the header is missing, or is not valid.
    """
    return HEADERS[format_of(source)](source)


def strip(source: Source) -> Stripped | None:
    """Return a photo without its metadata; None for a GIF or HEIC file, whose metadata stays.

    Raises:
        UnknownPhotoError: the first bytes are not those of a photo.
        BrokenPhotoError: the file is incomplete, or its structure is wrong.
    """
    stripper = STRIPPERS.get(format_of(source))
    return stripper(source) if stripper else None


def _gif_header(source: Source) -> Photo:
    """Read the header. Each GIF file is seen as an animation."""
    width, height = struct.unpack("<HH", source.read_at(len(GIF[0]), 4))
    return Photo(format="gif", width=width, height=height, has_alpha=True, is_animated=True)


HEADERS = {
    "jpeg": jpeg.header,
    "png": png.header,
    "webp": webp.header,
    "gif": _gif_header,
    "heif": heif.header,
}
STRIPPERS = {"jpeg": jpeg.strip, "png": png.strip, "webp": webp.strip}
