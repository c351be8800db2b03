"""Completeness: each fault in docs/faults.md has tests, and all of them exist."""

import re
from pathlib import Path

from support.functions import functions

PAGE = (Path(__file__).parents[2] / "docs/faults.md").read_text("utf-8")
ROWS = [f"R{number:02}" for number in range(1, 68)]


def proofs() -> dict[str, list[str]]:
    """Return the tests of each fault in docs/faults.md."""
    lines = re.findall(r"^\| (R\d\d) \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE)
    return {row: re.findall(r"`(\w+)`", proof) for row, proof in lines}


def test_every_row_is_on_the_page_with_a_test() -> None:
    assert sorted(proofs()) == ROWS
    assert [row for row, tests in proofs().items() if not tests] == []


def test_all_tests_of_the_page_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))

    assert sorted(named - functions()) == []


def test_tests_that_name_a_row_are_in_it() -> None:
    for name in functions():
        for number in re.findall(r"(?<=_r)\d\d(?=_)", name):
            assert name in proofs()[f"R{number}"], name
