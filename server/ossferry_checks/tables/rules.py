"""Reads the errors of a pydantic model about rows, and names the rule behind each error.

A fix of one rule may drop rows, so no other rule may have the same name.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

LOG = logging.getLogger(__name__)
OWN = ("value_error", "assertion_error")
"""The types of the errors that validators of the operator raise."""

EMAIL = "value is not a valid email address"  # pydantic has no type of its own for it
NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
LONGEST = 1000  # characters of a message in the name of a rule


class Refusal(NamedTuple):
    """An error of a pydantic model about one row or one value.

    Attributes:
        row: the index of the row.
        name: the name or alias of the field in the model; empty if the error concerns the row.
        problem: the type of an error of pydantic, such as `greater_than`. For a rule of the
            operator, its place in the model, such as `is_paid:3`, and after a space its message
            without numbers and values of the row.
        details: the message as `text`, and values for a sentence about the error; only `detail`,
            if a validator did not work.
    """

    row: int
    name: str
    problem: str
    details: Mapping[str, Any]


def errors(validate: Callable[[Any], object], given: Sequence[Any]) -> list[Any]:
    """Return the errors that pydantic finds in rows or values.

    An exception that pydantic does not expect, such as a `KeyError`, is an error of its row.

    Args:
        validate: validates a list of rows or values.
        given: the rows or values.
    """
    from pydantic import ValidationError

    try:
        validate(given)
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)
    except MemoryError:
        raise
    except Exception as error:  # the operator's code can raise anything
        if len(given) == 1:
            return [{"type": type(error).__name__, "loc": (0,), "msg": "", "ctx": {"error": error}}]
        half = len(given) // 2
        last = [
            {**each, "loc": (each["loc"][0] + half, *each["loc"][1:])}
            for each in errors(validate, given[half:])
        ]
        return errors(validate, given[:half]) + last
    return []


def refusals(
    validate: Callable[[Any], object], rows: Sequence[Mapping[str, str]]
) -> Iterable[Refusal]:
    """Return the errors of a model about rows, one for each field.

    For a field that accepts several types, pydantic reports an error for each type; only the first
    one is returned.

    Args:
        validate: validates a list of rows.
        rows: for each row `{name of a field: value}`, without empty values.
    """
    found: dict[object, Refusal] = {}
    for error in errors(validate, rows):
        at, *path = error["loc"]
        name = str(path[0]) if path else ""
        values = [rows[at].get(name, "")] if name else rows[at].values()
        problem, details = _named(error, values)
        key = (at, name, *([problem] if len(path) < 2 else ()))
        found.setdefault(key, Refusal(at, name, problem, details))
    return found.values()


def _named(error: Mapping[str, Any], values: Iterable[str]) -> tuple[str, dict[str, Any]]:
    """Return the name of the rule of an error about some values, and the details of the error."""
    kind, context = str(error["type"]), error.get("ctx", {})
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if text.startswith(EMAIL):
        return "email", {"text": text}
    if kind in _known() and kind not in OWN:
        return kind, {**context, "text": text}
    trace, constants = getattr(context.get("error"), "__traceback__", None), ""
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    if trace:
        code = trace.tb_frame.f_code
        where = f"{code.co_name}:{trace.tb_lineno - code.co_firstlineno}"
        if kind not in OWN:
            detail = f"{kind}, {Path(code.co_filename).name}, line {trace.tb_lineno}"
            _report(detail)
            return f"{kind}:{where}", {"detail": detail}
        text = text or code.co_name.strip("_").replace("_", " ")
        kind, constants = where, "\n".join(each for each in code.co_consts if type(each) is str)
    variable = (each for each in values if each and each in text and each not in constants)
    return f"{kind} {_without(variable, text)}"[:LONGEST], {"text": text}


def _without(values: Iterable[str], text: str) -> str:
    """Return a message without numbers and some values."""
    if words := "|".join(map(re.escape, sorted(values, key=len, reverse=True))):
        text = re.sub(rf"(?<!\w)(?:{words})(?![.,]?\w)", "…", text)
    return NUMBER.sub("…", text)


@cache
def _known() -> frozenset[str]:
    """Return the types of the errors of pydantic itself."""
    from pydantic_core.core_schema import ErrorType

    return frozenset(get_args(ErrorType))


@cache
def _report(detail: str) -> None:
    """Tell the operator once that a validator does not work."""
    LOG.error("A validator of the table's model does not work: %s.", detail)
