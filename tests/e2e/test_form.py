"""Browsers that cannot run the page explain why, and can still upload a file with the form."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from e2e.axe import violations
from e2e.conftest import Console, MakeFile, StartDemo, operator_bucket
from ossferry.cli.demo import Demo
from support import webkitgtk
from support.choosing import CHOOSE, contents
from support.expecting import expect

pytestmark = pytest.mark.e2e

NAME = "größe 夏.txt"
REFUSED = """
    for (const each of ["compile", "instantiate", "compileStreaming", "instantiateStreaming"]) {
      WebAssembly[each] = async () => { throw new WebAssembly.CompileError("refused"); };
    }
    const { Module } = WebAssembly;
    WebAssembly.Module = function (bytes) {
      if (bytes.length > MOST) throw new WebAssembly.CompileError("refused");
      return new Module(bytes);
    };"""
STOP_IT = """() => document.getElementById("form").addEventListener(
  "submit", (event) => event.preventDefault(), {once: true})"""
NO_WASM, TOO_OLD = "Your browser has no WebAssembly", "Your browser is too old for this page."
LACKS = {
    "WebAssembly": ("delete window.WebAssembly", NO_WASM),
    "leave for it": (REFUSED.replace("MOST", "0"), NO_WASM),
    "its exceptions": (REFUSED.replace("MOST", "8"), TOO_OLD),
    "modules": ("delete HTMLScriptElement.prototype.noModule", TOO_OLD),
}
NOISE = [
    "(?i)wasm",
    "falling back",
    "WebAssembly",
    "CompileError",
    "uncaught",
    "preload",
    "PythonError",
]


def upload(page: Page, path: Path) -> None:
    """Send a file with the displayed form."""
    file = page.get_by_label("File", exact=True)
    driven: object = page
    if isinstance(driven, webkitgtk.Page):  # it crashes when it sends a file set by WebDriver
        file.evaluate(CHOOSE, contents(path))
    else:
        file.set_input_files(path)
    page.get_by_role("button", name="Upload").click()


def serve_instead(page: Page, demo: Demo, pattern: str, replacement: str) -> None:
    """Serve the upload page with some text replaced."""
    built = page.request.get(demo.url)
    body = re.sub(pattern, replacement, built.text())
    headers = {
        name: value
        for name, value in built.headers.items()
        if name not in ("content-encoding", "content-length", "etag")
    }
    page.route(f"{demo.url}/", lambda route: route.fulfill(body=body, headers=headers))


def expect_arrived(demo: Demo, page: Page, name: str, content: bytes) -> str:
    """Check the page of a successful upload and the stored bytes; return the displayed key."""
    expect(page.get_by_role("heading", name="Your file has arrived")).to_be_visible()
    card = page.get_by_test_id("stored")
    expect(card.get_by_role("heading")).to_have_text(name)
    key = card.locator("code").last.inner_text()
    stored = operator_bucket(demo).get_object(key)
    assert stored.read() == content
    expect(card).to_contain_text(str(stored.server_crc))
    expect(page.get_by_text("nobody has compared the two")).to_be_visible()
    return key


@pytest.mark.core
def test_the_form_stores_a_file_in_every_engine(
    demo: Demo, page: Page, console: Console, make_file: MakeFile
) -> None:
    page.goto(f"{demo.url}/form")

    upload(page, make_file(NAME, b"hello"))

    expect_arrived(demo, page, NAME, b"hello")


@pytest.mark.skip_browser("firefox")  # WebDriver cannot disable scripts
def test_without_javascript_a_file_arrives(
    demo: Demo, browser: Browser, make_file: MakeFile
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(demo.url)
    said = page.locator("noscript")  # Playwright does not treat its content as text
    expect(said.locator("p").first).to_contain_text("This page needs JavaScript.")
    expect(said.locator("p").first).to_be_visible()
    expect(page.locator("#trouble")).to_have_css("display", "none")  # not even later

    said.locator("a").click()
    upload(page, make_file(NAME, b"hello"))

    expect_arrived(demo, page, NAME, b"hello")
    context.close()


@pytest.mark.parametrize(("on_error", "arrives"), [("reject", False), ("allow", True)])
def test_without_webassembly_the_operator_decides_about_files_that_cannot_be_checked(
    start_demo: StartDemo,
    page: Page,
    console: Console,
    make_file: MakeFile,
    on_error: str,
    arrives: bool,
) -> None:
    console.expected += [*NOISE, "404"]
    demo, uploader = start_demo(checks_built_in={"zip": True}, checks_on_error=on_error)
    page.add_init_script(LACKS["WebAssembly"][0])
    uploader.open()

    page.get_by_role("alert").get_by_role("link").click()
    if arrives:
        upload(page, make_file(NAME, b"hello"))
        expect_arrived(demo, page, NAME, b"hello")
    else:
        expect(page.get_by_role("heading")).to_have_text(
            "Files are checked here before they are sent"
        )
        expect(page.get_by_label("File", exact=True)).to_have_count(0)
        assert violations(page) == []
        page.get_by_role("link", name="To the upload page").click()
        expect(page.get_by_role("alert")).to_contain_text(NO_WASM)


@pytest.mark.parametrize("how", LACKS)
def test_what_the_browser_lacks_is_named(
    demo: Demo, page: Page, console: Console, how: str
) -> None:
    console.expected += NOISE
    script, words = LACKS[how]
    page.add_init_script(script)
    if how == "modules":
        serve_instead(page, demo, 'type="module"', 'type="what-is-this"')
    page.goto(demo.url)

    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("html")).to_have_attribute("data-app", "failed")
    assert violations(page) == []


def test_a_script_whose_language_is_too_new_is_noticed(
    demo: Demo, page: Page, console: Console
) -> None:
    console.expected += [*NOISE, "SyntaxError", "Unexpected", "ossferry", "Trusted", "core.js"]
    serve_instead(page, demo, r'(boot\.js") integrity="[^"]+"', r"\1")
    page.route(
        "**/boot.js",
        lambda route: route.fulfill(body="let a = #new;", content_type="text/javascript"),
    )
    page.goto(demo.url)

    expect(page.get_by_role("alert")).to_contain_text(TOO_OLD)


def test_a_file_goes_to_whoever_is_signed_in_although_oss_sends_them_back(
    demo: Demo, page: Page, console: Console, make_file: MakeFile
) -> None:
    page.goto(f"{demo.url}/form")
    page.request.post(f"{demo.url}/demo/user", data={"user": "bob"})
    page.reload()

    upload(page, make_file("of-bob.txt", b"hello"))

    assert expect_arrived(demo, page, "of-bob.txt", b"hello").startswith("uploads/bob-")


@pytest.mark.own_page("it replaces the clock of the page")
def test_what_oss_would_refuse_is_not_even_sent(
    start_demo: StartDemo, page: Page, console: Console, make_file: MakeFile
) -> None:
    demo, _ = start_demo(max_file_size=100, allowed_types=["image/*", ".txt"])
    page.clock.install()
    page.goto(f"{demo.url}/form")
    alert, button = page.locator("#said"), page.get_by_role("button", name="Upload")

    upload(page, make_file("large.txt", b"x" * 101))
    expect(alert).to_have_text("This file is larger than 100 B. Choose a smaller one.")
    upload(page, make_file("page.html", b"x"))
    expect(alert).to_have_text("Files of this type are not taken here, only image/*, .txt.")
    page.get_by_label("File", exact=True).set_input_files(make_file("good.txt", b"x"))
    expect(alert).to_be_hidden()
    page.clock.fast_forward(901_000)
    button.click()
    expect(alert).to_have_text("This form is too old. Get a new one.")
    assert [each for each in demo.oss.requests if each.method == "POST" and each.key] == []

    page.get_by_role("link", name="Get a new form").click()
    upload(page, make_file("good.txt", b"x"))
    expect_arrived(demo, page, "good.txt", b"x")


def test_a_form_whose_sending_is_stopped_can_be_sent_again(
    demo: Demo, page: Page, console: Console, make_file: MakeFile
) -> None:
    """Browsers do not report a cancelled form submission, so the button is enabled again by a
    timer.
    """
    page.goto(f"{demo.url}/form")
    page.evaluate(STOP_IT)
    button = page.get_by_role("button", name="Upload")
    upload(page, make_file("good.txt", b"x"))
    expect(button).to_be_disabled(timeout=2000)

    expect(button).to_be_enabled()

    button.click()
    expect_arrived(demo, page, "good.txt", b"x")


def test_axe_finds_nothing_in_the_form_and_what_follows(
    demo: Demo, page: Page, console: Console, make_file: MakeFile
) -> None:
    page.goto(f"{demo.url}/form")
    found = violations(page)
    upload(page, make_file(NAME, b"hello"))
    expect_arrived(demo, page, NAME, b"hello")
    found += violations(page)
    page.goto(f"{demo.url}/form?lang=ar")
    found += violations(page)

    assert found == []


@pytest.mark.parametrize("path", ["/form", "/form?lang=ar"])
def test_nothing_scrolls_sideways_on_a_phone(
    demo: Demo, page: Page, console: Console, path: str
) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(demo.url + path)

    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window  # 320 if the window can be that narrow
