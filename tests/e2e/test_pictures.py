"""Pictures are rotated and cropped before they are sent."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Page

from e2e.axe import violations
from e2e.conftest import operator_bucket
from e2e.pages.uploader import UploaderPage
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.photos import BLUE, RED, colour_at, exif, picture, saved

pytestmark = pytest.mark.e2e

X = "\N{MULTIPLICATION SIGN}"
MODEL = "support.details_model:Photo"


@pytest.mark.pyodide
def test_a_person_crops_one_picture_rotates_another_and_sends_both(
    start_demo: Callable[..., tuple[Demo, UploaderPage]],
    make_file: Callable[[str, bytes], Path],
    page: Page,
) -> None:
    demo, uploader = start_demo(details=MODEL)
    uploader.start()
    uploader.choose(make_file("a.png", saved(picture(400, 200), "PNG")))
    content = saved(picture(400, 200), "JPEG", exif=exif(), quality=95)
    uploader.choose(make_file("b.jpg", content))

    editor = uploader.edit_picture("a.png")
    expect(editor.get_by_role("status")).to_have_text(f"400 {X} 200 pixels.")
    editor.get_by_role("button", name="Rotate right").click()
    expect(editor.get_by_role("status")).to_contain_text(f"200 {X} 400 pixels. The picture is enc")
    corner = editor.get_by_role("button", name="Corner at the top left")
    box = corner.bounding_box() or {"x": 0, "y": 0}
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 55, box["y"] + 105)
    page.mouse.up()
    expect(editor.get_by_role("status")).to_contain_text(f"150 {X} 300 pixels")
    corner.press("ArrowRight")
    corner.press("Shift+ArrowDown")
    expect(editor.get_by_role("status")).to_contain_text(f"142 {X} 299 pixels")
    assert violations(page) == []
    editor.get_by_role("button", name="Use picture").click()
    expect(editor).to_have_count(0)
    uploader.dialog("details").get_by_role("button", name="Close").click()

    editor = uploader.edit_picture("b.jpg")
    editor.get_by_role("button", name="Rotate left").click()
    expect(editor.get_by_role("status")).to_contain_text(f"200 {X} 400 pixels. The picture is rot")
    editor.get_by_role("button", name="Use picture").click()
    uploader.dialog("details").get_by_role("button", name="Close").click()

    uploader.total.get_by_role("button", name="Fill in details").click()
    details = uploader.dialog("details")
    details.get_by_label("Title").fill("Sea")
    details.get_by_label("licence").select_option("CC0")
    details.get_by_role("button", name="Save").click()
    stored = {}
    for name in ("a.png", "b.jpg"):
        row = uploader.row(name)
        row.expect_state("done")
        stored[name] = operator_bucket(demo).get_object(row.key).read()
    with Image.open(io.BytesIO(stored["a.png"])) as made:
        assert made.size == (142, 299)
    assert colour_at(stored["a.png"], 0.9, 0.01) == RED
    assert colour_at(stored["a.png"], 0.1, 0.01) == BLUE
    with Image.open(io.BytesIO(stored["b.jpg"])) as made:
        assert ImageOps.exif_transpose(made).size == (200, 400)
    assert stored["b.jpg"][-1000:] == content[-1000:]
