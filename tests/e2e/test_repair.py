"""A refused table is repaired in the page, and uploaded."""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Page

from e2e.conftest import ENDED_WORKER, Console, MakeFile, StartDemo, operator_bucket
from e2e.pages.repair import RepairDialog
from e2e.pages.uploader import CHECKED_MS, Row, UploaderPage
from ossferry.checks.bundling import make_bundle
from ossferry.cli.demo import Demo
from ossferry_checks.tables import Table
from support.expecting import expect

pytestmark = pytest.mark.e2e


TABLE: dict[str, Any] = {
    "columns": ["id", "date", "sku", "amount"],
    "types": {"id": "integer", "date": "date", "amount": "decimal"},
    "aliases": {"id": ["No."], "date": ["Order date"], "sku": ["Article"]},
    "unique": ["id"],
}
ORDERS = b"""No.;Order date;Article;Amount
1;01.02.2026;0012;1.234,50
2;13.02.2026;A-7;2,25
2;13.02.2026;A-7;2,25
3;14.02.2026;B-1;n/a
"""
RIGHT = b"""id,date,sku,amount
1,2026-02-01,0012,1234.50
2,2026-02-13,A-7,2.25
3,2026-02-14,B-1,7.5
""".replace(b"\n", b"\r\n")
DATES, AMOUNTS = "Written as day.month.year", "Written as 1.234,56"
TRAPS = "No.;Order date;Article;Amount\n" + "".join(
    (
        *[f"{number};0{number % 9 + 1}/02/2026;Größe;n/a {number}\n" for number in range(1, 61)],
        "61;03/04/2026;A\n62;03/04/2026;A;1;x\nx;03/04/2026;A;1\n 63;03/04/2026;A;1\n",
        "1;2026-02-03;A;1\n64;01.02.26;A;1\n65;03/04/2026; A;1\n66;soon;A;1\n",
    )
)
FEW = b"id,date,sku,amount\n1,13.2.2026,A,2\n"
MODEL = """
from pydantic import BaseModel, model_validator


class Order(BaseModel):
    id: int
    state: str
    paid_on: str = ""
    payer: str = ""

    @model_validator(mode="after")
    def is_whole(self):
        if self.state == "paid" and not (self.paid_on and self.payer):
            raise ValueError("A paid order needs its day and payer.")
        return self
"""
DROP_ONE = """() => {
  window.Worker = class extends Worker {
    postMessage(data, ...more) {
      if (data.call && data.call.command === window.dropped) window.dropped = "";
      else super.postMessage(data, ...more);
    }
  };
}"""
WRITTEN = """async () => {
  const root = await navigator.storage.getDirectory();
  return Array.fromAsync((await root.getDirectoryHandle("ossferry-files")).keys());
}"""
OTHER_RELEASE = """() => {
  for (const [name, text] of Object.entries(localStorage))
    localStorage[name] = text.replace(/"version": [0-9]+/, '"version": 0');
}"""
STORE_NOTHING = """() => {
  const get = () => { throw new DOMException("no", "SecurityError"); };
  Object.defineProperty(window, "localStorage", { get });
}"""
KEEP_WORKERS = """() => {
  window.made = [];
  window.Worker = class extends Worker {
    constructor(...given) { super(...given); made.push(this); }
  };
}"""


@pytest.fixture(scope="module")
def demo_of_tables(runtime: str) -> Iterator[Demo]:
    with Demo(checks_built_in={"table": {**TABLE, "repair": True}}) as demo:
        yield demo


@pytest.fixture
def uploader(
    demo_of_tables: Demo, page: Page, console: Console, browser_name: str, runtime: str
) -> UploaderPage:
    """The page of a demo that checks tables."""
    return opened(demo_of_tables, page, console, browser_name, runtime)


def opened(
    demo: Demo, page: Page, console: Console, browser_name: str, runtime: str
) -> UploaderPage:
    """Return the page of a demo; it may be open already, because each start of the checks takes
    seconds.
    """
    if browser_name == "firefox":
        console.expected.append(ENDED_WORKER)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}")
    return uploader if page.url == uploader.url else uploader.start()


@pytest.fixture
def refuse(uploader: UploaderPage, make_file: MakeFile) -> Callable[..., RepairDialog]:
    """Return a function that chooses a file that is refused, and returns the dialog of its row."""

    def choose(name: str, content: bytes) -> RepairDialog:
        return refused(uploader, make_file(name, content))

    return choose


def choose_table(uploader: UploaderPage, path: Path, state: str) -> Row:
    """Choose a table, and return its row when the check has brought it into a state."""
    os.utime(path, (1_700_000_000, 1_700_000_000))
    row = uploader.choose(path)
    row.expect_state(state, timeout_ms=CHECKED_MS)
    return row


def refused(uploader: UploaderPage, path: Path) -> RepairDialog:
    """Choose a file that is refused, and return the dialog of its row."""
    return RepairDialog(uploader, choose_table(uploader, path, "failed"))


def go_back_and_undo(dialog: RepairDialog) -> None:
    """From the result, go back by keyboard, undo and redo the last change, and write the file."""
    press = dialog.page.keyboard.press
    press("Shift+Tab")
    expect(dialog.button("Back")).to_be_focused()
    press("Enter")
    dialog.expect_left("No problems are left.")
    dialog.reach(dialog.button("Undo"))
    press("Enter")
    dialog.expect_left("1 row has problems.")
    dialog.reach(dialog.button("Redo"))
    press("Enter")
    dialog.expect_left("No problems are left.")
    expect(dialog.button("Undo")).to_be_focused()
    dialog.reach(dialog.button("Write the corrected file"))
    press("Enter")
    dialog.expect_step("Result", 3)


Refuse = Callable[..., RepairDialog]


@pytest.mark.page_stays
def test_a_table_is_repaired_with_the_keyboard(
    demo_of_tables: Demo, uploader: UploaderPage, refuse: Refuse
) -> None:
    dialog, press = refuse("orders.csv", ORDERS), uploader.page.keyboard.press

    dialog.reach(dialog.opener)
    press("Enter")
    dialog.expect_step("Columns", 1)
    expect(dialog.field_of("Article")).to_have_value("sku")
    dialog.reach(dialog.button("Find problems"))
    press("Enter")
    dialog.expect_step("Problems", 2)
    dialog.expect_left("4 rows have problems.")
    for sentence in (DATES, AMOUNTS):
        dialog.reach(dialog.group(sentence).get_by_role("button", name="Convert"))
        press("Enter")
        expect(dialog.group(sentence)).to_have_count(0)
    dialog.expect_left("2 rows have problems.")
    press("F8")
    expect(dialog.locator.get_by_label("Line 4 id", exact=True)).to_be_focused()
    press("Tab")
    press("Enter")
    dialog.expect_left("1 row has problems.")
    cell = dialog.locator.get_by_label("Line 5 amount", exact=True)
    expect(cell).to_be_focused()
    uploader.page.keyboard.type("seven")
    press("Enter")
    expect(dialog.group("seven")).to_be_visible()
    expect(cell).to_be_focused()
    uploader.page.keyboard.type("7,5")
    press("Enter")
    dialog.expect_left("No problems are left.")
    expect(dialog.button("Write the corrected file")).to_be_focused()
    press("Enter")
    dialog.expect_step("Result", 3)
    expect(dialog.button("Upload the corrected file")).to_be_focused()
    go_back_and_undo(dialog)
    press("Enter")
    dialog.row.expect_state("done", timeout_ms=CHECKED_MS)

    dialog.row.expect_says("→")
    bucket = operator_bucket(demo_of_tables)
    assert bucket.get_object(dialog.row.key).read() == RIGHT
    found = bucket.head_object(dialog.row.key).headers
    names = {"model", "rows-in", "rows-out", "changed", "dropped"}
    assert {name: found[f"x-oss-meta-table-{name}"] for name in names} == {
        "model": Table.of(**TABLE).fingerprint,
        "rows-in": "4",
        "rows-out": "3",
        "changed": "6",
        "dropped": "1",
    }


@pytest.mark.page_stays
def test_decisions_are_undone_and_a_table_with_problems_is_not_sent(refuse: Refuse) -> None:
    dialog = refuse("undo.csv", ORDERS)
    dialog.open()
    dialog.find_problems()

    dialog.fix(DATES, "Convert")
    dialog.fix(AMOUNTS, "Convert")
    dialog.expect_left("2 rows have problems.")
    dialog.button("Undo").click()
    dialog.expect_left("4 rows have problems.")
    dialog.page.keyboard.press("Control+Shift+Z")
    dialog.expect_left("2 rows have problems.")
    dialog.button("Write the corrected file").click()
    expect(dialog.locator.locator(".toast")).to_contain_text("The file still has problems.")
    dialog.expect_step("Problems", 2)
    dialog.expect_left("2 rows have problems.")
    dialog.fix("The same value as in an earlier row", "Drop the rows")
    dialog.expect_left("1 row has problems.")
    dialog.page.keyboard.press("F8")
    cell = dialog.locator.get_by_label("Line 5 amount", exact=True)
    expect(cell).to_have_accessible_description("This is not a number.")
    cell.fill("seven")
    dialog.page.keyboard.press("Escape")
    expect(cell).to_have_value("n/a")
    dialog.page.keyboard.press("Escape")
    expect(dialog.locator).to_have_count(0)
    expect(dialog.page.locator("#toast")).to_contain_text("are kept in this browser.")
    expect(dialog.opener).to_be_focused()


@pytest.mark.slow
def test_the_decisions_outlive_a_reload_and_the_columns_are_remembered(
    uploader: UploaderPage, refuse: Refuse
) -> None:
    content = ORDERS.replace(b"Article", b"Thing")
    dialog = refuse("again.csv", content)
    dialog.open()
    expect(dialog.locator).to_contain_text("Required, and not in this file: sku")
    dialog.field_of("Thing").select_option("id")
    expect(dialog.locator).to_contain_text("Chosen for two columns: id.")
    expect(dialog.button("Find problems")).to_be_disabled()
    dialog.field_of("Thing").select_option("sku")
    dialog.find_problems()
    dialog.fix(DATES, "Convert")
    expect(dialog.group(DATES)).to_have_count(0)
    uploader.open()
    uploader.expect_ready()

    dialog = refuse("again.csv", content)
    dialog.open()
    expect(dialog.locator).to_contain_text("Your earlier changes to this file are used again.")
    dialog.find_problems()
    expect(dialog.group(AMOUNTS)).to_be_visible()
    expect(dialog.group(DATES)).to_have_count(0)
    dialog.button("Close").click()
    uploader.page.evaluate(OTHER_RELEASE)
    dialog.open()
    expect(dialog.locator).to_contain_text("your earlier changes do not fit this table any more")
    dialog.button("Close").click()

    dialog = refuse("other.csv", content)
    dialog.open()
    expect(dialog.locator).to_contain_text("matched as in your last file")
    expect(dialog.field_of("Thing")).to_have_value("sku")


@pytest.mark.slow
@pytest.mark.page_stays
def test_a_column_is_asked_about_once_and_writing_can_be_cancelled(
    uploader: UploaderPage, refuse: Refuse
) -> None:
    uploader.page.evaluate(DROP_ONE)
    dialog = refuse("traps.csv", TRAPS.encode("cp1252"))
    dialog.open()
    dialog.locator.locator("summary").click()
    dialog.field_of("Encoding").select_option("utf-8")
    expect(dialog.locator).to_contain_text("This is not text in the chosen encoding.")
    expect(dialog.field_of("Encoding")).to_be_focused()
    dialog.field_of("Encoding").select_option("cp1252")
    expect(dialog.locator).to_contain_text("Größe")
    dialog.find_problems()
    dialog.expect_left("68 rows have problems.")

    asked = dialog.group("These values have more than one meaning.")
    many = dialog.group("Not a number")
    dialog.field_of("Column").select_option("date")
    expect(many).to_be_hidden()
    asked.get_by_role("button", name="day/month/year").click()
    expect(asked).to_have_count(0)
    dialog.field_of("Column").select_option("amount")
    many.get_by_role("button", name="Show the rows").click()
    expect(dialog.problems).to_have_count(50)
    many.get_by_role("button", name="Load more").click()
    expect(dialog.problems).to_have_count(60)
    expect(dialog.locator.get_by_label("Line 52 amount", exact=True)).to_be_focused()
    dialog.field_of("Column").select_option("sku")
    dialog.field_of("Column").press("F8")
    expect(dialog.locator.get_by_label("Line 68 sku", exact=True)).to_be_focused()
    dialog.fix("Spaces before or after the value", "Remove the spaces")
    expect(dialog.field_of("Column")).to_have_value("")

    dialog.cancel("write", "Write the corrected file")
    expect(dialog.locator).to_contain_text("Your earlier changes to this file are used again.")


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)
def test_a_worker_that_is_cancelled_or_ends_costs_no_decision(
    uploader: UploaderPage, refuse: Refuse
) -> None:
    uploader.page.evaluate(DROP_ONE)
    uploader.page.evaluate(KEEP_WORKERS)
    dialog = refuse("killed.csv", ORDERS)
    dialog.open()
    dialog.cancel("scan", "Find problems")
    dialog.find_problems()
    dialog.fix(DATES, "Convert")
    expect(dialog.group(DATES)).to_have_count(0)

    uploader.page.evaluate("() => made.at(-1).terminate()")
    dialog.fix(AMOUNTS, "Convert")
    expect(dialog.locator).to_contain_text("The repair has stopped.", timeout=CHECKED_MS)
    dialog.button("Retry").click()
    dialog.expect_step("Columns", 1)
    dialog.find_problems()

    expect(dialog.group(AMOUNTS)).to_be_visible()
    expect(dialog.group(DATES)).to_have_count(0)


@pytest.mark.slow
def test_a_sheet_of_a_workbook_is_chosen(
    demo_of_tables: Demo, uploader: UploaderPage, refuse: Refuse, runtime: str
) -> None:
    workbook, out = openpyxl.Workbook(), io.BytesIO()
    workbook.active.append(["id", "date", "sku", "amount"])
    workbook.active.append([1, "soon", "A", "=1+1"])
    workbook.active.merge_cells("F1:G1")
    sheet = workbook.create_sheet("Orders")
    sheet.append(["id", "date", "sku", "amount"])
    sheet.append([1, "2026-02-01", "A", 2.5])
    workbook.save(out)
    dialog = refuse(f"{runtime}.xlsx", out.getvalue())
    dialog.open()

    lost = "formulas (their values stay), merged cells, other sheets, styles"
    expect(dialog.locator).to_contain_text(f"The corrected file does not have: {lost}")
    dialog.field_of("Sheet").select_option("Orders")
    expect(dialog.locator).to_contain_text("2.5")
    dialog.find_problems()
    dialog.expect_left("No problems are left.")
    dialog.button("Back").click()
    expect(dialog.field_of("Sheet")).to_have_value("Orders")
    dialog.find_problems()
    dialog.upload()
    row = uploader.row(f"{runtime}.csv")
    row.expect_state("done", timeout_ms=CHECKED_MS)

    written = operator_bucket(demo_of_tables).get_object(row.key).read()
    assert written == b"id,date,sku,amount\r\n1,2026-02-01,A,2.5\r\n"

    dialog = refuse(f"{runtime}.xlsx", out.getvalue())
    dialog.open()
    dialog.field_of("Sheet").select_option("Orders")
    dialog.find_problems()
    dialog.upload()
    question = uploader.dialog("same-name")
    expect(question.locator(".card").last).to_contain_text("40 B")
    expect(question.locator(".card").last).not_to_contain_text("changed")
    question.get_by_role("button", name="Skip").click()


@pytest.mark.slow
@pytest.mark.only_browser("chromium")  # only its downloads can be read
def test_the_corrected_file_and_the_list_of_changes_are_downloaded(
    uploader: UploaderPage, refuse: Refuse
) -> None:
    dialog = refuse("small.csv", FEW)
    dialog.open()
    dialog.find_problems()
    dialog.fix(DATES, "Convert")
    dialog.button("Write the corrected file").click()
    dialog.expect_step("Result", 3)

    saved = {}
    for name in ("Download the corrected file", "Download the list of changes"):
        with uploader.page.expect_download() as download:
            dialog.locator.get_by_role("link", name=name).click()
        saved[download.value.suggested_filename] = download.value.path().read_text()
    assert saved == {
        "small.csv": "id,date,sku,amount\n1,2026-02-13,A,2\n",
        "small.csv.changes.csv": (
            "row,line,field,before,after,why\n1,2,date,13.2.2026,2026-02-13,convert\n"
        ),
    }


@pytest.mark.slow
@pytest.mark.only_browser("chromium")  # only its storage can be made small
def test_two_tabs_repair_a_file_and_a_full_storage_is_said(
    demo_of_tables: Demo,
    uploader: UploaderPage,
    refuse: Refuse,
    console: Console,
    make_file: MakeFile,
) -> None:
    first = refuse("twice.csv", FEW)
    first.open()
    first.find_problems()
    first.fix(DATES, "Convert")
    first.button("Write the corrected file").click()
    first.expect_step("Result", 3)
    (written,) = uploader.page.evaluate(WRITTEN)
    tab = UploaderPage(uploader.page.context.new_page(), uploader.url)
    console.listen(tab.page)
    tab.open()
    tab.expect_ready()

    second = refused(tab, make_file("twice.csv", FEW))
    second.open()
    expect(second.locator).to_contain_text("Your earlier changes to this file are used again.")
    second.find_problems()
    second.expect_left("No problems are left.")
    browser = tab.page.context.new_cdp_session(tab.page)
    origin = {"origin": demo_of_tables.url}
    browser.send("Storage.overrideQuotaForOrigin", {**origin, "quotaSize": 1})
    second.button("Write the corrected file").click()
    expect(second.locator).to_contain_text("There is no room for the corrected file")
    browser.send("Storage.overrideQuotaForOrigin", origin)
    second.button("Retry").click()
    second.expect_step("Columns", 1)
    second.find_problems()
    second.button("Write the corrected file").click()
    for dialog in (first, second):
        dialog.button("Upload the corrected file").click()
        dialog.row.expect_state("done", timeout_ms=CHECKED_MS)
        found = operator_bucket(demo_of_tables).get_object(dialog.row.key).read()
        assert found == b"id,date,sku,amount\r\n1,2026-02-13,A,2\r\n"

    assert written in tab.page.evaluate(WRITTEN)
    uploader.page.close()
    refused(tab, make_file("more.csv", FEW)).open()
    assert written not in tab.page.evaluate(WRITTEN)


@pytest.mark.slow
@pytest.mark.own_page("the browser stores nothing, and is offline")
def test_a_browser_that_stores_nothing_repairs_a_table_when_it_is_online(
    uploader: UploaderPage, refuse: Refuse, console: Console
) -> None:
    console.expected.append("ERR_INTERNET_DISCONNECTED|Failed to load resource")
    dialog = refuse("offline.csv", FEW)
    uploader.page.evaluate(STORE_NOTHING)

    uploader.page.context.set_offline(True)
    dialog.opener.click()
    expect(uploader.page.locator("#toast")).to_contain_text("does not answer")
    uploader.page.context.set_offline(False)
    dialog.open()
    dialog.find_problems()
    dialog.fix(DATES, "Convert")

    dialog.expect_left("No problems are left.")
    expect(dialog.locator).to_contain_text("This browser cannot store your changes.")


@pytest.mark.only_browser("webkit")  # WebKitGTK has no private file system
def test_a_limit_of_the_browser_is_said_first(refuse: Refuse) -> None:
    dialog = refuse("large.csv", FEW + b"2,2026-02-13,A,2\n" * 4_000_000)
    dialog.open()

    expect(dialog.locator).to_contain_text("This browser can write at most 67.1 MB")


@pytest.mark.slow
def test_an_error_of_several_fields_is_repaired_in_its_row(
    start_demo: StartDemo, console: Console, make_file: MakeFile, tmp_path: Path
) -> None:
    console.expected.append(ENDED_WORKER)
    packages = ("pydantic>=2.12",)
    make_bundle(packages, tmp_path / "wheels")
    _, uploader = start_demo(
        checks=make_file("checks.py", MODEL.encode()),
        checks_packages=packages,
        checks_dir=tmp_path / "wheels",
        checks_built_in={"table": {"model": "Order", "repair": True}},
    )
    uploader.open()
    uploader.expect_ready()
    dialog = refused(uploader, make_file("paid.csv", b"id,state\n1,open\n2,paid\n"))
    dialog.open()
    dialog.find_problems()
    expect(dialog.group("A paid order needs its day and payer.")).to_contain_text("1 row")
    uploader.page.keyboard.press("F8")
    for name in ("paid_on", "payer"):
        dialog.expect_left("1 row has problems.")
        dialog.locator.get_by_label(f"Line 3 {name}", exact=True).fill("2026-02-01")
        uploader.page.keyboard.press("Enter")

    dialog.expect_left("No problems are left.")
    dialog.button("Write the corrected file").click()
    dialog.expect_step("Result", 3)
    expect(dialog.locator.get_by_role("definition")).to_have_text(["2", "2", "2", "0"])
