"""Names of all test functions, to check pages of the docs that refer to them."""

import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]


@cache
def functions() -> set[str]:
    """Return the names of all test functions."""
    return {
        name
        for folder in ("unit", "contract", "attacks", "browser", "e2e")
        for path in (TESTS / folder).rglob("test_*.py")
        if "node_modules" not in path.parts
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
