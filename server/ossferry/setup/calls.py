"""Calls to RAM and OSS as data, which can be shown, compared, and written into a plan file."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from ossferry.errors import SettingsError
from ossferry.setup.documents import pretty
from ossferry.setup.wanted import Wanted

OTHER_VERSION = "the plan was not written by this version of ossferry setup."


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


Needs: TypeAlias = Iterator[Call | str]
"""The calls that a step needs now, and sentences about what the step leaves to a person."""


def ram(action: str, **params: str) -> Call:
    """Return a `Call` of an action of RAM."""
    return Call(service="RAM", action=action, params=params)


def oss(action: str, **params: str) -> Call:
    """Return a `Call` to OSS; if it has no document, a parameter names the bucket."""
    return Call(service="OSS", action=action, params=params)


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a set-up, such as one role.

    `needs` reads the account, and yields the calls that are missing, and notes for the person. It
    also works if earlier steps have not run yet.
    """

    title: str
    needs: Callable[[], Needs]


def needs_of(*steps: Step) -> tuple[list[Call], list[str]]:
    """Read the account, and return the missing calls and the notes of some steps."""
    found = [each for step in steps for each in step.needs()]
    calls = [each for each in found if isinstance(each, Call)]
    return calls, [each for each in found if isinstance(each, str)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The content of a plan file: the wanted state, and the calls that create it; no secrets."""

    format: Literal[1] = 1
    wanted: Wanted
    calls: tuple[Call, ...]

    def as_data(self) -> dict[str, Any]:
        """Return the plan as JSON data."""
        data: dict[str, Any] = PLAN.dump_python(self, mode="json")
        return data


PLAN = TypeAdapter(Plan)


def read_plan(data: Any) -> Plan:
    """Return the plan from JSON data that `Plan.as_data` has returned.

    Raises:
        SettingsError: the plan was not written by this version of `ossferry setup`, or it has a
            wrong value.
    """
    try:
        plan = PLAN.validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        raise SettingsError(_wrong(error)) from error
    if plan.as_data()["wanted"] != data["wanted"]:  # a name is missing or unknown
        raise SettingsError(OTHER_VERSION)
    return plan


def _wrong(error: ValidationError) -> str:
    first = error.errors()[0]
    match first["loc"]:
        case ("calls", *_):
            return "the plan has a wrong list of calls."
        case ("wanted", name, *_) if first["type"] != "missing":
            return f"the plan has a wrong value for {name}."
    return OTHER_VERSION
