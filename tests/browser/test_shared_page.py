"""Stories that share a page find nothing of an earlier story in it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from support.serving import serve, site
from support.shared_page import SharedPage, shared_page

pytestmark = [pytest.mark.browser, pytest.mark.only_browser("chromium")]

LEAVE = """async () => {
  localStorage.setItem("a", "1");
  sessionStorage.setItem("a", "1");
  document.cookie = "a=1";
  await new Promise((done) => (indexedDB.open("a").onsuccess = done));
}"""
FOUND = """async () => ({
  stored: localStorage.length + sessionStorage.length,
  cookies: document.cookie,
  databases: (await indexedDB.databases()).length,
  script: window.isFromAScript ?? false,
  width: innerWidth,
  prefersDark: matchMedia("(prefers-color-scheme: dark)").matches,
})"""


@pytest.fixture
def address() -> Iterator[str]:
    with serve(site("<title>site</title>")) as url:
        yield url


@pytest.fixture
def shared(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[SharedPage]:
    with shared_page(browser, browser_context_args) as made:
        yield made


def leave_everything(page: Page, address: str) -> None:
    page.add_init_script("window.isFromAScript = true")
    page.goto(address)
    page.evaluate(LEAVE)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 400, "height": 300})
    page.route("**/", lambda route: route.abort())
    page.context.new_page()


def test_an_emptied_page_is_as_new(shared: SharedPage, address: str) -> None:
    page = shared.get()
    page.goto(address)
    fresh = page.evaluate(FOUND)
    leave_everything(page, address)

    shared.empty()

    assert shared.get() is page
    assert len(page.context.pages) == 1
    page.goto(address)
    assert page.evaluate(FOUND) == fresh


def test_a_page_that_a_story_has_closed_is_replaced(shared: SharedPage, address: str) -> None:
    page = shared.get()
    page.close()

    shared.empty()

    assert shared.get() is not page
    shared.get().goto(address)
