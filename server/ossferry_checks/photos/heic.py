"""The change from HEIC to JPEG. It needs the functions of a browser."""

from ossferry_checks.builtin.options import PhotoOptions
from ossferry_checks.files import CheckedFile
from ossferry_checks.photos import canvas, libheif
from ossferry_checks.photos.canvas import Encoding, NotDecodedError
from ossferry_checks.photos.formats import header
from ossferry_checks.photos.naming import renamed
from ossferry_checks.photos.opening import HEIC_PATTERNS, PATTERNS, opened
from ossferry_checks.registry import Check
from ossferry_checks.results import Reject, Replace
from ossferry_checks.sentences import say

JPEG = "image/jpeg"
NEW_NAME = "converted"


def heic_check(options: PhotoOptions) -> Check:
    """Return the change. Outside of a browser, it changes nothing.

    A photo that is too large is made smaller at the same time, so that it is encoded only once.
    """

    async def convert(file: CheckedFile) -> Replace | None:
        if not canvas.is_available():
            return None
        with opened(file) as source:
            photo = header(source)
        if photo.format != "heif":
            return None
        content = file.path.read_bytes()
        encoding = Encoding(
            type=JPEG, instead=JPEG, quality=options.quality, max_side=options.max_side
        )
        try:
            try:
                bitmap = await canvas.decode(content)  # Safari can
            except NotDecodedError:
                bitmap = await libheif.decode(content, has_wide_gamut=photo.has_wide_gamut)
        except NotDecodedError as error:
            raise Reject(say("photo_not_converted", file.language)) from error
        made = await canvas.encode(bitmap, encoding)
        path = file.folder / NEW_NAME
        path.write_bytes(made.content)
        return Replace(
            path,
            name=renamed(file.name, made.type),
            type=made.type,
            reason=say("photo_converted", file.language),
        )

    return Check(
        name="photo_heic",
        function=convert,
        patterns=PATTERNS,
        max_seconds=120,
        seconds_per_mb=20,
        replaces=HEIC_PATTERNS,
    )
