"""Runs the checks for one file, and collects their results in a verdict."""

import errno
import inspect
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from ossferry_checks.files import CheckedFile
from ossferry_checks.registry import Check
from ossferry_checks.results import Ask, Details, Note, Reject, Replace, Result
from ossferry_checks.sentences import say

Outcome: TypeAlias = Literal["passed", "noted", "changed", "undone", "asks", "rejected", "error"]
OnError: TypeAlias = Literal["reject", "allow"]

MAX_METADATA = 5800  # bytes with the names of the headers; OSS allows 8,192
GB = 1_000_000_000
MAX_TEXT = 500  # characters of a sentence of a check


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The resources that the checks of one file may use; the caller of `run` enforces these limits.

    Attributes:
        memory: the largest amount of memory in bytes.
        new_files: the largest total size, in bytes, of the files that the checks create.
    """

    memory: int = GB
    new_files: int = GB


@dataclass(frozen=True, slots=True)
class Ran:
    """The outcome of a check for one file.

    Attributes:
        check: the name of the check.
        outcome: `passed`; `noted`: it added metadata; `changed`: it replaced the file; `undone`: it
            replaced the file, but the original file was kept; `asks`: it has a question;
            `rejected`; `error`: it did not work.
        says: the message of the check for the person who uploads the file; empty if there is none.
        seconds: the duration of the check.
    """

    check: str
    outcome: Outcome
    says: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why a file must not be uploaded.

    Attributes:
        check: the name of the check that refused the file.
        reason: a sentence for the person who uploads the file.
        line: the number of the line in the file, counted from 1; None if the reason concerns no
            line.
        is_error: True if the check did not work, so that the file was not checked.
        repair: whether the page may offer to repair the table.
    """

    check: str
    reason: str
    line: int | None = None
    is_error: bool = False
    repair: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question that the person who uploads a file must answer before the upload.

    Attributes:
        check: the name of the check that asks.
        question: the text of the question.
        line: the number of the line in the file, counted from 1; None if the question concerns no
            line.
        repair: whether the page may offer to repair the table.
    """

    check: str
    question: str
    line: int | None = None
    repair: bool = False


@dataclass(slots=True)
class Verdict:
    """The result of all checks of a file.

    Attributes:
        path: the file to upload.
        name, type: the name and content type of the file to upload.
        is_changed: True if the file to upload is not the original file.
        refusal: the reason why the file must not be uploaded; None if it may be uploaded.
        questions: the questions that the person who uploads the file must answer first.
        notes: metadata for the uploaded object: {name: value}.
        details: what the checks have found for the operator's fields: {field: text}.
        ran: the checks that have run, in order.
    """

    path: Path
    name: str
    type: str
    is_changed: bool = False
    refusal: Refusal | None = None
    questions: list[Question] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    ran: list[Ran] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the verdict, without `path`, as a dict of JSON-ready values."""
        return {name: value for name, value in asdict(self).items() if name != "path"}


async def run(
    checks: Sequence[Check],
    file: CheckedFile,
    *,
    on_error: OnError = "reject",
    limits: Limits = Limits(),
    failed: Mapping[str, str] | None = None,
    keep_original: bool = False,
    on_start: Callable[[Check, float], None] = lambda check, limit_s: None,
    monotonic: Callable[[], float] = time.perf_counter,
) -> Verdict:
    """Run the checks whose patterns match the name of a file, in order, and return the verdict.

    The first check that rejects the file ends the run. After a check returns `Replace`, the checks
    that follow get the new file.

    Args:
        checks: all checks, in order.
        file: the file to check.
        on_error: what happens to a file if a check does not work: `reject` the file, or `allow` the
            upload.
        limits: the limits to name in a message if a check exceeds them.
        failed: {name of a check: message} of checks that did not work in an earlier run. They are
            not run again: `on_error` applies, and the message is the reason in the verdict.
        keep_original: True to ignore each `Replace`: the person has chosen the original file.
        on_start: called before each check, with the check and its time limit in seconds.
        monotonic: a function that returns a time in seconds, for measuring durations.
    """
    failed = failed or {}
    verdict = Verdict(file.path, file.name, file.type)
    folder = file.folder
    for check in checks:
        if not check.matches(verdict.name):
            continue
        began = monotonic()
        try:
            if check.name in failed:
                raise _DidNotWorkError(failed[check.name])
            on_start(check, check.limit_s(file.size))
            looked_at = _moved(file, folder=folder / check.name)
            results = await _results(check, looked_at)
            kept = [each for each in results if not (keep_original and isinstance(each, Replace))]
            file = _apply(kept, check, looked_at, verdict)
        except Reject as reject:
            reason = _cut(reject.reason)
            repair = reject.repair or any(each.repair for each in verdict.questions)
            verdict.refusal = Refusal(check.name, reason, reject.line, repair=repair)
            verdict.ran.append(Ran(check.name, "rejected", reason, monotonic() - began))
            return verdict
        except (Exception, SystemExit) as error:
            reason = _cut(_reason(error, file.language, limits))
            verdict.ran.append(Ran(check.name, "error", reason, monotonic() - began))
            if on_error == "reject":
                verdict.refusal = Refusal(check.name, reason, is_error=True)
                return verdict
            continue
        outcome = _outcome(results, keep_original=keep_original)
        verdict.ran.append(Ran(check.name, outcome, _cut(_says(kept)), monotonic() - began))
    return verdict


async def _results(check: Check, file: CheckedFile) -> list[Result]:
    """Run one check, and return what it says.

    Raises:
        Reject: the check has raised or returned it.
    """
    answer = check.function(file)
    if inspect.isawaitable(answer):
        answer = await answer
    found: list[Any] = [] if answer is None else answer if isinstance(answer, list) else [answer]
    for each in found:
        if isinstance(each, Reject):
            raise each
    return found


class _DidNotWorkError(Exception):
    """A check has not worked before, for example because it took too long."""


def _apply(results: list[Result], check: Check, file: CheckedFile, verdict: Verdict) -> CheckedFile:
    """Add the results of a check to the verdict, and return the file for the next checks.

    If a result is wrong, the verdict stays as it is.

    Raises:
        TypeError: the check returned something else.
        OSError: the file of a `Replace` does not exist, or is a folder.
    """
    questions, notes, original = list(verdict.questions), verdict.notes, file
    details = dict(verdict.details)
    for result in results:
        if isinstance(result, Ask):
            text = _cut(result.question)
            questions.append(Question(check.name, text, result.line, result.repair))
        elif isinstance(result, Note):
            notes = _small({**notes, **result.metadata})
        elif isinstance(result, Details):
            details.update(result.values)
        elif isinstance(result, Replace):
            file = _replaced(file, result)
        else:
            raise TypeError(
                "a check returns None, Ask, Details, Note, Replace, Reject or a list of these,"
                f" not {result!r}"
            )
    verdict.questions, verdict.notes, verdict.details = questions, notes, details
    if file is not original:
        verdict.path, verdict.name, verdict.type = file.path, file.name, file.type
        verdict.is_changed = True
    return file


def _replaced(file: CheckedFile, result: Replace) -> CheckedFile:
    if result.path.is_dir():
        raise IsADirectoryError(f"{result.path} is a folder")
    name = result.name or file.name
    kept = file.type if name == file.name else ""
    return _moved(file, path=result.path, name=name, type=result.type or kept)


def _moved(file: CheckedFile, **changes: Any) -> CheckedFile:
    """Return a file with other attributes."""
    if "folder" not in changes:
        changes["folder"] = file.folder
    given = {"path": file.path, "name": file.name, "type": file.type}
    return CheckedFile(**{**given, **changes}, language=file.language, on_progress=file.progress)


def _small(metadata: dict[str, str]) -> dict[str, str]:
    """Return metadata.

    Raises:
        ValueError: OSS would not store so much metadata.
    """
    size = sum(len(f"x-oss-meta-{name}{quote(value, safe='')}") for name, value in metadata.items())
    if size > MAX_METADATA:
        raise ValueError(f"{size} bytes of metadata; a file may have up to {MAX_METADATA}")
    return metadata


def _outcome(results: list[Result], *, keep_original: bool) -> Outcome:
    for kind, outcome in KINDS.items():
        if any(isinstance(each, kind) for each in results):
            return "undone" if keep_original and kind is Replace else outcome
    return "passed"


KINDS: Mapping[type[Result], Outcome] = {
    Ask: "asks",
    Replace: "changed",
    Note: "noted",
    Details: "noted",
}


def _says(results: list[Result]) -> str:
    said = [each.question for each in results if isinstance(each, Ask)]
    said += [each.reason for each in results if isinstance(each, Replace) and each.reason]
    return " ".join(said)


def _reason(error: BaseException, language: str, limits: Limits) -> str:
    """Return the type and text of an error, and the line of the check that caused it."""
    if isinstance(error, _DidNotWorkError):
        return str(error)
    if isinstance(error, MemoryError):
        return say("run_memory", language, limit=f"{limits.memory / GB:g} GB")
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return say("run_new_files", language, detail=f"{limits.new_files / GB:g} GB")
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    package = str(Path(__file__).parent)
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [each for each in frames if not each.filename.startswith(package)]
    at = theirs[0] if theirs else None
    return f"{text} ({Path(at.filename).name}, line {at.lineno})" if at else text


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
