"""PNG files: which chunks stay."""

import struct
import zlib

import pytest
from PIL import Image

from ossferry_checks.photos.source import BrokenPhotoError
from support.photos import exif, header, picture, saved, strip

PLAIN = saved(picture(16, 16), "PNG")
IHDR_END = 33


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def with_chunk(kind: bytes, content: bytes) -> bytes:
    return PLAIN[:IHDR_END] + chunk(kind, content) + PLAIN[IHDR_END:]


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf", b"caBX", b"prVt"])
def test_a_chunk_that_is_not_needed_is_removed(kind: bytes) -> None:
    assert strip(with_chunk(kind, b"Comment\0secret")) == PLAIN


@pytest.mark.parametrize("kind", [b"gAMA", b"iCCP", b"sRGB", b"cHRM", b"cICP", b"pHYs", b"tRNS"])
def test_a_chunk_about_the_picture_stays(kind: bytes) -> None:
    assert strip(with_chunk(kind, b"1234")) == with_chunk(kind, b"1234")


def test_metadata_after_the_picture_is_removed() -> None:
    end = PLAIN.index(b"IEND") - 4

    assert strip(PLAIN[:end] + chunk(b"tEXt", b"Comment\0secret") + PLAIN[end:]) == PLAIN


def test_only_one_orientation_stays() -> None:
    tiff = exif(6).tobytes().removeprefix(b"Exif\0\0")
    one = with_chunk(b"eXIf", tiff)
    two = one[:IHDR_END] + chunk(b"eXIf", tiff) + one[IHDR_END:]

    assert strip(two) == strip(one)


@pytest.mark.parametrize(
    "photo",
    [
        PLAIN[:-5] + b"\0" + PLAIN[-4:],
        PLAIN[:60] + bytes([PLAIN[60] ^ 1]) + PLAIN[61:],
        PLAIN[:8] + PLAIN[IHDR_END:],
        PLAIN[:IHDR_END] + chunk(b"IEND", b""),
        with_chunk(b"CgBI", b"1234"),
        with_chunk(b"IHDR", b"1234"),
        with_chunk(b"t\0Xt", b"1234"),
    ],
    ids=["last type", "checksum", "no header", "no picture", "unknown", "two headers", "type"],
)
def test_a_wrong_structure_is_refused(photo: bytes) -> None:
    with pytest.raises(BrokenPhotoError):
        strip(photo)


@pytest.mark.parametrize(
    ("image", "alpha"),
    [
        (Image.new("RGB", (30, 20)), False),
        (Image.new("RGBA", (30, 20)), True),
        (Image.new("LA", (30, 20)), True),
        (Image.new("P", (30, 20)), False),
    ],
)
def test_the_header_says_what_the_picture_is(image: Image.Image, alpha: bool) -> None:
    found = header(saved(image, "PNG", exif=exif(5)))

    assert (found.width, found.height) == (20, 30)
    assert (found.has_alpha, found.is_animated) == (alpha, False)


def test_a_transparent_colour_is_seen() -> None:
    photo = saved(Image.new("P", (30, 20)), "PNG", transparency=0)

    assert header(photo).has_alpha
