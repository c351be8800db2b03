"""System preferences of the user: less motion, more contrast, forced colours."""

from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from e2e import axe
from e2e.conftest import Console, MakeFile
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import until
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.faults import refuse

pytestmark = [pytest.mark.e2e]

MOVES = """() => {
  const seconds = (list) => list.split(",").map(parseFloat);
  const found = [];
  for (const each of document.querySelectorAll("*")) {
    for (const part of [undefined, "::before", "::after"]) {
      const { transitionDuration, animationName, animationTimingFunction, scrollBehavior } =
        getComputedStyle(each, part);
      const glides = animationName !== "none" && !animationTimingFunction.startsWith("steps");
      if (glides || scrollBehavior === "smooth" || seconds(transitionDuration).some(Boolean)) {
        found.push(each.outerHTML.slice(0, 60));
      }
    }
  }
  return found;
}"""
COLOURS = """async (png) => {
  const bytes = Uint8Array.from(png);
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, picture.width, picture.height);
  const pixels = new Uint32Array(data.buffer);
  const counts = new Map();
  for (const each of pixels) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts.values()].filter((count) => count > pixels.length / 100).length;
}"""
BORDERS = """(target) => {
  const { borderStyle, borderWidth, outlineStyle, outlineWidth } = getComputedStyle(target);
  const drawn = (style, width) => style.includes("solid") && parseFloat(width) >= 1;
  return drawn(borderStyle, borderWidth) || drawn(outlineStyle, outlineWidth);
}"""
OUTLINE = """() => {
  const shown = document.activeElement.matches("[type=file]")
    ? document.activeElement.previousElementSibling : document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
}"""
TAB_STOPS = """() => [...document.querySelectorAll("button, summary, input, select, textarea, a")]
  .filter((each) => each.checkVisibility() && !each.disabled)
  .filter((each) => !each.matches("select, textarea, input:not([type=checkbox], [type=file])"))
  .map((each) => [each.outerHTML.slice(0, 60), each.getAttribute("tabindex")])"""


@pytest.fixture
def busy(uploader: UploaderPage, demo: Demo, console: Console, make_file: MakeFile) -> UploaderPage:
    """The page with a running, a failed and a completed upload.

    The running one is large, because the system takes several MB per connection before the mock
    reads them.
    """
    console.expected.append("status of 403")
    refuse(demo, "refused.txt", "AccessDenied")
    demo.oss.faults.add("bandwidth", bytes_per_s=150_000, key="*/slow.bin", method="PUT")
    uploader.drop(refused__txt="x", done__txt="y")
    uploader.choose(make_file("slow.bin", b"x" * 40_000_000))
    uploader.row("refused.txt").expect_state("failed")
    uploader.row("done.txt").expect_state("done")
    uploader.row("slow.bin").expect_state("uploading")
    return uploader


def colours(shown: Locator) -> int:
    """Return the number of colours in a screenshot, ignoring the edges of letters."""
    png = list(shown.screenshot(animations="disabled"))
    elsewhere = shown.page.context.new_page()  # without a policy that blocks images
    found = elsewhere.evaluate(COLOURS, png)
    elsewhere.close()
    return int(found)


def is_partly_filled(bar: Locator) -> bool:
    """Tell whether both parts of a progress bar are large enough for `colours`."""
    return bool(bar.evaluate("(bar) => 0.03 < bar.position && bar.position < 0.97"))


@pytest.mark.only_browser("chromium")  # only Chromium emulates this preference
def test_nothing_moves_for_who_wants_no_motion(busy: UploaderPage, page: Page) -> None:
    toast = page.locator("#toast span")
    busy.row("refused.txt").locator.get_by_role("button", name="Copy report for support").click()
    expect(toast).to_be_attached()
    assert page.evaluate(MOVES) != []  # the icon and the toast move

    page.emulate_media(reduced_motion="reduce")

    assert page.evaluate(MOVES) == []


@pytest.mark.only_browser("chromium")  # only Chromium emulates this preference
def test_all_is_seen_with_colours_of_ones_own(busy: UploaderPage, page: Page) -> None:
    page.emulate_media(forced_colors="active")

    failed, slow = busy.row("refused.txt"), busy.row("slow.bin")
    framed: dict[str, Locator] = {
        "zone": busy.drop_zone,
        "choose": page.locator("label[for=files]"),
        "list": page.locator(".list", has=page.get_by_test_id("upload")),
        "failed": failed.locator,
        "sum": busy.total.get_by_role("progressbar"),
    }
    busy.drop_zone.evaluate("(zone) => zone.classList.add('over')")  # else its border is dashed
    assert [name for name, each in framed.items() if not each.evaluate(BORDERS)] == []
    for bar in (slow.progress, busy.total.get_by_role("progressbar")):
        until(page, partial(is_partly_filled, bar))
    drawn: dict[str, Locator] = {
        "sum": busy.total.get_by_role("progressbar"),
        "file": slow.progress,
        "cross": slow.cancel_button,
        "mark": page.locator(".brand .mark"),
        "theme": page.locator("#theme"),
        "language": page.locator("#language"),
    }
    found = {name: colours(each) for name, each in drawn.items()}
    assert {name: count for name, count in found.items() if count < 2} == {}
    page.locator("#language").focus()
    for _ in range(9):
        page.keyboard.press("Tab")
        assert page.evaluate(OUTLINE), page.evaluate("document.activeElement.outerHTML")
    page.locator("#more").get_by_role("button", name="Keyboard shortcuts").click()
    assert busy.dialog("shortcuts").evaluate(BORDERS)


@pytest.mark.only_browser("chromium")  # only Chromium emulates this preference
def test_letters_are_as_clear_as_who_wants_more_contrast_needs(
    busy: UploaderPage, page: Page
) -> None:
    enhanced: Any = {"runOnly": ["color-contrast-enhanced"], "rules": {}}
    enhanced["rules"]["color-contrast-enhanced"] = {"enabled": True}

    def unclear() -> list[str]:
        nodes = [node for each in axe.run(page, enhanced) for node in each["nodes"]]
        return [f"{node['target']} {node['any'][0]['message']}" for node in nodes]

    page.emulate_media(contrast="no-preference", color_scheme="light")
    assert unclear() != []  # by default, the contrast is below 7:1
    for scheme in ("light", "dark"):
        page.emulate_media(contrast="more", color_scheme=scheme)
        assert unclear() == [], scheme


def test_the_tab_key_of_safari_reaches_all(busy: UploaderPage, page: Page) -> None:
    found = {"page": page.evaluate(TAB_STOPS)}
    page.locator("#more").get_by_role("button", name="My uploads").click()
    expect(busy.dialog("my-uploads").get_by_test_id("stored").first).to_be_visible()
    found["mine"] = page.evaluate(TAB_STOPS)
    page.keyboard.press("Escape")
    busy.drop(done__txt="other", refused__txt="other")
    expect(busy.dialog("same-name").get_by_role("checkbox")).to_be_visible()
    found["same name"] = page.evaluate(TAB_STOPS)
    page.goto(busy.url.partition("?")[0] + "form")
    found["form"] = page.evaluate(TAB_STOPS)

    assert [len(each) > 5 for each in found.values()] == [True] * 4
    for place, stops in found.items():
        assert [each for each, index in stops if index != "0"] == [], place
