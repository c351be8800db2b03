"""Whatever a file contains, it is refused, or it is uploaded without a position."""

import contextlib
import io
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ossferry_checks import CheckedFile, Reject
from ossferry_checks.builtin.check_options import PhotoOptions
from ossferry_checks.photos.dimensions import dimensions_check
from ossferry_checks.photos.metadata import remove_metadata
from support.photos import exif, picture, saved, vector
from support.random_examples import SAME, some_and_many

FRAMES = [picture(16, 16), picture(16, 16).rotate(90)]
ANIMATED = {"save_all": True, "append_images": FRAMES[1:]}
XMP = b"<x>exif:GPSLatitude</x>"
PHOTOS = [
    saved(FRAMES[0], "JPEG", exif=exif(6), comment=b"a comment"),
    saved(picture(64, 64), "JPEG", exif=exif(), progressive=True, xmp=XMP) + b"more",
    saved(FRAMES[0], "PNG", exif=exif(3)),
    saved(FRAMES[0], "PNG", exif=exif(), **ANIMATED),
    saved(FRAMES[0], "WEBP", exif=exif(8), xmp=XMP),
    saved(FRAMES[0], "WEBP", exif=exif(), lossless=True),
    saved(FRAMES[0], "WEBP", exif=exif(), **ANIMATED),
]
OTHERS = [saved(FRAMES[0], "GIF"), vector("rotated.heic")]
MAGIC = [each[:12] for each in (*PHOTOS, *OTHERS)]
FORMATS = ("JPEG", "PNG", "WEBP")  # whose metadata is removed
POSITION, MAKE = 0x8825, 0x010F


@st.composite
def changed_photos(draw: st.DrawFn) -> bytes:
    """A photo in which bytes are changed, removed, repeated, or taken from another photo."""
    content = draw(st.sampled_from([*PHOTOS, *OTHERS]))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        stop = min(len(content), at + draw(st.integers(0, 40)))
        kind = draw(st.sampled_from(["change", "remove", "repeat", "insert", "splice", "cut"]))
        if kind == "change":
            new = draw(st.binary(min_size=1, max_size=4))
            content = content[:at] + new + content[at + len(new) :]
        elif kind == "remove":
            content = content[:at] + content[stop:]
        elif kind == "repeat":
            content = content[:stop] + content[at:]
        elif kind == "insert":
            content = content[:at] + draw(st.binary(max_size=30)) + content[at:]
        elif kind == "splice":
            other = draw(st.sampled_from(PHOTOS))
            content = content[:at] + other[draw(st.integers(0, len(other))) :]
        else:
            content = content[:at]
    return content


def uploaded(folder: Path, content: bytes) -> bytes | None:
    """Return the file to upload; None if it is refused."""
    path = folder / "photo.jpg"
    path.write_bytes(content)
    try:
        dimensions_check(PhotoOptions()).function(CheckedFile(path))
        change = remove_metadata(CheckedFile(path, folder=folder))
    except Reject:
        return None
    return change.path.read_bytes() if change else content


def expect_no_position(content: bytes) -> None:
    """Pillow finds no position, and no camera. It cannot read each file."""
    found: list[Any] = []
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content)) as image:
            if image.format in FORMATS:
                with contextlib.suppress(Exception):
                    image.load()  # a PNG file has metadata after the picture, too
                metadata = image.getexif()
                found = [metadata.get_ifd(POSITION), metadata.get(MAKE), image.info.get("xmp")]
    assert not any(found)


RANDOM = st.builds(bytes.__add__, st.sampled_from([b"", *MAGIC]), st.binary(max_size=200))


@pytest.mark.parametrize("contents", [changed_photos(), RANDOM], ids=["changed photo", "random"])
@some_and_many(150, 5000)
def test_what_is_no_whole_photo_is_refused_or_has_no_position(
    tmp_path: Path, contents: st.SearchStrategy[bytes], examples: int
) -> None:
    @settings(SAME, max_examples=examples)
    @given(contents)
    def look(content: bytes) -> None:
        new = uploaded(tmp_path, content)
        if new is not None:
            expect_no_position(new)

    look()


@pytest.mark.parametrize("content", PHOTOS)
def test_the_photos_that_are_changed_have_a_position(content: bytes, tmp_path: Path) -> None:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        assert image.getexif().get_ifd(POSITION) != {}

    new = uploaded(tmp_path, content)

    assert new is not None
    expect_no_position(new)
