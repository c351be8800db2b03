"""Runs the checks on a file, in a locked process that can be killed; see `sandbox`.

The process has an empty environment and an empty folder. If a file takes control of Python in this
process, it can forge the verdict about itself, but cannot reach other files, processes or machines.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from ossferry.checks.selection import ListedCheck, Selection, run_json
from ossferry.errors import SettingsError
from ossferry.scanning.sandbox import Locks
from ossferry.settings.checks import CheckSettings
from ossferry_checks.registry import MB
from ossferry_checks.runner import GB, Limits, Verdict

START_S = 120.0
"""How many seconds `checks.py` may take until the first check starts."""

LIMITS = Limits(memory=2_000_000_000)
"""Python needs twice the memory that it needs in the browser, whose pointers have 32 bits."""

WATCH_S = 0.2
"""How many seconds pass between two looks at the new files of the checks."""

SMALLEST = 16 << 10
CHILD = ("-I", "-m", "ossferry.scanning.child")
MAX_LINE = 1 << 20
UNREADABLE = "an answer that is none"

_VERDICT = TypeAdapter(Verdict)
_LOCKS = TypeAdapter(Locks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """A process that ended without a verdict.

    Attributes:
        check: the check that ran; empty if none had started.
        failure: why, in the form that `ossferry_checks.in_browser` expects.
    """

    check: str
    failure: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A file to check, and how.

    Attributes:
        path: the file.
        name: the name of the upload; by default the name of the file.
        content_type: the content type of the upload; by default guessed from the name.
        language: language code of the messages of checks.
        keep_original: whether the checks only look at the file, and change nothing.
        shows_output: whether the text that the checks print goes to stderr.
        needs_locks: whether the checks run only without network and other files.
        start_s: maximum seconds until the first check starts; they include the import of
            `checks.py`.
        finds_fault: whether no check runs: the process imports `checks.py`, and ends with the
            failure `fault` and the reason why it does not work, or an empty one.
    """

    path: Path
    name: str = ""
    content_type: str = ""
    language: str = "en"
    keep_original: bool = False
    shows_output: bool = True
    needs_locks: bool = False
    start_s: float = START_S
    finds_fault: bool = False


async def check_file(settings: CheckSettings, selection: Selection, job: Job) -> Verdict:
    """Run the selected checks on a file, and return the verdict.

    If a check takes too long or ends its process, its outcome in the verdict is `error`. The other
    checks run in a new process.

    Raises:
        SettingsError: the process ended before any check started, or this machine cannot lock it.
    """
    failed: dict[str, Mapping[str, str]] = {}
    while True:
        answer, _ = await _attempt(settings, selection, job, failed)
        if not isinstance(answer, _Ended):
            return answer
        if not answer.check or answer.check in failed:
            raise SettingsError(f"the checks could not run: {_why(answer)}.")
        failed[answer.check] = answer.failure


async def find_fault(settings: CheckSettings, selection: Selection) -> str:
    """Return why `checks.py` or the check of tables does not work; empty if both work."""
    job = Job(path=Path(os.devnull), finds_fault=True)
    answer, _ = await _attempt(settings, selection, job, {})
    if not isinstance(answer, _Ended):
        raise TypeError("a job that finds a fault has no verdict")
    return answer.failure["detail"] if answer.failure["reason"] == "fault" else _why(answer)


async def find_locks() -> Locks:
    """Return which locks (seccomp, Landlock) this machine can apply to a process."""
    settings, nothing = CheckSettings.model_construct(), Selection(checks=[], source=None)
    _, locks = await _attempt(settings, nothing, Job(path=Path(os.devnull)), {})
    return locks


def _why(ended: _Ended) -> str:
    detail = ended.failure["detail"]
    if ended.failure["reason"] == "timeout":
        return f"no check had started after {detail} s"
    if ended.failure["reason"] == "unlocked":
        return f"this machine cannot lock the process in ({detail}); `ossferry doctor` says more"
    return f"the process ended with {detail}"


async def _attempt(
    settings: CheckSettings, selection: Selection, job: Job, failed: Mapping[str, Mapping[str, str]]
) -> tuple[Verdict | _Ended, Locks]:
    """Run the checks in a new process; return the verdict or how the process ended, and its locks.

    Args:
        failed: the checks that have ended a process, and why; they do not run again.
    """
    with _new_folder() as folder:
        given = {
            "parent": os.getpid(),
            "start_s": job.start_s,
            "config": run_json(settings, selection, LIMITS),
            "source": selection.source.text if selection.source else None,
            "path": str(job.path.absolute()),
            "folder": folder,
            "finds_fault": job.finds_fault,
            "about": {
                "name": job.name or job.path.name,
                "type": job.content_type,
                "language": job.language,
                "keep_original": job.keep_original,
                "failed": failed,
            },
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *CHILD),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if job.shows_output else asyncio.subprocess.DEVNULL,
            env={},
            cwd=folder,
            start_new_session=True,
            limit=MAX_LINE,
        )
        try:
            return await _Conversation(process, job, selection.checks, folder).hold(given)
        finally:
            with contextlib.suppress(ProcessLookupError):  # all of them have ended
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


class _Conversation:
    """The lines between this process and the one that runs the checks.

    Nothing that the process says is trusted: it may name only checks of the settings, each once,
    and gets the time that the settings allow.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        job: Job,
        checks: Sequence[ListedCheck],
        folder: str,
    ) -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the process has no pipes")
        self._process = process
        self._to, self._back = process.stdin, process.stdout
        self._job = job
        size_mb = job.path.stat().st_size / MB
        self._limits_s = {
            each["name"]: each["max_seconds"] + each["seconds_per_mb"] * size_mb for each in checks
        }
        self._folder = folder
        self._check, self._limit_s = "", job.start_s
        self._has_begun, self._locks = False, Locks(calls=False, files=False)

    async def hold(self, given: Mapping[str, object]) -> tuple[Verdict | _Ended, Locks]:
        """Give the process its job, and follow it to its end, or until it exceeds a limit."""
        order = json.dumps(given).encode()
        while True:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended already
                self._to.write(order + b"\n")
                await self._to.drain()
            answer, order = await self._next(), b""
            if answer is not None:
                return answer, self._locks

    async def _next(self) -> Verdict | _Ended | None:
        """Read the next message; return None if the process may go on."""
        try:
            async with asyncio.timeout(self._limit_s):
                line = await self._line()
        except TimeoutError:
            return self._ended("timeout", f"{self._limit_s:g}")
        except ValueError:
            return self._ended("crashed", UNREADABLE)
        if line is None:
            return self._ended("new_files", f"{LIMITS.new_files / GB:g} GB")
        if not line:
            return self._ended("crashed", f"exit code {await self._process.wait()}")
        try:
            message = json.loads(line)
            if "fault" in message:
                return self._ended("fault", str(message["fault"]))
            if "verdict" in message:
                return _VERDICT.validate_python({**message["verdict"], "path": self._job.path})
            if not self._has_begun:
                self._has_begun, self._locks = True, _LOCKS.validate_python(message["locks"])
                if self._job.needs_locks and not self._locks.calls:
                    return self._ended("unlocked", "no filter of system calls")
            else:
                self._check, self._limit_s = message["check"], self._limits_s.pop(message["check"])
        except (ValueError, TypeError, KeyError):  # a ValidationError is a ValueError
            return self._ended("crashed", UNREADABLE)
        return None

    def _ended(self, reason: str, detail: str) -> _Ended:
        return _Ended(check=self._check, failure={"reason": reason, "detail": detail})

    async def _line(self) -> bytes | None:
        """Return the next line of a process, or None if its new files are too large together.

        Raises:
            ValueError: the line is too long.
        """
        line = None
        while line is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCH_S):
                    line = await self._back.readline()
            if _new_bytes(self._process.pid, self._folder) > LIMITS.new_files:
                return None
        return line


@contextlib.contextmanager
def _new_folder() -> Iterator[str]:
    """Context manager that makes an empty folder, and removes it with all that is in it."""
    folder = tempfile.mkdtemp(prefix="ossferry-")
    try:
        yield folder
    finally:
        try:
            shutil.rmtree(folder, ignore_errors=True)
        except RecursionError:  # there are a thousand folders in each other
            subprocess.run(["/bin/rm", "-rf", folder], check=False)  # noqa: S603 - our own folder


def _new_bytes(pid: int, folder: str) -> int:
    """Return the size of all files in a folder, and of open files of a process without a name.

    A file or folder counts at least `SMALLEST` bytes, and folders that are too deep count as too
    large. The process can remove files at any time. Only Linux shows files without a name.
    """
    size = 0
    try:
        for at, folders, names in os.walk(folder):
            for name in (*folders, *names):
                with contextlib.suppress(FileNotFoundError):
                    size += max(Path(at, name).lstat().st_size, SMALLEST)
    except (RecursionError, OSError):
        return LIMITS.new_files + 1
    with contextlib.suppress(OSError):
        for each in Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                found = each.stat()
                size += 0 if found.st_nlink else found.st_size
    return size
