"""A file that must be checked is sent, waits, and after its release is like any other."""

import os

import pytest
from playwright.sync_api import Page

from e2e.conftest import MakeFile, StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import until
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

LISTED = """fetch("/api/objects?sort=name").then((answer) => answer.json())
  .then((found) => found.objects.length)"""
LARGE = 17 << 20  # sent in parts


@pytest.mark.only_browser("chromium")  # the page does nothing here that engines do differently
def test_a_file_is_being_checked_until_an_operator_releases_it(
    start_demo: StartDemo, page: Page, make_file: MakeFile
) -> None:
    demo, uploader = start_demo(release="checked", clamd="/run/clamav/clamd.ctl")
    uploader.start()
    uploader.choose(make_file("film.bin", os.urandom(LARGE)))
    row = uploader.drop(report__txt="quarterly")
    for each in (row, uploader.row("film.bin")):
        each.expect_state("done")
        each.expect_says("Sent. Being checked.")
        expect(each.locator.get_by_role("button", name="Share…")).to_have_count(0)
    found = {key: each.size for key, each in demo.oss.bucket(demo.bucket).objects.items()}
    assert all(key.startswith("incoming/uploads/alice-") for key in found)
    assert sorted(found.values()) == [9, LARGE]

    opener = page.locator("#more").get_by_role("button", name="My uploads")
    opener.click()
    mine = uploader.dialog("my-uploads")
    stored = mine.get_by_test_id("stored").filter(has_text="report.txt")
    expect(stored).to_contain_text("Being checked")
    expect(stored.get_by_role("button")).to_have_text(["Delete"])
    mine.get_by_role("button", name="Close").click()

    until(page, lambda: page.evaluate(LISTED) == 2)  # both are reported
    admin = page.context.new_page()
    admin.goto(f"{demo.url}/admin")
    held = admin.locator("tr").filter(has_text="waits for the scanner")
    expect(held).to_have_count(2)
    with admin.expect_download() as saved:
        held.filter(has_text="report.txt").get_by_role("button", name="Download").click()
    assert saved.value.path().read_text() == "quarterly"
    held.filter(has_text="report.txt").get_by_role("button", name="Release").click()
    expect(held).to_have_count(1)
    held.get_by_role("button", name="Remove").click()
    expect(held).to_have_count(0)
    admin.close()

    opener.click()
    expect(mine.get_by_test_id("stored")).to_have_count(1)
    expect(stored).to_contain_text("Arrived and verified")
    expect(stored.get_by_role("button", name="Share…")).to_be_visible()
    mine.get_by_role("button", name="Close").click()
    row.expect_says("Arrived and verified")
    assert list(demo.oss.bucket(demo.bucket).objects) == [row.key]


@pytest.mark.only_browser("chromium")  # the page does nothing here that engines do differently
def test_a_file_is_replaced_when_the_new_one_is_released(
    start_demo: StartDemo, page: Page, make_file: MakeFile
) -> None:
    demo, uploader = start_demo(release="checked", clamd="/run/clamav/clamd.ctl")
    uploader.start()
    row = uploader.drop(report__txt="quarterly")
    row.expect_says("Sent. Being checked.")
    first = row.key
    until(page, lambda: page.evaluate(LISTED) == 1)
    release(demo, page, uploader)
    row.expect_says("Arrived and verified")

    uploader.choose(make_file("report.txt", b"second"))
    uploader.dialog("same-name").get_by_role("button", name="Replace").click()
    expect(uploader.rows.filter(has_text="Sent. Being checked.")).to_have_count(1)
    until(page, lambda: page.evaluate(LISTED) == 2)
    assert first in demo.oss.bucket(demo.bucket).objects  # the scanner may refuse the new file
    release(demo, page, uploader)

    assert page.evaluate(LISTED) == 1
    assert first not in demo.oss.bucket(demo.bucket).objects
    expect(uploader.rows).to_have_count(1)


def release(demo: Demo, page: Page, uploader: UploaderPage) -> None:
    """Release the held file as an administrator; *My uploads* tells the page so."""
    admin = page.context.new_page()
    admin.goto(f"{demo.url}/admin")
    admin.get_by_role("button", name="Release").click()
    expect(admin.get_by_role("button", name="Release")).to_have_count(0)
    admin.close()
    page.locator("#more").get_by_role("button", name="My uploads").click()
    mine = uploader.dialog("my-uploads")
    expect(mine.get_by_test_id("stored").filter(has_text="Arrived and verified")).not_to_have_count(
        0
    )
    mine.get_by_role("button", name="Close").click()
