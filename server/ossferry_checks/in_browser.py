"""Runs checks of files in a web worker; `web/worker/checks_worker.js` calls this module.

Arguments and results are JSON, numbers and functions, so that the module also runs on CPython.
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
    """Return the error messages for failures of a worker that runs checks.

    The result is {reason: message in the given language}. The reasons are `timeout`, `crashed`,
    `new_files` (too many bytes in new files) and `start` (the worker did not start). A message can
    contain `{detail}`; the page replaces it by the limit (`timeout`, `new_files`) or by the error
    (`crashed`, `start`).
    """
    return {reason: say(key, language, detail="{detail}") for reason, key in REASONS.items()}


def make_checker(config: str, source: str | None) -> "Checker":
    """Return a `Checker` with all checks of the server's configuration.

    Args:
        config: the JSON of `GET /api/checks`.
        source: the text of the operator's `checks.py`; None if there is none.
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
    """Runs all configured checks over one file after the other."""

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
        """Check one file, and return the `Verdict` as JSON.

        Args:
            path: the path of the file.
            folder: an empty folder for new files.
            about: a JSON object with `name`, `type` and `language` of the file. Its `keep_original`
                is true if the person who uploads the file has chosen the unchanged file. Its
                `failed` describes the checks that have ended a worker before and must not run
                again: {name of the check: {"reason": `timeout`, `crashed` or `new_files`, "detail":
                the limit or the error}}.
            on_start: called before each check with the check's name and time limit in seconds.
            on_progress: called with the finished share of the current check, from 0 to 1.
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
        """Return the path of the file to upload in place of the last checked file.

        Returns:
            The path of a file that a check made; empty text if no check replaced the file.
        """
        verdict = self._verdict
        return str(verdict.path) if verdict and verdict.is_changed else ""

    def clean(self, folder: str) -> None:
        """Delete the folder with new files, and forget the verdict on the last checked file."""
        self._verdict = None
        shutil.rmtree(folder, ignore_errors=True)
