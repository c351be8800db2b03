"""`docs/built-in-checks.md` describes all built-in checks and their options."""

import json
from dataclasses import MISSING, fields
from typing import get_args, get_type_hints

import pytest

from ossferry_checks.builtin.check_options import BuiltInOptions
from ossferry_checks.builtin.selection import built_in_checks, read_options
from support.markdown import ROOT, blocks

PAGE = ROOT / "docs/built-in-checks.md"


def rows() -> list[list[str]]:
    """Return the cells of all tables of the page."""
    lines = PAGE.read_text("utf-8").splitlines()
    cells = [line.replace("\\|", "¦").strip("|").split("|") for line in lines if line[:1] == "|"]
    return [[cell.strip().strip("`") for cell in row] for row in cells]


def options() -> list[tuple[str, str, object]]:
    """Return (check, option, default) of all built-in checks with options."""
    found = []
    for check, hint in get_type_hints(BuiltInOptions).items():
        for kind in get_args(hint):
            if kind is not type(None):
                for each in fields(kind):
                    default = each.default if each.default_factory is MISSING else {}
                    found.append((check, each.name, default))
    return found


@pytest.mark.parametrize("name", [each.name for each in fields(BuiltInOptions)])
def test_each_built_in_check_is_described(name: str) -> None:
    assert any(row[0] == name for row in rows())


@pytest.mark.parametrize(("check", "option", "default"), options())
def test_each_option_is_described_with_its_default(
    check: str, option: str, default: object
) -> None:
    (described,) = [row for row in rows() if row[:2] == [check, option]]

    assert json.loads(described[2]) == (list(default) if default == () else default)


def test_the_example_can_be_used() -> None:
    examples = [json.loads(each.text) for each in blocks(PAGE) if each.language == "json"]
    given = [each for each in examples if "file_type" in each]

    assert given
    for each in given:
        names = [check.name for check in built_in_checks(read_options(each)).around([])]
        assert {*each} - {"photos"} <= {*names}
