"""The longest test files run first, and browser tests still run last."""

import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from conftest import put_in_order, pytest_xdist_auto_num_workers
from support.order import LONGEST_FIRST, TESTS, place


def item(path: str, *fixtures: str) -> Any:
    return SimpleNamespace(path=TESTS / path, fixturenames=fixtures)


def test_every_file_that_is_named_exists_and_is_named_once() -> None:
    assert [name for name in LONGEST_FIRST if not (TESTS / name).is_file()] == []
    assert [name for name, count in Counter(LONGEST_FIRST).items() if count > 1] == []


def test_a_file_that_is_not_named_comes_after_all_that_are() -> None:
    assert place(Path(__file__)) > place(TESTS / LONGEST_FIRST[-1])


def test_a_single_process_keeps_its_order_but_runs_browsers_last() -> None:
    first, second = LONGEST_FIRST[:2]
    items = [item(second, "playwright"), item("unit/test_order.py"), item(second), item(first)]
    wanted = [*items[1:], items[0]]

    put_in_order(items, longest_first=False)

    assert items == wanted


def test_the_longest_begin_first_and_browsers_last() -> None:
    first, second = LONGEST_FIRST[:2]
    items = [
        item(first, "playwright"),
        item("unit/test_order.py"),
        item(second),
        item(first),
        item("unit/test_config.py", "playwright"),
    ]
    wanted = [items[3], items[2], items[1], items[0], items[4]]

    put_in_order(items, longest_first=True)

    assert items == wanted


def test_tests_that_wait_leave_no_core_idle() -> None:
    assert pytest_xdist_auto_num_workers() > (os.cpu_count() or 1)
