"""Runs checks in the page's worker; `web/worker/checks_worker.js` calls this module.

JavaScript passes and receives JSON, numbers and functions, so that the module also runs on CPython.
"""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from ossferry_checks.builtin.selection import read_options
from ossferry_checks.files import CheckedFile
from ossferry_checks.loading import Declared, all_checks
from ossferry_checks.registry import Check
from ossferry_checks.runner import Limits, OnError, Verdict, run
from ossferry_checks.sentences import say

REASONS = {
    "timeout": "run_timeout",
    "crashed": "run_crashed",
    "new_files": "run_new_files",
    "start": "run_start",
}
"""The sentences for what ends a worker or a process, or prevents its start."""


def reasons(language: str) -> dict[str, str]:
    """Return the sentences about a worker that has ended; `{detail}` stands for the details."""
    return {reason: say(key, language, detail="{detail}") for reason, key in REASONS.items()}


def make_checker(config: str, source: str | None) -> "Checker":
    """Return the checks of a server.

    Args:
        config: the JSON of `GET /api/checks`.
        source: the text of `checks.py`; None if there is none.
    """
    given = json.loads(config)
    declared = [
        Declared(
            name=each["name"],
            patterns=tuple(each["patterns"]),
            max_seconds=each["max_seconds"],
            seconds_per_mb=each["seconds_per_mb"],
        )
        for each in given["checks"]
        if not each["built_in"]
    ]
    checks = all_checks(source, declared, read_options(given["built_in"]))
    return Checker(checks, given["on_error"], Limits(**given["limits"]))


class Checker:
    """The checks of a server, in their order."""

    def __init__(self, checks: list[Check], on_error: OnError, limits: Limits) -> None:
        self._checks = checks
        self._on_error = on_error
        self._limits = limits
        self._verdict: Verdict | None = None

    async def check(
        self,
        path: str,
        folder: str,
        about: str,
        on_start: Callable[[str, float], None],
        on_progress: Callable[[float], None],
    ) -> str:
        """Check one file, and return the verdict as JSON.

        Args:
            path: the file.
            folder: an empty folder for new files.
            about: JSON with `name`, `type` and `language` of the file, and `failed`: the checks
                that have ended a worker before, each with `reason` (`timeout`, `crashed` or
                `new_files`) and `detail` (the limit, or the error of the browser).
                `keep_original` is true if the person has chosen the original file.
            on_start: called before each check with its name, and its time limit in seconds.
            on_progress: called with the share of the present check that is done.
        """
        given = json.loads(about)
        file = CheckedFile(
            Path(path),
            name=given["name"],
            type=given["type"],
            language=given["language"],
            folder=Path(folder),
            on_progress=on_progress,
        )
        self._verdict = await run(
            self._checks,
            file,
            on_error=self._on_error,
            limits=self._limits,
            failed={
                name: say(REASONS[each["reason"]], file.language, detail=each["detail"])
                for name, each in given["failed"].items()
            },
            keep_original=given.get("keep_original", False),
            on_start=lambda check, limit_s: on_start(check.name, limit_s),
        )
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        return json.dumps(self._verdict.as_json())

    def new_path(self) -> str:
        """Return the path of the changed file; empty if the original is uploaded."""
        verdict = self._verdict
        return str(verdict.path) if verdict and verdict.is_changed else ""

    def clean(self, folder: str) -> None:
        """Remove a folder with new files."""
        self._verdict = None
        shutil.rmtree(folder, ignore_errors=True)
