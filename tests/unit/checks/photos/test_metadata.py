"""Metadata is removed without any change of the picture."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from ossferry_checks import CheckedFile, Reject, Replace
from ossferry_checks.builtin.check_options import BuiltInOptions, PhotoOptions
from ossferry_checks.builtin.selection import built_in_checks
from ossferry_checks.photos.metadata import remove_metadata
from ossferry_checks.runner import run
from support.checking import written
from support.photos import SECRETS, exif, picture, saved, vector

FORMATS = ["JPEG", "PNG", "WEBP"]
POSITION_REMOVED = "The position and other hidden data were removed."
METADATA_REMOVED = "Camera data and other hidden data were removed."
XMP = b"<x:xmpmeta>exif:GPSLatitude</x:xmpmeta>"

MakeFile: TypeAlias = Callable[[bytes], CheckedFile]


@pytest.fixture
def file(tmp_path: Path) -> MakeFile:
    return lambda content: written(tmp_path, "photo.jpg", content)


def stripped(change: Replace | None) -> bytes:
    assert change is not None
    return change.path.read_bytes()


def pixels(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        return image.tobytes()


def tags(content: bytes) -> dict[int, Any]:
    with Image.open(io.BytesIO(content)) as image:
        return dict(image.getexif())


def expect_no_secret(content: bytes) -> None:
    assert [each for each in (*SECRETS, b"GPSL") if each in content] == []


@pytest.mark.parametrize("format", FORMATS)
def test_position_and_camera_are_removed(file: MakeFile, format: str) -> None:
    photo = saved(picture(64, 48), format, exif=exif())

    change = remove_metadata(file(photo))

    assert change is not None
    assert (change.reason, change.name, change.type) == (POSITION_REMOVED, "", "image/jpeg")
    assert tags(stripped(change)) == {}
    assert pixels(stripped(change)) == pixels(photo)
    expect_no_secret(stripped(change))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("orientation", [2, 6, 8])
def test_the_orientation_stays(file: MakeFile, format: str, orientation: int) -> None:
    photo = saved(picture(64, 48), format, exif=exif(orientation))

    new = stripped(remove_metadata(file(photo)))

    assert tags(new) == {0x0112: orientation}
    expect_no_secret(new)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("format", FORMATS)
def test_a_photo_without_metadata_is_not_changed(
    file: MakeFile, format: str, orientation: int
) -> None:
    photo = saved(picture(64, 48), format, exif=exif(orientation))
    once = stripped(remove_metadata(file(photo)))

    assert remove_metadata(file(once)) is None


@pytest.mark.parametrize("format", FORMATS)
def test_without_a_position_the_person_does_not_read_of_one(file: MakeFile, format: str) -> None:
    change = remove_metadata(file(saved(picture(8, 8), format, exif=exif(position=False))))

    assert change is not None
    assert change.reason == METADATA_REMOVED


@pytest.mark.parametrize("format", FORMATS)
def test_the_position_in_xmp_is_removed(file: MakeFile, format: str) -> None:
    change = remove_metadata(file(with_xmp(format)))

    assert change is not None
    assert change.reason == POSITION_REMOVED
    expect_no_secret(stripped(change))


def with_xmp(format: str) -> bytes:
    if format != "PNG":
        return saved(picture(8, 8), format, xmp=XMP)
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return saved(picture(8, 8), format, pnginfo=info)


@pytest.mark.parametrize("format", FORMATS)
def test_the_colour_profile_stays(file: MakeFile, format: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = saved(picture(8, 8), format, icc_profile=profile, exif=exif())

    new = stripped(remove_metadata(file(photo)))

    with Image.open(io.BytesIO(new)) as image:
        assert image.info["icc_profile"] == profile


@pytest.mark.parametrize("format", FORMATS)
def test_data_after_the_end_is_removed(file: MakeFile, format: str) -> None:
    photo = saved(picture(8, 8), format)

    assert stripped(remove_metadata(file(photo + b"a second picture"))) == photo


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_an_animation_keeps_its_frames(file: MakeFile, format: str) -> None:
    frames = [picture(32, 32).rotate(90 * turn) for turn in range(3)]
    photo = saved(frames[0], format, save_all=True, append_images=frames[1:], exif=exif())

    new = stripped(remove_metadata(file(photo)))

    with Image.open(io.BytesIO(new)) as after, Image.open(io.BytesIO(photo)) as before:
        assert after.n_frames == before.n_frames == 3  # type: ignore[attr-defined]
    expect_no_secret(new)


@pytest.mark.parametrize("content", [saved(picture(8, 8), "GIF"), vector("rotated.heic")])
def test_other_formats_keep_their_metadata(file: MakeFile, content: bytes) -> None:
    assert remove_metadata(file(content)) is None


@pytest.mark.parametrize("format", FORMATS)
def test_a_photo_that_ends_too_early_is_refused(file: MakeFile, format: str) -> None:
    photo = saved(picture(64, 48), format, exif=exif(6))
    for size in range(12, len(photo) - 1):
        with pytest.raises(Reject, match="This photo is damaged or incomplete"):
            remove_metadata(file(photo[:size]))


def test_the_content_decides_and_not_the_name(file: MakeFile) -> None:
    with pytest.raises(Reject, match="is not a JPEG, PNG, WebP, GIF or HEIC photo"):
        remove_metadata(file(b"%PDF-1.7 is no photo"))


def test_outside_of_a_browser_only_the_metadata_changes(file: MakeFile) -> None:
    photos = PhotoOptions(max_side=8)
    checks = built_in_checks(BuiltInOptions(photos=photos)).around([])

    verdict = asyncio.run(run(checks, file(saved(picture(64, 48), "JPEG", exif=exif()))))

    assert [(each.check, each.outcome) for each in verdict.ran] == [
        ("photo_dimensions", "passed"),
        ("photo_heic", "passed"),
        ("photo_size", "passed"),
        ("photo_metadata", "changed"),
    ]


@pytest.mark.parametrize(("heic", "outcome"), [(True, "passed"), (False, "rejected")])
def test_a_heic_file_with_another_ending_is_accepted_as_in_the_browser(
    file: MakeFile, heic: bool, outcome: str
) -> None:
    options = BuiltInOptions(file_type=True, photos=PhotoOptions(heic=heic))
    checks = built_in_checks(options).around([])

    verdict = asyncio.run(run(checks, file(vector("rotated.heic"))))

    assert {each.outcome for each in verdict.ran} == {outcome}


def test_the_changes_can_be_switched_off() -> None:
    photos = PhotoOptions(strip=False, heic=False)
    checks = built_in_checks(BuiltInOptions(photos=photos))

    assert ([each.name for each in checks.before], checks.after) == (["photo_dimensions"], [])
