"""People record photos, videos and sound, where the operator allows it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from e2e.axe import violations
from e2e.conftest import Console, operator_bucket
from e2e.pages.uploader import CHECKED_MS, UploaderPage
from e2e.storage_side import arrived, asked, pending, until
from e2e.test_page import PASTE
from e2e.test_secrets import POISON
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

# Devices of the page's own: a drawing canvas for the camera, and an oscillator for the microphone.
DEVICES = """() => {
  const canvas = document.createElement("canvas");
  const noise = new ImageData(300, 150);
  setInterval(() => {
    crypto.getRandomValues(noise.data.subarray(0, 65536));
    canvas.getContext("2d").putImageData(noise, 0, 0);
  }, 40);
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
CHECKS = """from ossferry_checks import check


@check("*.webm")
def is_short(file):
    assert file.size < 1e9
"""
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
    for _ in range(2):  # does not lose the recording
        page.keyboard.press("Escape")
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


# All recordings have ten times as many bytes.
DENSE = """() => {
  const { MediaRecorder: Real } = window;
  window.MediaRecorder = class extends Real {
    constructor(stream, options) { super(stream, { ...options, videoBitsPerSecond: 25e6 }); }
  };
}"""
KEPT = """() => new Promise((done) => {
  const opening = indexedDB.open("keyval-store");
  opening.onsuccess = () => {
    const keys = opening.result.transaction("keyval").objectStore("keyval").getAllKeys();
    keys.onsuccess = () => {
      opening.result.close();
      done(keys.result.filter((key) => key.startsWith("ossferry-recording/")).length);
    };
  };
})"""


# The locks of recordings that this browser's pages have.
LOCKS = """async () => {
  const { held } = await navigator.locks.query();
  return held.map(({ name }) => name).filter((name) => name.includes("recording-"));
}"""
# MediaRecorder stops half a second after the page asks it to, as on a slow device.
SLOW_STOP = """() => {
  const { stop } = MediaRecorder.prototype;
  MediaRecorder.prototype.stop = function () { setTimeout(() => stop.call(this), 500); };
}"""


def sent_parts(demo: Demo) -> list[str]:
    """Return the numbers of the parts that OSS has stored, in order."""
    return [seen.params["partNumber"] for seen in arrived(demo)]


def begin_video(uploader: UploaderPage, page: Page) -> None:
    """Begin to record a video with many bytes a second."""
    page.evaluate(DEVICES)
    page.evaluate(DENSE)
    uploader.record("Camera")
    uploader.dialog("recording").get_by_role("button", name="Start recording").click()


@pytest.mark.skip_browser("webkit")  # WebKitGTK records nothing
def test_a_recording_is_sent_while_it_runs_and_continues_in_a_later_page(
    start_demo: Callable[..., tuple[Demo, UploaderPage]], page: Page
) -> None:
    demo, uploader = start_demo(record=["camera"])
    uploader.start()
    begin_video(uploader, page)
    dialog = uploader.dialog("recording")
    expect(dialog.get_by_role("status")).to_contain_text("The recording is uploaded while it runs.")
    until(page, lambda: len(sent_parts(demo)) > 1, timeout_s=30)
    before = sent_parts(demo)

    uploader.start()

    unfinished = page.locator("#unfinished")
    expect(unfinished).to_contain_text(re.compile(r"Continue 1 upload \([1-9]\d?%\)"))
    expect(unfinished.locator("[data-testid=unfinished]")).to_contain_text("Recording 20")
    unfinished.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-testid=upload][data-state=done]")).to_have_count(1)
    expect(unfinished).to_be_hidden()
    (key,) = {each.key for each in asked(demo, "UploadPart")}
    stored = operator_bucket(demo).get_object(key)
    assert stored.content_type == "video/webm"
    assert stored.read()[:4] == b"\x1a\x45\xdf\xa3"
    assert stored.content_length > len(before) << 20
    sent = sent_parts(demo)
    assert [number for number in before if sent.count(number) > 1] == []
    assert page.evaluate(KEPT) == 0


@pytest.mark.skip_browser("webkit")  # WebKitGTK records nothing
@pytest.mark.parametrize("is_closed", [False, True], ids=["again", "closed while it stops"])
def test_a_recording_that_is_not_used_leaves_nothing(
    start_demo: Callable[..., tuple[Demo, UploaderPage]],
    page: Page,
    console: Console,
    is_closed: bool,
) -> None:
    console.expected.append("status of 404")  # OSS no longer has the parts
    demo, uploader = start_demo(record=["camera"])
    uploader.start()
    begin_video(uploader, page)
    until(page, lambda: sent_parts(demo), timeout_s=30)
    assert page.evaluate(KEPT) > 1
    dialog = uploader.dialog("recording")
    if is_closed:
        page.evaluate(SLOW_STOP)
        dialog.get_by_role("button", name="Stop").click()
        dialog.get_by_role("button", name="Close").click()
        page.wait_for_timeout(700)  # its last chunk comes after the dialog is closed
    else:
        dialog.get_by_role("button", name="Stop").click()
        dialog.get_by_role("button", name="Again").click()
        expect(dialog.get_by_role("button", name="Start recording")).to_be_visible()

    expect(uploader.rows).to_have_count(0)
    until(page, lambda: page.evaluate(KEPT) == 0)
    until(page, lambda: pending(demo) == [])


@pytest.mark.slow
@pytest.mark.skip_browser("webkit")  # WebKitGTK records nothing
def test_a_recording_that_checks_read_first_survives_its_page(
    start_demo: Callable[..., tuple[Demo, UploaderPage]], page: Page, tmp_path: Path
) -> None:
    checks = tmp_path / "checks.py"
    checks.write_text(CHECKS)
    demo, uploader = start_demo(record=["camera"], checks=checks)
    uploader.start()
    begin_video(uploader, page)
    dialog = uploader.dialog("recording")
    expect(dialog.get_by_role("status")).to_contain_text("It stays on this device")
    expect(dialog.get_by_role("timer")).to_have_text("0:02")

    uploader.start()
    page.locator("#unfinished").get_by_role("button", name="Continue").click()

    row = page.locator("[data-testid=upload][data-state=done]")
    expect(row).to_have_count(1, timeout=CHECKED_MS)
    stored = operator_bucket(demo).get_object(row.get_attribute("data-key") or "")
    assert stored.read()[:4] == b"\x1a\x45\xdf\xa3"
    until(page, lambda: page.evaluate(KEPT) == 0)


@pytest.mark.slow
@pytest.mark.skip_browser("webkit")  # WebKitGTK records nothing
def test_a_recording_ends_before_it_is_too_large_and_is_sent_again_as_a_file(
    start_demo: Callable[..., tuple[Demo, UploaderPage]], page: Page, console: Console
) -> None:
    console.expected.append("status of 40[34]")
    demo, uploader = start_demo(record=["camera"], max_file_size=4 << 20)
    demo.oss.faults.add("error", operation="UploadPart", code="AccessDenied")
    uploader.start()
    begin_video(uploader, page)

    dialog = uploader.dialog("recording")
    full = "It has the largest allowed size."
    expect(dialog.get_by_role("status")).to_contain_text(full, timeout=CHECKED_MS)
    expect(uploader.rows).to_contain_text("refused this file")
    demo.oss.faults.clear()
    dialog.get_by_role("button", name="Use recording").click()

    row = page.locator("[data-testid=upload][data-state=done]")
    expect(row).to_have_count(1)
    expect(uploader.rows).to_have_count(1)
    stored = operator_bucket(demo).get_object(row.get_attribute("data-key") or "")
    assert 2 << 20 < (stored.content_length or 0) <= 4 << 20
    until(page, lambda: page.evaluate(KEPT) == 0)


@pytest.mark.slow
@pytest.mark.skip_browser("webkit")  # WebKitGTK records nothing
def test_a_recording_beside_as_many_files_as_are_allowed_is_refused_when_it_is_used(
    start_demo: Callable[..., tuple[Demo, UploaderPage]], page: Page
) -> None:
    demo, uploader = start_demo(record=["camera"], max_files=1)
    demo.oss.faults.add("hang", operation="PostObject")
    uploader.start()
    uploader.drop(a__txt="one").expect_state("uploading")
    begin_video(uploader, page)
    dialog = uploader.dialog("recording")
    expect(dialog.get_by_role("status")).to_contain_text("It stays on this device")
    expect(dialog.get_by_role("timer")).to_have_text("0:02")
    expect(uploader.rows).to_have_count(1)
    dialog.get_by_role("button", name="Stop").click()
    dialog.get_by_role("button", name="Use recording").click()

    expect(uploader.rows).to_have_count(2)
    expect(uploader.rows.filter(has_text="Recording 20")).to_contain_text("at a time")
    until(page, lambda: page.evaluate(KEPT) == 0)


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


@pytest.mark.slow
def test_a_recording_of_another_release_is_kept(
    start_demo: Callable[..., tuple[Demo, UploaderPage]], page: Page, console: Console
) -> None:
    console.expected.append("favicon")  # Firefox requests it for a page without an icon
    demo, uploader = start_demo(record=["camera"])
    prefix = page.request.post(f"{demo.url}/api/grant").json()["prefix"]
    page.goto(f"{demo.url}/healthz")
    now_s = page.evaluate("Date.now()") / 1000
    later = {"version": 1000, "owner": prefix, "saved_at_s": now_s, "name": "Recording.webm"}
    page.evaluate(POISON, [["ossferry-recording/00ff", json.dumps(later)]])

    uploader.start()
    expect(uploader.grant).to_contain_text("May add files")
    page.wait_for_load_state("networkidle")

    assert page.evaluate(KEPT) == 1
    expect(page.locator("#unfinished")).to_be_hidden()
    until(page, lambda: not page.evaluate(LOCKS))  # a page of the later release may continue it


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
