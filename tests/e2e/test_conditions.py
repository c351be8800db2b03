"""Conditions that prevent an upload, and how the page recovers; notifications for hidden pages."""

import re

import pytest
from playwright.sync_api import Page, Route

from e2e.conftest import Console, MakeFile, StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import until
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

NO_GRANT = "Failed to load resource: the server responded with a status of"
ASK_GRANT = "fetch('/api/grant', {method: 'POST'}).then((answer) => answer.status)"
NOTE_NOTIFICATIONS = """{
  const Real = window.Notification;
  window.notes = [];
  window.Notification = class extends Real {
    constructor(words, options) {
      super(words, options);
      notes.push([words, options.tag]);
    }
  };
}"""
ASKABLE_NOTIFICATIONS = """{
  window.asked = 0;
  window.Notification = class {
    static permission = "default";
    static async requestPermission() {
      asked += 1;
      return (this.permission = "granted");
    }
  };
}"""
SLOW_LINE = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
LOOK_HERE = "window.dispatchEvent(new Event('focus'))"  # as after closing the other tab
LOOK_ELSEWHERE = """(away) => {
  Object.defineProperty(document, "hidden", {value: away, configurable: true});
}"""


def test_an_ended_sign_in_has_a_way_back_and_what_waits_goes_on(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    console.expected.append(f"{NO_GRANT} 401")
    signed_in = False

    def answer(route: Route) -> None:
        if signed_in:
            route.continue_()
        else:
            route.fulfill(status=401)

    page.route("**/api/grant", answer)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    expect(uploader.notice("login_ended")).to_have_text(re.compile("^You are not signed in"))
    uploader.drop(patient__txt="x", calm__txt="y")

    notice = uploader.notice("login_ended")
    expect(notice).to_contain_text("Your sign-in has ended. 2 files wait and go on by themselves.")
    uploader.row("calm.txt").expect_says("Waiting because you are not signed in")
    with page.expect_popup() as opened:
        notice.get_by_role("button", name="Sign in").click()
    expect(opened.value).to_have_url(f"{demo.url}/")
    assert opened.value.evaluate("opener") is None
    opened.value.close()
    signed_in = True

    uploader.row("patient.txt").expect_state("done", timeout_ms=30_000)
    uploader.row("calm.txt").expect_state("done")
    expect(notice).to_have_count(0)
    expect(uploader.grant).to_contain_text("May add files to")


def test_who_has_to_sign_in_before_any_file_is_added_has_the_same_way(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    console.expected.append(f"{NO_GRANT} 401")
    page.route("**/api/grant", lambda route: route.fulfill(status=401))
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    notice = uploader.notice("login_ended")
    for place in (notice, page.get_by_role("status").and_(uploader.grant)):
        expect(place).to_contain_text("You are not signed in, or your session has ended.")
    with page.expect_popup() as opened:
        notice.get_by_role("button", name="Sign in").click()
    expect(opened.value).to_have_url(f"{demo.url}/")
    opened.value.close()
    page.unroute("**/api/grant")

    page.evaluate(LOOK_HERE)

    expect(notice).to_have_count(0)
    expect(uploader.grant).to_contain_text("May add files to")


def test_a_quota_that_is_used_up_is_told_and_room_can_be_made(
    start_demo: StartDemo, page: Page, console: Console
) -> None:
    console.expected.append(f"{NO_GRANT} 429")
    _, uploader = start_demo(quota_objects_total=1)
    uploader.start()
    uploader.drop(first__txt="x")
    uploader.row("first.txt").expect_state("done")
    expect(page.locator("#hint")).to_contain_text("0 files of your quota left")
    until(page, lambda: page.evaluate(ASK_GRANT) == 429)

    uploader.start()
    expect(uploader.grant).to_contain_text("Your quota is used up: 1 of 1 file. Delete uploads")
    uploader.drop(second__txt="y")

    uploader.row("second.txt").expect_says("Waiting for room in your quota")
    notice = uploader.notice("quota")
    expect(notice).to_contain_text("Your quota is used up: 1 of 1 file. Delete uploads")
    notice.get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    mine.get_by_test_id("stored").get_by_role("button", name="Delete").click()
    expect(mine.get_by_role("status")).to_contain_text("first.txt was deleted.")
    page.keyboard.press("Escape")

    uploader.row("second.txt").expect_state("done", timeout_ms=30_000)
    expect(notice).to_have_count(0)


def test_the_end_is_notified_to_whom_looks_elsewhere(
    demo: Demo, page: Page, console: Console, runtime: str
) -> None:
    page.context.grant_permissions(["notifications"])
    page.add_init_script(NOTE_NOTIFICATIONS)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    uploader.drop(seen__txt="x")
    uploader.row("seen.txt").expect_state("done")
    expect(page.locator("#announce")).to_contain_text("1 file arrived")

    page.evaluate(LOOK_ELSEWHERE, True)
    uploader.drop(unseen__txt="y")

    until(page, lambda: page.evaluate("notes"))
    assert page.evaluate("notes") == [["2 files arrived and verified.", "ossferry"]]


@pytest.mark.only_browser("chromium")  # DevTools limit the speed of the connection
def test_who_waits_long_may_ask_to_be_notified(
    demo: Demo, page: Page, console: Console, runtime: str, make_file: MakeFile
) -> None:
    page.add_init_script(ASKABLE_NOTIFICATIONS)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}").start()
    line = page.context.new_cdp_session(page)
    line.send("Network.emulateNetworkConditions", SLOW_LINE)
    uploader.choose(make_file("long.bin", b"x" * 12_000_000))
    ask = uploader.total.get_by_role("button", name="Notify me when done")

    ask.click()

    expect(ask).to_be_hidden()
    assert page.evaluate("asked") == 1
    uploader.row("long.bin").cancel_button.click()
