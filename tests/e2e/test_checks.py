"""The operator's Python looks at files in the browser before their upload."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from e2e.conftest import ENDED_WORKER, Console, MakeFile, StartDemo, operator_bucket
from e2e.pages.uploader import CHECKED_MS, UploaderPage
from e2e.storage_side import stored
from ossferry.checks.bundle import BUNDLE, PLATFORM, PYTHON
from ossferry.cli.demo import Demo
from support.content import zip_of
from support.expecting import expect

pytestmark = pytest.mark.e2e

Checked = tuple[Demo, UploaderPage]


CHECKS = """
import csv
import gzip
import importlib
import json
import os
import shutil

import js
import pyodide_js
from ossferry_checks import Ask, Note, Reject, Replace, check
from pyodide.code import run_js
from pyodide.http import pyfetch


@check("*.csv", max_seconds=20)
def has_our_columns(file):
    with file.path.open(newline="") as f:
        header = next(csv.reader(f), [])
    if header[:3] != ["date", "sku", "amount"]:
        raise Reject("The first three columns must be date, sku, amount.", line=1)
    return Note(columns=str(len(header)))


@check("*.log")
def compress(file):
    new = file.folder / f"{file.name}.gz"
    with file.path.open("rb") as source, gzip.open(new, "wb") as target:
        shutil.copyfileobj(source, target)
    return Replace(new, name=new.name, reason="Compressed.")


@check("*.txt")
def ask(file):
    if "secret" in file.path.read_text():
        return Ask("The file has the word secret.", line=2)


@check("hang*.bin", max_seconds=2)
def hangs(file):
    while True:
        pass


@check("eat*.bin")
def eats(file):
    held = []
    while True:
        held.append(bytearray(50_000_000))


@check("raise*.bin")
def raises(file):
    return {}["price"]


@check("write*.bin")
def writes(file):
    file.path.write_bytes(b"y")


@check("beside*.bin")
def writes_beside(file):
    file.path.with_suffix(".new").write_bytes(b"y")


@check("exit*.bin")
def exits(file):
    os._exit(9)


@check("deep*.bin")
def is_too_deep(file):
    json.loads("[" * 1_000_000)


@check("fill*.bin")
def fills(file):
    (file.folder / "a").touch()
    os.truncate(file.folder / "a", 600_000_000)
    with (file.folder / "b").open("wb") as new:
        new.seek(600_000_000)
        new.write(b"x")


@check("flood*.bin", max_seconds=60)
def prints_one_long_line(file):
    for _ in range(1000):
        print("x" * 1_000_000, end="")
    return {}["end"]


@check("read*.bin", max_seconds=60)
def reads_again(file):
    try:
        while True:
            with file.path.open("rb", buffering=0) as content:
                content.read(1)
            file.progress(0.5)
    except OSError:
        raise Reject("This file is damaged.")


@check("slow*.bin", max_seconds=60)
def is_slow(file):
    for step in range(1_000_000_000):
        file.progress(0.5)


async def reached(attempt):
    try:
        found = attempt()
        return bool(await found if hasattr(found, "__await__") else found)
    except BaseException:
        return False


def script(code):
    return lambda: run_js(code)


def wheel(name, attribute="reached"):
    return lambda: getattr(importlib.import_module(name), attribute)


ATTEMPTS = {
    "canary": lambda: js.crypto.randomUUID(),
    "fetch": lambda: js.fetch("/api/grant", method="POST"),
    "pyfetch": lambda: pyfetch("/api/grant", method="POST"),
    "request": lambda: js.XMLHttpRequest.new(),
    "socket": lambda: js.WebSocket.new("wss://evil.example"),
    "prototype": lambda: js.WorkerGlobalScope.prototype.fetch,
    "worker": lambda: js.Worker.new(js.location.href),
    "storage": lambda: js.indexedDB.open("ossferry"),
    "caches": lambda: js.caches.keys(),
    "buckets": lambda: js.navigator.storageBuckets.open("x"),
    "file system": lambda: js.webkitRequestFileSystemSync(0, 1),
    "locks": lambda: js.navigator.locks.query(),
    "channel": lambda: js.BroadcastChannel.new("ossferry"),
    "message": lambda: js.postMessage(None) is None,
    "disk": lambda: js.navigator.storage.getDirectory(),
    "eval": script("1 + 1"),
    "function": lambda: js.Function.new("return 1")(),
    "package": lambda: pyodide_js.loadPackage("/checks/files/x.whl"),
    "canary_in_wheel": wheel("helpers", "is_of_wheel"),
    "wheel": wheel("helpers"),
    "wheel_for_library": wheel("mimetypes"),
    "wheel_before_library": wheel("colorsys", "is_of_wheel"),
}


@check("escape*.bin")
async def escapes(file):
    done = {name: await reached(attempt) for name, attempt in ATTEMPTS.items()}
    return Note(reached=" ".join(sorted(name for name, ok in done.items() if ok)))
"""

IN_WHEEL = """
import js

is_of_wheel = True
try:
    request = js.XMLHttpRequest.new()
    request.open("POST", "/api/grant", False)
    request.send()
    reached = True
except Exception:
    reached = False
"""
MODULES = ("helpers.py", "mimetypes.py", "colorsys.py")
"""In the wheel; Python's library has the last two."""


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator's `checks.py`."""
    path = tmp_path_factory.mktemp("checks") / "checks.py"
    path.write_text(dedent(CHECKS))
    return path


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a hostile wheel, which `ossferry checks bundle` would refuse."""
    folder = tmp_path_factory.mktemp("wheels")
    path = folder / "helpers-1-py3-none-any.whl"
    path.write_bytes(zip_of(dict.fromkeys(MODULES, IN_WHEEL)))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    package = {"name": "helpers", "version": "1", "file": path.name, "sha256": digest}
    packages = [{**package, "imports": []}]
    bundle = {"requirements": ["helpers"], "python": PYTHON, "platform": PLATFORM}
    (folder / BUNDLE).write_text(json.dumps({**bundle, "packages": packages}))
    return folder


@pytest.fixture(scope="module")
def demos(checks: Path, wheels: Path, runtime: str) -> Iterator[dict[int, Demo]]:
    """Demos with checks, by the seconds in which a person can choose the original."""
    packages: Any = {"checks_packages": ("helpers",), "checks_dir": wheels}
    with (
        Demo(checks=checks, **packages) as at_once,
        Demo(checks=checks, checks_undo_s=60) as waiting,
    ):
        yield {0: at_once, 60: waiting}


@pytest.fixture
def checked(
    request: pytest.FixtureRequest,
    demos: dict[int, Demo],
    page: Page,
    console: Console,
    browser_name: str,
    runtime: str,
) -> Iterator[Checked]:
    """A demo with checks, and its page without files; the parameter is a key of `demos`.

    The page stays open for the next story, because each start of the worker takes seconds.
    """
    demo = demos[getattr(request, "param", 0)]
    expect_ended_workers(console, browser_name)
    uploader = UploaderPage(page, f"{demo.url}/?runtime={runtime}")
    if page.url != uploader.url:
        uploader.start()
    yield demo, uploader
    for name in ("Clear finished", "Clear those not accepted"):
        clear = uploader.total.get_by_role("button", name=name)
        if clear.is_visible():
            clear.click()
            expect(clear).to_be_hidden()
    for left in reversed(range(uploader.rows.count())):  # files that can be tried again
        uploader.rows.first.get_by_role("button", name="Remove", exact=True).click()
        expect(uploader.rows).to_have_count(left)


@pytest.fixture
def open_page(start_demo: StartDemo, console: Console, browser_name: str) -> StartDemo:
    """Return a function that starts a demo with the given settings, and opens its page."""
    expect_ended_workers(console, browser_name)

    def start(**settings: Any) -> tuple[Demo, UploaderPage]:
        demo, uploader = start_demo(**settings)
        uploader.start()
        return demo, uploader

    return start


def expect_ended_workers(console: Console, browser_name: str) -> None:
    """Expect Firefox's message about workers that the page ends."""
    if browser_name == "firefox":
        console.expected.append(ENDED_WORKER)


@pytest.mark.page_stays
def test_a_table_is_checked_before_its_upload(checked: Checked, make_file: MakeFile) -> None:
    demo, uploader = checked

    uploader.choose(make_file("bad.csv", b"date,amount\n"))
    uploader.choose(make_file("good.csv", b"date,sku,amount\n2026-01-01,7,3\n"))
    good, bad = uploader.row("good.csv"), uploader.row("bad.csv")
    good.expect_state("done", timeout_ms=CHECKED_MS)
    bad.expect_state("failed")

    bad.expect_says("Line 1: The first three columns must be date, sku, amount.")
    bad.expect_says("Correct the file, and add it again.")
    expect(bad.retry_button).to_have_count(0)
    assert stored(demo, "bad.csv") == []
    found = operator_bucket(demo).head_object(good.key)
    assert found.headers["x-oss-meta-columns"] == "3"


@pytest.mark.page_stays
def test_a_changed_file_is_sent_under_its_new_name(checked: Checked, make_file: MakeFile) -> None:
    demo, uploader = checked

    uploader.choose(make_file("app.log", b"line\n" * 100_000))
    row = uploader.row("app.log.gz")
    row.expect_state("done", timeout_ms=CHECKED_MS)

    row.expect_says(re.compile(r"500\skB → \d"))
    assert row.key.endswith("/app.log.gz")
    content = operator_bucket(demo).get_object(row.key).read()
    assert gzip.decompress(content) == b"line\n" * 100_000


@pytest.mark.page_stays
def test_a_question_waits_for_the_person(checked: Checked, make_file: MakeFile) -> None:
    demo, uploader = checked
    before = stored(demo, "notes.txt")  # of the same story on the other interpreter

    row = uploader.choose(make_file("notes.txt", b"a\nsecret\n"))
    row.expect_state("paused", timeout_ms=CHECKED_MS)
    row.expect_says("Line 2: The file has the word secret.")
    expect(uploader.total).to_contain_text("1 file needs your answer")
    assert stored(demo, "notes.txt") == before
    row.locator.get_by_role("button", name="Upload anyway").click()

    row.expect_state("done")


@pytest.mark.page_stays
def test_t57_a_check_reaches_neither_the_network_nor_the_storage(
    checked: Checked, make_file: MakeFile, console: Console
) -> None:
    console.expected += ["Content Security Policy", "eval"]
    demo, uploader = checked

    row = uploader.choose(make_file("escape.bin", b"x"))
    row.expect_state("done", timeout_ms=CHECKED_MS)

    found = operator_bucket(demo).head_object(row.key).headers
    assert found["x-oss-meta-reached"] == "canary%20canary_in_wheel"


@pytest.mark.page_stays
def test_a_running_check_can_be_cancelled(checked: Checked, make_file: MakeFile) -> None:
    _, uploader = checked

    row = uploader.choose(make_file("slow.bin", b"x"))
    expect(row.locator).to_contain_text("50%", timeout=CHECKED_MS)
    row.cancel_button.click()
    row.expect_state("cancelled")

    uploader.choose(make_file("later.csv", b"date,sku,amount\n"))
    uploader.row("later.csv").expect_state("done", timeout_ms=CHECKED_MS)


@pytest.mark.page_stays
def test_a_file_that_is_deleted_while_its_check_runs(checked: Checked, make_file: MakeFile) -> None:
    _, uploader = checked

    path = make_file("read.bin", bytes(33 << 20))  # a smaller file is in memory during its checks
    row = uploader.choose(path)
    expect(row.locator).to_contain_text("50%", timeout=CHECKED_MS)
    path.unlink()

    row.expect_state("failed")
    row.expect_says("The file cannot be read any more.")


@pytest.mark.page_stays
@pytest.mark.parametrize(
    ("name", "check", "says"),
    [
        ("raise.bin", "raises", "KeyError: 'price' (checks.py, line "),
        ("write.bin", "writes", "PermissionError"),
        ("beside.bin", "writes_beside", "PermissionError"),
        ("flood.bin", "prints_one_long_line", "KeyError: 'end' (checks.py, line "),
        ("hang.bin", "hangs", "It took longer than 2 seconds."),
        pytest.param("exit.bin", "exits", "It crashed: ", marks=pytest.mark.slow),
        pytest.param(
            "eat.bin", "eats", "It needed more than 1 GB of memory.", marks=pytest.mark.slow
        ),
        pytest.param("deep.bin", "is_too_deep", "", marks=pytest.mark.slow),
        pytest.param(
            "fill.bin", "fills", "It wrote more than 1 GB into new files.", marks=pytest.mark.slow
        ),
    ],
)
def test_a_check_that_does_not_work(
    checked: Checked, make_file: MakeFile, console: Console, name: str, check: str, says: str
) -> None:
    console.expected.append("fatal error|StackOverflow|RangeError|stack")
    console.expected.append(r"too much recursion|^error: Error \(.*pyodide|exit\(9\)")  # Firefox
    _, uploader = checked

    row = uploader.choose(make_file(name, b"x"))
    row.expect_state("failed", timeout_ms=CHECKED_MS)

    row.expect_says("A check of this file did not work")
    row.expect_says(check)
    row.expect_says(says)
    uploader.choose(make_file(f"after-{name}.csv", b"date,sku,amount\n"))
    uploader.row(f"after-{name}.csv").expect_state("done", timeout_ms=CHECKED_MS)


@pytest.mark.slow
@pytest.mark.page_stays
@pytest.mark.parametrize("checked", [60], indirect=True)
def test_the_person_can_choose_the_original(checked: Checked, make_file: MakeFile) -> None:
    demo, uploader = checked

    uploader.choose(make_file("app.log", b"line\n" * 100))
    row = uploader.row("app.log.gz")
    row.expect_state("paused", timeout_ms=CHECKED_MS)
    row.expect_says("Compressed.")
    assert stored(demo, "app.log.gz") == []
    row.locator.get_by_role("button", name="Upload the original").click()
    row = uploader.row("app.log")
    row.expect_state("done")

    assert operator_bucket(demo).get_object(row.key).read() == b"line\n" * 100


@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)
def test_a_page_whose_files_need_no_check_never_loads_pyodide(
    start_demo: StartDemo, make_file: MakeFile, page: Page
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _, uploader = start_demo()
    uploader.start()

    uploader.choose(make_file("a.csv", b"date\n"))
    uploader.row("a.csv").expect_state("done")
    page.wait_for_load_state("networkidle")

    assert not [url for url in asked if re.search("pyodide|checks[._]|/api/checks", url)]


@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)
@pytest.mark.parametrize(
    ("file", "on_error", "state"),
    [(r"pyodide\.asm\.wasm", "reject", "failed"), ("checks_worker", "allow", "done")],
)
def test_a_worker_that_cannot_start(
    start_demo: StartDemo,
    make_file: MakeFile,
    checks: Path,
    page: Page,
    console: Console,
    file: str,
    on_error: str,
    state: str,
) -> None:
    console.expected += ["net::ERR", "wasm instantiation failed", "Failed to fetch"]
    _, uploader = start_demo(checks=checks, checks_on_error=on_error)
    page.route(re.compile(file), lambda route: route.abort())
    uploader.start()

    row = uploader.choose(make_file("good.csv", b"date,sku,amount\n"))
    row.expect_state(state, timeout_ms=CHECKED_MS)

    if state == "failed":
        row.expect_says("The checks could not run")
        expect(row.retry_button).to_be_visible()


MISUSES_LOADER = """
import js
from ossferry_checks import check


@check("*.bin", max_seconds=2)
async def misuses_loader(file):
    of_all = js.Object.prototype
    of_all.href, of_all.method = "/api/grant", "POST"
    js.URL, js.Map.prototype.get = js.Object, js.String
    js.ossferryChecks.loadHeic()  # Pyodide does not work any more after this
"""


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)
def test_t57_the_loader_of_heic_loads_nothing_else(
    open_page: StartDemo, make_file: MakeFile, tmp_path: Path, page: Page, console: Console
) -> None:
    console.expected += [ENDED_WORKER, "pyodide.asm.mjs"]  # the check breaks Pyodide
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    checks = tmp_path / "checks.py"
    checks.write_text(dedent(MISUSES_LOADER))
    _, uploader = open_page(checks=checks, checks_built_in={"photos": True})

    uploader.choose(make_file("a.bin", b"x"))
    uploader.row("a.bin").expect_state("failed", timeout_ms=CHECKED_MS)
    assert len([each for each in asked if each.endswith("/api/grant")]) == 1  # of the page
    assert [each for each in asked if "libheif" in each]


@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)
@pytest.mark.parametrize(
    "file",
    ["checks.py", pytest.param("ossferry_checks.zip", marks=pytest.mark.slow), "pyodide.mjs"],
)
def test_t58_a_byte_changed_on_the_way_is_never_run(
    start_demo: StartDemo,
    make_file: MakeFile,
    checks: Path,
    page: Page,
    console: Console,
    file: str,
) -> None:
    console.expected += ["digest", "integrity", "net::ERR"]
    demo, uploader = start_demo(checks=checks)

    def change(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.body() + b"#")

    page.route(re.compile(re.escape(f"/{file}")), change)
    uploader.start()
    row = uploader.choose(make_file("good.csv", b"date,sku,amount\n"))
    row.expect_state("failed", timeout_ms=CHECKED_MS)

    row.expect_says("The checks could not run")
    assert stored(demo) == []
