"""An upload begun on one device is finished or discarded on another device."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from e2e.conftest import Console, MakeFile
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, arrived, expect_whole, noise, parts_there, pending, until
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

NAME = "video.bin"
CONTENT = noise(20 * MIB + 1, 56)
THERE = 6  # parts of 1 MiB; the next ones are larger
PATIENCE_MS = 30_000  # for loading more code or requests to OSS, on a busy machine


@pytest.fixture
def abandoned(demo: Demo, browser: Browser, runtime: str, make_file: MakeFile) -> Path:
    """A file of which another device has sent the first parts before it was switched off."""
    path = make_file(NAME, CONTENT)
    demo.oss.faults.add("hang", operation="UploadPart", skip=THERE)  # until its page is closed
    device = browser.new_context()
    page = device.new_page()
    there = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    there.choose(path)
    until(page, lambda: len(parts_there(demo)) >= THERE, timeout_s=60)
    device.close()
    while any(not request.duration_ms for request in demo.oss.requests):
        time.sleep(0.05)  # `clear` would execute a request whose end the mock has not noticed yet
    demo.oss.faults.clear()
    return path


@pytest.fixture
def here(demo: Demo, page: Page, console: Console, runtime: str, abandoned: Path) -> UploaderPage:
    """The page on this device, which has no record of that file."""
    opened = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    expect(line(opened)).to_be_visible(timeout=PATIENCE_MS)
    return opened


def line(here: UploaderPage) -> Locator:
    return here.page.get_by_test_id("other-device")


def choose(here: UploaderPage, path: Path) -> None:
    with here.page.expect_file_chooser() as chooser:
        line(here).get_by_role("button", name="Choose the file").click()
    chooser.value.set_files(path)


@pytest.mark.only_browser("chromium")  # WebDriver reports no file chooser
def test_another_device_finishes_what_one_has_begun(
    demo: Demo, here: UploaderPage, abandoned: Path, make_file: MakeFile
) -> None:
    box = here.page.get_by_role("region", name="Started on another device")
    expect(box).to_contain_text("only what is missing is sent")
    there = f"{sum(parts_there(demo)) / 1e6:.1f}"  # a part that was on its way may have arrived
    expect(line(here)).to_contain_text(
        re.compile(rf"{NAME}{re.escape(there)}\sMB is already there\s+started .* ago")
    )
    expect(line(here)).to_contain_text("a part has just arrived")
    (upload_id,) = pending(demo, NAME)

    choose(here, make_file("other.bin", b"?" + CONTENT[1:]))
    expect(line(here)).to_contain_text("This is not the same file")
    expect(here.rows).to_have_count(0)
    choose(here, abandoned)
    here.row(NAME).expect_state("done", timeout_ms=60_000)

    expect(box).to_be_hidden()
    expect_whole(demo, NAME, CONTENT)
    assert sum(seen.received_bytes for seen in arrived(demo, NAME)) == len(CONTENT)
    assert {seen.params["uploadId"] for seen in arrived(demo, NAME)} == {upload_id}


def test_what_another_device_has_begun_is_discarded_and_leaves_no_part(
    demo: Demo, here: UploaderPage
) -> None:
    line(here).get_by_role("button", name="Discard").click()
    sure = line(here).get_by_role("button", name="Really discard 1 upload")
    expect(line(here).get_by_role("button", name="Cancel")).to_be_focused()
    line(here).get_by_role("button", name="Cancel").click()
    expect(sure).to_have_count(0)
    assert len(pending(demo, NAME)) == 1

    line(here).get_by_role("button", name="Discard").click()
    sure.click()

    toast = here.page.locator("#toast")
    expect(toast).to_contain_text(f"{NAME} was discarded", timeout=PATIENCE_MS)
    expect(line(here)).to_have_count(0)
    assert pending(demo) == []
    assert parts_there(demo) == []
    loaded: list[str] = []
    here.page.on("requestfinished", lambda request: loaded.append(request.url))
    here.page.reload()
    here.expect_ready()
    expect(here.grant).to_contain_text("May add", timeout=PATIENCE_MS)
    until(here.page, lambda: any(url.endswith("/api/unfinished") for url in loaded))
    here.drop(small__txt="small")
    here.row("small.txt").expect_state("done")
    expect(line(here)).to_have_count(0)
    assert not any(url.endswith("/on_demand.py") for url in loaded)
