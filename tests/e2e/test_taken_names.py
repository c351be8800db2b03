"""A person is asked before a file is sent whose name they have uploaded before."""

import pytest
from playwright.sync_api import Page

from e2e.conftest import StartDemo
from e2e.storage_side import asked, until
from support.expecting import expect

pytestmark = pytest.mark.e2e

LISTED = """(path) => fetch(path).then((answer) => answer.json())
  .then((found) => found.objects.map((each) => each.key))"""


@pytest.mark.only_browser("chromium")  # the page does nothing here that engines do differently
def test_a_stored_file_is_replaced_after_the_new_one_has_arrived(
    start_demo: StartDemo, page: Page
) -> None:
    demo, uploader = start_demo()
    uploader.start()
    old = uploader.drop(report__txt="quarterly")
    old.expect_state("done")
    old_key = old.key
    until(page, lambda: page.evaluate(LISTED, "/api/objects?sort=name") == [old_key])
    uploader.start()

    row = uploader.drop(report__txt="quarterly, corrected", other__txt="other")
    dialog = uploader.dialog("same-name")
    expect(dialog).to_contain_text("You have already uploaded “report.txt”, with other content.")
    uploader.row("other.txt").expect_state("done")
    row.expect_state("waiting")
    assert len(asked(demo, "PostObject", "report.txt")) == 1
    dialog.get_by_role("button", name="Replace").click()
    row.expect_state("done")
    assert demo.oss.bucket(demo.bucket).objects[row.key].size == len("quarterly, corrected")

    until(page, lambda: page.evaluate(LISTED, "/api/objects/deleted") == [old_key])
    kept = {row.key, uploader.row("other.txt").key}
    until(page, lambda: set(page.evaluate(LISTED, "/api/objects?sort=name")) == kept)
    uploader.start()
    uploader.drop(report__txt="quarterly, corrected")
    expect(dialog).to_contain_text("with the same content")
    dialog.get_by_role("button", name="Skip").click()
    expect(uploader.rows).to_have_count(0)
    uploader.drop(report__txt="quarterly, again")
    field = dialog.get_by_role("textbox", name="Name of the new file")
    expect(field).to_have_value("report (2).txt")
    field.fill("report again.txt")
    dialog.get_by_role("button", name="Rename").click()
    again = uploader.row("report again.txt")
    again.expect_state("done")
    assert again.key.endswith("/report again.txt")
