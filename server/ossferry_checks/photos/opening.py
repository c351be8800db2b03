"""Opens a checked photo; a broken one is rejected."""

from collections.abc import Iterator
from contextlib import contextmanager

from ossferry_checks.files import CheckedFile
from ossferry_checks.photos.formats import UnknownPhotoError
from ossferry_checks.photos.source import BrokenPhotoError, Source
from ossferry_checks.results import Reject
from ossferry_checks.sentences import say

SMALLER_PATTERNS = ("*.jpg", "*.jpeg", "*.jpe", "*.jfif", "*.png", "*.webp")
HEIC_PATTERNS = ("*.heic", "*.heif", "*.hif")
PATTERNS = (*SMALLER_PATTERNS, "*.gif", *HEIC_PATTERNS)
"""The names of photos. The content decides about the format."""


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
