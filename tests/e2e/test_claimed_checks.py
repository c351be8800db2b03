"""What the checks of a page said about a file is in its receipt, and a person can read it."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page

from e2e.conftest import StartDemo, page_with
from support.expecting import expect

pytestmark = pytest.mark.e2e

SAID = "The GPS position was removed: 4.2 MB -> 4.1 MB"
CLAIM = {
    "version": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "ran": [
        {"check": "true_type", "outcome": "passed", "says": ""},
        {"check": "has_our_columns", "outcome": "noted", "says": ""},
        {"check": "strip_position", "outcome": "changed", "says": SAID},
    ],
}
ONE = {"version": "", "ran": [{"check": "<b>", "outcome": "error", "says": "<i>KeyError</i>"}]}
EXTENSION = f"""
import js

from ossferry_uploader.browser.streams import file_from_stream
from upload_page.main import queue

for name, checks in (("a.txt", {CLAIM!r}), ("b.txt", {ONE!r}), ("c.txt", None)):
    upload = queue.add(file_from_stream(js.File.new([name], "").stream(), name))
    upload.checks = checks
"""


@pytest.mark.only_browser("chromium")  # only its downloads can be read
def test_a_person_reads_what_the_checks_said_and_keeps_it(
    start_demo: StartDemo, page: Page, tmp_path: Path
) -> None:
    _, uploader = start_demo(web_dir=page_with(EXTENSION, tmp_path))
    uploader.start()
    for name in ("a.txt", "b.txt", "c.txt"):
        uploader.row(name).expect_state("done")

    page.locator("#more").get_by_role("button", name="Receipt").click()
    dialog = uploader.dialog("receipt")
    expect(dialog).to_contain_text("The receipt also lists the checks")
    with page.expect_download() as saved:
        dialog.get_by_role("button", name="Save as JSON").click()
    files = json.loads(Path(saved.value.path()).read_text("utf-8"))["files"]
    assert {each["name"]: each["checks_claimed"] for each in files} == {
        "a.txt": CLAIM,
        "b.txt": ONE,
        "c.txt": None,
    }
    page.keyboard.press("Escape")

    listed = """async () => {
      const {objects} = await (await fetch("/api/objects")).json();
      return Object.fromEntries(objects.map((each) => [each.name, each.checks]));
    }"""
    assert page.evaluate(listed) == {"a.txt": CLAIM, "b.txt": ONE, "c.txt": None}

    page.locator("#more").get_by_role("button", name="My uploads").click()
    stored = uploader.dialog("my-uploads").get_by_test_id("stored")
    first, second, third = (stored.filter(has_text=name) for name in ("a.txt", "b.txt", "c.txt"))
    expect(third).to_be_visible()
    expect(third.get_by_test_id("checks")).to_have_count(0)
    checks = first.get_by_test_id("checks")
    expect(checks.locator("summary")).to_have_text("2 checks passed 1 check changed the file")
    expect(checks.get_by_role("listitem")).to_have_count(0)
    checks.locator("summary").click()
    expect(checks.get_by_role("listitem")).to_have_text(
        [
            "true_type Passed",
            "has_our_columns Passed, and added a note",
            f"strip_position Changed the file{SAID}",
        ]
    )
    expect(checks).to_contain_text("The server has not repeated them.")
    checks.locator("summary").click()
    checks.locator("summary").click()
    expect(checks.get_by_role("listitem")).to_have_count(3)
    second.get_by_test_id("checks").locator("summary").click()
    expect(second.get_by_role("listitem")).to_have_text("<b> Did not work<i>KeyError</i>")
    assert not second.locator("b, i").count()
