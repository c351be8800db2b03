"""Completeness: each threat in docs/threats.md has attempts, or tests that exist."""

import re
from pathlib import Path

from attacks.catalogue import CATALOGUE
from support.functions import functions

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/threats.md").read_text("utf-8")
ROWS = [f"T{number:02}" for number in range(1, 68) if number != 35]
"""All threats except T35, which is about the page's text nodes and has tests there."""


def named_rows() -> dict[str, tuple[bool, list[str]]]:
    """Return, for each threat, whether it has attempts, and the names of its tests."""
    lines = re.findall(r"^\| (T\d\d) \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE)
    return {row: ("attempts" in proof, re.findall(r"`(\w+)`", proof)) for row, proof in lines}


def test_every_row_is_on_the_page() -> None:
    assert sorted(named_rows()) == ROWS


def test_every_row_is_proven() -> None:
    known = functions()
    attempted = {attempt.row for attempt in CATALOGUE.values()}

    for row, (has_attempts, tests) in named_rows().items():
        assert has_attempts == (row in attempted), row
        assert has_attempts or tests, row
        assert [name for name in tests if name not in known] == [], row


def test_every_row_is_named_by_its_tests() -> None:
    names = " ".join(functions())
    attempted = {attempt.row for attempt in CATALOGUE.values()}

    unnamed = [row for row in ROWS if row not in attempted and f"_{row.lower()}_" not in names]

    assert unnamed == ["T52"]  # tested in the page's own tests, which name no threats
