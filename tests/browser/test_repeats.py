"""With `CI=true`, a test is repeated if its browser crashed, and for no other reason.

Each test starts pytest and browsers again, so only `make slow` runs them.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.config import ROOT, load

pytestmark = pytest.mark.slow

TESTS = """
from contextlib import suppress

import urllib3
from playwright.sync_api import Error, expect

def test_without_browser():
    assert 1 == 2

def test_other_server(browser_name):
    urllib3.request("GET", "http://127.0.0.1:9/", retries=False)

def test_wrong(page):
    page.goto("data:text/html,<p>one</p>")
    expect(page.get_by_text("two")).to_be_visible(timeout=1)

def test_crashes(page):
    page.goto("data:text/html,<p>one</p>")
    with suppress(Error):
        page.goto("chrome://crash")
    expect(page.get_by_text("one")).to_be_visible(timeout=1000)

def test_crashes_in_a_second_page(page):
    second = page.context.new_page()
    with suppress(Error):
        second.goto("chrome://crash")
    second.evaluate("1")
"""
CRASHING = ["test_crashes", "test_crashes_in_a_second_page"]


def run(
    folder: Path, tests: str, browser_name: str, ci: str, *options: str
) -> tuple[str, list[str]]:
    """Run tests that fail; return the output, and the names of the repeated tests."""
    shutil.copy(ROOT / "tests/conftest.py", folder)
    (folder / "test_it.py").write_text(tests)
    done = subprocess.run(  # noqa: S603 - fixed words
        [
            *(sys.executable, "-m", "pytest", "--rootdir", folder, "--browser", browser_name),
            *("-p", "no:cacheprovider", "-p", "no:schemathesis", "-o", "markers=core slow"),
            *options,
            folder,
        ],
        cwd=folder,
        env=os.environ | {"CI": ci, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'server'}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout, re.findall(r"_ RERUN test_it.py::(\w+)", done.stdout)


@pytest.mark.only_browser("chromium")
@pytest.mark.parametrize("ci", ["true", ""])
def test_only_a_test_whose_browser_crashed_is_repeated_and_only_on_ci(
    tmp_path: Path, browser_name: str, ci: str
) -> None:
    output, repeated = run(tmp_path, TESTS, browser_name, ci)

    repeats = load().retries_on_ci if ci else 0
    assert sorted(repeated) == sorted(CRASHING * repeats)
    assert "5 failed" in output
    assert (f"their browser crashed: {len(repeated)}," in output) == bool(ci)


@pytest.mark.only_browser("chromium")
def test_a_test_that_ended_its_worker_is_counted_apart(tmp_path: Path, browser_name: str) -> None:
    tests = "import os\ndef test_hangs(browser_name): os._exit(1)\n"

    output, _ = run(tmp_path, tests, browser_name, "true", "-n", "1")

    ended = load().retries_on_ci
    assert f"crashed: 0, because they took too long and ended their worker: {ended}" in output
