"""A function fits on one screen."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_LINES = 60
CREATE_APP_LINES = 51


@cache
def functions() -> dict[str, int]:
    """Return the place and the number of lines of every function."""
    found = {}
    for folder in ("server", "web", "tests", "docs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    place = f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}"
                    found[place] = (node.end_lineno or node.lineno) - node.lineno + 1
    return found


def test_no_function_is_longer_than_a_screen() -> None:
    assert len(functions()) > 5_000
    assert [place for place, lines in functions().items() if lines > MOST_LINES] == []


def test_create_app_is_short() -> None:
    (lines,) = [
        lines
        for place, lines in functions().items()
        if re.fullmatch(r"server/ossferry/app\.py:\d+: create_app", place)
    ]

    assert lines < CREATE_APP_LINES
