"""WebP files: flags, sizes and which chunks stay."""

import io
import struct

import pytest
from PIL import Image

from ossferry_checks.photos import webp
from ossferry_checks.photos.source import BrokenPhotoError
from support.photos import exif, header, picture, saved, strip

FLAGS = 20  # offset of the flags in VP8X


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def riff(*chunks: bytes) -> bytes:
    return chunk(b"RIFF", b"WEBP" + b"".join(chunks))


def size_in_header(content: bytes) -> int:
    (size,) = struct.unpack_from("<I", content, 4)
    return 8 + int(size)


@pytest.mark.parametrize(("orientation", "flags"), [(1, 0), (6, webp.HAS_EXIF)])
def test_flags_and_size_are_those_of_the_new_file(orientation: int, flags: int) -> None:
    photo = saved(picture(16, 16), "WEBP", exif=exif(orientation), xmp=b"<x/>")
    assert photo[FLAGS] & (webp.HAS_EXIF | webp.HAS_XMP) == webp.HAS_EXIF | webp.HAS_XMP

    new = strip(photo)

    assert new[FLAGS] & (webp.HAS_EXIF | webp.HAS_XMP) == flags
    assert size_in_header(new) == len(new)
    assert b"XMP " not in new


def test_only_one_orientation_stays() -> None:
    photo = saved(picture(16, 16), "WEBP", exif=exif(6))
    again = chunk(b"EXIF", exif(6).tobytes())

    assert strip(riff(photo[12:], again)) == strip(photo)


def test_an_unknown_chunk_is_removed() -> None:
    photo = saved(picture(16, 16), "WEBP")

    assert strip(riff(photo[12:], chunk(b"CAMR", b"secret!"))) == photo


def test_an_unknown_chunk_in_a_frame_is_removed() -> None:
    frames = [picture(16, 16), picture(16, 16).rotate(90)]
    photo = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    at = photo.index(b"ANMF")
    (length,) = struct.unpack_from("<I", photo, at + 4)
    frame = photo[at + 8 : at + 8 + length]
    other = chunk(b"ANMF", frame + chunk(b"CAMR", b"secret!"))
    changed = riff(photo[12:at], other, photo[at + 8 + length + length % 2 :])

    new = strip(changed)

    assert new == photo
    with Image.open(io.BytesIO(new)) as image:
        assert image.n_frames == 2  # type: ignore[attr-defined]


def test_the_last_byte_that_fills_a_chunk_may_be_missing() -> None:
    lossless = saved(Image.new("RGB", (7, 5)), "WEBP", lossless=True)
    kind, length = struct.unpack_from("<4sI", lossless, 12)
    content = lossless[20 : 20 + length]
    odd = content if length % 2 else content + b"\0"
    photo = riff(chunk(kind, odd))[:-1]

    assert strip(photo) == photo


@pytest.mark.parametrize(
    ("options", "alpha"), [({}, False), ({"lossless": True}, False)], ids=["lossy", "lossless"]
)
def test_the_header_has_the_size(options: dict[str, bool], alpha: bool) -> None:
    found = header(saved(picture(300, 201), "WEBP", **options))

    assert (found.width, found.height, found.has_alpha) == (300, 201, alpha)


def test_the_header_says_what_the_picture_is() -> None:
    transparent = saved(Image.new("RGBA", (30, 20), (9, 9, 9, 100)), "WEBP", exif=exif(8))
    frames = [picture(16, 16), picture(16, 16).rotate(90)]
    animation = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])

    still, moving = header(transparent), header(animation)

    assert (still.width, still.height, still.has_alpha) == (20, 30, True)
    assert (still.is_animated, moving.is_animated) == (False, True)


@pytest.mark.parametrize(
    "photo",
    [
        riff(),
        riff(chunk(b"VP8X", bytes(4))),
        riff(chunk(b"VP8X", bytes(10))),
        riff(chunk(b"VP8 ", bytes(20))),
        riff(chunk(b"VP8L", b"\x2f")),
        riff(chunk(b"EXIF", bytes(20)), chunk(b"VP8 ", bytes(20))),
    ],
)
def test_a_wrong_structure_is_refused(photo: bytes) -> None:
    with pytest.raises(BrokenPhotoError):
        strip(photo)
