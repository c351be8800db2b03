"""People record photos, videos and sound, where the operator allows it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from e2e.axe import violations
from e2e.conftest import Console, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.test_page import PASTE
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

# Devices of the page's own: a drawing canvas for the camera, and an oscillator for the microphone.
DEVICES = """() => {
  const canvas = document.createElement("canvas");
  setInterval(() => canvas.getContext("2d").fillRect(0, 0, Math.random() * 300, 150), 40);
  window.devices = navigator.mediaDevices;  // else WebKit collects the object with the function
  devices.getUserMedia = async ({ video, audio }) => {
    if (window.refusal) throw new DOMException("no", window.refusal);
    const stream = new MediaStream(video ? canvas.captureStream(25).getTracks() : []);
    if (audio) {
      const context = new AudioContext();
      const tone = context.createOscillator();
      const target = context.createMediaStreamDestination();
      tone.connect(target);
      tone.start();
      target.stream.getTracks().forEach((track) => stream.addTrack(track));
    }
    return (window.given = stream);
  };
}"""
# The next recording fails, as all do in WebKitGTK here.
BREAK = """() => {
  const { start } = MediaRecorder.prototype;
  MediaRecorder.prototype.start = () => {
    MediaRecorder.prototype.start = start;
    throw new Error("broken");
  };
}"""
ENDED = "() => given.getTracks().every(({ readyState }) => readyState === 'ended')"


@pytest.mark.pyodide
@pytest.mark.skip_browser("webkit")  # WebKitGTK shows no video without a graphics card
def test_a_person_takes_a_photo_and_records_a_video_and_sound(
    start_demo: Callable[..., tuple[Demo, UploaderPage]], page: Page
) -> None:
    demo, uploader = start_demo(record=["camera", "sound"])
    uploader.start()
    page.evaluate(DEVICES)
    dialog = uploader.dialog("recording")

    page.evaluate("() => { window.refusal = 'NotAllowedError'; }")
    uploader.record("Camera")
    expect(dialog.get_by_role("status")).to_contain_text("The browser does not allow it.")
    page.evaluate("() => { window.refusal = ''; }")
    dialog.get_by_role("button", name="Camera").click()
    dialog.get_by_role("button", name="Take photo").click()
    expect(dialog.get_by_role("status")).to_contain_text(re.compile(r"^Photo \d{4}-.*\.jpg$"))
    expect(dialog.locator("img")).to_have_js_property("naturalWidth", 300)
    assert page.evaluate(ENDED)
    dialog.get_by_role("button", name="Again").click()
    page.evaluate(BREAK)
    dialog.get_by_role("button", name="Start recording").click()
    expect(dialog.get_by_role("status")).to_have_text("Recording is not possible: broken")
    assert page.evaluate(ENDED)
    dialog.get_by_role("button", name="Camera").click()
    dialog.get_by_role("button", name="Start recording").click()
    expect(dialog.get_by_role("timer")).to_have_text("0:01")
    page.keyboard.press("Escape")  # does not lose the recording
    dialog.get_by_role("button", name="Stop").click()
    expect(dialog.locator("video[controls]")).to_be_visible()
    assert violations(page) == []
    dialog.get_by_role("button", name="Use recording").click()

    uploader.record("Sound")
    dialog.get_by_role("button", name="Start recording").click()
    expect(dialog.get_by_role("timer")).to_have_text("0:01")
    dialog.get_by_role("button", name="Stop").click()
    dialog.get_by_role("button", name="Use recording").click()
    expect(dialog).to_have_count(0)

    rows = page.locator("[data-testid=upload]")
    expect(rows).to_have_count(2)
    expect(page.locator("[data-testid=upload][data-state=done]")).to_have_count(2)
    keys = [row.get_attribute("data-key") or "" for row in rows.all()]
    found = [operator_bucket(demo).get_object(key) for key in keys]
    assert [each.content_type for each in found] == ["video/webm", "audio/webm"]
    assert [each.read()[:4] for each in found] == 2 * [b"\x1a\x45\xdf\xa3"]


@pytest.mark.slow
def test_what_exists_only_in_the_page_is_not_offered_after_a_reload(
    start_demo: Callable[..., tuple[Demo, UploaderPage]], page: Page, console: Console
) -> None:
    console.expected.append("status of 503")
    demo, uploader = start_demo()
    demo.oss.faults.add("unavailable", operation="PostObject")
    uploader.start()
    page.evaluate(PASTE)
    row = uploader.drop(a__txt="one")
    row.expect_says("Sending failed")
    expect(uploader.rows).to_have_count(2)
    expect(uploader.rows.filter(has_text="pasted")).to_contain_text("Sending failed")

    uploader.open()
    uploader.expect_ready()

    expect(page.locator("#unfinished")).to_contain_text("Continue 1 upload")


@pytest.mark.parametrize(
    ("record", "missing"),
    [
        ([], ""),
        (["sound"], "delete window.MediaRecorder;"),
        (["sound"], "MediaRecorder.isTypeSupported = () => false;"),
    ],
    ids=["not allowed", "no recorder", "no type"],
)
@pytest.mark.own_page(reason="a script changes the devices")
def test_without_the_option_or_a_recorder_there_is_no_button(
    start_demo: Callable[..., tuple[Demo, UploaderPage]],
    page: Page,
    record: list[str],
    missing: str,
) -> None:
    _, uploader = start_demo(record=record)
    page.add_init_script(missing)
    uploader.start()

    expect(uploader.grant).to_contain_text("May add files")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("button", name="Record")).to_have_count(0)
