"""Findings: the results of probes, which `/readyz` and `ossferry doctor` report.

The reason and the fix in a finding are sentences for the operator; clients never receive them.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from ossferry.errors import MissingExtraError, SettingsError


class Outcome(StrEnum):
    """The kind of a probe's result."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of a probe, which tests one part of a server's set-up.

    Attributes:
        reason: a sentence that says what was found.
        fix: a sentence that says what to do; empty if there is nothing to do.
        outage: whether the problem is that a service does not answer which all processes share.
            Then another process or a restart would not help.
    """

    outcome: Outcome
    reason: str
    fix: str = ""
    outage: bool = False


def passed(reason: str) -> Finding:
    """Return a finding for a probe that found no problem."""
    return Finding(outcome=Outcome.OK, reason=reason)


def warned(reason: str, fix: str) -> Finding:
    """Return a finding for a problem that does not stop uploads."""
    return Finding(outcome=Outcome.WARN, reason=reason, fix=fix)


def failed(reason: str, fix: str, *, outage: bool = False) -> Finding:
    """Return a finding for a problem that stops uploads or makes them unsafe."""
    return Finding(outcome=Outcome.FAIL, reason=reason, fix=fix, outage=outage)


def skipped(reason: str, fix: str = "") -> Finding:
    """Return a finding for a probe that could not run."""
    return Finding(outcome=Outcome.SKIPPED, reason=reason, fix=fix)


def unusable(error: SettingsError) -> Finding:
    """Return the finding for settings with which the server does not start.

    The message of the error becomes the reason. If its last clause contains a command, that clause
    becomes the fix.
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
