"""The check that a file is a photo, and that the photo is neither too small nor too large."""

import math

from ossferry_checks.builtin.check_options import PhotoOptions
from ossferry_checks.files import CheckedFile
from ossferry_checks.photos.formats import PATTERNS, header, opened
from ossferry_checks.photos.photo import dimensions_text
from ossferry_checks.registry import Check
from ossferry_checks.results import Reject
from ossferry_checks.sentences import say

__all__ = ["dimensions_check"]


def dimensions_check(options: PhotoOptions) -> Check:
    """Return the check that refuses photos that have too few or too many pixels.

    It refuses a photo with a side shorter than `options.min_side`, or with more than
    `options.max_pixels` pixels, and a file that is not a photo. It reads only the header of the
    file.
    """

    def dimensions(file: CheckedFile) -> None:
        with opened(file) as source:
            photo = header(source)
        pixels = photo.width * photo.height
        if pixels > options.max_pixels:
            found, limit = math.ceil(pixels / 1e5) / 10, options.max_pixels / 1e6
            shown = {"megapixels": f"{found:g}", "limit": f"{limit:g}"}
            raise Reject(say("photo_too_large", file.language, **shown))
        if min(photo.width, photo.height) < options.min_side:
            size = dimensions_text(photo.width, photo.height)
            least = options.min_side
            raise Reject(say("photo_too_small", file.language, size=size, least=least))

    return Check(name="photo_dimensions", function=dimensions, patterns=PATTERNS, max_seconds=30)
