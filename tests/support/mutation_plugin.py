"""A pytest plugin for mutation tests: ids that are the same in every run, and quick tests first.

mutmut calls pytest several times in one process. pytest escapes ids from `ids=` again in each run,
so an id with a backslash or a letter outside ASCII changes, and pytest does not find the test any
more. The mutation tests therefore turn the escaping off, and this plugin makes ASCII ids.

The first failed test ends the run of a mutant. mutmut gives the tests in no order, so the plugin
runs those first that took the least time in mutmut's first run.
"""

import json
from pathlib import Path

import pytest

STATS = Path("mutmut-stats.json")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Return the id of a text or of bytes; None for other values, whose ids pytest makes."""
    if isinstance(val, str):
        return ascii(val)[1:-1]
    if isinstance(val, bytes):
        return repr(val)[2:-1]
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by the time that they took, if mutmut has recorded it."""
    if STATS.exists():
        durations = json.loads(STATS.read_text("utf-8"))["duration_by_test"]
        items.sort(key=lambda item: durations.get(item.nodeid, 0.0))
