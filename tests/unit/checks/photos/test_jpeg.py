"""JPEG files: which segments stay."""

import struct

import pytest

from ossferry_checks.photos.source import BrokenPhotoError
from support.photos import exif, header, picture, saved, strip

PLAIN = saved(picture(16, 16), "JPEG")
JFIF_END = 20  # of SOI and the JFIF segment
EOI = b"\xff\xd9"


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segment(marker: int, content: bytes) -> bytes:
    return PLAIN[:JFIF_END] + segment(marker, content) + PLAIN[JFIF_END:]


@pytest.mark.parametrize(
    ("marker", "content"),
    [
        (0xFE, b"a comment"),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        (0xED, b"Photoshop 3.0\0"),
        (0xE2, b"MPF\0II*\0"),
        (0xE2, b"FPXR\0"),
        (0xE0, b"JFXX\0\x10thumbnail"),
        (0xEB, b"JP\0\0content credentials"),
        (0xEE, b"Ducky"),
    ],
)
def test_a_segment_that_is_not_needed_is_removed(marker: int, content: bytes) -> None:
    assert strip(with_segment(marker, content)) == PLAIN


@pytest.mark.parametrize(
    ("marker", "content"),
    [(0xE2, b"ICC_PROFILE\0\x01\x01profile"), (0xEE, b"Adobe\0\x64\0\0\0\0\x01")],
)
def test_a_segment_about_colours_stays(marker: int, content: bytes) -> None:
    photo = with_segment(marker, content)

    assert strip(photo) == photo


def test_what_follows_in_adobes_segment_is_removed() -> None:
    adobe = b"Adobe\0\x64\0\0\0\0\x01"

    assert strip(with_segment(0xEE, adobe + b"more")) == with_segment(0xEE, adobe)


def test_a_thumbnail_in_the_jfif_segment_is_removed() -> None:
    jfif = PLAIN[6 : JFIF_END - 2]
    photo = PLAIN[:2] + segment(0xE0, jfif + b"\x01\x01RGB") + PLAIN[JFIF_END:]

    assert strip(photo) == PLAIN


def test_metadata_between_two_scans_is_removed() -> None:
    photo = saved(picture(64, 64), "JPEG", progressive=True)
    second = photo.index(b"\xff\xda", photo.index(b"\xff\xda") + 2)

    assert strip(photo[:second] + segment(0xFE, b"hidden") + photo[second:]) == photo


def test_restart_markers_and_fill_bytes_are_part_of_the_picture() -> None:
    photo = saved(picture(64, 64), "JPEG", restart_marker_blocks=1)
    assert b"\xff\xd0" in photo
    filled = photo[:JFIF_END] + b"\xff" * 3 + photo[JFIF_END:]

    assert (strip(photo), strip(filled)) == (photo, filled)


@pytest.mark.parametrize("size", [511, 512, 513, 1024, 3000])
def test_a_marker_is_found_at_each_border_of_a_block(size: int) -> None:
    start = PLAIN.index(b"\xff\xda")
    head = PLAIN[: start + 14]
    photo = head + b"\0" * size + b"\xff" * size + EOI

    assert strip(photo) == photo
    assert strip(photo + b"more") == photo


def test_bytes_before_a_marker_are_removed() -> None:
    assert strip(PLAIN[:JFIF_END] + b"\0hidden" + PLAIN[JFIF_END:]) == PLAIN


def test_of_several_exif_segments_the_first_counts() -> None:
    def exif_segment(orientation: int) -> bytes:
        return segment(0xE1, b"Exif\0\0" + exif(orientation).tobytes().removeprefix(b"Exif\0\0"))

    two = PLAIN[:JFIF_END] + exif_segment(6) + exif_segment(3) + PLAIN[JFIF_END:]
    one = PLAIN[:JFIF_END] + exif_segment(6) + PLAIN[JFIF_END:]

    assert strip(two) == strip(one)


@pytest.mark.parametrize(
    "photo",
    [
        b"\xff\xd8\xff\xd9",
        with_segment(0xDB, b"Exif\0\0II*\0"),
        with_segment(0xC4, b"Exif\0\0II*\0"),
        with_segment(0xDD, b"Exif"),
        with_segment(0xF0, b"Exif"),
        with_segment(0xFE, b"")[: JFIF_END + 2] + b"\0\x01" + PLAIN[JFIF_END:],
    ],
    ids=["no picture", "quantization", "Huffman", "restart", "unknown", "length"],
)
def test_a_wrong_structure_is_refused(photo: bytes) -> None:
    with pytest.raises(BrokenPhotoError):
        strip(photo)


def test_the_header_needs_only_the_first_segments() -> None:
    photo = saved(picture(640, 480), "JPEG", exif=exif(6))
    start = photo.index(b"\xff\xda")

    found = header(photo[: start + 100] + EOI)

    assert (found.width, found.height) == (480, 640)
