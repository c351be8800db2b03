"""The dimensions of photos, read from their headers."""

import struct
from pathlib import Path

import pytest

from ossferry_checks import CheckedFile, Reject
from ossferry_checks.builtin.check_options import PhotoOptions
from ossferry_checks.photos.dimensions import dimensions_check
from ossferry_checks.photos.photo import Photo, dimensions_text
from support.checking import written
from support.photos import exif, header, picture, saved, vector

CONTENTS = {
    "jpeg": saved(picture(300, 200), "JPEG"),
    "png": saved(picture(300, 200), "PNG"),
    "webp": saved(picture(300, 200), "WEBP"),
    "gif": saved(picture(300, 200), "GIF"),
    "heif": vector("rotated.heic"),
}


def file(folder: Path, content: bytes) -> CheckedFile:
    return written(folder, "photo", content)


def check(file: CheckedFile, min_side: int) -> None:
    dimensions_check(PhotoOptions(min_side=min_side)).function(file)


@pytest.mark.parametrize("format", CONTENTS)
def test_the_shorter_side_counts(tmp_path: Path, format: str) -> None:
    photo = file(tmp_path, CONTENTS[format])
    shorter, size = (64, (64, 96)) if format == "heif" else (200, (300, 200))

    check(photo, shorter)
    with pytest.raises(Reject) as refused:
        check(photo, shorter + 1)

    assert refused.value.reason == (
        f"This photo has {dimensions_text(*size)} pixels. The shorter side must have at least"
        f" {shorter + 1} pixels; choose a larger photo."
    )


def test_a_photo_with_too_many_pixels_is_refused(tmp_path: Path) -> None:
    head = struct.pack(">II5B", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", b"")]
    png = b"".join(struct.pack(">I4s", len(c), kind) + c + bytes(4) for kind, c in chunks)
    bomb = file(tmp_path, b"\x89PNG\r\n\x1a\n" + png)

    with pytest.raises(Reject, match=r"^This photo has 900 megapixels; the limit is 200\. Make it"):
        check(bomb, 0)
    dimensions_check(PhotoOptions(max_pixels=900_000_000)).function(bomb)


@pytest.mark.parametrize("format", CONTENTS)
def test_a_broken_header_is_refused(tmp_path: Path, format: str) -> None:
    needed = {"jpeg": 160, "png": 30, "webp": 25, "gif": 9, "heif": 300}[format]
    for size in range(12 if format != "gif" else 6, needed):
        with pytest.raises(Reject, match="damaged or incomplete"):
            check(file(tmp_path, CONTENTS[format][:size]), 0)


@pytest.mark.parametrize("content", [b"", b"\xff", b"GIF88a", b"%PDF-1.7", b"RIFF1234WAVE"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Reject, match="The content of this file is not a JPEG"):
        check(file(tmp_path, content), 0)


def test_a_person_reads_the_dimensions_of_the_upright_photo(tmp_path: Path) -> None:
    photo = file(tmp_path, saved(picture(300, 200), "JPEG", exif=exif(6)))

    with pytest.raises(Reject, match=dimensions_text(200, 300)):
        check(photo, 1000)


def test_a_sentence_is_in_the_language_of_the_person(tmp_path: Path) -> None:
    path = file(tmp_path, CONTENTS["jpeg"][:100]).path

    with pytest.raises(Reject, match="这张照片已损坏或不完整"):
        check(CheckedFile(path, language="zh-CN"), 0)


# ---- HEIC


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full(kind: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags) + content)


def ispe(width: int, height: int) -> bytes:
    return full(b"ispe", struct.pack(">II", width, height))


def heic(*properties: bytes, wide: bool = False, tiles: bytes = b"") -> bytes:
    """Return the header of a file whose picture, item 2, has these properties.

    Args:
        wide: whether numbers of items and properties have more bytes.
        tiles: a property of item 1.
    """
    indexes = range(1 + bool(tiles), 1 + bool(tiles) + len(properties))
    associations = [(2, list(indexes))] if not tiles else [(1, [1]), (2, list(indexes))]
    ipma = struct.pack(">I", len(associations))
    for item, numbers in associations:
        ipma += struct.pack(">IB" if wide else ">HB", item, len(numbers))
        ipma += struct.pack(f">{len(numbers)}{'H' if wide else 'B'}", *numbers)
    pitm = struct.pack(">I" if wide else ">H", 2)
    iprp = box(b"ipco", tiles + b"".join(properties)) + full(b"ipma", ipma, wide, wide)
    meta = full(b"pitm", pitm, wide) + box(b"iprp", iprp)
    return box(b"ftyp", b"heic\0\0\0\0mif1") + box(b"free", b"") + full(b"meta", meta)


@pytest.mark.parametrize("wide", [False, True])
def test_a_heic_photo_has_the_size_of_the_main_picture(wide: bool) -> None:
    found = header(heic(ispe(4032, 3024), wide=wide, tiles=ispe(512, 512)))

    assert found == Photo(format="heif", width=4032, height=3024)


@pytest.mark.parametrize(("turns", "size"), [(0, (40, 30)), (1, (30, 40)), (2, (40, 30))])
def test_a_heic_photo_is_cropped_and_turned(turns: int, size: tuple[int, int]) -> None:
    crop = box(b"clap", struct.pack(">8I", 40, 1, 60, 2, 0, 1, 0, 1))
    found = header(heic(ispe(64, 64), crop, box(b"irot", bytes([turns]))))

    assert (found.width, found.height) == size


@pytest.mark.parametrize(
    ("colours", "wide_gamut"),
    [
        (b"nclx" + struct.pack(">HHHB", 12, 13, 6, 128), True),
        (b"nclx" + struct.pack(">HHHB", 1, 13, 6, 128), False),
        (b"prof....desc" + "Display P3".encode("utf-16-be"), True),
        (b"prof....desc" + b"Display P3", True),
        (b"prof....desc" + "sRGB".encode("utf-16-be"), False),
    ],
)
def test_the_colours_of_a_heic_photo_are_known(colours: bytes, wide_gamut: bool) -> None:
    found = header(heic(ispe(64, 64), box(b"colr", colours)))

    assert found.has_wide_gamut is wide_gamut


@pytest.mark.parametrize(
    "content",
    [
        heic(),
        heic(ispe(0, 1)),
        heic(box(b"ispe", b"")),
        heic(ispe(1, 1), box(b"clap", bytes(32))),
        heic(ispe(1, 1))[:40] + b"\xff" * 8,
        box(b"ftyp", b"heic\0\0\0\0mif1") + full(b"meta", bytes(5 << 20)),
    ],
)
def test_a_broken_heic_header_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Reject, match="damaged or incomplete"):
        check(file(tmp_path, content), 0)
