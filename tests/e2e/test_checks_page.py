"""An administrator tries the checks on `/checks`; nothing is uploaded."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from playwright.sync_api import Page

from e2e.axe import violations
from e2e.conftest import ENDED_WORKER, Console
from e2e.pages.uploader import CHECKED_MS, UploaderPage
from ossferry.cli.demo import Demo
from support.expecting import expect

pytestmark = pytest.mark.e2e

StartDemo = Callable[..., tuple[Demo, UploaderPage]]
MakeFile = Callable[[str, bytes], Path]

CHECKS = """
from ossferry_checks import Note, Reject, Replace, check


@check("*.csv")
def columns(file):
    print("looking at", file.name, end="")
    if not file.path.read_text().startswith("date"):
        raise Reject("The first column must be date.", line=1)
    new = file.folder / "new.csv"
    new.write_text("date\\n" * 500)
    return [Replace(new, name="new.csv"), Note(columns="1")]


@check("hang*", max_seconds=60)
def hangs(file):
    while True:
        pass
"""


DROP = """(element) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["sku"], "bad.csv"));
  const drop = (kind) => new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
  return element.dispatchEvent(drop("dragover")) || element.dispatchEvent(drop("drop"));
}"""


@pytest.fixture
def opened(start_demo: StartDemo, page: Page, tmp_path: Path) -> Demo:
    """A demo whose page `/checks` is open."""
    path = tmp_path / "checks.py"
    path.write_text(dedent(CHECKS))
    demo, _ = start_demo(checks=path)
    page.goto(f"{demo.url}/checks")
    return demo


def test_chosen_and_dropped_files_are_checked_without_an_upload(
    opened: Demo, page: Page, console: Console, make_file: MakeFile
) -> None:
    console.expected.append(ENDED_WORKER)
    good, bad = make_file("good.csv", b"date\n"), make_file("bad.csv", b"sku\n")
    other, hanging = make_file("other.txt", b""), make_file("hang.bin", b"")
    rows = page.locator("#results > li")
    opened.oss.requests.clear()

    page.get_by_label("Files to check").set_input_files([good, bad, other])

    row = rows.filter(has_text="good.csv")
    expect(row.get_by_role("status")).to_have_text(
        "The page would upload this file.", timeout=CHECKED_MS
    )
    expect(row).to_contain_text("columns changed the file")
    expect(row).to_contain_text("The page would upload new.csv (5 bytes → 2.5 kB).")
    row.get_by_text("Metadata", exact=True).click()
    expect(row).to_contain_text("x-oss-meta-columns: 1")
    row.get_by_text("Printed text").click()
    expect(row).to_contain_text("looking at good.csv")

    row = rows.filter(has_text="bad.csv")
    expect(row.get_by_role("status")).to_have_text("The page would not upload this file.")
    expect(row).to_contain_text("columns rejected · line 1")
    expect(row).to_contain_text("The first column must be date.")

    row = rows.filter(has_text="other.txt")
    expect(row.get_by_role("status")).to_have_text("No check looks at files with this name.")

    in_zone = page.locator("#try").evaluate(DROP)
    beside = page.locator("h1").evaluate(DROP)
    expect(rows.filter(has_text="The first column must be date.")).to_have_count(2)
    expect(rows).to_have_count(4)
    assert (in_zone, beside) == (False, False)  # the browser does not open the file
    assert violations(page) == []

    page.get_by_label("Files to check").set_input_files(hanging)
    row = rows.filter(has_text="hang.bin")
    expect(row.get_by_role("status")).to_have_text("Checking: hangs", timeout=CHECKED_MS)
    row.get_by_role("button", name="Cancel hang.bin").click()
    expect(row.get_by_role("status")).to_have_text("Cancelled")
    assert [each.operation for each in opened.oss.requests] == []
