"""During an upload, the screen stays on, and closing the page needs a confirmation.

Phones do not ask: they freeze or end a hidden page without notice.
"""

from contextlib import suppress

import pytest
from playwright.sync_api import Error, Page

from e2e.conftest import Console, MakeFile
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, arrived, asked, expect_whole, noise, until
from ossferry.cli.demo import Demo
from support.expecting import expect
from support.records import record_keys

pytestmark = pytest.mark.e2e

# Counts the wake locks held. Each lock is granted with a delay, as in a busy browser. The prototype
# is patched, because WebKit drops properties of `navigator.wakeLock` itself during garbage
# collection.
WATCHED = """() => {
window.locks = 0;
WakeLock.prototype.request = async () => {
  await new Promise((done) => setTimeout(done, 300));
  locks += 1;
  const lock = new EventTarget();
  let held = true;
  lock.release = async () => {
    if (held) locks -= 1;
    held = false;
    lock.dispatchEvent(new Event("release"));
  };
  return lock;
};
}"""
GUARDS = "() => [locks, window.onbeforeunload !== null]"
NO_TIMERS = """for (const name of ["setTimeout", "setInterval"]) {
  const real = window[name];
  window[name] = (run, ms, ...given) =>
    real((...it) => (window.stopped && ms > 100) || run(...it), ms, ...given);
}"""
HIDE = """() => {
  Object.defineProperty(document, "hidden", { value: true, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
HELD = "() => navigator.locks.query().then((found) => found.held.length)"
PUT_ASIDE = """() => {
  dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
}"""
COMES_BACK = """() => {
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
}"""
LARGE = noise(20 * MIB + 1, seed=46)


def end_without_a_word(page: Page) -> None:
    """End the page's process without any event, as a phone does when memory runs out."""
    with suppress(Error):
        page.goto("chrome://crash")
    page.close()


def test_the_page_guards_what_is_under_way_and_not_what_a_person_paused(
    demo: Demo, uploader: UploaderPage, page: Page
) -> None:
    uploader.expect_ready()
    page.evaluate(WATCHED)
    demo.oss.faults.add("bandwidth", bytes_per_s=10, operation="PostObject")
    assert page.evaluate(GUARDS) == [0, False]

    uploader.drop(a__txt="a" * 1000)
    until(page, lambda: page.evaluate(GUARDS) == [1, True])
    page.get_by_role("button", name="Pause all").click()
    until(page, lambda: page.evaluate(GUARDS) == [0, False])
    page.get_by_role("button", name="Resume all").click()
    until(page, lambda: page.evaluate(GUARDS) == [1, True])
    uploader.row("a.txt").cancel_button.click()

    until(page, lambda: page.evaluate(GUARDS) == [0, False])


def test_one_lock_is_held_however_often_it_is_wanted_before_it_is_given(
    uploader: UploaderPage, page: Page
) -> None:
    uploader.expect_ready()
    page.evaluate(WATCHED)

    page.evaluate("() => { for (const on of [true, false, true]) ossferry.guardLeaving(on); }")
    page.wait_for_timeout(1000)
    assert page.evaluate(GUARDS) == [1, True]
    page.evaluate("ossferry.guardLeaving(false)")

    assert page.evaluate(GUARDS) == [0, False]


def test_r50_what_a_hidden_page_was_given_outlives_its_end(
    demo: Demo, page: Page, console: Console, runtime: str, make_file: MakeFile
) -> None:
    console.expected.append("net::ERR")
    page.add_init_script(NO_TIMERS)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    expect(uploader.grant).to_contain_text("May add files to")
    demo.oss.faults.add("hang", operation="PostObject", times=9)
    demo.oss.faults.add("hang", operation="UploadPart", skip=3, times=9)
    path = make_file("large.bin", LARGE)
    uploader.choose(path)
    until(page, lambda: len(arrived(demo, "large.bin")) == 3)
    until(page, lambda: len(record_keys(page)) == 1)
    page.evaluate("() => { window.stopped = true; }")  # the next batch of records is never written
    uploader.drop(first__txt="x")
    uploader.drop(second__txt="x")
    expect(uploader.row("second.txt").locator).to_be_visible()

    page.evaluate(HIDE)
    until(page, lambda: len(record_keys(page)) == 3)
    end_without_a_word(page)

    demo.oss.faults.clear()
    again = UploaderPage(page.context.new_page(), uploader.url).start()
    box = again.page.locator("#unfinished")
    expect(box).to_contain_text("Continue 3 uploads")
    expect(box.get_by_test_id("unfinished").filter(has_text="large.bin")).to_contain_text(
        "is already there"
    )
    again.choose(path)
    again.row("large.bin").expect_state("done", timeout_ms=60_000)
    assert len(asked(demo, "InitiateMultipartUpload", "large.bin")) == 1
    expect_whole(demo, "large.bin", LARGE)


@pytest.mark.only_browser("chromium")  # DevTools freeze the page
def test_r51_a_page_that_was_put_aside_goes_on_and_keeps_others_off(
    uploader: UploaderPage, demo: Demo, page: Page, console: Console, make_file: MakeFile
) -> None:
    console.expected.append("net::ERR")
    demo.oss.faults.add("bandwidth", bytes_per_s=MIB / 4, operation="UploadPart", skip=2)
    path = make_file("aside.bin", LARGE)
    uploader.choose(path)
    until(page, lambda: len(arrived(demo, "aside.bin")) >= 2)
    session = page.context.new_cdp_session(page)
    held = page.evaluate(HELD)

    page.evaluate(PUT_ASIDE)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    page.wait_for_timeout(1500)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    page.evaluate(COMES_BACK)
    until(page, lambda: page.evaluate(HELD) == held)
    second = UploaderPage(page.context.new_page(), uploader.url).start()
    second.choose(path)

    second.row("aside.bin").expect_says("Another tab is sending this file")
    demo.oss.faults.clear()
    uploader.row("aside.bin").expect_state("done", timeout_ms=60_000)
    second.row("aside.bin").expect_state("done")
    assert len(asked(demo, "InitiateMultipartUpload", "aside.bin")) == 1
    expect_whole(demo, "aside.bin", LARGE)


@pytest.mark.core
@pytest.mark.only_browser("webkit")
def test_r51_an_upload_goes_on_when_going_back_shows_the_same_page_again(
    uploader: UploaderPage, demo: Demo, page: Page, make_file: MakeFile
) -> None:
    demo.oss.faults.add("bandwidth", bytes_per_s=MIB / 2, operation="UploadPart", skip=2)
    uploader.choose(make_file("aside.bin", LARGE))
    until(page, lambda: len(arrived(demo, "aside.bin")) >= 2)
    page.evaluate("window.isTheSame = true")

    page.goto(f"{demo.url}/form")
    page.wait_for_timeout(1500)
    page.go_back()

    assert page.evaluate("window.isTheSame")  # the page was kept, not reloaded
    demo.oss.faults.clear()
    uploader.row("aside.bin").expect_state("done", timeout_ms=60_000)
    assert len(asked(demo, "InitiateMultipartUpload", "aside.bin")) == 1
    expect_whole(demo, "aside.bin", LARGE)
