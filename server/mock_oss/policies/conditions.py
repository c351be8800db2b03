"""The Condition element of RAM policies: parsing and evaluation.

The element contains conditions. A condition consists of an operator, a condition key and a list of
values. The operator compares the request's value of the key with each value in the list. A positive
operator is satisfied if any value matches. A negated operator is satisfied if no value matches. The
element is satisfied if all conditions are satisfied. Only the Like operators support wildcards.
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from operator import eq, ge, gt, le, lt
from typing import Any

from mock_oss.policies.globs import glob

_Match = Callable[[str, str], bool]


def _like(actual: str, wanted: str) -> bool:
    return glob(wanted).fullmatch(actual) is not None


def _compared(
    read: Callable[[str], Any], compare: Callable[[Any, Any], bool], actual: str, wanted: str
) -> bool:
    try:
        return compare(read(actual), read(wanted))
    except ValueError:
        return False


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _in_network(actual: str, wanted: str) -> bool:
    if wanted == "*":
        return True
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_interface(wanted).network
    except ValueError:
        return False


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": eq,
    "LessThan": lt,
    "LessThanEquals": le,
    "GreaterThan": gt,
    "GreaterThanEquals": ge,
}
_READERS: Mapping[str, Callable[[str], Any]] = {"Numeric": float, "Date": _moment}

OPERATORS: Mapping[str, tuple[_Match, bool]] = {
    "StringEquals": (eq, False),
    "StringNotEquals": (eq, True),
    "StringEqualsIgnoreCase": (lambda a, b: a.casefold() == b.casefold(), False),
    "StringNotEqualsIgnoreCase": (lambda a, b: a.casefold() == b.casefold(), True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    **{
        f"{kind}{name}": (partial(_compared, read, compare), False)
        for kind, read in _READERS.items()
        for name, compare in _COMPARISONS.items()
    },
    "NumericNotEquals": (partial(_compared, float, eq), True),
    "DateNotEquals": (partial(_compared, _moment, eq), True),
    "Bool": (lambda a, b: a.lower() == b.lower(), False),
    "IpAddress": (_in_network, False),
    "IpAddressIncludeBorder": (_in_network, False),
    "NotIpAddress": (_in_network, True),
}
"""Operator -> (function that compares one value, whether the operator is negated)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a RAM policy, such as `StringLike` `oss:Prefix` `["a/*", "b/*"]`.

    `operator` compares the request's value of the condition key `key` with each of `values`.
    """

    operator: str
    key: str
    values: tuple[str, ...]

    def holds(self, context: Mapping[str, str]) -> bool:
        """Return whether a request satisfies the condition.

        If the request has no value for the condition key, only a negated operator, such as
        `StringNotEquals`, is satisfied.

        Args:
            context: the values of the request, as a mapping from condition key to value.
        """
        match, negated = OPERATORS[self.operator]
        actual = context.get(self.key)
        if actual is None:
            return negated
        return any(match(actual, wanted) for wanted in self.values) is not negated


def parse_conditions(element: object) -> tuple[Condition, ...]:
    """Parse the Condition element of a RAM policy statement.

    Args:
        element: the JSON value: `{operator: {condition key: value or list of values}}`.

    Raises:
        ValueError: the element has another shape, an operator is unknown, or a value is not a
            string, a number or a bool.
    """
    if not isinstance(element, dict):
        raise ValueError("Condition must be an object")
    conditions = []
    for operator, keys in element.items():
        if operator not in OPERATORS:
            raise ValueError(f"there is no condition operator {operator}")
        if not isinstance(keys, dict):
            raise ValueError(f"{operator} must be an object of keys")
        for key, values in keys.items():
            listed = values if isinstance(values, list) else [values]
            conditions.append(Condition(operator, key, tuple(_text(value) for value in listed)))
    return tuple(conditions)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("a condition value must be a string, a number or a bool")
