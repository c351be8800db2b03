"""Changes around an upload: files change or disappear, pages sleep, close or are open twice."""

import os
import re

import pytest
from playwright.sync_api import Page

from e2e.conftest import Console, MakeFile
from e2e.pages.uploader import Row, UploaderPage
from e2e.storage_side import MIB, arrived, asked, expect_whole, noise, pending, until
from mock_oss.faults.plan import Fault
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("runtime", ["micropython"], indirect=True)]

CHANGED = re.compile("has changed since it was chosen|was changed, moved or deleted")
TwoPages = tuple[UploaderPage, UploaderPage]
PART = MIB
CONNECTIONS = 6  # concurrent connections
CONTENT = noise(20 * MIB + 1, seed=5)  # 21 parts
SINGLE = 16 * MIB
FORM = MIB // 4
EDGES = (
    0,
    1,
    102_399,
    102_400,
    FORM,
    FORM + 1,
    SINGLE,
    SINGLE + 1,
    3 * SINGLE // 2 - 1,
    3 * SINGLE // 2,
)
WITHOUT_LOCKS = """delete Navigator.prototype.locks;"""
NO_TIMERS = """for (const name of ["setTimeout", "setInterval"]) {
  const real = window[name];
  window[name] = (run, ms, ...given) => real((...it) => window.hidden || run(...it), ms, ...given);
}"""
OPFS_FILE = """async ({ name, size }) => {
  const folder = await navigator.storage.getDirectory();
  const handle = await folder.getFileHandle(name, { create: true });
  const stream = await handle.createWritable();
  for (let at = 0; at < size; at += 65536) {
    await stream.write(crypto.getRandomValues(new Uint8Array(Math.min(65536, size - at))));
  }
  await stream.close();
  window.showOpenFilePicker = async () => [handle];
}"""


@pytest.fixture(autouse=True)
def _failing(console: Console) -> None:
    console.expected.append("Failed to load resource|net::ERR")


@pytest.fixture(
    params=[
        pytest.param(True, id="locks"),
        pytest.param(False, id="leases", marks=pytest.mark.slow),
    ]
)
def two_pages(
    request: pytest.FixtureRequest, demo: Demo, page: Page, console: Console, runtime: str
) -> TwoPages:
    """Two tabs of one browser, with and without Web Locks."""
    first = UploaderPage(page, f"{demo.url}/?runtime={runtime}")
    second = UploaderPage(page.context.new_page(), first.url)
    console.listen(second.page)
    for uploader in (first, second):
        if not request.param:
            uploader.page.add_init_script(WITHOUT_LOCKS)
        uploader.start()
        expect(uploader.grant).to_contain_text("May add")
    return first, second


def slow_down(demo: Demo, name: str, *, skip: int = 0) -> Fault:
    """Make each part of a file take a minute, except the first `skip` parts."""
    return demo.oss.faults.add(
        "bandwidth", bytes_per_s=PART / 60, key=f"*/{name}", operation="UploadPart", skip=skip
    )


def pause(row: Row) -> None:
    row.locator.get_by_role("button", name="Pause", exact=True).click()
    row.expect_state("paused")


def resume(row: Row) -> None:
    row.locator.get_by_role("button", name="Resume", exact=True).click()


def test_r37_r38_sizes_at_the_edges_arrive_by_the_right_way(
    uploader: UploaderPage, demo: Demo, make_file: MakeFile
) -> None:
    contents = {f"edge-{size}.bin": noise(size, seed=size) for size in EDGES}

    uploader.choose(*[make_file(name, content) for name, content in contents.items()])

    for name, content in contents.items():
        uploader.row(name).expect_state("done", timeout_ms=60_000)
        sizes = [seen.received_bytes for seen in asked(demo, "UploadPart", name)]
        is_single = len(content) <= SINGLE
        is_form = len(content) <= FORM
        assert sum(sizes) == (0 if is_single else len(content))
        assert len(asked(demo, "PutObject", name)) == (1 if is_single and not is_form else 0)
        assert len(asked(demo, "PostObject", name)) == (1 if is_form else 0)
        expect_whole(demo, name, content)


@pytest.mark.slow
def test_r34_what_is_sent_waits_for_no_timer_of_a_hidden_page(
    demo: Demo, page: Page, console: Console, runtime: str, make_file: MakeFile
) -> None:
    page.add_init_script(NO_TIMERS)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    contents = {f"hidden-{number}.txt": noise(1000, seed=number) for number in range(12)}
    contents["hidden.bin"] = CONTENT
    paths = [make_file(name, content) for name, content in contents.items()]
    page.evaluate("() => { window.hidden = true }")

    uploader.choose(*paths)

    until(page, lambda: len(demo.oss.bucket(demo.bucket).objects) == len(contents))
    for name, content in contents.items():
        expect_whole(demo, name, content)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(CONTENT[::-1], id="other", marks=pytest.mark.core),
        pytest.param(CONTENT[: 9 * MIB], id="shorter"),
        pytest.param(CONTENT * 2, id="longer", marks=pytest.mark.only_browser("chromium")),
        pytest.param(b"", id="empty"),
    ],
)
def test_r40_a_file_that_changes_in_mid_upload_is_stopped_and_cleaned_up(
    uploader: UploaderPage,
    page: Page,
    demo: Demo,
    make_file: MakeFile,
    changed: bytes,
    browser_name: str,
) -> None:
    slow = slow_down(demo, "draft.bin", skip=CONNECTIONS)
    path = make_file("draft.bin", CONTENT)
    row = uploader.choose(path)
    until(page, lambda: slow.seen > CONNECTIONS + 1)  # two responses have been processed

    pause(row)
    path.write_bytes(changed)
    later_s = path.stat().st_mtime + 2  # WebKit compares whole seconds
    os.utime(path, (later_s, later_s))
    resume(row)

    row.expect_state("failed")
    row.expect_says(CHANGED)
    assert asked(demo, "CompleteMultipartUpload", "draft.bin") == []
    if browser_name != "webkit":  # WebKit cannot distinguish a changed file from a reappearing one
        until(page, lambda: not pending(demo, "draft.bin"))


@pytest.mark.only_browser("chromium")  # DevTools freeze the page
def test_r33_a_page_that_was_frozen_goes_on(
    uploader: UploaderPage, page: Page, demo: Demo, make_file: MakeFile
) -> None:
    demo.oss.faults.add("expire-tokens", key="*/asleep.bin", operation="UploadPart", nth=2)
    demo.oss.faults.add("bandwidth", bytes_per_s=PART, key="*/asleep.bin", operation="UploadPart")
    row = uploader.choose(make_file("asleep.bin", CONTENT))
    expect(row.progress).not_to_have_attribute("value", "0")
    session = page.context.new_cdp_session(page)

    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    page.wait_for_timeout(1_000)
    session.send("Page.setWebLifecycleState", {"state": "active"})

    row.expect_state("done", timeout_ms=30_000)
    assert len(asked(demo, "InitiateMultipartUpload", "asleep.bin")) == 1
    expect_whole(demo, "asleep.bin", CONTENT)


def test_r36_of_two_pages_one_sends_and_the_other_follows(
    demo: Demo, page: Page, two_pages: TwoPages, make_file: MakeFile
) -> None:
    first, second = two_pages
    name = "twice.bin"
    path = make_file(name, CONTENT)
    demo.oss.faults.add(
        "bandwidth", bytes_per_s=PART / 1.5, key=f"*/{name}", operation="UploadPart", skip=2
    )

    first.choose(path)
    until(page, lambda: len(arrived(demo, name)) == 2)
    second.choose(path)

    for shown in (first.total, first.row(name).locator):
        expect(shown).to_contain_text(re.compile(r"[0-9]\s[kM]B/s"))
        expect(shown).to_contain_text(re.compile(r"about\s[0-9]+\ss\sleft"))
    second.row(name).expect_state("paused")
    second.row(name).expect_state("done", timeout_ms=30_000)
    first.row(name).expect_state("done")
    sent = asked(demo, "UploadPart", name)
    assert sum(seen.received_bytes for seen in sent) == len(CONTENT)
    expect_whole(demo, name, CONTENT)


@pytest.mark.only_browser("chromium")  # only Chromium has the File System Access API
def test_r31_a_file_with_a_way_back_is_continued_by_one_click(
    uploader: UploaderPage, page: Page, demo: Demo
) -> None:
    slow_down(demo, "opfs.bin", skip=1)
    page.evaluate(OPFS_FILE, {"name": "opfs.bin", "size": len(CONTENT)})
    uploader.files_input.evaluate("input => input.click()")
    until(page, lambda: arrived(demo, "opfs.bin"))
    until(page, lambda: uploader.row("opfs.bin").key)

    uploader.open()
    demo.oss.faults.clear()
    uploader.expect_ready()
    page.get_by_role("button", name="Continue").click()

    row = uploader.row("opfs.bin")
    row.expect_state("done", timeout_ms=30_000)
    assert len(asked(demo, "InitiateMultipartUpload", "opfs.bin")) == 1
    assert len(demo.oss.bucket(demo.bucket).objects[row.key].data) == len(CONTENT)
