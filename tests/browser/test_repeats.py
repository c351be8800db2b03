"""With `CI=true`, a test is repeated if its browser crashed, and for no other reason."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.config import ROOT, load

TESTS = """
from contextlib import suppress

from playwright.sync_api import Error, expect

def test_without_browser():
    assert 1 == 2

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


@pytest.mark.only_browser("chromium")
@pytest.mark.parametrize("ci", ["true", ""])
def test_only_a_test_whose_browser_crashed_is_repeated_and_only_on_ci(
    tmp_path: Path, browser_name: str, ci: str
) -> None:
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(TESTS)
    done = subprocess.run(  # noqa: S603 - fixed words
        [
            *(sys.executable, "-m", "pytest", "--rootdir", tmp_path, "--browser", browser_name),
            *("-p", "no:cacheprovider", "-o", "markers=xdist_group core slow"),
            tmp_path,
        ],
        cwd=tmp_path,
        env=os.environ | {"CI": ci, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'server'}"},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    repeats = load().retries_on_ci if ci else 0
    repeated = re.findall(r"_ RERUN test_it.py::(\w+)", done.stdout)
    assert sorted(repeated) == sorted(CRASHING * repeats)
    assert "4 failed" in done.stdout
    assert (f"their browser crashed: {len(repeated)}\n" in done.stdout) == bool(ci)
