"""A page is closed after its file has arrived but before it is confirmed; another page continues.

The other page is open at the same time or is opened later. Faults R32 and R36.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from e2e.conftest import Console, let_go
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, asked, expect_whole, noise, until
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.records import record_keys

pytestmark = pytest.mark.e2e

MakeFile = Callable[[str, bytes], Path]
OpenPages = Callable[[int], list[UploaderPage]]
WITHOUT_AN_ANSWER, TWO_OF_THREE = "no answer", "two of three"


@pytest.fixture
def open_pages(demo: Demo, page: Page, console: Console, runtime: str) -> OpenPages:
    """Return a function that opens several pages of one browser; the first is `page`."""

    def open_all(count: int) -> list[UploaderPage]:
        opened = [page] + [page.context.new_page() for _ in range(count - 1)]
        pages = [UploaderPage(each, f"{demo.url}/?runtime={runtime}") for each in opened]
        for uploader in pages:
            if uploader.page is not page:
                console.listen(uploader.page)
            uploader.open()
            uploader.expect_ready()
            expect(uploader.grant).to_contain_text("May add")
        return pages

    return open_all


@pytest.mark.parametrize("closed", [WITHOUT_AN_ANSWER, TWO_OF_THREE])
def test_r36_a_small_file_that_a_closed_page_has_sent_is_stored_once(
    demo: Demo,
    open_pages: OpenPages,
    page: Page,
    console: Console,
    make_file: MakeFile,
    closed: str,
) -> None:
    console.expected.append("Failed to load resource|net::ERR")
    name, content = "six.bin", noise(6 * MIB, 37)
    path = make_file(name, content)
    pages = open_pages(3 if closed == TWO_OF_THREE else 2)
    if closed == WITHOUT_AN_ANSWER:
        demo.oss.faults.add("reset", when="before-answer", operation="PutObject", times=1)
        demo.oss.faults.add("hang", operation="PutObject", skip=1)
    else:
        for uploader in pages[:-1]:
            uploader.hold_checksums()

    pages[0].choose(path)
    until(page, lambda: asked(demo, "PutObject", name))
    key = pages[0].row(name).key
    for follower in pages[1:]:
        follower.choose(path)
        follower.row(name).expect_state("paused")
    if closed != WITHOUT_AN_ANSWER:
        pages[0].row(name).expect_says("Finishing: being verified")
    demo.oss.faults.clear()
    page.close()
    last = pages[-1]
    if closed == TWO_OF_THREE:
        until(last.page, lambda: len(asked(demo, "PutObject", name)) == 2)
        pages[1].page.close()

    last.row(name).expect_state("done", timeout_ms=30_000)
    assert last.row(name).key == key
    expect_whole(demo, name, content)
    expect(last.page.get_by_test_id("unfinished")).to_have_count(0)


def test_r36_a_small_file_of_a_closed_page_that_others_choose_too_is_stored_once(
    demo: Demo, open_pages: OpenPages, page: Page, console: Console, make_file: MakeFile
) -> None:
    console.expected.append("Failed to load resource|net::ERR")
    name, content = "again.bin", noise(6 * MIB, 39)
    path = make_file(name, content)
    first, second, third = open_pages(3)
    first.hold_checksums()
    first.choose(path)
    first.row(name).expect_says("Finishing: being verified")
    until(page, lambda: record_keys(page))
    key = first.row(name).key

    page.close()
    # The last page must choose the file before another page has sent it.
    demo.oss.faults.add("delay", seconds=5, operation="PutObject")
    for uploader in (second, third):
        uploader.choose(path)

    for uploader in (second, third):
        uploader.row(name).expect_state("done", timeout_ms=30_000)
        assert uploader.row(name).key == key
    expect_whole(demo, name, content)
    for uploader in (second, third):
        expect(uploader.page.get_by_test_id("unfinished")).to_have_count(0)


def test_r32_a_large_file_that_arrived_and_was_not_reported_is_stored_once(
    demo: Demo, uploader: UploaderPage, page: Page, console: Console, make_file: MakeFile
) -> None:
    console.expected.append("Failed to load resource|net::ERR")
    name, content = "large.bin", noise(20 * MIB, 38)
    path = make_file(name, content)
    unfinished = page.get_by_test_id("unfinished")
    held: list[Route] = []
    page.route("**/api/receipts", lambda route: held.append(route))
    uploader.choose(path)
    uploader.row(name).expect_state("done", timeout_ms=30_000)
    key = uploader.row(name).key
    until(page, lambda: held)

    uploader.open()
    page.unroute("**/api/receipts")
    let_go(held)
    uploader.expect_ready()
    uploader.choose(path)
    uploader.row(name).expect_says("Already uploaded")

    assert uploader.row(name).key == key
    expect_whole(demo, name, content)
    uploader.open()
    uploader.expect_ready()
    expect(uploader.grant).to_contain_text("May add")
    expect(unfinished).to_have_count(0)
