"""The page's use of browser time: timers, stack depth, and painting."""

from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page

from e2e.pages.uploader import UploaderPage
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

TAB_TIMES = """() => {
  window.tabTimes = [];
  const note = () => tabTimes.push(performance.now());
  new MutationObserver(note).observe(document.querySelector("title"), {childList: true});
}"""
TIMERS = """async () => {
  const came = [];
  const add = (what) => () => came.push(what);
  setTimeout(add("a"));
  clearTimeout(setTimeout(add("b"), 0));
  setTimeout(add("c"), 0);
  setTimeout(() => { came.push("d"); setTimeout(add("late"), 0); }, 0);
  await new Promise((done) => setTimeout(done, 50));
  return came;
}"""
MESSAGES_ARE_LOST = "() => { MessagePort.prototype.postMessage = () => {}; }"


def test_timers_without_a_wait_come_in_order_and_can_be_taken_back(
    uploader: UploaderPage, page: Page
) -> None:
    uploader.expect_ready()

    assert page.evaluate(TIMERS) == ["a", "c", "d", "late"]


@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)  # Pyodide uses messages itself
def test_a_page_goes_on_when_the_browser_loses_its_messages(
    uploader: UploaderPage, page: Page
) -> None:
    """WebKit loses messages when its network process ends, as on a phone with little memory."""
    uploader.expect_ready()
    page.evaluate(MESSAGES_ARE_LOST)

    uploader.drop(a__txt="a", b__txt="b")

    uploader.row("a.txt").expect_state("done")
    uploader.row("b.txt").expect_state("done")
    assert page.evaluate(TIMERS) == ["a", "c", "d", "late"]


@pytest.mark.only_browser("chromium")  # DevTools report the initiator
def test_a_request_is_sent_from_the_top_of_the_stack(
    uploader: UploaderPage, page: Page, demo: Demo
) -> None:
    """DevTools records the stack of each request, and the interpreter's stack is deep."""
    depths: list[int] = []

    def note(event: dict[str, Any]) -> None:
        if f"//{demo.bucket}." in event["request"]["url"]:
            depths.append(len(event["initiator"].get("stack", {}).get("callFrames", [])))

    tools = page.context.new_cdp_session(page)
    tools.on("Network.requestWillBeSent", note)
    tools.send("Network.enable")

    uploader.drop(a__txt="a")

    uploader.row("a.txt").expect_state("done")
    assert depths
    assert max(depths) < 5


def test_the_tab_tells_of_many_small_files_once_a_second(
    uploader: UploaderPage, demo: Demo, page: Page
) -> None:
    page.evaluate(TAB_TIMES)
    demo.oss.faults.add("delay", seconds=0.1, operation="PostObject")  # over two seconds in total
    files = [FilePayload(name=f"{n}.txt", mimeType="", buffer=b"x" * 999) for n in range(150)]

    uploader.choose(*files)

    expect(uploader.total).to_contain_text("150 of 150 files")
    expect(page).to_have_title("ossferry")
    gaps: list[float] = page.evaluate("tabTimes.slice(1).map((at, index) => at - tabTimes[index])")
    assert gaps
    assert sum(gaps) > 900 * len(gaps)  # a busy computer notes a time late, and then a short gap
