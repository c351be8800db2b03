"""Names of all test functions, to check pages of the docs that refer to them."""

import ast
from pathlib import Path

__all__ = ["functions"]

TESTS = Path(__file__).parents[1]


def functions() -> set[str]:
    """Return the names of all test functions."""
    names = set()
    for path in TESTS.rglob("test_*.py"):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names.add(node.name)
    return names
