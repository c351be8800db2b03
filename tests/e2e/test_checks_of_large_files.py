"""Checks read large files from the disk."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from e2e.conftest import StartDemo
from e2e.pages.uploader import CHECKED_MS
from e2e.storage_side import MIB, until
from support.expecting import expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


LONG_MS = 300_000
GIB = 1024 * MIB
HEADER = b"date,sku,amount\n"
ROWS = b"2026-01-31,7,3.50\n" * 100_000
TABLE = {"columns": ["date", "sku", "amount"], "types": {"date": "date", "amount": "decimal"}}

CHECKS = """
import os

from ossferry_checks import Reject, check

LIMIT = 2**32


@check("*.bin", max_seconds=60)
def marks(file):
    with file.path.open("rb") as f:
        f.seek(LIMIT - 8)
        across = f.read(16)
        f.seek(-4, os.SEEK_END)
        end = f.read()
        is_at_end = f.tell() == file.size
    raise Reject(f"{across.decode()} {end.decode()} {is_at_end}")
"""


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """The operator's `checks.py`."""
    path = tmp_path / "checks.py"
    path.write_text(CHECKS)
    return path


def test_the_last_line_of_a_table_of_200_mb_is_found_while_the_page_answers(
    start_demo: StartDemo, page: Page, tmp_path: Path
) -> None:
    path = tmp_path / "large.csv"
    repeats = 200 * 10**6 // len(ROWS)
    with path.open("wb") as out:
        out.write(HEADER)
        for _ in range(repeats):
            out.write(ROWS)
        out.write(b"2026-01-31,7\n")
    _, uploader = start_demo(checks_built_in={"table": TABLE})
    uploader.start()

    row = uploader.choose(path)
    expect(row.locator).to_contain_text("Checking", timeout=CHECKED_MS)
    until(page, lambda: "%" in row.locator.inner_text(), timeout_s=CHECKED_MS / 1000)
    page.locator("#language").select_option("ja")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    page.locator("#language").select_option("en")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    row.expect_state("checking")

    row.expect_state("failed", timeout_ms=LONG_MS)
    row.expect_says(f"Line {repeats * 100_000 + 2:,}: This row and the header do not have")


def test_a_check_reads_beyond_4_gib(start_demo: StartDemo, checks: Path, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as out:
        out.truncate(5 * GIB)
        out.seek(4 * GIB - 8)
        out.write(b"before, " + b"after it")
        out.seek(-4, 2)
        out.write(b"last")
    _, uploader = start_demo(checks=checks)
    uploader.start()

    row = uploader.choose(path)
    row.expect_state("failed", timeout_ms=CHECKED_MS)

    row.expect_says("before, after it last True")
