"""Runs the checks on a local file, in a separate process that can be killed.

The process gets none of the server's options and credentials in its environment, and has limits of
memory, time and the size of new files. Temporary files count towards this size. The process is no
sandbox: it has the rights of the user who runs the command.
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
from ossferry_checks.runner import GB, Limits

START_S = 120.0
"""How many seconds `checks.py` may take until the first check starts."""

LIMITS = Limits(memory=2_000_000_000)
"""Python needs twice the memory that it needs in the browser, whose pointers have 32 bits."""

WATCH_S = 0.2
"""How many seconds pass between two looks at the new files of the checks."""

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
    """Run the selected checks on a file, and return the verdict as JSON data.

    The verdict has the fields of `ossferry_checks.runner.Verdict`, except `path`. If a check takes
    too long or ends its process, its outcome in the verdict is `error`. The other checks run in a
    new process.

    Args:
        path: the file.
        name: the name of the upload; by default the name of the file.
        content_type: the content type of the upload; by default guessed from the name.
        language: language code of the messages of checks.
        start_s: maximum seconds until the first check starts; they include the import of
            `checks.py`.

    Raises:
        SettingsError: the process ended before any check started.
    """
    failed: dict[str, Mapping[str, str]] = {}
    while True:
        with tempfile.TemporaryDirectory(prefix="ossferry-") as folder:
            job = {
                **_base(settings, selection, start_s),
                "path": str(path),
                "folder": folder,
                "about": {
                    "name": name or path.name,
                    "type": content_type,
                    "language": language,
                    "failed": failed,
                },
            }
            answer = await _attempt(job, folder, start_s)
        if not isinstance(answer, _Ended):
            return answer
        if not answer.check or answer.check in failed:
            raise SettingsError(f"the checks could not run: {_why(answer)}.")
        failed[answer.check] = answer.failure


async def find_fault(
    settings: CheckSettings, selection: Selection, *, start_s: float = START_S
) -> str:
    """Run `checks.py` without a file; return why it or the check of tables does not work, or empty.

    Args:
        start_s: maximum seconds for the import of `checks.py`.
    """
    with tempfile.TemporaryDirectory(prefix="ossferry-") as folder:
        answer = await _attempt(_base(settings, selection, start_s), folder, start_s)
    return _why(answer) if isinstance(answer, _Ended) else str(answer["fault"])


def _base(settings: CheckSettings, selection: Selection, start_s: float) -> dict[str, object]:
    """Return the job of a process without a file."""
    return {
        "start_s": start_s,
        "config": run_json(settings, selection, LIMITS),
        "source": selection.source.text if selection.source else None,
    }


def _why(ended: _Ended) -> str:
    detail = ended.failure["detail"]
    if ended.failure["reason"] == "timeout":
        return f"no check had started after {detail} s"
    return f"the process ended with {detail}"


async def _attempt(
    job: Mapping[str, object], folder: str, start_s: float
) -> dict[str, Any] | _Ended:
    """Run the checks in a new process; return the verdict, or how the process ended."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ossferry.checks.child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**kept, "TMPDIR": folder},
        limit=MAX_LINE,
    )
    try:
        return await _listen(process, json.dumps(job).encode(), folder, start_s)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _listen(
    process: asyncio.subprocess.Process, job: bytes, folder: str, start_s: float
) -> dict[str, Any] | _Ended:
    """Give a process its job, and follow it to its end, or until it exceeds a limit."""
    to, back = process.stdin, process.stdout
    if to is None or back is None:
        raise RuntimeError("the process has no pipes")
    check, limit_s, order = "", start_s, job
    while True:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended already
            to.write(order + b"\n")
            await to.drain()
        try:
            async with asyncio.timeout(limit_s):
                line = await _next_line(process.pid, back, folder)
        except TimeoutError:
            return _Ended(check=check, failure={"reason": "timeout", "detail": f"{limit_s:g}"})
        if line is None:
            most = f"{LIMITS.new_files / GB:g} GB"
            return _Ended(check=check, failure={"reason": "new_files", "detail": most})
        if not line:
            code = await process.wait()
            return _Ended(check=check, failure={"reason": "crashed", "detail": f"exit code {code}"})
        message = json.loads(line)
        if "verdict" in message:
            verdict: dict[str, Any] = message["verdict"]
            return verdict
        check, limit_s, order = message["check"], message["limit_s"], b""  # the check may start


async def _next_line(pid: int, back: asyncio.StreamReader, folder: str) -> bytes | None:
    """Return the next line of a process, or None if its new files are too large together."""
    line = None
    while line is None:
        with contextlib.suppress(TimeoutError):
            line = await asyncio.wait_for(back.readline(), WATCH_S)
        if _new_bytes(pid, folder) > LIMITS.new_files:
            return None
    return line


def _new_bytes(pid: int, folder: str) -> int:
    """Return the size of all files in a folder, and of open files of a process without a name.

    The process can remove files at any time. Only Linux shows files without a name.
    """
    size = 0
    for at, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                size += Path(at, name).lstat().st_size
    with contextlib.suppress(OSError):
        for each in Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                found = each.stat()
                size += 0 if found.st_nlink else found.st_size
    return size
