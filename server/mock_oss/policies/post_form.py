"""The policy of a PostObject form: parsing and checking, independent of I/O and time.

Source: vendor pages PostObject and "POST V4 signature", and the pages of the error codes (EC)
0006-00000207 to -213 and -227.
"""

import json
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mock_oss.errors import RefusedError
from mock_oss.http.documents import read_json

_MODES = ("eq", "starts-with", "in", "not-in")
_EXPIRATION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
_MISSING_ECS = {
    ("expiration", "conditions"): "0006-00000209",
    ("expiration",): "0006-00000208",
    ("conditions",): "0006-00000207",
}


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """A condition of a PostObject policy on one form field.

    `mode` is `eq`, `starts-with`, `in` or `not-in`. `field` is the lower-case name of the field.
    `wanted` has one value for `eq` and `starts-with`, and any number of values for `in` and
    `not-in`. `source` is the condition as JSON text.
    """

    mode: str
    field: str
    wanted: tuple[str, ...]
    source: str

    def holds(self, actual: str | None) -> bool:
        """Return whether the value of a field satisfies the condition.

        A missing field (None) satisfies only the mode `not-in`.
        """
        if self.mode == "not-in":
            return actual not in self.wanted
        if actual is None:
            return False
        if self.mode == "starts-with":
            return actual.startswith(self.wanted[0])
        return actual in self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class PostPolicy:
    """The parsed policy of a PostObject form.

    `expiration` is the time after which the policy is not valid. `conditions` are the conditions on
    form fields. `lengths` contains a (min, max) pair in bytes for each `content-length-range`.
    """

    expiration: datetime
    conditions: tuple[FieldCondition, ...]
    lengths: tuple[tuple[int, int], ...]

    def names(self) -> set[str]:
        """Return the lower-case names of the form fields that have at least one condition."""
        return {condition.field for condition in self.conditions}


def parse_post_policy(text: str) -> PostPolicy:
    """Parse the `policy` field of a form; the value is a JSON document in base64.

    Raises:
        RefusedError: InvalidPolicyDocument if the policy is not valid.
    """
    try:
        document = read_json(b64decode(text, validate=True))
    except ValueError as e:
        raise _invalid("it is not base64 of JSON") from e
    if not isinstance(document, dict):
        raise _invalid("it is not an object")
    if missing := tuple(name for name in ("expiration", "conditions") if name not in document):
        raise _invalid(f"it has no {' and no '.join(missing)}", _MISSING_ECS[missing])
    items = document["conditions"]
    if not isinstance(items, list):
        raise _invalid("its conditions are not a list")
    conditions: list[FieldCondition] = []
    lengths: list[tuple[int, int]] = []
    for item in items:
        if isinstance(item, list) and item and item[0] == "content-length-range":
            lengths.append(_length(item))
        else:
            conditions += _conditions(item)
    return PostPolicy(
        expiration=_moment(document["expiration"]),
        conditions=tuple(conditions),
        lengths=tuple(lengths),
    )


def _invalid(reason: str, ec: str | None = None) -> RefusedError:
    return RefusedError(
        "InvalidPolicyDocument",
        f"Invalid Policy: {reason}.",
        ec=ec,
        why={"kind": "form policy", "cause": reason},
    )


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise _invalid("its expiration is not a string", "0006-00000210")
    if not value:
        raise _invalid("its expiration is empty", "0006-00000211")
    try:
        if _EXPIRATION.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:  # no such day or hour
        pass
    raise _invalid("its expiration is not like 2026-03-14T10:26:53.000Z", "0006-00000212")


def _length(item: Sequence[object]) -> tuple[int, int]:
    match item:
        case [_, int(low), int(high)] if 0 <= low <= high and bool not in (type(low), type(high)):
            return low, high
    raise _invalid("content-length-range needs two numbers")


def _conditions(item: object) -> list[FieldCondition]:
    match item:
        case dict() if item and all(isinstance(v, str) for v in item.values()):
            return [
                FieldCondition("eq", name.lower(), (_unescaped(str(value)),), _text({name: value}))
                for name, value in item.items()
            ]
        case [str(mode), str(field), wanted] if mode in _MODES and field.startswith("$"):
            listed: list[Any] = wanted if isinstance(wanted, list) else [wanted]
            is_list = mode in ("in", "not-in")
            if isinstance(wanted, list) is is_list and all(isinstance(v, str) for v in listed):
                values = tuple(_unescaped(value) for value in listed)
                return [FieldCondition(mode, field[1:].lower(), values, _text(item))]
    raise _invalid(f"a condition cannot be read: {_text(item)[:200]}")


def _text(item: object) -> str:
    return json.dumps(item, ensure_ascii=False)


def _unescaped(value: str) -> str:
    return value.replace("\\$", "$")


def check_fields(policy: PostPolicy, fields: Mapping[str, str], now: datetime) -> None:
    """Check the expiration of a PostObject policy, and its conditions on form fields.

    Args:
        policy: the policy.
        fields: a mapping from lower-case field name to value, with the additional name `bucket`.
        now: the mock's time.

    Raises:
        RefusedError: AccessDenied if the policy has expired or a condition is not satisfied.
    """
    if now > policy.expiration:
        raise RefusedError(
            "AccessDenied",
            "Invalid according to Policy: Policy expired.",
            ec="0006-00000213",
            why={"kind": "clock", "expired_at": policy.expiration.isoformat()},
        )
    for condition in policy.conditions:
        if not condition.holds(fields.get(condition.field)):
            raise RefusedError(
                "AccessDenied",
                f"Invalid according to Policy: Policy Condition failed: {condition.source}",
                ec="0006-00000227",
                why={
                    "kind": "form policy",
                    "statement": condition.source,
                    "field": fields.get(condition.field),
                },
            )


def check_length(policy: PostPolicy, size: int) -> None:
    """Check the size of a file in bytes against each `content-length-range` of a PostObject policy.

    Raises:
        RefusedError: EntityTooSmall if the file is smaller than a minimum, EntityTooLarge if the
            file is larger than a maximum.
    """
    for low, high in policy.lengths:
        why = {
            "kind": "form policy",
            "statement": _text(["content-length-range", low, high]),
            "field": str(size),
        }
        if size < low:
            raise RefusedError("EntityTooSmall", why=why, ProposedSize=size, MinSizeAllowed=low)
        if size > high:
            raise RefusedError("EntityTooLarge", why=why, ProposedSize=size, MaxSizeAllowed=high)
