"""The operator's fields, and another name, before files are sent."""

import pytest
from playwright.sync_api import Locator, Page, Route

from e2e.axe import violations
from e2e.conftest import Console, MakeFile, StartDemo
from e2e.pages.uploader import UploaderPage
from e2e.storage_side import stored, until
from support.expecting import expect

pytestmark = pytest.mark.e2e

MODEL = "support.details_model:Photo"
LISTED = """fetch("/api/objects?sort=name").then((answer) => answer.json())
  .then((found) => found.objects.map((each) => [each.name, each.details]))"""


def opened(uploader: UploaderPage, row: Locator) -> Locator:
    row.get_by_role("button", name="Details").click()
    return uploader.dialog("details")


@pytest.mark.core
def test_files_wait_for_details_that_one_person_fills_in_for_all(
    start_demo: StartDemo, page: Page
) -> None:
    demo, uploader = start_demo(details=MODEL)
    uploader.start()
    uploader.drop(a__txt="one", b__txt="two", c__txt="three")
    for name in ("a.txt", "b.txt", "c.txt"):
        uploader.row(name).expect_says("Needs details")
    expect(uploader.total).to_contain_text("3 files need details")

    dialog = opened(uploader, uploader.row("a.txt").locator)
    dialog.get_by_label("File name").fill("Dunes/.txt")
    dialog.get_by_label("Title").fill("Dunes")
    dialog.get_by_label("Title").press("Enter")
    expect(dialog.get_by_label("licence")).to_be_focused()
    expect(dialog.get_by_role("alert").filter(has_text="Choose one")).to_have_count(0)
    expect(dialog).to_contain_text("Fill in this field.")
    dialog.get_by_role("button", name="Compute SHA-256").click()
    expect(dialog).to_contain_text(
        "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    )
    assert violations(page) == []
    dialog.get_by_label("licence").select_option("CC0")
    dialog.get_by_label("Storage class (optional)").select_option("IA")
    dialog.get_by_role("button", name="Save").click()
    uploader.row("Dunes_.txt").expect_state("done")
    [key] = stored(demo, "/Dunes_.txt")
    assert demo.oss.bucket(demo.bucket).objects[key].storage_class == "IA"
    expect(page.locator(":focus")).to_have_count(1)

    uploader.total.get_by_role("button", name="Fill in details").click()
    both = uploader.dialog("details")
    expect(both.get_by_role("heading")).to_have_text("Details of 2 files")
    both.get_by_label("Title").fill("Sea")
    both.get_by_label("licence").select_option("CC BY")
    both.get_by_role("button", name="Save").click()

    uploader.row("b.txt").expect_state("done")
    uploader.row("c.txt").expect_state("done")
    until(page, lambda: len(page.evaluate(LISTED)) == 3)
    assert [(name, each["title"], each["licence"]) for name, each in page.evaluate(LISTED)] == [
        ("b.txt", "Sea", "CC BY"),
        ("c.txt", "Sea", "CC BY"),
        ("Dunes_.txt", "Dunes", "CC0"),
    ]


@pytest.mark.slow
def test_a_reload_keeps_the_name_and_the_details(
    start_demo: StartDemo, make_file: MakeFile, page: Page, console: Console
) -> None:
    console.expected.append("status of 503")
    demo, uploader = start_demo(details=MODEL)
    path = make_file("a.txt", b"one")
    uploader.start()
    row = uploader.choose(path)
    row.expect_says("Needs details")
    dialog = opened(uploader, row.locator)
    dialog.get_by_label("Title").fill("Dunes")
    dialog.get_by_label("licence").select_option("CC0")
    dialog.get_by_label("File name").fill("b.txt")
    demo.oss.faults.add("unavailable", operation="PostObject")
    dialog.get_by_role("button", name="Save").click()
    uploader.row("b.txt").expect_state("uploading")
    uploader.open()
    demo.oss.faults.clear()
    uploader.expect_ready()

    uploader.choose(path)

    uploader.row("b.txt").expect_state("done")
    until(page, lambda: len(page.evaluate(LISTED)) == 1)
    [[name, details]] = page.evaluate(LISTED)
    assert (name, details["title"]) == ("b.txt", "Dunes")


def test_a_name_is_asked_about_when_it_is_given_and_a_dialog_ends_with_its_file(
    start_demo: StartDemo, page: Page
) -> None:
    demo, uploader = start_demo(details=MODEL)
    uploader.start()
    uploader.drop(a__txt="one").expect_says("Needs details")
    fill_in(opened(uploader, uploader.row("a.txt").locator))
    uploader.row("a.txt").expect_state("done")
    until(page, lambda: len(page.evaluate(LISTED)) == 1)
    uploader.total.get_by_role("button", name="Clear finished").click()
    held: list[Route] = []
    page.route("**/api/objects/taken", lambda route: held.append(route))
    details, asked = uploader.dialog("details"), uploader.dialog("same-name")

    uploader.drop(a__txt="two")
    expect(opened(uploader, uploader.row("a.txt").locator)).to_be_visible()
    until(page, lambda: bool(held))
    held[0].continue_()
    asked.get_by_role("button", name="Skip").click()
    expect(details).to_have_count(0)
    expect(uploader.rows).to_have_count(0)
    page.unroute("**/api/objects/taken")

    uploader.drop(b__txt="two").expect_says("Needs details")
    fill_in(opened(uploader, uploader.row("b.txt").locator), name="a.txt")
    expect(asked).to_contain_text("“a.txt”")
    asked.get_by_role("button", name="Replace").click()
    uploader.row("a.txt").expect_state("done")
    objects = demo.oss.bucket(demo.bucket).objects
    until(page, lambda: [objects[key].data for key in stored(demo, "/a.txt")] == [b"two"])


def fill_in(dialog: Locator, name: str = "") -> None:
    """Fill in the required fields, and perhaps the name of the file, and save."""
    dialog.get_by_label("Title").fill("Dunes")
    if name:
        dialog.get_by_label("File name").fill(name)
    dialog.get_by_label("licence").select_option("CC0")
    dialog.get_by_role("button", name="Save", exact=True).click()
