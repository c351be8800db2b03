"""Uploads and resuming work without features that some browsers lack."""

import pytest
from playwright.sync_api import Page

from e2e.conftest import Console, MakeFile
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, arrived, asked, expect_whole, noise, until
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.records import bytes_recorded

pytestmark = pytest.mark.e2e

CONTENT = noise(20 * MIB + 1, seed=48)
LACKS = """
delete Navigator.prototype.locks;
delete Navigator.prototype.wakeLock;
delete StorageManager.prototype.persist;
delete DataTransferItem.prototype.getAsFileSystemHandle;
for (const name of [
  "FileSystemHandle", "FileSystemFileHandle", "Iterator", "Notification",
  "requestIdleCallback", "scheduler", "showDirectoryPicker", "showOpenFilePicker",
]) delete window[name];
"""
LEFT = """() => [
  navigator.locks, navigator.wakeLock, navigator.storage.persist,
  window.showOpenFilePicker, window.FileSystemHandle, window.Notification,
].filter(Boolean)"""


@pytest.mark.only_browser("chromium")  # the removed features have other names in other engines
def test_what_a_browser_lacks_costs_no_upload_and_no_resuming(
    demo: Demo, page: Page, console: Console, runtime: str, make_file: MakeFile
) -> None:
    console.expected.append("net::ERR")
    page.add_init_script(LACKS)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    assert page.evaluate(LEFT) == []
    demo.oss.faults.add("hang", operation="UploadPart", skip=3, times=9)
    path = make_file("large.bin", CONTENT)

    uploader.drop(small__txt="a few words")
    uploader.row("small.txt").expect_state("done")  # before hanging requests occupy all connections
    with page.expect_file_chooser() as opened:
        page.get_by_text("Choose files", exact=True).click()
    opened.value.set_files(path)

    until(page, lambda: len(arrived(demo, "large.bin")) == 3)
    until(page, lambda: bytes_recorded(page))
    demo.oss.faults.clear()
    uploader.start()
    expect(page.get_by_test_id("unfinished")).to_contain_text("is already there")
    uploader.choose(path)
    uploader.row("large.bin").expect_state("done", timeout_ms=60_000)
    assert len(asked(demo, "InitiateMultipartUpload", "large.bin")) == 1
    expect_whole(demo, "large.bin", CONTENT)
    expect_whole(demo, "small.txt", b"a few words")
