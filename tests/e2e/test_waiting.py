"""A page is closed or killed while files wait, and the next page uploads them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from e2e.conftest import Console, MakeFile, StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import until
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.records import record_keys

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("runtime", ["micropython"], indirect=True)]

COUNT = 20  # twelve of them are being sent
NAMES = [f"photo-{number:02}.txt" for number in range(COUNT)]
OPFS_FILES = """async (names) => {
  const folder = await navigator.storage.getDirectory();
  const handles = [];
  for (const name of names) {
    const handle = await folder.getFileHandle(name, { create: true });
    const stream = await handle.createWritable();
    await stream.write(name.repeat(500));
    await stream.close();
    handles.push(handle);
  }
  window.showOpenFilePicker = async () => handles;
}"""


@pytest.fixture(autouse=True)
def _tidy(demo: Demo, console: Console) -> Iterator[None]:
    console.expected.append("Failed to load resource|net::ERR")
    yield
    demo.oss.faults.clear()


def hold(demo: Demo) -> None:
    """Make all uploads hang."""
    demo.oss.faults.add("hang", operation="PostObject", times=100)


def choose_with_way_back(uploader: UploaderPage) -> None:
    """Choose files for which the browser stores handles."""
    uploader.page.evaluate(OPFS_FILES, NAMES)
    uploader.files_input.evaluate("input => input.click()")


def reopened(demo: Demo, uploader: UploaderPage) -> None:
    """Wait until all records are written, and reload the page."""
    until(uploader.page, lambda: len(record_keys(uploader.page)) == COUNT)
    uploader.open()
    demo.oss.faults.clear()
    uploader.expect_ready()
    expect(uploader.page.locator("#unfinished")).to_contain_text(f"Continue {COUNT} uploads (0%)?")


def expect_all_arrived_once(demo: Demo, uploader: UploaderPage, keys: list[str]) -> None:
    """Check that each file is stored once, under its original key."""
    expect(uploader.total).to_contain_text(f"{COUNT} of {COUNT} files", timeout=30_000)
    stored = [key for key in demo.oss.bucket(demo.bucket).objects if "/photo-" in key]
    assert sorted(stored) == keys
    expect(uploader.page.locator("#unfinished")).to_be_hidden()
    until(uploader.page, lambda: record_keys(uploader.page) == [])


@pytest.fixture
def own_demo() -> Iterator[Demo]:
    """A separate demo."""
    with Demo() as made:
        yield made


@pytest.fixture
def fresh(own_demo: Demo, page: Page, console: Console, runtime: str) -> UploaderPage:
    """The demo's page, ready."""
    console.expected.append("Failed to load resource|net::ERR")
    return UploaderPage(page, f"{own_demo.url}/?runtime={runtime}").start()


@pytest.mark.only_browser("chromium")  # only Chromium has the File System Access API
def test_one_click_continues_all_that_waited_and_the_language_is_kept(
    fresh: UploaderPage, own_demo: Demo
) -> None:
    hold(own_demo)
    choose_with_way_back(fresh)
    expect(fresh.rows.first).to_be_visible()
    reopened(own_demo, fresh)
    keys = record_keys(fresh.page)
    fresh.page.get_by_label("Language").select_option("ja")
    expect(fresh.page.locator("#unfinished")).to_contain_text("件のアップロードを続けますか")
    fresh.start()

    fresh.page.get_by_role("button", name="続ける").click()

    expect(fresh.page.locator("#unfinished")).to_be_hidden()
    fresh.page.locator("select").first.select_option("en")
    expect_all_arrived_once(own_demo, fresh, keys)


def test_the_same_files_dropped_again_continue(
    fresh: UploaderPage, own_demo: Demo, make_file: MakeFile
) -> None:
    hold(own_demo)
    paths = [make_file(name, name.encode() * 500) for name in NAMES]
    fresh.choose(*paths)
    reopened(own_demo, fresh)
    keys = record_keys(fresh.page)
    expect(fresh.page.locator("#unfinished")).to_contain_text("not sent yet, from a moment ago")
    expect(fresh.page.get_by_role("button", name="Continue")).to_have_count(0)

    fresh.choose(*paths)

    expect_all_arrived_once(own_demo, fresh, keys)


def test_what_waited_can_be_discarded_one_by_one_or_all(
    fresh: UploaderPage, own_demo: Demo, make_file: MakeFile
) -> None:
    hold(own_demo)
    fresh.choose(*[make_file(name, b"x") for name in NAMES])
    reopened(own_demo, fresh)
    box = fresh.page.locator("#unfinished")
    lines = fresh.page.get_by_test_id("unfinished")
    expect(lines).to_have_count(5)

    lines.first.get_by_role("button", name="Discard").click()
    expect(box).to_contain_text(f"Continue {COUNT - 1} uploads")
    box.get_by_role("button", name="Show 14 more").click()
    expect(lines).to_have_count(COUNT - 1)
    box.get_by_role("button", name="Discard all").click()
    box.get_by_role("button", name="Cancel").click()
    box.get_by_role("button", name="Discard all").click()
    box.get_by_role("button", name="Really discard 19 uploads").click()

    expect(box).to_be_hidden()
    until(fresh.page, lambda: record_keys(fresh.page) == [])


def test_another_tab_is_offered_what_waits_only_when_its_page_is_closed(
    fresh: UploaderPage, own_demo: Demo, make_file: MakeFile
) -> None:
    hold(own_demo)
    fresh.choose(*[make_file(name, b"x") for name in NAMES])
    until(fresh.page, lambda: len(record_keys(fresh.page)) == COUNT)
    other = UploaderPage(fresh.page.context.new_page(), fresh.url).start()
    expect(other.grant).to_contain_text("May add")
    other.page.wait_for_timeout(500)
    expect(other.page.locator("#unfinished")).to_be_hidden()

    fresh.page.goto("about:blank")

    expect(other.page.locator("#unfinished")).to_contain_text(f"Continue {COUNT} uploads")


def test_nothing_is_sent_until_there_are_enough_files(start_demo: StartDemo) -> None:
    demo, uploader = start_demo(limits={"min_files": 3, "min_file_size": 2})
    uploader.start()
    expect(uploader.page.locator("#hint")).to_contain_text("at least 2 B each at least 3 files")

    first = uploader.drop(a__txt="aa", b__txt="bb")

    needed = uploader.notice("more-needed")
    expect(needed).to_have_text("1 more file is needed.")
    first.expect_state("waiting")
    small = uploader.drop(c__txt="c")
    small.expect_says("The file is 1 B; at least 2 B is needed.")
    expect(needed).to_be_visible()
    assert demo.oss.bucket(demo.bucket).objects == {}
    uploader.drop(d__txt="dd").expect_state("done")
    first.expect_state("done")
    expect(needed).to_be_hidden()
