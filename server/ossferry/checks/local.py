"""Runs the checks over a local file, in a process that can be ended.

The process gets none of the server's options and credentials in its environment, and has limits of
memory, time and the size of new files. It is no sandbox: it has the rights of the user who runs the
command.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ossferry.checks.selection import Selection, run_json
from ossferry.errors import SettingsError
from ossferry.settings.checks import PREFIX, CheckSettings
from ossferry_checks.runner import Limits

__all__ = ["START_S", "check_file"]

START_S = 120.0
"""How many seconds `checks.py` may take until the first check starts."""

LIMITS = Limits(memory=2_000_000_000)
"""Python needs twice the memory that it needs in the browser, whose pointers have 32 bits."""

MAX_LINE = 64 << 20
PRIVATE = (PREFIX, "ALIBABA_CLOUD_", "OSS_", "AWS_")
"""Beginnings of variables that the process does not get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """A process that ended without a verdict.

    Attributes:
        check: the check that ran; empty if none had started.
        failure: why, in the form that `ossferry_checks.in_browser` expects.
    """

    check: str
    failure: Mapping[str, str]


async def check_file(
    settings: CheckSettings,
    selection: Selection,
    path: Path,
    *,
    name: str = "",
    content_type: str = "",
    language: str = "en",
    start_s: float = START_S,
) -> dict[str, Any]:
    """Run all checks over a file, and return the verdict, as in `Verdict.as_json`.

    A check that takes too long, or that ends the process, counts as one that does not work. The
    other checks run in a new process.

    Args:
        name: the name of the upload; by default the name of the file.
        content_type: the type of the upload; by default the one that belongs to the name.
        start_s: how many seconds `checks.py` may take until the first check starts.

    Raises:
        SettingsError: the checks could not run at all.
    """
    failed: dict[str, Mapping[str, str]] = {}
    while True:
        with tempfile.TemporaryDirectory(prefix="ossferry-") as folder:
            job = {
                "start_s": start_s,
                "config": run_json(settings, selection, LIMITS),
                "source": selection.source.text if selection.source else None,
                "path": str(path),
                "folder": folder,
                "about": {
                    "name": name or path.name,
                    "type": content_type,
                    "language": language,
                    "failed": failed,
                },
            }
            answer = await _attempt(job, start_s=start_s)
        if not isinstance(answer, _Ended):
            return answer
        if not answer.check or answer.check in failed:
            raise SettingsError(f"the checks could not run: {_why(answer)}.")
        failed[answer.check] = answer.failure


def _why(ended: _Ended) -> str:
    detail = ended.failure["detail"]
    if ended.failure["reason"] == "timeout":
        return f"no check had started after {detail} s"
    return f"the process ended with {detail}"


async def _attempt(job: Mapping[str, object], *, start_s: float) -> dict[str, Any] | _Ended:
    """Run the checks in a new process; return the verdict, or how the process ended."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ossferry.checks.child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=kept,
        limit=MAX_LINE,
    )
    try:
        return await _listen(process, json.dumps(job).encode(), start_s)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _listen(
    process: asyncio.subprocess.Process, job: bytes, start_s: float
) -> dict[str, Any] | _Ended:
    """Give a process its job, and follow it to its end, or to the end of a time limit."""
    to, back = process.stdin, process.stdout
    if to is None or back is None:
        raise RuntimeError("the process has no pipes")
    check, limit_s = "", start_s
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended already
        to.write(job)
        await to.drain()
        to.close()
    while True:
        try:
            line = await asyncio.wait_for(back.readline(), limit_s)
        except TimeoutError:
            return _Ended(check=check, failure={"reason": "timeout", "detail": f"{limit_s:g}"})
        if not line:
            code = await process.wait()
            return _Ended(check=check, failure={"reason": "crashed", "detail": f"exit code {code}"})
        message = json.loads(line)
        if "verdict" in message:
            verdict: dict[str, Any] = message["verdict"]
            return verdict
        check, limit_s = message["check"], message["limit_s"]
