"""Completeness: each threat in docs/threats.md has attempts, or tests that exist."""

import re
from pathlib import Path

from attacks.catalogue import CATALOGUE
from support.functions import functions

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/threats.md").read_text("utf-8")
ROWS = [f"T{number:02}" for number in range(1, 80) if number != 35]
"""All threats except T35, which is about the page's text nodes and has tests there."""


def test_every_row_is_on_the_page() -> None:
    assert sorted(re.findall(r"^\| (T\d\d) \|", PAGE, re.MULTILINE)) == ROWS


def test_every_row_has_attempts_or_tests_that_name_it() -> None:
    names = " ".join(functions())
    attempted = {attempt.row for attempt in CATALOGUE.values()}

    unnamed = [row for row in ROWS if row not in attempted and f"_{row.lower()}_" not in names]

    assert unnamed == ["T52"]  # the page names its test


def test_tests_on_the_page_exist() -> None:
    assert sorted(set(re.findall(r"`(test_\w+)`", PAGE)) - functions()) == []
