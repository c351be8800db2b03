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

pytestmark = pytest.mark.e2e

MakeFile = Callable[[str, bytes], Path]


@pytest.fixture
def three_pages(demo: Demo, page: Page, console: Console, runtime: str) -> list[UploaderPage]:
    """Three pages of one browser; the first is `page`."""
    opened = [page, page.context.new_page(), page.context.new_page()]
    pages = [UploaderPage(each, f"{demo.url}/?runtime={runtime}") for each in opened]
    for uploader in pages:
        if uploader.page is not page:
            console.listen(uploader.page)
        uploader.open()
        uploader.expect_ready()
        expect(uploader.grant).to_contain_text("May add")
    return pages


def test_r36_a_small_file_that_a_closed_page_has_sent_is_stored_once(
    demo: Demo, three_pages: list[UploaderPage], page: Page, console: Console, make_file: MakeFile
) -> None:
    console.expected.append("Failed to load resource|net::ERR")
    name, content = "six.bin", noise(6 * MIB, 37)
    path = make_file(name, content)
    first, second, last = three_pages
    for uploader in (first, second):
        uploader.hold_checksums()

    first.choose(path)
    until(page, lambda: asked(demo, "PutObject", name))
    key = first.row(name).key
    for follower in (second, last):
        follower.choose(path)
        follower.row(name).expect_state("paused")
    first.row(name).expect_says("Finishing: being verified")
    page.close()
    until(last.page, lambda: len(asked(demo, "PutObject", name)) == 2)
    second.page.close()

    last.row(name).expect_state("done", timeout_ms=30_000)
    assert last.row(name).key == key
    expect_whole(demo, name, content)
    expect(last.page.get_by_test_id("unfinished")).to_have_count(0)


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
