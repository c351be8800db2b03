"""Runs checks of files in a web worker; `web/worker/checks_worker.js` calls this module.

Arguments and results are JSON, numbers and functions, so that the module also runs on CPython.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ossferry_checks.builtin.selection import read_options
from ossferry_checks.builtin.table import declared_table
from ossferry_checks.files import CheckedFile
from ossferry_checks.loading import Declared, all_checks, load_module
from ossferry_checks.registry import Check
from ossferry_checks.runner import Limits, OnError, Verdict, run
from ossferry_checks.sentences import say
from ossferry_checks.tables.session import Session

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


def fault_of(config: str, source: str | None) -> str:
    """Return why `checks.py` or the check of tables does not work, as text; empty if both do.

    Args:
        config, source: as for `make_checker`.
    """
    options = read_options(json.loads(config)["built_in"]).table
    try:
        module = load_module(source) if source is not None else None
        if options:
            declared_table(options, getattr(module, options.model) if options.model else None)
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {error}".partition("\n")[0].removesuffix(".")
    return ""


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


def make_repair(
    config: str, source: str | None, path: str, about: str, write: Callable[[Any], object]
) -> Session:
    """Return the session in which a person repairs a table that the built-in check has refused.

    Args:
        config: the JSON of `GET /api/checks`.
        source: the text of the operator's `checks.py`; None if there is none.
        path: the path of the table.
        about: JSON with `language`, the language of the person, such as `zh-CN`, and `max_size`,
            the largest possible size of the repaired table in bytes; 0 for no limit.
        write: a JavaScript function, called with bytes of the repaired table.
    """
    options = read_options(json.loads(config)["built_in"]).table
    if options is None:
        raise ValueError("the check of tables is switched off")
    model = getattr(load_module(source), options.model) if source and options.model else None

    def send(data: bytes) -> None:
        from pyodide.ffi import JsException, to_js

        try:
            write(to_js(data))
        except JsException as error:
            raise OSError(str(error)) from error

    folder = Path(tempfile.mkdtemp())
    given = json.loads(about)
    return Session(
        Path(path),
        declared_table(options, model),
        folder=folder,
        write=send,
        language=given["language"],
        max_size=given["max_size"],
    )


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
