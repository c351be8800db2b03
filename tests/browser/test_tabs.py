"""Concurrent requests of one page for the same lock do not interfere with each other
(`tabs.js`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from support.serving import serve, site

pytestmark = pytest.mark.browser

ASSETS = Path(__file__).parents[2] / "build" / "web" / "assets"
WITHOUT_LOCKS = "delete Navigator.prototype.locks;"
LEASE_MS = 90_000
PUT_ASIDE = """() => {
  dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
}"""
COMES_BACK = """() => {
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    assets = Mount("/assets", StaticFiles(directory=ASSETS))
    with serve(site("<title>blank</title>", assets)) as url:
        yield url


@pytest.fixture(params=[True, False], ids=["locks", "leases"])
def pages(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[list[Page]]:
    """Two pages of one browser; the clock of the first is controlled by the test."""
    context = browser.new_context()
    if not request.param:
        context.add_init_script(WITHOUT_LOCKS)
    made = [context.new_page() for _ in range(2)]
    made[0].clock.install()
    for page in made:
        page.goto(address)
    yield made
    context.close()


def ask(page: Page, steps: str) -> Any:
    """Run JavaScript steps with the functions of `tabs.js`."""
    (module,) = ASSETS.glob("app-*/storage.js")
    url = f"/assets/{module.relative_to(ASSETS).as_posix()}"
    return page.evaluate(f"async () => {{ const tabs = await import('{url}'); {steps} }}")


def test_a_page_that_is_loaded_again_leaves_its_names_to_others(pages: list[Page]) -> None:
    mine, other = pages
    assert ask(mine, "return Promise.all([tabs.take('x'), tabs.take('y')])") == [True, True]
    assert ask(other, "return tabs.take('x')") is False

    mine.reload()
    mine.wait_for_timeout(500)

    assert ask(other, "return Promise.all([tabs.take('x'), tabs.take('y')])") == [True, True]


def test_only_names_of_other_pages_of_this_application_are_held_elsewhere(
    pages: list[Page],
) -> None:
    mine, other = pages
    ask(mine, "await tabs.take('file a')")
    ask(other, "await tabs.take('file b')")
    other.evaluate(
        """() => new Promise((got) => navigator.locks?.request("the-shop:file c", () => {
          got(); return new Promise(() => {}); }) ?? got())"""
    )

    assert ask(mine, "return tabs.heldElsewhere('file')") == '["file b"]'


def test_a_page_that_was_put_aside_and_comes_back_has_its_names_again(pages: list[Page]) -> None:
    mine, other = pages
    ask(mine, "return Promise.all([tabs.take('x'), tabs.take('y')])")
    mine.evaluate(PUT_ASIDE)
    mine.wait_for_timeout(500)
    assert ask(other, "return Promise.all([tabs.take('x'), tabs.take('z')])") == [True, True]
    ask(other, "await tabs.drop('x')")

    mine.evaluate(COMES_BACK)
    mine.wait_for_timeout(500)

    names = "return Promise.all([tabs.take('x'), tabs.take('y')])"
    assert ask(other, names) == [False, False]
    assert ask(mine, names) == [True, True]


def test_a_name_that_is_taken_twice_at_once_is_the_pages_own_until_it_is_dropped(
    pages: list[Page],
) -> None:
    mine, other = pages

    taken = ask(mine, "return Promise.all([tabs.take('x'), tabs.take('x')])")
    while_held = ask(other, "return tabs.take('x')")
    ask(mine, "await tabs.drop('x')")
    mine.clock.run_for(LEASE_MS)  # a lease that is still renewed is renewed now
    afterwards = ask(other, "return tabs.take('x')")

    assert (taken, while_held, afterwards) == ([True, True], False, True)


def test_who_has_waited_for_a_name_and_taken_it_does_not_lose_it(pages: list[Page]) -> None:
    mine, other = pages
    ask(other, "return tabs.take('x')")
    ask(mine, "window.waited = tabs.free('x'); await new Promise((done) => queueMicrotask(done))")
    ask(other, "await tabs.drop('x')")

    taken = False
    for _ in range(20):  # the waiting page may still hold the lock for a moment
        taken = taken or ask(mine, "return tabs.take('x')")
        mine.wait_for_timeout(20)
    mine.clock.run_for(5000)
    mine.wait_for_timeout(300)

    assert taken is True
    assert ask(other, "return tabs.take('x')") is False


def test_a_page_that_has_slept_gives_back_only_what_is_still_its_own(pages: list[Page]) -> None:
    mine, other = pages
    if other.evaluate("() => Boolean(navigator.locks)"):
        return  # a Web Lock does not expire while its page is suspended
    mine.evaluate("() => { window.setInterval = () => 0; }")
    ask(mine, "return tabs.take('x')")
    mine.clock.pause_at(mine.evaluate("() => Date.now()") / 1000 + 2 * LEASE_MS / 1000)  # of all
    assert ask(other, "return tabs.take('x')") is True

    ask(mine, "await tabs.drop('x')")
    third = mine.context.new_page()
    third.goto(mine.url)

    assert ask(third, "return tabs.take('x')") is False


def test_a_name_that_is_dropped_while_it_is_being_taken_is_free(pages: list[Page]) -> None:
    mine, other = pages

    ask(mine, "tabs.take('x'); await tabs.drop('x')")
    mine.clock.run_for(LEASE_MS)

    assert ask(other, "return tabs.take('x')") is True
