"""Opens a checked photo; a broken one is rejected."""

from collections.abc import Iterator
from contextlib import contextmanager

from ossferry_checks.files import CheckedFile
from ossferry_checks.photos.formats import UnknownPhotoError
from ossferry_checks.photos.photo import Photo
from ossferry_checks.photos.source import BrokenPhotoError, Source
from ossferry_checks.results import Reject
from ossferry_checks.sentences import say

__all__ = ["HEIC_PATTERNS", "PATTERNS", "SMALLER_PATTERNS", "opened", "refuse_too_many_pixels"]

SMALLER_PATTERNS = ("*.jpg", "*.jpeg", "*.jpe", "*.jfif", "*.png", "*.webp")
HEIC_PATTERNS = ("*.heic", "*.heif", "*.hif")
PATTERNS = (*SMALLER_PATTERNS, "*.gif", *HEIC_PATTERNS)
"""The names of photos. The content decides about the format."""
MAX_PIXELS = 200_000_000
"""A browser needs at least 4 bytes of memory for each pixel."""


@contextmanager
def opened(file: CheckedFile) -> Iterator[Source]:
    """Open a photo.

    Raises:
        Reject: the file is no photo, or it is broken.
    """
    try:
        with file.path.open("rb") as content:
            yield Source(content, file.size)
    except UnknownPhotoError as error:
        raise Reject(say("photo_unknown", file.language)) from error
    except BrokenPhotoError as error:
        raise Reject(say("photo_broken", file.language)) from error


def refuse_too_many_pixels(photo: Photo, language: str) -> None:
    """Refuse a photo for whose pixels a browser lacks memory.

    Raises:
        Reject: the photo has too many pixels.
    """
    pixels = photo.width * photo.height
    if pixels > MAX_PIXELS:
        raise Reject(say("photo_too_large", language, megapixels=round(pixels / 1e6)))
