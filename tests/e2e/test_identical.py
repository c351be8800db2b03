"""Files that are already stored are not sent again."""

import pytest
from playwright.sync_api import Page

from e2e.conftest import StartDemo
from e2e.storage_side import until
from support.expecting import expect

pytestmark = pytest.mark.e2e

KEYS = """fetch("/api/objects?sort=newest").then((answer) => answer.json())
  .then((found) => found.objects.map((each) => each.key))"""


def test_a_file_that_is_stored_already_is_not_sent_again(start_demo: StartDemo, page: Page) -> None:
    demo, uploader = start_demo(skip_identical=True)
    uploader.start()
    first = uploader.drop(report__txt="quarterly")
    first.expect_state("done")
    first.expect_says("Arrived and verified")
    key = first.key
    until(page, lambda: page.evaluate(KEYS) == [key])
    uploader.start()

    again = uploader.drop(report__txt="quarterly", other__txt="quarterly")

    again.expect_says("Already uploaded")
    assert again.key == key
    uploader.row("other.txt").expect_says("Arrived and verified")
    expect(uploader.total).to_contain_text("2 of 2 files 1 was already there 9 B of 9 B")
    sent = [each.key for each in demo.oss.requests if each.operation == "PostObject"]
    assert sent == [key, uploader.row("other.txt").key]
