"""Rows of the list: what they show of a file, and that only those near the window exist."""

import pytest
from playwright.sync_api import Page

from e2e.conftest import slow_on_pyodide
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import until
from support.expecting import expect

pytestmark = pytest.mark.e2e

MANY = """(zone) => {
  const dataTransfer = new DataTransfer();
  for (let i = 0; i < 300; i++) dataTransfer.items.add(new File(["x"], `photo-${i}.txt`));
  zone.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
}"""
DROP_VIDEO = """async () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [64, 48];
  const pen = canvas.getContext("2d");
  pen.fillStyle = "rgb(200, 30, 30)";
  const recorder = new MediaRecorder(canvas.captureStream(), {mimeType: "video/webm"});
  const pieces = [];
  recorder.ondataavailable = ({data}) => pieces.push(data);
  recorder.start();
  for (let frame = 0; frame < 10; frame++) {
    pen.fillRect(0, 0, 64, 48);
    await new Promise((done) => setTimeout(done, 50));
  }
  await new Promise((done) => ((recorder.onstop = done), recorder.stop()));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(pieces, "clip.webm", {type: "video/webm"}));
  document.body.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true}));
}"""
AS_CHROMIUM_DOES = "() => {}"  # at times the picture is there a moment after the data
DATA_BEFORE_PICTURE = """() => Object.defineProperty(HTMLMediaElement.prototype, "onloadeddata", {
  set(run) { queueMicrotask(run); },
})"""
MIDDLE = "(canvas) => [...canvas.getContext('2d').getImageData(44, 44, 1, 1).data]"
IS_IN_WINDOW = "(row) => row.getBoundingClientRect().bottom <= innerHeight"


@slow_on_pyodide
@pytest.mark.parametrize(
    "told", [AS_CHROMIUM_DOES, DATA_BEFORE_PICTURE], ids=["as it comes", "too early"]
)
def test_a_video_shows_its_first_frame(uploader: UploaderPage, page: Page, told: str) -> None:
    page.evaluate(told)
    page.evaluate(DROP_VIDEO)

    row = uploader.row("clip.webm")
    red, green, blue, opaque = row.locator.locator("canvas").evaluate(MIDDLE)
    assert (red > 150, green < 80, blue < 80, opaque) == (True, True, True, 255)
    row.expect_state("done")


@slow_on_pyodide
def test_rows_far_from_the_window_cost_nothing_and_are_there_when_wanted(
    uploader: UploaderPage, page: Page
) -> None:
    uploader.drop_zone.evaluate(MANY)
    expect(uploader.total).to_contain_text("of 300 files")
    assert uploader.rows.count() < 200

    last = uploader.row("photo-299.txt")

    def is_at_the_end() -> bool:
        page.keyboard.press("End")  # again if rows came while the browser was still scrolling
        return bool(last.locator.count() and last.locator.evaluate(IS_IN_WINDOW))

    until(page, is_at_the_end)

    expect(last.locator).to_have_attribute("aria-setsize", "300")
    uploader.total.get_by_role("button", name="Pause all").click()
