"""While bytes are on their way the screen stays on, and closing the page is asked about."""

import pytest
from playwright.sync_api import Page

from e2e.conftest import slow_on_pyodide
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import until
from ossferry.demo import Demo

pytestmark = pytest.mark.e2e

# Counts the locks that are held; each is given late, as by a browser that is busy.
WATCHED = """
window.locks = 0;
navigator.wakeLock.request = async () => {
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
null;  // a function would be called
"""
GUARDS = "() => [locks, window.onbeforeunload !== null]"


@slow_on_pyodide
def test_the_page_guards_what_is_under_way_and_not_what_a_person_paused(
    demo: Demo, uploader: UploaderPage, page: Page
) -> None:
    uploader.expect_ready()
    page.evaluate(WATCHED)
    demo.oss.faults.add("bandwidth", bytes_per_s=10, operation="PutObject")
    assert page.evaluate(GUARDS) == [0, False]

    uploader.drop(a__txt="a" * 1000)
    until(page, lambda: page.evaluate(GUARDS) == [1, True])
    page.get_by_role("button", name="Pause all").click()
    until(page, lambda: page.evaluate(GUARDS) == [0, False])
    page.get_by_role("button", name="Resume all").click()
    until(page, lambda: page.evaluate(GUARDS) == [1, True])
    uploader.row("a.txt").cancel_button.click()

    until(page, lambda: page.evaluate(GUARDS) == [0, False])


@slow_on_pyodide
def test_one_lock_is_held_however_often_it_is_wanted_before_it_is_given(
    uploader: UploaderPage, page: Page
) -> None:
    uploader.expect_ready()
    page.evaluate(WATCHED)

    page.evaluate("for (const on of [true, false, true]) ossferry.guardLeaving(on)")
    page.wait_for_timeout(1000)
    assert page.evaluate(GUARDS) == [1, True]
    page.evaluate("ossferry.guardLeaving(false)")

    assert page.evaluate(GUARDS) == [0, False]
