"""Compare texts with the operator's fields; the server does the same with the model itself.

A field is an object of the grant: `name`, `label`, `help`, `kind` (`text`, `integer`, `decimal`,
`date`, `choice` or `boolean`), `required`, `choices`, `limits`, `default`, and `stored_as`, which
is empty, `tag`, `storage_class` or `disposition`.
"""

from ossferry_uploader.transfer.options import metadata_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Field = dict[str, Any]
    Problem = tuple[str, dict[str, str]]

DIGITS = "0123456789"
NUMBERS = ("integer", "decimal")
DATE = DIGITS + "-"
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
YES_OR_NO = ("true", "false")
# by the names of pydantic's limits, for numbers and for the lengths of texts
LIMITS: "tuple[tuple[str, Callable[[float, float], bool]], ...]" = (
    ("ge", lambda value, limit: value >= limit),
    ("gt", lambda value, limit: value > limit),
    ("le", lambda value, limit: value <= limit),
    ("lt", lambda value, limit: value < limit),
    ("min_length", lambda value, limit: value >= limit),
    ("max_length", lambda value, limit: value <= limit),
)


def cleaned(field: "Field", text: str) -> str:
    """Return a text without spaces around it; the comma of a decimal number becomes a point."""
    text = text.strip()
    return text.replace(",", ".") if field["kind"] == "decimal" else text


def stored(field: "Field", text: str) -> "dict[str, str]":
    """Return what `Queue.describe` needs to store an answer; an empty one removes it."""
    name, kind = field["name"], field["stored_as"]
    found = {metadata_of(name): text}
    if kind:
        found[f"tags.{name}" if kind == "tag" else f"stored.{kind}"] = text
    return found


def problem(field: "Field", text: str) -> "Problem | None":
    """Return why a field does not accept a cleaned text; `None` if it does.

    Returns:
        The key of a sentence, and the values in the sentence.
    """
    kind, limits = field["kind"], field["limits"]
    if not text:
        return ("details_missing", {}) if field["required"] else None
    if kind in NUMBERS:
        number = _number(text, kind)
        return ("details_number", {}) if number is None else _outside(number, limits)
    if kind == "date":
        return None if _is_date(text) else ("details_date", {})
    if kind in ("choice", "boolean"):
        allowed = field["choices"] if kind == "choice" else YES_OR_NO
        return None if text in allowed else ("details_choice", {})
    return _outside(len(text), limits)


def _number(text: str, kind: str) -> "float | None":
    digits = text[1:] if text[0] in "+-" else text
    whole, _, rest = digits.partition(".")
    if not whole + rest or [char for char in whole + rest if char not in DIGITS]:
        return None
    if kind == "integer":
        return int(text) if whole == digits else None
    return float(text)


def _outside(number: float, limits: "dict[str, float]") -> "Problem | None":
    for name, fits in LIMITS:
        if name in limits and not fits(number, limits[name]):
            return f"details_{name}", {"limit": str(limits[name])}
    return None


def _is_date(text: str) -> bool:
    parts = text.split("-")
    if [len(part) for part in parts] != [4, 2, 2] or [char for char in text if char not in DATE]:
        return False
    year, month, day = [int(part) for part in parts]
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return year > 0 < month <= 12 and 0 < day <= DAYS[month - 1] + (is_leap and month == 2)
