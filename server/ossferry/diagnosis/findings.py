"""Findings: what `/readyz` and `ossferry doctor` report about a set-up.

The two sentences of a finding are for the operator; clients never receive them.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from ossferry.errors import MissingExtraError, SettingsError


class Outcome(StrEnum):
    """The result of a probe."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of a probe, with its reason.

    Attributes:
        reason: a sentence that says what was found.
        fix: a sentence that says what to do; empty if there is nothing to do.
        outage: whether a service that all processes share does not answer, so that no other process
            and no restart would do better.
    """

    outcome: Outcome
    reason: str
    fix: str = ""
    outage: bool = False


def passed(reason: str) -> Finding:
    """Return a finding without a problem."""
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

    If a message has a command that repairs the set-up, the command is in the last clause.
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
