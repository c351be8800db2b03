"""Uploads work over plain HTTP, although the browser then lacks several features."""

import pytest
from playwright.sync_api import Page

from e2e.conftest import Console, MakeFile, StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, arrived, asked, expect_whole, noise, until
from support.expecting import expect
from support.records import bytes_recorded

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skip_browser("webkit"),  # its name resolution cannot be configured
]

NAME = "plain.test"  # playwright.config.toml maps it to this machine
CONTENT = noise(20 * MIB + 1, seed=71)
MISSING = """() => [
  isSecureContext, navigator.locks, navigator.wakeLock, window.showOpenFilePicker, crypto.subtle,
]"""


def test_without_https_files_arrive_go_on_after_a_reload_and_it_is_said_what_is_missing(
    start_demo: StartDemo, page: Page, console: Console, make_file: MakeFile
) -> None:
    console.expected += ["net::ERR", "Cross-Origin-Opener-Policy header has been ignored"]
    demo, uploader = start_demo(allowed_hosts=("127.0.0.1", NAME))
    uploader.url = uploader.url.replace("127.0.0.1", NAME)
    uploader.start()
    assert page.evaluate(MISSING) == [False, None, None, None, None]
    notice = uploader.notice("insecure")
    expect(notice).to_have_count(0)
    demo.oss.faults.add("bandwidth", bytes_per_s=10_000, operation="UploadPart", skip=3)

    uploader.drop(small__txt="a few words")
    path = make_file("large.bin", CONTENT)
    uploader.choose(path)

    uploader.row("small.txt").expect_state("done")
    until(page, lambda: len(arrived(demo, "large.bin")) == 3)
    expect(notice).to_contain_text("was not loaded over https. Uploads still work.")
    second = UploaderPage(page.context.new_page(), uploader.url).start()
    second.choose(path)
    second.row("large.bin").expect_says("Another tab is sending this file")
    second.page.close()
    until(page, lambda: bytes_recorded(page))
    demo.oss.faults.clear()
    uploader.start()
    expect(page.get_by_test_id("unfinished")).to_contain_text("is already there")
    expect(page.get_by_text("Choose or drop the same files again")).to_be_visible()
    uploader.choose(path)

    uploader.row("large.bin").expect_state("done", timeout_ms=60_000)
    assert len(asked(demo, "InitiateMultipartUpload", "large.bin")) == 1
    expect_whole(demo, "small.txt", b"a few words")
    expect_whole(demo, "large.bin", CONTENT)
    expect(notice).to_have_count(0)
