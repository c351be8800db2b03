"""The tests of a group run in one worker; a worker that dies costs only a second attempt of the
test that killed it.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import group_of
from support.order import TESTS

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

def die(times):
    time.sleep(0.5)  # pytest-rerunfailures hears of a test in a thread, shortly after it began
    tries = Path("tries")
    tries.write_text(tries.read_text() + "." if tries.exists() else ".")
    if len(tries.read_text()) <= times:
        os._exit(1)
"""


def run(folder: Path, tests: str) -> tuple[int, str, int]:
    """Return the exit code, the last line, and the number of attempts of the test that dies."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(DIES + tests)
    plugins = ("mock_oss", "playwright", "schemathesis", "hypothesispytest", "anyio")
    words = [
        "-n2",
        "--dist=loadscope",
        "--no-loadscope-reorder",
        "--reruns=2",
        *(f"-pno:{name}" for name in plugins),
    ]
    done = subprocess.run(  # noqa: S603 - fixed words
        [sys.executable, "-m", "pytest", *words], cwd=folder, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    tries = folder / "tries"
    return (
        done.returncode,
        done.stdout.splitlines()[-1],
        len(tries.read_text()) if tries.exists() else 0,
    )


def test_the_tests_of_a_group_run_in_one_worker(tmp_path: Path) -> None:
    tests = "".join(
        f"""
def test_{group}_{number}():
    time.sleep(0.1)
    with Path("{group}").open("a") as file:
        print(os.environ["PYTEST_XDIST_WORKER"], file=file)
"""
        for number in range(5)
        for group in "ab"
    )

    code, line, _ = run(tmp_path, tests)

    assert code == 0, line
    workers = [(tmp_path / group).read_text().split() for group in "ab"]
    assert [len(each) for each in workers] == [5, 5]
    assert [set(each) for each in workers] in ([{"gw0"}, {"gw1"}], [{"gw1"}, {"gw0"}])


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


def test_the_test_that_a_worker_died_of_is_tried_again_also_as_the_last_of_its_group(
    tmp_path: Path,
) -> None:
    tests = """
def test_a_1(): pass
def test_a_2(): die(1)
def test_b_1(): pass
"""
    code, line, tries = run(tmp_path, tests)

    assert (code, tries) == (0, 2), line
    assert "3 passed, 1 rerun" in line


def test_a_test_that_always_ends_its_worker_fails_and_the_others_of_its_group_run(
    tmp_path: Path,
) -> None:
    tests = """
def test_a_1(): pass
def test_a_2(): die(9)
def test_a_3(): pass
def test_a_4(): pass
def test_b_1(): pass
"""
    code, line, tries = run(tmp_path, tests)

    assert (code, tries) == (1, 3), line
    assert "1 failed, 4 passed, 2 rerun" in line
