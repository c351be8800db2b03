"""Layout of the page: what stays visible, what shrinks, and the direction of text."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page

from e2e.pages.uploader import UploaderPage
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

PHONE = {"width": 320, "height": 700}
LONG = "harbour at dawn 2026-11 the long way round, final cut.mov"
PLACES = """(line) => {
  const found = [];
  const texts = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    for (const {index, 0: word} of texts.currentNode.data.matchAll(/[0-9]+/g)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, index);
      range.setEnd(texts.currentNode, index + word.length);
      found.push([word, range.getBoundingClientRect().left]);
    }
  }
  return found;
}"""
MANY = """(zone) => {
  const dataTransfer = new DataTransfer();
  for (let i = 0; i < 60; i++) dataTransfer.items.add(new File(["x"], `photo-${i}.txt`));
  zone.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
}"""
IS_SEEN = """(target) => {
  const {left, top, width, height} = target.getBoundingClientRect();
  const found = document.elementFromPoint(left + width / 2, top + height / 2);
  return target === found || target.contains(found);
}"""


def top_of(target: Locator) -> float:
    box = target.bounding_box()
    assert box is not None
    return box["y"]


def test_a_fact_reads_the_way_of_its_language(uploader: UploaderPage, page: Page) -> None:
    uploader.drop(a__txt="x" * 3, b__txt="y" * 3, c__txt="z")
    expect(uploader.total).to_contain_text("3 of 3 files")
    page.locator("#language").select_option("ar")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")

    for fact in ("3 من 3 ملفات", "7 B من 7 B"):
        line = uploader.total.locator(".fact").filter(has_text=fact.partition(" ")[0]).first
        (_, first), (_, second) = line.evaluate(PLACES)[:2]
        assert first > second


def test_a_link_is_shown_from_its_beginning_in_every_language(
    uploader: UploaderPage, page: Page
) -> None:
    uploader.drop(a__txt="x")
    uploader.row("a.txt").expect_state("done")
    page.locator("#language").select_option("ar")
    page.get_by_role("button", name="مشاركة").click()

    page.get_by_role("dialog").get_by_role("button", name="إنشاء رابط").click()

    expect(page.get_by_role("dialog").get_by_role("textbox", name="الرابط")).to_have_css(
        "direction", "ltr"
    )


def test_the_hour_is_written_as_in_all_other_places(demo: Demo, browser: Browser) -> None:
    with browser.new_context() as elsewhere:
        hour = elsewhere.new_page().evaluate("new Date().getUTCHours()")
    behind = (hour + 9) % 24 - 12  # hours behind UTC, so that the local time is about three o'clock
    with browser.new_context(locale="en-US", timezone_id=f"Etc/GMT{behind:+d}") as context:
        uploader = UploaderPage(context.new_page(), demo.url)

        uploader.open()

        expect(uploader.grant).to_contain_text(re.compile(r"until [34]:\d\d.AM\."))


def test_a_long_name_on_a_phone_keeps_its_beginning_and_its_ending(
    uploader: UploaderPage, demo: Demo, page: Page
) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type] # a dict with its two keys
    demo.oss.faults.add("bandwidth", bytes_per_s=100_000, method="PUT")
    row = uploader.choose(
        {"name": LONG, "mimeType": "video/quicktime", "buffer": b"x" * 12_000_000}
    )
    expect(row.locator.get_by_role("button", name="Pause")).to_be_visible()

    head, tail = (row.locator.locator(part) for part in (".head", ".tail"))
    letter, whole = "(part) => part.clientWidth", "(part) => part.scrollWidth <= part.clientWidth"
    assert head.evaluate(letter) > 60  # room for some letters and the ellipsis
    assert row.locator.locator(".name").evaluate(whole)
    tail.scroll_into_view_if_needed()
    assert tail.evaluate(IS_SEEN)


def test_sum_and_foot_stay_in_sight_and_hide_nothing_that_has_the_focus(
    uploader: UploaderPage, page: Page
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    uploader.drop_zone.evaluate(MANY)
    expect(uploader.total).to_contain_text("60 of 60 files")
    clear, mine = (
        page.get_by_role("button", name=name) for name in ("Clear finished", "My uploads")
    )

    page.mouse.wheel(0, 1500)

    expect(uploader.drop_zone).not_to_be_in_viewport()
    assert (clear.evaluate(IS_SEEN), mine.evaluate(IS_SEEN)) == (True, True)
    buttons = uploader.rows.get_by_role("button")
    buttons.first.focus()
    for _ in range(3 * 20):
        page.keyboard.press("Tab")
        assert page.locator(":focus").evaluate(IS_SEEN)
    for _ in range(3 * 20):
        page.keyboard.press("Shift+Tab")
        assert page.locator(":focus").evaluate(IS_SEEN)


def test_a_dialog_stays_where_it_is_while_its_list_changes(
    uploader: UploaderPage, page: Page
) -> None:
    uploader.drop(**{f"file{number}__txt": "x" for number in range(5)})
    expect(uploader.total).to_contain_text("5 of 5 files")
    page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    search = mine.get_by_role("searchbox")
    expect(mine.get_by_test_id("stored").nth(4)).to_be_visible()
    before = top_of(search)

    search.fill("nothing has this")
    expect(mine.get_by_test_id("stored")).to_have_count(0)

    assert top_of(search) == before
