"""The table "Where do I change ...?" and the pages about the code name files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = range(25, 80)
"""More rows than this, and nobody reads the table."""
TOPS = ("", "tests", "server", "server/ossferry", "web", "web/ossferry_uploader", "web/upload_page")
"""The folders where paths in the pages begin."""
TOP_LEVEL = ("web/", "server/", "tests/", "docs/", "deploy/", "wheels/", "licenses/")


def rows() -> dict[str, list[str]]:
    """Return, for each change in the table, the paths in its second column."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("## Where do I change ...?")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", table, re.MULTILINE)
    return {
        change: [name for name in re.findall(r"`([^`]+)`", files) if is_path(name)]
        for change, files in cells
        if change != "I want to change"
    }


def is_path(name: str) -> bool:
    """Tell whether a text in backticks is a path, and not a command."""
    return " " not in name and (name.startswith(TOP_LEVEL) or "." in name)


def test_the_table_covers_the_everyday_changes_and_is_short() -> None:
    assert len(rows()) in ROWS


def test_every_row_names_a_path() -> None:
    assert [change for change, paths in rows().items() if not paths] == []


def test_every_path_of_the_table_exists() -> None:
    named = {path for paths in rows().values() for path in paths}

    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("name", ["architecture", "invariants"])
def test_every_module_of_these_pages_exists(name: str) -> None:
    page = (ROOT / f"docs/{name}.md").read_text("utf-8")
    named = set(re.findall(r"[\w./]+/\w+\.(?:py|js)\b", page))

    assert len(named) > 25
    assert [each for each in named if not any((ROOT / top / each).exists() for top in TOPS)] == []
