"""The format of a photo, by its content; the name may be wrong."""

from ossferry_checks.photos import gif, heif, jpeg, png, webp
from ossferry_checks.photos.photo import Format, Photo, Stripped
from ossferry_checks.photos.source import Source

FIRST_BYTES = 12
HEADERS = {
    "jpeg": jpeg.header,
    "png": png.header,
    "webp": webp.header,
    "gif": gif.header,
    "heif": heif.header,
}
STRIPPERS = {"jpeg": jpeg.strip, "png": png.strip, "webp": webp.strip}


class UnknownPhotoError(Exception):
    """The file is no photo, or its format is not supported."""


def format_of(source: Source) -> Format:
    """Return the format.

    Raises:
        UnknownPhotoError: the first bytes are not those of a photo.
    """
    source.seek(0)
    first = source.read_up_to(FIRST_BYTES)
    if first.startswith(jpeg.MAGIC):
        return "jpeg"
    if first.startswith(png.MAGIC):
        return "png"
    if first.startswith(gif.MAGIC):
        return "gif"
    if first[:4] == webp.MAGIC and first[8:] == webp.FORM:
        return "webp"
    if first[4:8] == heif.MAGIC and first[8:] in heif.BRANDS:
        return "heif"
    raise UnknownPhotoError


def header(source: Source) -> Photo:
    """Read the header.

    Raises:
        UnknownPhotoError: the first bytes are not those of a photo.
        BrokenPhotoError: the file has no header.
    """
    return HEADERS[format_of(source)](source)


def strip(source: Source) -> Stripped | None:
    """Return the file without metadata; None if this format keeps its metadata.

    Raises:
        UnknownPhotoError: the first bytes are not those of a photo.
        BrokenPhotoError: the file is incomplete, or its structure is wrong.
    """
    stripper = STRIPPERS.get(format_of(source))
    return stripper(source) if stripper else None
