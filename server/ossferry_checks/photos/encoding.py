"""Checks that encode a photo again: conversion of HEIC to JPEG, and scaling down.

They need functions of a browser. Outside a browser, they change nothing.
"""

from pathlib import PurePosixPath

from ossferry_checks.builtin.check_options import PhotoOptions
from ossferry_checks.files import CheckedFile
from ossferry_checks.photos import canvas
from ossferry_checks.photos.canvas import Encoded, Encoding, NotDecodedError
from ossferry_checks.photos.formats import HEIC_PATTERNS, PATTERNS, SMALLER_PATTERNS, header, opened
from ossferry_checks.photos.photo import Photo, dimensions_text
from ossferry_checks.registry import Check
from ossferry_checks.results import Reject, Replace
from ossferry_checks.sentences import say

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"
TYPES = {"jpeg": JPEG, "png": PNG, "webp": WEBP}
"""Content types by format."""
ENDINGS = {JPEG: (".jpg", ".jpeg", ".jpe", ".jfif"), PNG: (".png",), WEBP: (".webp",)}
NEW_NAME = "encoded"


def heic_check(options: PhotoOptions) -> Check:
    """Return the check that converts HEIC photos to JPEG.

    It also scales down a photo whose longer side exceeds `options.max_side`, so that the photo is
    encoded only once.
    """
    encoding = Encoding(type=JPEG, instead=JPEG, quality=options.quality, max_side=options.max_side)

    async def convert(file: CheckedFile) -> Replace | None:
        photo = _photo(file)
        if photo is None or photo.format != "heif":
            return None
        content = file.path.read_bytes()
        try:
            try:
                bitmap = await canvas.decode(content)  # Safari can
            except NotDecodedError:
                bitmap = await canvas.decode_heic(content, has_wide_gamut=photo.has_wide_gamut)
        except NotDecodedError as error:
            raise Reject(say("photo_not_converted", file.language)) from error
        made = await canvas.encode(bitmap, encoding)
        return _replaced(file, made, say("photo_converted", file.language))

    return Check(
        name="photo_heic",
        function=convert,
        patterns=PATTERNS,
        max_seconds=120,
        seconds_per_mb=20,
        replaces=HEIC_PATTERNS,
    )


def smaller_check(options: PhotoOptions) -> Check:
    """Return the check that scales down photos whose longer side exceeds `options.max_side`.

    It does not change animations, nor a photo whose file would not become smaller.
    """

    async def make_smaller(file: CheckedFile) -> Replace | None:
        photo = _photo(file)
        if photo is None or photo.format not in TYPES or photo.is_animated:
            return None
        if max(photo.width, photo.height) <= options.max_side:
            return None
        try:
            bitmap = await canvas.decode(file.path.read_bytes())
        except NotDecodedError as error:
            raise Reject(say("photo_broken", file.language)) from error
        made = await canvas.encode(bitmap, encoding_for(photo, options))
        if len(made.content) >= file.size:
            return None
        reason = say(
            "photo_made_smaller",
            file.language,
            before=dimensions_text(photo.width, photo.height),
            after=dimensions_text(made.width, made.height),
        )
        return _replaced(file, made, reason, keeps_name=made.type == TYPES[photo.format])

    return Check(
        name="photo_size",
        function=make_smaller,
        patterns=PATTERNS,
        max_seconds=60,
        seconds_per_mb=5,
        replaces=SMALLER_PATTERNS,
    )


def encoding_for(photo: Photo, options: PhotoOptions) -> Encoding:
    """Return the parameters for scaling down a photo.

    The file format stays, except that a PNG file without transparency becomes a JPEG file.
    """
    instead = PNG if photo.has_alpha else JPEG
    kept = photo.format != "png" or photo.has_alpha
    return Encoding(
        type=TYPES[photo.format] if kept else instead,
        instead=instead,
        quality=options.quality,
        max_side=options.max_side,
    )


def _photo(file: CheckedFile) -> Photo | None:
    """Return the header of a photo; None if this is no browser."""
    if not canvas.is_available():
        return None
    with opened(file) as source:
        return header(source)


def _replaced(
    file: CheckedFile, made: Encoded, reason: str, *, keeps_name: bool = False
) -> Replace:
    path = file.folder / NEW_NAME
    path.write_bytes(made.content)
    name = file.name if keeps_name else renamed(file.name, made.type)
    return Replace(path, name=name, type=made.type, reason=reason)


def renamed(name: str, type: str) -> str:
    """Return a file name with an extension that fits a content type.

    A name whose extension already fits is returned unchanged.

    Args:
        name: the old name.
        type: `image/jpeg`, `image/png` or `image/webp`.
    """
    path = PurePosixPath(name)
    endings = ENDINGS[type]
    return name if path.suffix.lower() in endings else str(path.with_suffix(endings[0]))
