"""The policy of a form: decodes it, and compares each of its conditions with the form's fields.

Source: OSS API reference, PostObject, "Form fields and the conditions of a policy".
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ossferry.errors import BadRequestError
from ossferry.signatures.explanation import hashed
from ossferry.signatures.forms import TOKEN_FIELD

__all__ = ["Condition", "FormPolicy", "read_policy"]

TOKENS = re.compile(
    rf'("\$?{TOKEN_FIELD}"\s*[:,]\s*)("[^"]*"|\[[^\]]*\])',
    re.IGNORECASE,
)
"""A security token in a policy as JSON: the value of a condition on its field."""

WANTS = {"eq": "is", "starts-with": "begins with", "in": "is one of", "not-in": "is none of"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition of a policy, compared with a form.

    Attributes:
        text: the condition as JSON, without a token.
        name: the lower-case name of the field; empty for a condition on the file.
        holds: None if the form does not say it.
        reason: a sentence, if the condition does not hold or cannot be checked.
    """

    text: str
    name: str
    holds: bool | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPolicy:
    """The policy of a form.

    Attributes:
        expires_at: None if the policy has no valid time.
        items: the conditions as the JSON has them.
        text: the document as JSON with line breaks, without tokens.
        has_token: whether the policy contains a security token.
    """

    expires_at: datetime | None
    items: Sequence[object]
    text: str
    has_token: bool

    def conditions(self, fields: Mapping[str, str], bucket: str) -> list[Condition]:
        """Compare each condition with the fields of a form.

        Args:
            fields: values by lower-case name.
            bucket: empty if it is unknown.
        """
        values = {**fields, "bucket": bucket} if bucket else fields
        return [each for item in self.items for each in _conditions(item, values)]


def read_policy(policy: str) -> FormPolicy:
    """Return a policy from its base64 text.

    Raises:
        BadRequestError: the text is not base64 of a policy.
    """
    try:
        document = json.loads(b64decode(policy, validate=True))
        items = document["conditions"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequestError(
            "the policy is not base64 of a JSON object with conditions; copy the whole field."
        ) from error
    if not isinstance(items, list):
        raise BadRequestError("the policy has no list of conditions; copy the whole field.")
    text = json.dumps(document, indent=2, ensure_ascii=False)
    shown = _without_tokens(text)
    return FormPolicy(
        expires_at=_moment(document.get("expiration")),
        items=items,
        text=shown,
        has_token=shown != text,
    )


def _without_tokens(text: str) -> str:
    return TOKENS.sub(lambda found: f'{found[1]}"{hashed(found[2].strip(chr(34)))}"', text)


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _conditions(item: Any, values: Mapping[str, str]) -> Iterator[Condition]:
    match item:
        case dict() if item and all(isinstance(value, str) for value in item.values()):
            for name, value in item.items():
                yield _condition({name: value}, "eq", name, (value,), values)
        case ["content-length-range", int(low), int(high)]:
            reason = f"The size of the file is unknown; OSS allows {low} to {high} bytes."
            yield Condition(text=json.dumps(item), name="", holds=None, reason=reason)
        case ["eq" | "starts-with" as mode, str(field), str(value)] if field.startswith("$"):
            yield _condition(item, mode, field[1:], (value,), values)
        case ["in" | "not-in" as mode, str(field), [*wanted]] if field.startswith("$"):
            yield _condition(item, mode, field[1:], tuple(map(str, wanted)), values)
        case _:
            text = _without_tokens(json.dumps(item, ensure_ascii=False))
            reason = f"OSS cannot read the condition {text}."
            yield Condition(text=text, name="", holds=False, reason=reason)


def _condition(
    item: object, mode: str, field: str, escaped: Sequence[str], values: Mapping[str, str]
) -> Condition:
    """Compare one condition; in its values, a dollar sign is escaped."""
    name = field.lower()
    wanted = [value.replace("\\$", "$") for value in escaped]
    actual = values.get(name)
    text = _without_tokens(json.dumps(item, ensure_ascii=False))
    if name == "bucket" and actual is None:
        reason = "The bucket of the form is unknown; give --bucket."
        return Condition(text=text, name=name, holds=None, reason=reason)
    if mode == "starts-with":
        holds = actual is not None and actual.startswith(wanted[0])
    else:
        holds = (actual in wanted) is (mode != "not-in")
    if holds:
        return Condition(text=text, name=name, holds=True)
    is_secret = name == TOKEN_FIELD
    has = "is missing" if actual is None else f"is {'…' if is_secret else actual!r}"
    wants = "another one" if is_secret else ", ".join(repr(value) for value in wanted)
    reason = f"The field {name} {has}; the policy requires that it {WANTS[mode]} {wants}."
    return Condition(text=text, name=name, holds=False, reason=reason)
