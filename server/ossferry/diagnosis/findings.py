"""Findings: the results of probes, which `/readyz` and `ossferry doctor` report.

The reason and the fix in a finding are sentences for the operator; clients never receive them.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from ossferry.errors import MissingExtraError, SettingsError


class Outcome(StrEnum):
    """The outcome of a probe: no problem, a warning, a failure, or the probe was skipped."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of a probe, which tests one part of a server's set-up.

    Attributes:
        outcome: whether the probe found a problem.
        reason: a sentence that says what was found.
        fix: a sentence that says what to do; empty if there is nothing to do.
        outage: whether the problem is that a service, such as STS or the database, does not answer.
            All processes of the server use the service, so another process or a restart would not
            help.
    """

    outcome: Outcome
    reason: str
    fix: str = ""
    outage: bool = False


def passed(reason: str) -> Finding:
    """Return the finding of a probe that found no problem.

    Args:
        reason: a sentence that says what was found.
    """
    return Finding(outcome=Outcome.OK, reason=reason)


def warned(reason: str, fix: str) -> Finding:
    """Return the finding of a probe that found a problem which does not stop uploads.

    Args:
        reason: a sentence that says what was found.
        fix: a sentence that says what to do.
    """
    return Finding(outcome=Outcome.WARN, reason=reason, fix=fix)


def failed(reason: str, fix: str, *, outage: bool = False) -> Finding:
    """Return the finding of a probe that found a problem which stops uploads or makes them unsafe.

    Args:
        reason: a sentence that says what was found.
        fix: a sentence that says what to do.
        outage: whether the problem is that a service does not answer.
    """
    return Finding(outcome=Outcome.FAIL, reason=reason, fix=fix, outage=outage)


def skipped(reason: str, fix: str = "") -> Finding:
    """Return the finding of a probe that could not run.

    Args:
        reason: a sentence that says why.
        fix: a sentence that says what to do; empty if there is nothing to do.
    """
    return Finding(outcome=Outcome.SKIPPED, reason=reason, fix=fix)


def unusable(error: SettingsError) -> Finding:
    """Return a failed finding for settings with which the server does not start.

    If the message of the error has a command in backticks after its last semicolon, the text after
    this semicolon becomes the fix, and the text before it the reason. Otherwise the whole message
    is the reason, and the fix is to correct the first option in the message; without an option, the
    fix is to repair the problem and run `ossferry doctor` again. For a missing package, the fix is
    the command that installs it.
    """
    if isinstance(error, MissingExtraError):
        return failed(
            f"{error.needed_by} needs a package that is not installed.", f"Run `{error.command}`."
        )
    problem, _, advice = str(error).rpartition("; ")
    if problem and "`" in advice:
        return failed(f"{problem}.", f"{advice[0].upper()}{advice[1:]}")
    option = re.search(r"\b(?:OSSFERRY|ALIBABA_CLOUD)_[A-Z_]+", str(error))
    fix = f"Correct {option[0]}." if option else "Repair this, and run `ossferry doctor` again."
    return failed(str(error), fix)
