"""The page on a phone: touch, small and rotated screens, on-screen keyboards."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page

from e2e import axe
from e2e.conftest import Console, MakeFile
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import until
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.faults import refuse
from support.records import record_keys

pytestmark = [pytest.mark.e2e]

PHONE: Any = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "has_touch": True,
    "is_mobile": True,
    "locale": "en-US",
}
SIZES = ((390, 844), (360, 740), (320, 568), (844, 390))
LANGUAGES = ("en", "ja", "zh-CN", "zh-TW", "ar")
FINGER = 44  # CSS pixels
FIELD = 16  # CSS pixels; iOS zooms in on fields with a smaller font
LONG = "harbour at dawn 2026-11 the long way round, final cut.mov"

PICKER_IS_WRONG = """window.showOpenFilePicker = () => {
  throw new Error("a phone's own picker has camera and photos, this one has not");
};"""
TARGETS = """() => {
  const found = [];
  for (const each of document.querySelectorAll("button, select, summary, textarea, input, label")) {
    const inside = document.querySelector("dialog[open]");
    if ((inside && !inside.contains(each)) || !each.checkVisibility()) continue;
    if (each.matches("label:not(.button, .check), [type=checkbox], [type=file]")) continue;
    const { width, height } = each.getBoundingClientRect();
    found.push([`${each.tagName} ${each.textContent.slice(0, 30)}`, width, height]);
  }
  return found;
}"""
SMALL_FIELDS = """(least) => [
  ...document.querySelectorAll("select, textarea, input:not([type=checkbox], [type=file])"),
].filter((each) => each.checkVisibility() && parseFloat(getComputedStyle(each).fontSize) < least)
  .map((each) => each.outerHTML.slice(0, 60))"""
SPILLS = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  const inside = document.querySelector("dialog[open]") ?? document.body;
  const out = [...inside.querySelectorAll("*")].filter((each) => {
    if (!each.checkVisibility() || each.closest(".visually-hidden, pre, svg")) return false;
    const { left, right, width } = each.getBoundingClientRect();
    return width && (left < -0.5 || right > clientWidth + 0.5);
  });
  return [scrollWidth > clientWidth, out.map((each) => each.outerHTML.slice(0, 80))];
}"""
IN_SIGHT = """(field) => {
  const { top, bottom } = field.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}"""


@pytest.fixture
def phone(browser: Browser, demo: Demo, runtime: str) -> Iterator[UploaderPage]:
    """The page on a phone, ready; unexpected console messages fail the test."""
    with browser.new_context(**PHONE) as context:
        page = context.new_page()
        page.add_init_script(PICKER_IS_WRONG)
        console = Console()
        console.expected.append("status of 403|net::ERR")
        # if a throttled file makes no progress for long, the page asks the server whether it is
        # stored
        console.expected.append("status of 404 .*/api/receipts")
        console.listen(page)
        uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
        expect(uploader.grant.locator("code")).to_be_visible()
        yield uploader
        assert console.unexpected() == []


def too_small(page: Page) -> list[Any]:
    """Return controls too small for touch, and fields that make iOS zoom in."""
    targets = page.evaluate(TARGETS)
    assert targets
    small = [each for each in targets if min(each[1:]) < FINGER - 0.5]
    return [*small, *page.evaluate(SMALL_FIELDS, FIELD)]


def violations(page: Page) -> list[str]:
    """Return the violations that axe finds."""
    return [f"{each['id']} {each['nodes'][0]['target']}" for each in axe.run(page)]


def turn(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})


def menu(phone: UploaderPage, name: str) -> Locator:
    return phone.page.locator("#more").get_by_role("button", name=name)


@pytest.mark.only_browser("chromium")  # only Chromium emulates touch
def test_everything_on_a_phone_is_as_large_as_a_finger_and_fits(
    phone: UploaderPage, demo: Demo, make_file: MakeFile
) -> None:
    page = phone.page
    found: dict[str, Any] = {"empty": too_small(page)}
    expect(page.get_by_role("heading", level=1, name="Choose files to upload")).to_be_visible()
    expect(page.get_by_text("Drop files or a folder")).to_be_hidden()
    expect(menu(phone, "Keyboard shortcuts")).to_be_hidden()
    with page.expect_file_chooser() as opened:
        page.get_by_text("Choose files", exact=True).tap()
    assert opened.value.is_multiple()

    refuse(demo, "refused.txt", "AccessDenied")
    demo.oss.faults.add("bandwidth", bytes_per_s=100_000, key="*.mov", method="PUT")
    demo.oss.faults.add("bandwidth", bytes_per_s=100_000, key="*.iso", method="PUT")
    sizes = {LONG: 3_000_000, "disc.iso": 3_000_000, "refused.txt": 9}
    opened.value.set_files([make_file(name, b"x" * size) for name, size in sizes.items()])
    phone.choose(FilePayload(name="done.txt", mimeType="", buffer=b"x"))
    phone.row("done.txt").expect_state("done")
    phone.row("refused.txt").expect_state("failed")
    phone.row("disc.iso").expect_state("uploading")
    phone.row("disc.iso").cancel_button.tap()
    found["busy"] = too_small(page)
    found["busy, axe"] = violations(page)
    for width, height in SIZES:
        turn(page, width, height)
        for language in LANGUAGES:
            page.locator("#language").select_option(language)
            expect(page.locator("html")).to_have_attribute("lang", language)
            found[f"{width} x {height}, {language}"] = flat(page.evaluate(SPILLS))
    page.locator("#language").select_option("en")
    found["turned, axe"] = violations(page)
    page.evaluate("scrollTo(0, 0)")
    expect(phone.total).to_be_in_viewport(ratio=1)  # the chosen files are visible without scrolling
    expect(phone.rows.first).to_be_in_viewport()

    found |= dialogs_on_a_phone(phone)

    assert {state: each for state, each in found.items() if each} == {}


def dialogs_on_a_phone(phone: UploaderPage) -> dict[str, Any]:
    """Open each dialog, also in landscape and with a keyboard; return the problems of each."""
    page = phone.page
    found: dict[str, Any] = {}
    for name in ("My uploads", "Receipt"):
        turn(page, 390, 844)
        menu(phone, name).tap()
        dialog = page.get_by_role("dialog", name=name)
        expect(dialog).to_be_visible()
        found[name] = [*too_small(page), *flat(page.evaluate(SPILLS))]
        turn(page, 844, 390)
        found[f"{name}, turned"] = [*violations(page), *flat(page.evaluate(SPILLS))]
        dialog.get_by_role("button", name="Close").tap()
    turn(page, 390, 844)
    phone.choose(FilePayload(name="done.txt", mimeType="", buffer=b"other"))
    expect(phone.dialog("same-name")).to_be_visible()
    found["same name"] = too_small(page)
    phone.dialog("same-name").get_by_role("button", name="Skip").tap()
    phone.row("done.txt").locator.get_by_role("button", name="Share…").tap()
    share = phone.dialog("share")
    share.get_by_role("button", name="Make a link").tap()
    expect(share.get_by_role("img", name="QR code of the link")).to_be_visible()
    found["share"] = [*too_small(page), *flat(page.evaluate(SPILLS))]
    turn(page, 390, 400)  # the keyboard covers the rest
    note = share.get_by_role("textbox", name="Note, for you only")
    note.tap()
    expect(note).to_be_focused()
    found["keyboard"] = [] if note.evaluate(IN_SIGHT) else ["the note is out of sight"]
    return found


def flat(spills: tuple[bool, list[str]]) -> list[str]:
    """Return elements wider than the screen, as lines."""
    scrolls, wide = spills
    return (["the page scrolls sideways"] if scrolls else []) + wide


@pytest.mark.only_browser("chromium")  # only Chromium emulates touch
def test_who_holds_a_phone_is_asked_to_choose_again_and_not_to_drop(
    phone: UploaderPage, demo: Demo
) -> None:
    page = phone.page
    demo.oss.faults.add("hang", operation="PostObject", times=9)
    phone.choose(FilePayload(name="waits.txt", mimeType="", buffer=b"x"))
    phone.row("waits.txt").expect_state("uploading")
    until(page, lambda: demo.oss.requests)
    until(page, lambda: record_keys(page))

    phone.start()

    box = page.locator("#unfinished")
    expect(box).to_contain_text("Choose the same files again; only what is missing is sent.")
    assert too_small(page) == []
    assert violations(page) == []


@pytest.mark.only_browser("chromium")  # only Chromium emulates touch
@pytest.mark.parametrize(
    ("lacks", "is_offered"),
    [
        pytest.param("null", True, id="a browser of today"),
        pytest.param("delete window.Iterator", False, id="iOS before 18.4"),
        pytest.param("delete HTMLInputElement.prototype.webkitdirectory", False, id="none at all"),
    ],
)
def test_a_folder_is_offered_where_one_can_be_chosen(
    browser: Browser, demo: Demo, runtime: str, lacks: str, is_offered: bool
) -> None:
    with browser.new_context(**PHONE) as context:
        page = context.new_page()
        page.add_init_script(lacks)
        page.goto(f"{demo.url}/?runtime={runtime}", wait_until="commit")

        expect(page.get_by_text("Choose files", exact=True)).to_be_visible()
        expect(page.get_by_text("Choose folder", exact=True)).to_be_visible(visible=is_offered)
        expect(page.locator("#folder")).to_be_visible(visible=is_offered)
