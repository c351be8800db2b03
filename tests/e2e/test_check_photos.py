"""Photos lose their position, and HEIC becomes JPEG, before a byte leaves the browser."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from e2e.conftest import operator_bucket
from e2e.pages.uploader import CHECKED_MS, UploaderPage
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.photos import SECRETS, exif, picture, saved, vector

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

StartDemo = Callable[..., tuple[Demo, UploaderPage]]
MakeFile = Callable[[str, bytes], Path]


def image_of(demo: Demo, key: str) -> Image.Image:
    """Return the stored photo, and expect no secret in it."""
    content: Any = operator_bucket(demo).get_object(key).read()
    assert [each for each in SECRETS if each in content] == []
    return Image.open(io.BytesIO(content))


def test_photos_are_changed_or_refused_before_their_upload(
    start_demo: StartDemo, make_file: MakeFile
) -> None:
    demo, uploader = start_demo(checks_built_in={"photos": {"max_side": 400, "min_side": 40}})
    uploader.open()
    uploader.expect_ready()
    small = saved(picture(300, 200), "JPEG", exif=exif(6))
    large = saved(picture(1600, 1200), "JPEG", quality=95, exif=exif(6))

    uploader.choose(make_file("small.jpg", small))
    uploader.choose(make_file("large.jpg", large))
    uploader.choose(make_file("IMG_1.HEIC", vector("rotated.heic")))
    uploader.choose(make_file("icon.png", saved(picture(32, 32), "PNG")))
    rows = {name: uploader.row(name) for name in ("small.jpg", "large.jpg", "IMG_1.jpg")}
    for row in rows.values():
        row.expect_state("done", timeout_ms=CHECKED_MS)
    rows["large.jpg"].expect_says(re.compile(r"\d\skB → \d"))
    icon = uploader.row("icon.png")
    icon.expect_state("failed", timeout_ms=CHECKED_MS)
    icon.expect_says("This photo has 32 × 32 pixels. The shorter side must have at least 40 pixels")  # noqa: RUF001

    images = {name: image_of(demo, row.key) for name, row in rows.items()}
    assert images["small.jpg"].tobytes() == Image.open(io.BytesIO(small)).tobytes()
    assert {name: (each.format, each.size) for name, each in images.items()} == {
        "small.jpg": ("JPEG", (300, 200)),
        "large.jpg": ("JPEG", (300, 400)),
        "IMG_1.jpg": ("JPEG", (64, 96)),
    }


def test_the_limits_of_type_and_size_apply_to_the_changed_photo(
    start_demo: StartDemo, make_file: MakeFile
) -> None:
    demo, uploader = start_demo(
        checks_built_in={"photos": {"heic": True, "max_side": 400}},
        allowed_types=["image/jpeg"],
        max_file_size=100_000,
        checks_undo_s=60,
    )
    uploader.open()
    uploader.expect_ready()
    large = saved(Image.effect_noise((1600, 1200), 60), "JPEG", quality=95)
    assert len(large) > 100_000

    uploader.choose(make_file("IMG_1.HEIC", vector("rotated.heic")))
    uploader.choose(make_file("large.jpg", large))
    uploader.choose(make_file("small.gif", saved(picture(30, 30), "GIF")))
    rows = {name: uploader.row(name) for name in ("IMG_1.jpg", "large.jpg")}
    for row in rows.values():
        row.expect_state("done", timeout_ms=CHECKED_MS)

    uploader.row("small.gif").expect_state("failed")
    assert image_of(demo, rows["IMG_1.jpg"].key).format == "JPEG"
    assert image_of(demo, rows["large.jpg"].key).size == (400, 300)
    expect(uploader.files_input).to_have_attribute(
        "accept", re.compile(r"^image/jpeg,\.heic,\.heif,\.hif,")
    )
