"""The change that makes a photo smaller. It needs the functions of a browser."""

from ossferry_checks.builtin.options import PhotoOptions
from ossferry_checks.files import CheckedFile
from ossferry_checks.photos import canvas
from ossferry_checks.photos.canvas import Encoding, NotDecodedError
from ossferry_checks.photos.formats import header
from ossferry_checks.photos.naming import TYPES, renamed
from ossferry_checks.photos.opening import PATTERNS, SMALLER_PATTERNS, opened
from ossferry_checks.photos.photo import Photo, dimensions_text
from ossferry_checks.registry import Check
from ossferry_checks.results import Reject, Replace
from ossferry_checks.sentences import say

NEW_NAME = "smaller"


def smaller_check(options: PhotoOptions) -> Check:
    """Return the change. Outside of a browser, it changes nothing."""

    async def make_smaller(file: CheckedFile) -> Replace | None:
        if not canvas.is_available():
            return None
        with opened(file) as source:
            photo = header(source)
        if not is_for(photo, options.max_side):
            return None
        try:
            bitmap = await canvas.decode(file.path.read_bytes())
        except NotDecodedError as error:
            raise Reject(say("photo_broken", file.language)) from error
        made = await canvas.encode(bitmap, encoding_for(photo, options))
        if len(made.content) >= file.size:
            return None
        path = file.folder / NEW_NAME
        path.write_bytes(made.content)
        name = file.name if made.type == TYPES[photo.format] else renamed(file.name, made.type)
        reason = say(
            "photo_made_smaller",
            file.language,
            before=dimensions_text(photo.width, photo.height),
            after=dimensions_text(made.width, made.height),
        )
        return Replace(path, name=name, type=made.type, reason=reason)

    return Check(
        name="photo_size",
        function=make_smaller,
        patterns=PATTERNS,
        max_seconds=60,
        seconds_per_mb=5,
        replaces=SMALLER_PATTERNS,
    )


def is_for(photo: Photo, max_side: int) -> bool:
    """Return whether a photo is to be made smaller. An animation stays as it is."""
    return (
        photo.format in TYPES
        and not photo.is_animated
        and max(photo.width, photo.height) > max_side
    )


def encoding_for(photo: Photo, options: PhotoOptions) -> Encoding:
    """Return how to encode a photo: in its own format, but a PNG file without alpha as JPEG."""
    instead = "image/png" if photo.has_alpha else "image/jpeg"
    kept = photo.format != "png" or photo.has_alpha
    return Encoding(
        type=TYPES[photo.format] if kept else instead,
        instead=instead,
        quality=options.quality,
        max_side=options.max_side,
    )
