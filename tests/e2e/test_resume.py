"""A page is closed during an upload, and the next page continues it."""

import random
from pathlib import Path

import pytest
from playwright.sync_api import Page

from e2e.conftest import Console, MakeFile, StartDemo, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import parts_there, until
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

NEVER_OPENS = """IDBFactory.prototype.open = () => ({ addEventListener() {} });"""
NEVER_WRITES = """{
  const real = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, "oncomplete");
  Object.defineProperty(IDBTransaction.prototype, "oncomplete", {
    set(run) { if (this.mode !== "readwrite") real.set.call(this, run); },
  });
}"""
IMPATIENT = """{
  const real = window.setTimeout;
  window.setTimeout = (run, ms, ...given) => real(run, ms === 5000 ? 200 : ms, ...given);
}"""

MIB = 1024**2
UNDER_WAY = 6 * MIB  # bytes of the closed page's parts in flight, which may be counted late
CONTENT = random.Random(11).randbytes(32 * MIB + 1)
THERE = 8  # parts that are stored before the page is closed


def bytes_sent(demo: Demo) -> int:
    """Return the bytes of all parts that reached the mock, complete or not."""
    return sum(seen.received_bytes for seen in demo.oss.requests if seen.operation == "UploadPart")


def start_and_reload(demo: Demo, uploader: UploaderPage, path: Path) -> None:
    """Upload until some parts are stored, then reload the page."""
    demo.oss.faults.add("bandwidth", bytes_per_s=100_000, operation="UploadPart", skip=THERE)
    uploader.start()
    uploader.choose(path)
    until(uploader.page, lambda: len(parts_there(demo)) == THERE, timeout_s=60)
    uploader.open()
    demo.oss.faults.clear()
    uploader.expect_ready()


@pytest.mark.core
def test_a_reload_in_the_middle_costs_only_what_was_under_way(
    start_demo: StartDemo, make_file: MakeFile, console: Console
) -> None:
    console.expected.append("net::ERR")
    demo, uploader = start_demo()
    path = make_file("video.bin", CONTENT)
    start_and_reload(demo, uploader, path)
    unfinished = uploader.page.get_by_test_id("unfinished")
    expect(unfinished).to_contain_text("video.bin")
    expect(unfinished).to_contain_text("is already there, from a moment ago")
    before, there = bytes_sent(demo), sum(parts_there(demo))

    row = uploader.choose(path)
    row.expect_state("done", timeout_ms=60_000)

    expect(unfinished).to_have_count(0)
    assert bytes_sent(demo) - before <= len(CONTENT) - there + UNDER_WAY
    bucket = operator_bucket(demo)
    assert bucket.get_object(row.key).read() == CONTENT
    assert bucket.list_multipart_uploads().upload_list == []
    assert len(demo.oss.bucket(demo.bucket).objects) == 1


# Counts the page's records in IndexedDB.


@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)
@pytest.mark.parametrize("silent", [NEVER_OPENS, NEVER_WRITES], ids=["open", "write"])
def test_a_storage_that_never_answers_costs_nothing_but_the_resuming(
    demo: Demo, page: Page, runtime: str, make_file: MakeFile, silent: str
) -> None:
    page.add_init_script(silent + IMPATIENT)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()

    uploader.choose(make_file("large.bin", CONTENT[: 20 * MIB]), make_file("small.txt", b"small"))

    uploader.row("small.txt").expect_state("done", timeout_ms=30_000)
    uploader.row("large.bin").expect_state("done", timeout_ms=60_000)


def test_r44_without_a_storage_uploads_work(
    demo: Demo, page: Page, console: Console, runtime: str, make_file: MakeFile
) -> None:
    page.add_init_script(
        """IDBFactory.prototype.open = () => {
          throw new DOMException("blocked", "SecurityError");
        };"""
    )
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}")
    console.expected += ["blocked", "preloaded"]  # PyScript itself requests the file
    uploader.open()
    uploader.expect_ready()
    expect(page.get_by_role("alert")).to_be_hidden()

    uploader.choose(make_file("plain.bin", CONTENT[: 20 * MIB]))

    uploader.row("plain.bin").expect_state("done", timeout_ms=60_000)
    expect(uploader.notice("forgetful")).to_contain_text("keeps nothing for this page")
    demo.oss.faults.add("bandwidth", bytes_per_s=10, operation="PostObject")
    uploader.drop(paused__txt="a" * 1000)
    uploader.row("paused.txt").expect_state("uploading")
    page.get_by_role("button", name="Pause all").click()
    uploader.row("paused.txt").expect_state("paused")
    page.wait_for_timeout(500)
    assert page.evaluate("() => window.onbeforeunload !== null"), "a reload would lose it"
    expect(uploader.notice("forgetful")).to_contain_text("keeps nothing for this page")
