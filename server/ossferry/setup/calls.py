"""Calls to RAM and OSS as data, which can be shown, compared, and written into a plan file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ossferry.errors import SettingsError
from ossferry.setup.documents import pretty
from ossferry.setup.wanted import Wanted

PLAN_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to a cloud service that changes the account.

    Attributes:
        service: `RAM` or `OSS`.
        action: name of the action in the service's API.
        params: parameters by name; a document is JSON or XML without line breaks.
    """

    service: str
    action: str
    params: Mapping[str, str]

    def as_text(self) -> str:
        """Return the call as text: action and parameters on one line, then the documents."""
        documents = [value for value in self.params.values() if value.startswith(("{", "<"))]
        plain = [f"{name}={value}" for name, value in self.params.items() if value not in documents]
        lines = [" ".join([self.service, self.action, *plain])]
        for document in documents:
            lines += [f"    {line}" for line in pretty(document).splitlines()]
        return "\n".join(lines)

    def as_data(self) -> dict[str, Any]:
        """Return the call as JSON-ready values."""
        return {"service": self.service, "action": self.action, "params": dict(self.params)}


Needs: TypeAlias = Iterator[Call | str]
"""The calls that a step needs now, and sentences about what the step leaves to a person."""


def ram(action: str, **params: str) -> Call:
    """Return a call to RAM."""
    return Call(service="RAM", action=action, params=params)


def oss(action: str, **params: str) -> Call:
    """Return a call to OSS; a call without a document names the bucket."""
    return Call(service="OSS", action=action, params=params)


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a set-up, such as one role.

    `needs` reads the account and yields the calls that are missing. It works also if earlier steps
    have not been done yet.
    """

    title: str
    needs: Callable[[], Needs]


def needs_of(*steps: Step) -> tuple[list[Call], list[str]]:
    """Read the account, and return the calls and the notes of some steps."""
    found = [each for step in steps for each in step.needs()]
    calls = [each for each in found if isinstance(each, Call)]
    return calls, [each for each in found if isinstance(each, str)]


def plan_data(wanted: Wanted, calls: Sequence[Call]) -> dict[str, Any]:
    """Return a plan as JSON-ready values; a plan contains no secret."""
    return {
        "format": PLAN_FORMAT,
        "wanted": wanted.as_data(),
        "calls": [call.as_data() for call in calls],
    }


def read_plan(data: object) -> tuple[Wanted, list[Call]]:
    """Return the wanted state and the calls of a plan.

    Raises:
        SettingsError: the plan was not written by this version of `ossferry setup`.
    """
    if not isinstance(data, Mapping) or data.get("format") != PLAN_FORMAT:
        raise SettingsError("the plan was not written by this version of ossferry setup.")
    try:
        calls = [
            Call(
                service=each["service"],
                action=each["action"],
                params={str(name): str(value) for name, value in each["params"].items()},
            )
            for each in data["calls"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise SettingsError("the plan has a wrong list of calls.") from error
    return Wanted.from_data(data.get("wanted")), calls
