"""Basic features in every engine besides uploads: start, languages, layout, lists and shares.

Together with the stories marked `core` in other files, these run in Chromium, Firefox and WebKit.
"""

import pytest
from playwright.sync_api import Page

from e2e.conftest import Console, StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import until
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = [pytest.mark.e2e, pytest.mark.core]

FETCH = "(url) => fetch(url).then((answer) => answer.text())"
BACKGROUND = "(body) => getComputedStyle(body).backgroundColor"
WIDTHS = "() => [document.documentElement.scrollWidth, innerWidth]"
STOPS = """() => {
  const all = document.querySelectorAll("a[href], button, input, select, summary");
  const seen = [...all].filter((each) => !each.disabled && each.checkVisibility()
    && each.type !== "hidden");
  seen.forEach((each, at) => { each.dataset.stop ??= String(at); });
  return seen.map((each) => each.dataset.stop);
}"""
HAS_FOCUS = "() => document.activeElement?.dataset.stop ?? ''"
PHONE = {"width": 390, "height": 844}
HEADINGS = {
    "ja": ("ltr", "ファイルやフォルダーをドロップ", "アップロード完了"),
    "ar": ("rtl", "أفلت ملفات أو مجلدًا هنا", "وصل وتم التحقق منه"),
    "zh-TW": ("ltr", "拖放檔案或資料夾", "已上傳並驗證"),
}


def test_my_uploads_are_listed_searched_shared_deleted_and_brought_back(
    start_demo: StartDemo, page: Page
) -> None:
    demo, uploader = start_demo()
    uploader.start()
    row = uploader.drop(report__txt="quarterly", photo__txt="not a photo")
    row.expect_state("done")
    uploader.row("photo.txt").expect_state("done")
    page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    stored = mine.get_by_test_id("stored")
    expect(stored).to_have_count(2)
    mine.get_by_label("Search names").fill("report")
    expect(stored).to_have_count(1)

    stored.first.get_by_role("button", name="Share…").click()

    share = uploader.dialog("share")
    share.get_by_label("Works for").select_option("1 hour")
    share.get_by_role("button", name="Make a link").click()
    expect(share.get_by_role("img", name="QR code of the link")).to_be_visible()
    link = share.get_by_label("Link", exact=True).input_value()
    assert page.evaluate(FETCH, link) == "quarterly"
    page.keyboard.press("Escape")
    expect(share).to_have_count(0)
    stored.first.get_by_role("button", name="Delete").click()
    expect(mine.get_by_role("status")).to_contain_text("report.txt was deleted.")
    assert row.key not in demo.oss.bucket(demo.bucket).objects
    mine.get_by_role("button", name="Undo").click()
    expect(mine.get_by_role("status")).not_to_contain_text("deleted")
    assert row.key in demo.oss.bucket(demo.bucket).objects
    page.keyboard.press("Escape")
    expect(mine).to_have_count(0)


def test_languages_and_colours_are_chosen_and_kept(uploader: UploaderPage, page: Page) -> None:
    row = uploader.drop(a__txt="x")
    row.expect_state("done")
    light = page.locator("body").evaluate(BACKGROUND)
    theme = page.locator("#theme")

    theme.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    theme.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.locator("body").evaluate(BACKGROUND) != light
    for language, (direction, heading, arrived) in HEADINGS.items():
        page.locator("#language").select_option(language)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading, use_inner_text=True)
        expect(page.locator("html")).to_have_attribute("dir", direction)
        row.expect_says(arrived)
    uploader.start()
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text(HEADINGS["zh-TW"][1], use_inner_text=True)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    uploader: UploaderPage, page: Page
) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type] # a dict with its two keys
    uploader.drop(**{"a" * 100 + "__txt": "x", "b__txt": "y"})
    uploader.row("b.txt").expect_state("done")

    whole, seen = page.evaluate(WIDTHS)
    assert whole <= seen
    page.locator("#more").get_by_role("button", name="My uploads").click()
    expect(uploader.dialog("my-uploads").get_by_test_id("stored").first).to_be_visible()
    whole, seen = page.evaluate(WIDTHS)
    assert whole <= seen


def test_the_tab_key_reaches_all(
    uploader: UploaderPage, demo: Demo, page: Page, console: Console
) -> None:
    expect(page.locator("#more").get_by_role("button", name="My uploads")).to_be_visible()
    expect_every_stop(page)
    expect_forbidden_image(page, console)
    page.goto(f"{demo.url}/form")
    expect_every_stop(page)


def expect_every_stop(page: Page) -> None:
    """Check that the tab key reaches each element that takes the focus."""
    stops = page.evaluate(STOPS)
    reached = set()
    for _ in range(2 * len(stops)):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(HAS_FOCUS))
    assert len(stops) > 5
    assert set(stops) <= reached


def expect_forbidden_image(page: Page, console: Console) -> None:
    """Check that violations of the Content-Security-Policy appear in the console.

    So a silent console means that there were none.
    """
    page.evaluate("() => { new Image().src = 'https://elsewhere.example/x.png' }")

    until(page, lambda: any("img-src" in each for each in console.unexpected()))
    console.expected.append("elsewhere.example")
