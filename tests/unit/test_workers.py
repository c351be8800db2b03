"""The tests of a group run in one worker; a worker that dies costs only a second attempt of the
test that killed it.
"""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from xdist.remote import Producer

from conftest import group_of
from support.times import TESTS
from support.workers import Scheduling

CONFTEST = f"""
import sys

sys.path.insert(0, {str(TESTS)!r})

def pytest_xdist_make_scheduler(config, log):
    from support.workers import Scheduling

    return Scheduling(config, log, lambda nodeid: nodeid.split("_")[-2])
"""
DIES = """
import os
import time
from pathlib import Path

def die(name, times):
    time.sleep(0.5)  # pytest-rerunfailures hears of a test in a thread, shortly after it began
    tries = Path(name)
    tries.write_text(tries.read_text() + "." if tries.exists() else ".")
    if len(tries.read_text()) <= times:
        os._exit(1)

def test_a_1(): pass
def test_a_2(): die("a", 1)
def test_a_3(): pass
def test_b_1(): pass
def test_b_2(): die("b", 9)
def test_b_3(): pass
def test_b_4(): pass
"""


def make_scheduling(tests: list[str], workers: int) -> tuple[Scheduling, list["Worker"]]:
    """Return a scheduling that has begun, with groups that are the first letters of the tests."""
    config: Any = SimpleNamespace(
        getvalue=lambda _name: ["popen"] * workers, option=SimpleNamespace(loadscopereorder=False)
    )
    scheduling = Scheduling(config, Producer("test"), lambda nodeid: nodeid[0])
    nodes = [Worker() for _ in range(workers)]
    for node in nodes:
        join(scheduling, node, tests)
    scheduling.schedule()
    return scheduling, nodes


def join(scheduling: Scheduling, node: "Worker", tests: list[str]) -> None:
    """Let a worker tell the scheduling its tests, as pytest-xdist does."""
    node.tests = tests
    scheduling.add_node(node)
    scheduling.add_node_collection(node, tests)


class Worker:
    """A worker that notes its tests. Like pytest-xdist's, it keeps its last test until `shutdown`.

    Attributes:
        given: the tests that it shall run.
    """

    def __init__(self) -> None:
        self.tests: list[str] = []
        self.given: list[str] = []
        self.shutting_down = False
        self.gateway = SimpleNamespace(id="gw")

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += [self.tests[index] for index in indices]

    def shutdown(self) -> None:
        self.shutting_down = True


def test_the_tests_of_a_group_run_in_one_worker() -> None:
    _, (first, second) = make_scheduling(["a1", "b1", "a2", "b2", "a3", "b3"], workers=2)

    assert first.given == ["a1", "a2", "a3"]
    assert second.given == ["b1", "b2", "b3"]
    assert first.shutting_down, "it starts its last test"
    assert second.shutting_down


def test_a_new_worker_gets_the_rest_of_a_group_whose_worker_died() -> None:
    tests = ["a1", "a2", "a3", "b1"]
    scheduling, (first, second) = make_scheduling(tests, workers=2)
    scheduling.mark_test_complete(first, 0)

    died_of = scheduling.remove_node(first)
    third = Worker()
    join(scheduling, third, tests)
    scheduling.schedule()

    assert died_of == "a2"
    assert (third.given, third.shutting_down) == (["a3"], True)
    assert second.given == ["b1"]


def test_the_test_that_a_worker_died_of_is_tried_again_also_as_the_last_of_its_group() -> None:
    tests = ["a1", "a2", "b1"]
    scheduling, (first, _) = make_scheduling(tests, workers=2)
    scheduling.mark_test_complete(first, 0)

    died_of = scheduling.remove_node(first)
    assert died_of
    scheduling.mark_test_pending(died_of)
    third = Worker()
    join(scheduling, third, tests)
    scheduling.schedule()

    assert (third.given, third.shutting_down) == (["a2"], True)
    scheduling.mark_test_complete(third, 1)
    assert scheduling.remove_node(third) is None


@pytest.mark.parametrize(
    ("test", "group"),
    [
        ("tests/e2e/test_a.py::test_b", "tests/e2e/test_a.py"),
        ("tests/e2e/test_a.py::test_b[micropython-chromium]", "tests/e2e/test_a.py"),
        ("tests/e2e/test_a.py::test_b[micropython-firefox]", "firefox"),
        ("tests/e2e/test_a.py::test_b[webkit]", "webkit"),
        ("tests/unit/test_a.py::test_b[a::b-[c]]", "tests/unit/test_a.py"),
    ],
)
def test_a_group_is_an_engine_of_core_stories_or_a_file(test: str, group: str) -> None:
    assert group_of(test) == group


@pytest.mark.slow
def test_pytest_tries_tests_again_that_a_worker_died_of_and_runs_the_others(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(DIES)
    plugins = ("mock_oss", "playwright", "schemathesis", "hypothesispytest", "anyio")
    words = ("-n2", "--dist=loadscope", "--no-loadscope-reorder", "--reruns=2")
    without = [f"-pno:{name}" for name in plugins]

    done = subprocess.run(  # noqa: S603 - fixed words
        [sys.executable, "-m", "pytest", *words, *without],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1, done.stdout
    assert "1 failed, 6 passed, 3 rerun" in done.stdout.splitlines()[-1]
    assert [(tmp_path / name).read_text() for name in "ab"] == ["..", "..."]
