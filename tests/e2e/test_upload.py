"""Files that a user adds to the page arrive in OSS."""

import random
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, Route

from e2e.conftest import Console, MakeFile, operator_bucket
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import until
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

HOSTILE_NAMES = [
    "with space.txt",
    "a+b#c%d&e?f'g.txt",
    'quote".txt',
    "100%25.txt",
    "漢" * 80 + ".txt",
    "🌻🏳️‍🌈.png",
    "invoice\u202efdp.exe",
    "cafe\u0301.txt",
    "<img src=x onerror=alert(1)>.txt",
    "{0.__class__}.txt",
    "-rf.txt",
    ".hidden",
]


LOCKED = """() => {
  const { getFile } = FileSystemFileHandle.prototype;
  const { values } = FileSystemDirectoryHandle.prototype;
  FileSystemFileHandle.prototype.getFile = function () {
    if (this.name !== "locked.txt") return getFile.call(this);
    return Promise.reject(new DOMException("it is locked", "NotReadableError"));
  };
  FileSystemDirectoryHandle.prototype.values = function () {
    if (this.name === "private") throw new DOMException("it is private", "NotAllowedError");
    return values.call(this);
  };
}"""


def read_back(demo: Demo, key: str) -> bytes:
    return bytes(operator_bucket(demo).get_object(key).read())


def test_a_chosen_file_arrives(uploader: UploaderPage, demo: Demo, make_file: MakeFile) -> None:
    content = random.Random(1).randbytes(300_000)
    row = uploader.choose(make_file("harbour.bin", content))

    row.expect_state("done")
    row.expect_says("Arrived and verified 300 kB")

    assert row.key.startswith("uploads/alice-")
    assert read_back(demo, row.key) == content
    stored = demo.oss.bucket(demo.bucket).objects[row.key]
    assert row.crc64 == str(stored.crc64)
    expect(uploader.total).to_contain_text("1 of 1 file 300 kB of 300 kB")


@pytest.mark.only_browser("chromium")  # DevTools drop the files
def test_what_cannot_be_read_of_a_dropped_folder_is_told_and_the_rest_arrives(
    uploader: UploaderPage, page: Page, tmp_path: Path
) -> None:
    trip, alone = tmp_path / "trip", tmp_path / "alone.txt"
    (trip / "private").mkdir(parents=True)
    for path in (alone, trip / "before.txt", trip / "locked.txt", trip / "z.txt"):
        path.write_text(path.name)
    page.evaluate(LOCKED)

    uploader.drop_from_disk(trip, alone)

    for name in ("alone.txt", "before.txt", "z.txt"):
        uploader.row(name).expect_state("done")
    for name in ("locked.txt", "private"):
        uploader.row(name).expect_state("failed")
        uploader.row(name).expect_says("The file cannot be read any more.")


def test_r43_names_that_could_do_harm_do_none(
    uploader: UploaderPage, demo: Demo, make_file: MakeFile
) -> None:
    uploader.choose(*[make_file(name, name.encode()) for name in HOSTILE_NAMES])

    for name in HOSTILE_NAMES:
        row = uploader.row(name)
        row.expect_state("done")
        assert read_back(demo, row.key) == name.encode()
        headers = operator_bucket(demo).head_object(row.key).headers
        assert unquote(headers["x-oss-meta-name"]) == name
    expect(uploader.rows.locator("img")).to_have_count(0)


def test_two_files_of_one_name_both_arrive(uploader: UploaderPage, demo: Demo) -> None:
    uploader.drop(same__txt="first")
    uploader.row("same.txt").expect_state("done")
    uploader.drop(same__txt="second")
    uploader.dialog("same-name").get_by_role("button", name="Keep both").click()

    first, second = uploader.row("same.txt"), uploader.row("same.txt", nth=1)
    first.expect_state("done")
    second.expect_state("done")

    assert read_back(demo, first.key) == b"first"
    assert read_back(demo, second.key) == b"second"


def test_files_taken_before_python_is_up_are_uploaded(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}")
    held: list[Route] = []
    page.route("**/core.js", lambda route: held.append(route))
    console.expected.append("preloaded")  # because of the delay, Chromium reports an unused preload
    uploader.open()
    until(page, lambda: page.evaluate("Boolean(window.ossferry?.listen)"))  # it accepts files

    uploader.drop(early__txt="dropped early")
    uploader.choose({"name": "chosen.txt", "mimeType": "text/plain", "buffer": b"chosen early"})
    expect(uploader.grant).to_have_text("2 files added. Starting…")
    for route in held:
        route.continue_()

    uploader.expect_ready()
    for name, content in (("early.txt", b"dropped early"), ("chosen.txt", b"chosen early")):
        row = uploader.row(name)
        row.expect_state("done")
        assert read_back(demo, row.key) == content


def test_the_page_asks_for_a_connection_to_the_bucket_before_files_come(
    uploader: UploaderPage, demo: Demo, page: Page
) -> None:
    link = page.locator("link[rel=preconnect]")
    expect(link).to_have_attribute("crossorigin", "anonymous")
    assert link.evaluate("link => link.href") == f"{demo.settings.bucket_origin}/"
    page.evaluate(
        """() => new MutationObserver((seen) => (window.inserted = seen.some(
          ({ addedNodes }) => [...addedNodes].some(({ rel }) => rel === "preconnect"),
        ))).observe(document.head, { childList: true })"""
    )

    page.mouse.click(5, 5)

    until(page, lambda: page.evaluate("window.inserted"))


def test_the_page_says_what_it_may_do(uploader: UploaderPage) -> None:
    expect(uploader.grant).to_contain_text("May add files to uploads/alice-")
    expect(uploader.grant).to_contain_text("Cannot read, change or delete.")


def test_many_files_need_one_grant_and_nobody_else_is_asked(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()

    uploader.drop(**{f"n{number}__txt": str(number) for number in range(20)})
    for number in range(20):
        uploader.row(f"n{number}.txt").expect_state("done")

    bucket = f"http://{demo.bucket}.localhost:{demo.oss.port}/"
    assert [url for url in asked if not url.startswith((f"{demo.url}/", bucket, "blob:"))] == []
    assert len([url for url in asked if url.endswith("/api/grant")]) == 1


def test_an_upload_can_be_cancelled_sent_again_and_removed(
    uploader: UploaderPage, demo: Demo, make_file: MakeFile, console: Console
) -> None:
    console.expected.append("status of 404")  # confirms that no part is left
    slow = demo.oss.faults.add(
        "bandwidth", bytes_per_s=10_000, key="*/slow.bin", method="PUT", times=1
    )
    row = uploader.choose(make_file("slow.bin", b"x" * 40_000_000))
    row.expect_state("uploading")
    until(uploader.page, lambda: slow.hits == 1)

    row.cancel_button.click()

    row.expect_state("cancelled", timeout_ms=1_000)
    assert row.key not in demo.oss.bucket(demo.bucket).objects
    row.undo_button.click()
    row.expect_state("done")
    expect(row.locator.get_by_role("button").first).to_be_focused()
    row.remove_button.click()
    expect(row.locator).to_have_count(0)
