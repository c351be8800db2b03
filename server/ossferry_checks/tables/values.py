"""The ways in which people write numbers, dates and truth values, and their canonical forms.

A canonical value needs no decision: `-1.5`, `2026-01-31`, `2026-01-31T18:30:00`, `true`. Any other
value is converted by the format that a person has chosen for its column. Only texts are compared
and cut, so that each Python gives the same result.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, lru_cache

from ossferry_checks.builtin.check_options import ColumnType
from ossferry_checks.builtin.table_grammar import TYPES

SPACES = " \n\v\f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\u200b\u200c\u200d\u2060\ufeff" + (
    "".join(map(chr, range(0x2000, 0x200B)))
)
"""Spaces without the tab, which can begin a formula."""

_SPACE = r"[ \xa0\u202f]"
NUMBERS = {
    "1.234,56": (r"\.", ","),
    "1 234,56": (_SPACE, ","),
    "1,234.56": (",", r"\."),
    "1'234.56": ("['\u2019]", r"\."),
    "1 234.56": (_SPACE, r"\."),
}
"""The separator of thousands and the decimal point of each format."""

YEAR, MONTH, DAY = r"(?P<year>\d{4})", r"(?P<month>\d{1,2})", r"(?P<day>\d{1,2})"
DATES = {
    "year-month-day": (YEAR, MONTH, DAY, "-"),
    "day.month.year": (DAY, MONTH, YEAR, r"\."),
    "day/month/year": (DAY, MONTH, YEAR, "[/-]"),
    "month/day/year": (MONTH, DAY, YEAR, "[/-]"),
    "year/month/day": (YEAR, MONTH, DAY, r"[/.]"),
}
TIME = (
    r"(?:(?:T|,? +)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<fraction>\.\d+)?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?"
)
SHORT_YEAR = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d\d(?: .*)?", re.ASCII)

BOOLEANS = (
    *("true/false", "yes/no", "y/n", "t/f", "1/0", "on/off", "ja/nein", "j/n", "wahr/falsch"),
    *("oui/non", "vrai/faux", "sí/no", "si/no", "是/否", "はい/いいえ", "نعم/لا", "x/"),
)
"""The words for true and false; with `x/`, an empty value is false."""

Convert = Callable[[str], "str | None"]


@cache
def canonical(kind: ColumnType, name: str | None = None) -> re.Pattern[str]:
    """Return the expression for the canonical values of a type, and for empty ones.

    It matches one value, or many with zero characters between them.

    Args:
        kind: the type.
        name: a format, to match only the values that it does not change.
    """
    value = "true|false" if kind == "boolean" else TYPES[kind]
    if name in NUMBERS:
        value = rf"(?!\+|-?\d{{1,3}}(?:{NUMBERS[name][0]}\d{{3}})+(?![^\0]))(?:{value})"
    value = rf"(?:{value}){'' if name == 'x/' else '?+'}"
    return re.compile(rf"{value}(?:\0{value})*+", re.ASCII)


@cache
def formats(kind: ColumnType) -> Mapping[str, Convert]:
    """Return the formats of a type by name, each with the function that converts a value."""
    if kind in ("integer", "decimal"):
        return {name: _number(*each, whole=kind == "integer") for name, each in NUMBERS.items()}
    if kind in ("date", "datetime"):
        return {name: _date(*each, has_time=kind == "datetime") for name, each in DATES.items()}
    if kind == "boolean":
        return {name: _boolean(*name.split("/")) for name in BOOLEANS}
    return {}


@lru_cache(8192)
def converted(kind: ColumnType, name: str, value: str) -> str | None:
    """Return the canonical form of a value in a format; None if the value does not have it.

    Raises:
        KeyError: the type has no such format.
    """
    return formats(kind)[name](value.strip(SPACES))


@lru_cache(8192)
def fitting(kind: ColumnType, value: str) -> tuple[tuple[str, str], ...]:
    """Return the formats that a value has, each with the canonical form of the value."""
    found = ((name, converted(kind, name, value)) for name in formats(kind))
    return tuple((name, text) for name, text in found if text is not None)


def _number(by: str, point: str, *, whole: bool) -> Convert:
    pattern = re.compile(rf"([+-]?)(\d{{1,3}}(?:{by}\d{{3}})+|\d+)(?:{point}(\d+))?", re.ASCII)

    def convert(value: str) -> str | None:
        found = pattern.fullmatch(value)
        if not found or (whole and (found[3] or "").strip("0")):
            return None
        fraction = f".{found[3]}" if found[3] and not whole else ""
        return found[1].strip("+") + re.sub(r"\D", "", found[2]) + fraction

    return convert


def _date(first: str, second: str, third: str, by: str, *, has_time: bool) -> Convert:
    pattern = re.compile(rf"{first}(?P<by>{by}){second}(?P=by){third}{TIME}", re.ASCII)

    def convert(value: str) -> str | None:
        found = pattern.fullmatch(value)
        if not found:
            return None
        date = "-".join(found[each].zfill(2) for each in ("year", "month", "day"))
        time = ""
        if found["hour"]:
            hour = int(found["hour"])
            if half := found["half"]:
                if not 1 <= hour <= 12:
                    return None
                hour = hour % 12 + 12 * (half in "Pp")
            time = f"{hour:02}:{found['minute']}:{found['second'] or '00'}"
        try:
            datetime.fromisoformat(f"{date}T{time or '00:00:00'}")
        except ValueError:
            return None
        rest = f"{found['fraction'] or ''}{found['zone'] or ''}"
        if not has_time:
            return None if time.strip("0:") or rest.strip(".0Z") else date
        return f"{date}T{time}{rest}" if time else date

    return convert


def _boolean(true: str, false: str) -> Convert:
    words = {true: "true", false: "false"}
    return lambda value: words.get(value.casefold())
