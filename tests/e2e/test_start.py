"""A page that cannot start says so; a running page never executes strings as code."""

import json

import pytest
from playwright.sync_api import Page, Route

from e2e.conftest import Console
from e2e.pages.uploader import UploaderPage
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = [pytest.mark.e2e, pytest.mark.own_page("an empty cache")]

NO_ANSWER = "Failed to load resource: net::|None of the “sha256” hashes"
WITHOUT_READY = """Object.defineProperty(window, "ossferry", {
  configurable: true,
  set(bridge) {
    Object.defineProperty(window, "ossferry", { value: { ...bridge, ready: undefined } });
  },
});"""

# The states of the page at its requests for grants.
NOTE_STATES = """const plainFetch = fetch;
window.states = [];
window.fetch = (what, options) => {
  const { app } = document.documentElement.dataset;
  if (String(what.url ?? what).endsWith("/api/grant")) states.push(app);
  return plainFetch(what, options);
};"""


def test_a_page_that_cannot_start_says_so(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    page.route("**/core.js", lambda route: route.abort())
    console.expected += [NO_ANSWER, "preloaded"]
    page.goto(f"{demo.url}/?runtime={runtime}")

    expect(page.locator("html")).to_have_attribute("data-app", "failed")
    expect(page.get_by_role("alert")).to_contain_text("This page could not start.")


def test_python_that_cannot_start_says_so(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    page.add_init_script(WITHOUT_READY)
    console.expected += ["TypeError", "PythonError", "error: Error", "preloaded"]
    page.goto(f"{demo.url}/?runtime={runtime}")

    expect(page.locator("html")).to_have_attribute("data-app", "failed", timeout=60_000)


def test_a_start_that_gets_nowhere_says_so_after_a_while(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    held: list[Route] = []
    page.route("**/*.wasm", lambda route: held.append(route))
    page.goto(f"{demo.url}/?runtime={runtime}")
    slow = page.get_by_text("This takes longer than it should.")
    while not held:
        page.wait_for_timeout(20)
    expect(slow).to_be_hidden()

    page.evaluate("document.getAnimations().forEach((animation) => animation.finish())")
    expect(slow).to_be_visible()
    for route in held:
        route.continue_()

    UploaderPage(page, demo.url).expect_ready()
    expect(slow).to_be_hidden()


def test_the_page_requests_a_grant_before_it_is_started(
    demo: Demo, page: Page, runtime: str
) -> None:
    page.add_init_script(NOTE_STATES)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()

    expect(uploader.grant).to_contain_text("May add files")
    assert page.evaluate("states") == ["loading"]


def test_no_string_becomes_code(uploader: UploaderPage, page: Page, console: Console) -> None:
    attempts = {
        "eval": "eval('1')",
        "Function": "new Function('return 1')",
        "timer": "setTimeout('1')",
        "html": "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
        "foreign script": "document.createElement('script').src = 'https://evil.example/x.js'",
    }
    body = ";".join(
        f"try {{ {code}; ran.push({json.dumps(name)}) }} catch (error) {{}}"
        for name, code in attempts.items()
    )
    script = f"const ran = []; {body}; document.body.dataset.ran = JSON.stringify(ran);"
    page.route(
        "**/assets/attack.js",
        lambda route: route.fulfill(body=script, content_type="text/javascript"),
    )
    console.expected += ["Trusted", "evil.example", "require-trusted-types-for"]

    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.src = "/assets/attack.js";
          document.head.append(script);
        }"""
    )

    expect(page.locator("body")).to_have_attribute("data-ran", "[]")
