"""Completeness: each fault in docs/faults.md has tests."""

import re
from pathlib import Path

from support.functions import functions

PAGE = (Path(__file__).parents[2] / "docs/faults.md").read_text("utf-8")
ROWS = [f"R{number:02}" for number in range(1, 70)]


def rows_of(test: str) -> list[str]:
    """Return the rows that the name of a test has."""
    return [f"R{number}" for number in re.findall(r"(?<=_r)\d\d(?=_)", test)]


def test_every_row_is_on_the_page_and_has_a_test() -> None:
    named = {row for test in functions() for row in rows_of(test)}

    assert sorted(re.findall(r"^\| (R\d\d) \|", PAGE, re.MULTILINE)) == ROWS
    assert sorted(set(ROWS) - named) == []


def test_no_test_names_a_row_that_is_not_on_the_page() -> None:
    assert [test for test in functions() if not set(rows_of(test)) <= set(ROWS)] == []
