"""Rotated and cropped pictures: what the browser makes of them, and what it leaves as it was."""

import base64
import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from support.photos import BLUE, ORIENTATION, RED, SECRETS, colour_at, exif, picture, saved
from support.serving import serve, site

pytestmark = pytest.mark.browser

CANVAS = Path(__file__).parents[2] / "web/page/canvas.js"
RUN = """async ([operation, content, type, edit]) => {
  const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  const module = await import("/canvas.js");
  const made = await module[operation](new File([bytes], "a", { type }), edit);
  const url = await new Promise((done) => {
    const reader = Object.assign(new FileReader(), { onload: () => done(reader.result) });
    reader.readAsDataURL(made instanceof Blob ? made : new Blob());
  });
  return url;
}"""
NEAR = 12  # of 255; JPEG changes colours
SOS = b"\xff\xda"  # the compressed data follows

Edited: TypeAlias = Callable[..., bytes]


@pytest.fixture(scope="module")
def edited(browser: Browser) -> Iterator[Edited]:
    """A function that edits a picture in the browser."""

    async def canvas(_request: Request) -> Response:
        return Response(CANVAS.read_bytes(), media_type="text/javascript")

    with serve(site("<title>canvas</title>", Route("/canvas.js", canvas))) as url:
        page = browser.new_page()
        page.goto(url)

        def edited(content: bytes, kind: str, edit: str, operation: str = "edited") -> bytes:
            given = [operation, base64.b64encode(content).decode(), f"image/{kind}", edit]
            return base64.b64decode(page.evaluate(RUN, given).partition(",")[2])

        yield edited
        page.close()


def upright(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as made:
        return saved(ImageOps.exif_transpose(made), "PNG")


def assert_is(colour: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    assert max(abs(a - b) for a, b in zip(colour, wanted, strict=True)) <= NEAR, colour


def in_order(content: bytes, order: str) -> bytes:
    """Return a JPEG with metadata in this byte order and without an orientation."""
    made = exif()
    made.endian = order
    return saved(Image.open(io.BytesIO(content)), "JPEG", exif=made, quality=95)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_jpeg_that_is_only_rotated_keeps_its_data(
    edited: Edited, orientation: int, turns: int
) -> None:
    before = saved(picture(64, 32), "JPEG", exif=exif(orientation), quality=95)

    after = edited(before, "jpeg", f"[{turns}, 0, 0, 0, 0]")

    assert after[after.index(SOS) :] == before[before.index(SOS) :]
    assert all((secret in after) == (secret in before) for secret in SECRETS)
    turned = Image.open(io.BytesIO(upright(before))).rotate(-90 * turns, expand=True)
    shown = Image.open(io.BytesIO(upright(after)))
    assert shown.size == turned.size
    assert shown.tobytes() == turned.tobytes()


@pytest.mark.parametrize(
    "before",
    [
        saved(picture(64, 32), "JPEG", quality=95),
        saved(picture(64, 32), "JPEG", quality=95)[:2]
        + saved(picture(64, 32), "JPEG", quality=95)[20:],
        in_order(saved(picture(64, 32), "JPEG"), "<"),
        in_order(saved(picture(64, 32), "JPEG"), ">"),
    ],
    ids=["without metadata", "without JFIF", "Intel", "Motorola"],
)
def test_a_jpeg_without_an_orientation_gets_one(edited: Edited, before: bytes) -> None:
    after = edited(before, "jpeg", "[1, 0, 0, 0, 0]")

    assert after[after.index(SOS) :] == before[before.index(SOS) :]
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
        assert dict(new.getexif()) == {**old.getexif(), ORIENTATION: 6}
        assert new.getexif().get_ifd(0x8825) == old.getexif().get_ifd(0x8825)


def test_a_jpeg_with_broken_metadata_is_encoded(edited: Edited) -> None:
    metadata = b"Exif\0\0MM\0*" + struct.pack(">I", 9999)
    content = saved(picture(64, 32), "JPEG", quality=95)
    segment = b"\xff\xe1" + struct.pack(">H", len(metadata) + 2) + metadata

    after = edited(content[:2] + segment + content[2:], "jpeg", "[1, 0, 0, 0, 0]")

    assert Image.open(io.BytesIO(after)).size == (32, 64)
    assert b"Exif" not in after


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_a_cropped_picture_is_upright_and_has_no_metadata(edited: Edited, kind: str) -> None:
    before = saved(picture(64, 32), kind, exif=exif(6), quality=95)  # shown as 32 x 64
    if kind != "jpeg":  # Chromium shows a WebP, and WebKit a PNG, as it is stored
        shown = Image.open(io.BytesIO(upright(before)))
        before = saved(shown, kind, exif=exif(), quality=95)

    after = edited(before, kind, "[1, 40, 4, 20, 24]")  # of 64 x 32, with red at the bottom right

    with Image.open(io.BytesIO(after)) as made:
        assert (made.size, (made.format or "").lower()) == ((20, 24), kind)
    assert not any(secret in after for secret in SECRETS)
    assert_is(colour_at(after, 0.5, 0.2), BLUE)
    assert_is(colour_at(after, 0.5, 0.8), RED)


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_an_animation_is_not_edited(edited: Edited, kind: str) -> None:
    frames = [picture(8, 8), picture(8, 8).rotate(90)]
    animation = saved(frames[0], kind, save_all=True, append_images=frames[1:])

    edited(saved(frames[0], kind), kind, "", "open")
    with pytest.raises(Exception, match="animated"):
        edited(animation, kind, "", "open")
