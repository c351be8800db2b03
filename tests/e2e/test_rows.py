"""Rows of the list: their contents, and that only rows near the visible part exist."""

import base64
from typing import Any

import pytest
from playwright.sync_api import Page

from e2e.conftest import StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import until
from support.expecting import expect

pytestmark = pytest.mark.e2e

MANY = """(zone) => {
  const dataTransfer = new DataTransfer();
  for (let i = 0; i < 300; i++) dataTransfer.items.add(new File(["x"], `photo-${i}.txt`));
  zone.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
}"""
CLIP: Any = {  # 0.25 s of red, 64 x 48, VP8; stored here, because not every engine can record it
    "name": "clip.webm",
    "mimeType": "video/webm",
    "buffer": base64.b64decode(
        "GkXfo59ChoEBQveBAULygQRC84EIQoKEd2VibUKHgQRChYECGFOAZwEAAAAAAAJQEU2bdLlNu4tTq4QVSalmU6yBbk"
        "27i1OrhBZUrmtTrIGTTbuLU6uEH0O2dVOsgdRNu4xTq4QcU7trU6yCAj7srgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAVSalmoCrXsYMPQkBEiYRDSVJvTYCGQ2hyb21lV0GGQ2hyb21lFlSua7yuut"
        "eBAXPFh/ziz337RyGDgQFV7oEBhoVWX1ZQOOCdsIFAuoEwU8CBAVWwkFWxgQFVuYECVbqBDVW7gQEfQ7Z1AQAAAAAA"
        "AV7ngQCg9aHEgQAAAHADAJ0BKkAAMAAABwiFhYiZhIgBJBATrVAfwBA4RwfvoTZ5cAD+/pSAf+5APZAPZAP4T//8WF"
        "fxYV/FhX/xUQB1oaymqu6BAaWl0AIAnQEqQAAwAAAHCIWFiJmEiAEkEAA0cn5mPN+KwAD+/7qDAKC3oZaBADEA0QEA"
        "ABAJIADAAMLBf6AARGAAdaGZppfugQGlktEBAAAQCSAAwADCwX+gAERgAPuBAKC3oZaBAGQA0QEAABAJIADAAMLBf6"
        "AARGAAdaGZppfugQGlktEBAAAQCSAAwADCwX+gAERgAPuBMaC3oZaBAJcA0QEAABAJIADAAMLBf6AARGAAdaGZppfu"
        "gQGlktEBAAAQCSAAwADCwX+gAERgAPuBZKC3oZaBAMkA0QEAABAJIADAAMLBf6AARGAAdaGZppfugQGlktEBAAAQCS"
        "AAwADCwX+gAERgAPuBlxxTu2uNu4uzgQC3hveBAfGB1A=="
    ),
}
AS_CHROMIUM_DOES = "() => {}"  # sometimes the image is available shortly after the data
DATA_BEFORE_PICTURE = """() => {
  const set = (run) => queueMicrotask(run);
  Object.defineProperty(HTMLMediaElement.prototype, "onloadeddata", {set});
}"""
NOTHING_IS_DRAWN = """() => {
  const real = window.createImageBitmap;
  window.createImageBitmap = () => real(document.createElement("canvas"));
}"""
MIDDLE = "(canvas) => [...canvas.getContext('2d').getImageData(44, 44, 1, 1).data]"
IS_IN_WINDOW = "(row) => row.getBoundingClientRect().bottom <= innerHeight"


DROP_WITH_REFUSED = """(zone) => {
  const dataTransfer = new DataTransfer();
  for (let i = 0; i < 300; i++) {
    dataTransfer.items.add(new File(["x"], `photo-${i}.${[7, 250].includes(i) ? "exe" : "txt"}`));
  }
  zone.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
}"""


@pytest.mark.skip_browser("webkit")  # WebKitGTK shows no video without a graphics card
@pytest.mark.parametrize(
    "told", [AS_CHROMIUM_DOES, DATA_BEFORE_PICTURE], ids=["as it comes", "too early"]
)
def test_a_video_shows_its_first_frame(uploader: UploaderPage, page: Page, told: str) -> None:
    page.evaluate(told)

    row = uploader.choose(CLIP)

    red, green, blue, opaque = row.locator.locator("canvas").evaluate(MIDDLE)
    assert (red > 150, green < 80, blue < 80, opaque) == (True, True, True, 255)
    row.expect_state("done")


def test_a_video_that_the_browser_draws_as_nothing_keeps_its_ending(
    uploader: UploaderPage, page: Page
) -> None:
    page.evaluate(NOTHING_IS_DRAWN)

    row = uploader.choose(CLIP)

    row.expect_state("done")
    page.wait_for_timeout(1000)  # a thumbnail would be visible by then
    expect(row.locator.locator("canvas")).to_have_count(0)
    expect(row.locator).to_contain_text("webm")


def test_rows_far_from_the_window_cost_nothing_and_are_there_when_wanted(
    uploader: UploaderPage, page: Page
) -> None:
    uploader.drop_zone.evaluate(MANY)
    expect(uploader.total).to_contain_text("of 300 files")
    assert uploader.rows.count() < 200

    last = uploader.row("photo-299.txt")

    def is_at_the_end() -> bool:
        page.keyboard.press("End")  # repeat it if rows were added during scrolling
        return bool(last.locator.count() and last.locator.evaluate(IS_IN_WINDOW))

    until(page, is_at_the_end)

    expect(last.locator).to_have_attribute("aria-setsize", "300")
    uploader.total.get_by_role("button", name="Pause all").click()


def test_a_person_goes_from_one_refused_file_to_the_next_also_far_down_the_list(
    start_demo: StartDemo, page: Page
) -> None:
    _, uploader = start_demo(allowed_types=(".txt",))
    uploader.start()
    uploader.drop_zone.evaluate(DROP_WITH_REFUSED)
    expect(uploader.total).to_contain_text("of 298 files 2 not accepted")
    first, second = (uploader.row(f"photo-{number}.exe") for number in (7, 250))
    expect(second.locator).to_have_count(0)  # its row is far from the window

    uploader.total.get_by_role("button", name="Next not accepted").click()
    expect(first.locator.get_by_role("button", name="Remove")).to_be_focused()
    page.keyboard.press("Alt+KeyN")
    expect(second.locator.get_by_role("button", name="Remove")).to_be_focused()
    expect(second.locator).to_be_in_viewport()
    page.keyboard.press("Delete")
    expect(uploader.total).to_contain_text("1 not accepted")
    page.keyboard.press("Alt+KeyN")
    expect(first.locator.get_by_role("button", name="Remove")).to_be_focused()


def test_waiting_files_are_moved_by_keyboard_and_by_dragging(
    start_demo: StartDemo, page: Page
) -> None:
    _, uploader = start_demo(limits={"min_files": 5})
    uploader.start()
    uploader.drop(a__txt="a", b__txt="b", c__txt="c")
    names = "rows => rows.map((row) => row.dataset.name[0]).join('')"
    toast = page.locator("#toast")

    uploader.row("a.txt").locator.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(toast).to_have_text("a.txt is number 2 of 3 waiting files.")
    page.keyboard.press("Alt+ArrowDown")
    expect(toast).to_have_text("a.txt is number 3 of 3 waiting files.")
    page.keyboard.press("Alt+ArrowDown")  # it is the last one
    expect(uploader.row("a.txt").locator.get_by_role("button").first).to_be_focused()
    assert uploader.rows.evaluate_all(names) == "bca"

    send_next = uploader.row("a.txt").locator.get_by_role("button", name="Send next")
    send_next.click()
    expect(send_next).to_have_count(0)
    uploader.row("a.txt").locator.locator(".kind").hover()
    page.mouse.down()
    uploader.row("c.txt").locator.locator(".kind").hover()
    uploader.row("b.txt").locator.locator(".kind").hover()
    expect(uploader.row("b.txt").locator).to_have_attribute("data-drop", "before")
    page.mouse.up()
    expect(toast).to_have_text("a.txt is number 1 of 3 waiting files.")
    assert uploader.rows.evaluate_all(names) == "abc"
    expect(send_next).to_be_visible()  # the list says its place now
    uploader.drop(d__txt="d", e__txt="e")
    expect(uploader.total).to_contain_text("5 of 5 files")
