"""The tests of a group run in one worker; a worker that dies costs only a second attempt of the
test that killed it.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import group_of
from support.times import TESTS

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
