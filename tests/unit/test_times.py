"""The longest test files run first, browser tests run last, and long files have a reason."""

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conftest import put_in_order
from support.times import RECORD, TESTS, Times, place, read

FIRST, SECOND = sorted(read(RECORD).items(), key=lambda each: -each[1])[:2]

LONG_S = 40.0  # while all workers share the processors


def item(path: str, *fixtures: str) -> Any:
    return SimpleNamespace(path=TESTS / path, fixturenames=fixtures)


def test_a_file_without_a_record_comes_after_all_others() -> None:
    assert place(TESTS / FIRST[0]) < place(TESTS / SECOND[0]) < place(TESTS / "unit/test_new.py")
    assert place(Path("/elsewhere/test_it.py")) == place(TESTS / "unit/test_new.py")


@pytest.mark.parametrize(
    ("longest_first", "wanted"), [(False, [1, 2, 3, 0, 4]), (True, [3, 2, 1, 0, 4])]
)
def test_browsers_run_last_and_workers_start_with_the_longest(
    longest_first: bool, wanted: list[int]
) -> None:
    items = [
        item(FIRST[0], "playwright"),
        item("unit/test_new.py"),
        item(SECOND[0]),
        item(FIRST[0]),
        item("unit/test_new.py", "playwright"),
    ]
    expected = [items[at] for at in wanted]

    put_in_order(items, longest_first=longest_first)

    assert items == expected


def test_every_long_file_is_listed_with_a_reason() -> None:
    recorded = read(RECORD)
    listed = tomllib.loads((TESTS / "long_files.toml").read_text("utf-8"))

    assert [name for name, s in recorded.items() if s > LONG_S and name not in listed] == []
    assert [name for name in listed if recorded.get(name, 0) < LONG_S / 2] == []


def report(test: str, seconds: float) -> Any:
    return SimpleNamespace(nodeid=test, duration=seconds, when="call")


def test_the_record_keeps_the_times_of_files_that_did_not_run(tmp_path: Path) -> None:
    record = tmp_path / "times.json"
    record.write_text(json.dumps({"unit/test_layers.py": 2.0, "unit/test_gone.py": 3.0}))
    terminal: Any = SimpleNamespace(write_sep=print, write_line=print)
    times = Times(record=record)
    times.pytest_runtest_logreport(report("tests/unit/test_times.py::test_a", 1.5))
    times.pytest_runtest_logreport(report("tests/unit/test_config.py::test_a", 0.5))

    times.pytest_terminal_summary(terminal)

    assert read(record) == {"unit/test_layers.py": 2.0, "unit/test_times.py": 1.5}
