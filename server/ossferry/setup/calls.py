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
    """One API call to RAM or OSS that changes the cloud account.

    Attributes:
        service: `RAM` or `OSS`.
        action: name of the action in the service's API.
        params: the action's parameters by name. A value that is a JSON or XML document has no line
            breaks.
    """

    service: str
    action: str
    params: Mapping[str, str]

    def as_text(self) -> str:
        """Return the call as text for people.

        The first line contains the service, the action and the short parameters. Parameters that
        are JSON or XML documents follow, with indentation.
        """
        documents = [value for value in self.params.values() if value.startswith(("{", "<"))]
        plain = [f"{name}={value}" for name, value in self.params.items() if value not in documents]
        lines = [" ".join([self.service, self.action, *plain])]
        for document in documents:
            lines += [f"    {line}" for line in pretty(document).splitlines()]
        return "\n".join(lines)


Needs: TypeAlias = Iterator[Call | str]
"""The calls that a step needs now, and sentences about what the step leaves to a person."""


def ram(action: str, **params: str) -> Call:
    """Return a `Call` to RAM with this action and these parameters."""
    return Call(service="RAM", action=action, params=params)


def oss(action: str, **params: str) -> Call:
    """Return a `Call` to OSS for the set-up's bucket, with this action and these parameters."""
    return Call(service="OSS", action=action, params=params)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a set-up or teardown, such as the step for one RAM role.

    Attributes:
        title: name of the step in the output of `ossferry setup` or `ossferry teardown`.
        needs: function that reads the cloud account, and yields the API calls (`Call`) that are
            still necessary, and notes (text) for the person who runs the command. It also works if
            earlier steps have not run yet.
    """

    title: str
    needs: Callable[[], Needs]


def needs_of(*steps: Step) -> tuple[list[Call], list[str]]:
    """Run the function `needs` of each step, and return the necessary calls and the notes.

    The calls are not sent. The notes are for the person who runs the command.
    """
    found = [each for step in steps for each in step.needs()]
    calls = [each for each in found if isinstance(each, Call)]
    return calls, [each for each in found if isinstance(each, str)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The content of a plan file: the wanted state, and the calls that create it.

    The file contains no secrets.
    """

    format: Literal[1] = 1
    wanted: Wanted
    calls: tuple[Call, ...]

    def as_data(self) -> dict[str, Any]:
        """Return the plan as JSON data."""
        data: dict[str, Any] = PLAN.dump_python(self, mode="json")
        return data


PLAN = TypeAdapter(Plan)


def read_plan(data: Any) -> Plan:
    """Return the `Plan` for the JSON data of a plan file, which `Plan.as_data` has built.

    Raises:
        SettingsError: the plan was not written by this version of `ossferry setup`, or a value is
            invalid.
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
