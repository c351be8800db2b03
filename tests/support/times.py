"""Measures where the time of a test run goes, and compares it with its budget.

Every run prints its ten slowest files. With `--times` (`make test TIMES=1`), the run also prints
the slowest tests, fixtures and parts, and writes the time of each file to `tests/times.json`, which
decides the order of the files in later runs.
"""

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
RECORD = TESTS / "times.json"
"""`{file below tests: seconds}`, of files that took at least `RECORDED_S`."""
RECORDED_S = 1.0
Seconds = defaultdict[str, float]
PHASES = ("setup", "call", "teardown")


def read(record: Path) -> dict[str, float]:
    """Return the recorded times; none if there is no record."""
    return dict(json.loads(record.read_text())) if record.exists() else {}


_RECORDED = read(RECORD)


def place(path: Path) -> float:
    """Return a value that sorts test files, those that took longest first."""
    return -_RECORDED.get(_name(path), 0.0)


def _name(path: Path) -> str:
    return path.relative_to(TESTS).as_posix() if path.is_relative_to(TESTS) else str(path)


class Times:
    """pytest plugin that adds up times; the workers of pytest-xdist send theirs at their end.

    Args:
        budget_s: seconds that the run may take; 0 if it has no budget.
        record: file to which the time of each file is written; None measures and prints less.
    """

    def __init__(self, *, budget_s: float = 0, record: Path | None = None) -> None:
        self._budget_s = budget_s
        self._record = record
        self._begin = time.perf_counter()
        self._tests: Seconds = defaultdict(float)
        self._parts: Seconds = defaultdict(float)  # seconds of each phase
        self._fixtures: Seconds = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self._fixtures[fixturedef.argname] += time.perf_counter() - begin

    def pytest_collection_finish(self) -> None:
        self._parts["start and collection"] += time.perf_counter() - self._begin

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._tests[report.nodeid] += report.duration
        self._parts[str(report.when)] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            used = os.times()
            self._parts["CPU of workers"] = used.user + used.system
            self._parts["CPU of the workers' processes"] = used.children_user + used.children_system
            parts = {name: s for name, s in self._parts.items() if name not in PHASES}
            output["times"] = (parts, dict(self._fixtures))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        output = getattr(node, "workeroutput", {})  # a worker that died has sent nothing
        parts, fixtures = output.get("times", ({}, {}))
        for mine, theirs in ((self._parts, parts), (self._fixtures, fixtures)):
            for name, seconds in theirs.items():
                mine[name] += seconds

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        files: Seconds = defaultdict(float)
        for test, seconds in self._tests.items():
            files[test.partition("::")[0].removeprefix("tests/")] += seconds
        tables = [("slowest files", files, 10)]
        if self._record:
            tables = [
                ("slowest files", files, 60),
                ("slowest tests", self._tests, 60),
                ("fixtures", self._fixtures, 20),
                ("parts", self._parts, 20),
            ]
            _write(self._record, files)
        for title, table, most in tables:
            terminalreporter.write_sep("-", f"{title}, in seconds")
            for name, seconds in sorted(table.items(), key=lambda each: -each[1])[:most]:
                terminalreporter.write_line(f"{seconds:8.1f} {name}")
        took = time.perf_counter() - self._begin
        budget = f" of {self._budget_s:.0f} s" if self._budget_s else ""
        terminalreporter.write_line(f"This run took {took:.0f} s{budget}.")


def _write(record: Path, files: Seconds) -> None:
    """Record the times of these files; other files that exist keep theirs."""
    times = {name: s for name, s in read(record).items() if name not in files}
    times |= {name: round(s, 1) for name, s in files.items() if s >= RECORDED_S}
    kept = {name: s for name, s in sorted(times.items()) if (TESTS / name).is_file()}
    record.write_text(json.dumps(kept, indent=1) + "\n")
