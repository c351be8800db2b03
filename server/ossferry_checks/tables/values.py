"""The ways in which people write numbers, dates and truth values, and their canonical forms.

A canonical value needs no decision: `-1.5`, `2026-01-31`, `2026-01-31T18:30:00`, `true`. Any other
value is converted by the format that a person has chosen for its column. Values are
only compared and cut as text, so that every Python interpreter gives the same result.
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

NUMBERS = {
    "1234.56": ("", r"\."),
    "1.234,56": (r"\.", ","),
    "1 234,56": (" ", ","),
    "1,234.56": (",", r"\."),
    "1'234.56": ("['\u2019]", r"\."),
    "1 234.56": (" ", r"\."),
}
"""The separator of thousands and the decimal point of each format.

In the name of a format, a unit can follow: a currency; `%`; or `% / 100`, which makes `0.45` of
`45 %`. It also converts values without a unit, unless it divides them.
"""

_SIGN = "[A-Z]{0,2}\\$|[€£¥¢₩₹₽₺₴₪₫₱฿₦₡₵₸元円圆圓원%]"
NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[+-]?) ?(?:(?P<before>(?:{_SIGN})|[A-Z]{{3}}(?= )) ?)?"
    rf"(?P<sign2>[+-]?) ?(?P<digits>\d(?:[\d.,' \u2019]*\d)?)"
    rf"(?: ?(?P<after>{_SIGN}|[A-Z]{{3}}|kr|zł|Kč))?(?P<sign3>-?)(?P<close>\))?",
    re.ASCII,
)
UNIT = re.compile(rf"{_SIGN}|[A-Z]{{3}}|kr|zł|Kč|% / 100")
PLAIN: dict[int, int | str] = {0xFF01 + at: 0x21 + at for at in range(94)}
PLAIN |= {first + at: 0x30 + at for first in (0x660, 0x6F0) for at in range(10)}
PLAIN |= {0x66A: "%", 0x66B: ",", 0x66C: ".", 0xFFE5: "¥"}
PLAIN |= dict.fromkeys((0xA0, 0x202F, 0x3000, *range(0x2000, 0x200B)), " ")
PLAIN |= dict.fromkeys((0x2013, 0x2212, 0xFE63), "-")
"""Characters of ASCII for the digits, signs and spaces of other keyboards."""

EAST_ASIAN = re.compile(r"(\d+)年(\d+)月(\d+)日", re.ASCII)

YEAR, MONTH, DAY = r"(?P<year>\d{4})", r"(?P<month>\d{1,2})", r"(?P<day>\d{1,2})"
SHORT = r"(?P<year>\d\d)"
CENTURIES = (1930, 2000)
"""The first of the hundred years that a year with two digits can be of; 1930 is Excel's choice."""

DATES = {
    "year-month-day": (YEAR, MONTH, DAY, "-"),
    "day.month.year": (DAY, MONTH, YEAR, r"\."),
    "day/month/year": (DAY, MONTH, YEAR, "[/-]"),
    "month/day/year": (MONTH, DAY, YEAR, "[/-]"),
    "year/month/day": (YEAR, MONTH, DAY, r"[/.]"),
    **{
        f"{name} {first}-{first + 99}": order
        for first in CENTURIES
        for name, order in (
            ("day.month.year", (DAY, MONTH, SHORT, r"\.")),
            ("day/month/year", (DAY, MONTH, SHORT, "[/-]")),
            ("month/day/year", (MONTH, DAY, SHORT, "[/-]")),
            ("year/month/day", (SHORT, MONTH, DAY, "[/-]")),
        )
    },
}
TIME = (
    r"(?:(?:T|,? +)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<fraction>\.\d+)?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?"
)

BOOLEANS = (
    *("true/false", "yes/no", "y/n", "t/f", "1/0", "on/off", "ja/nein", "j/n", "wahr/falsch"),
    *("oui/non", "vrai/faux", "sí/no", "si/no", "是/否", "はい/いいえ", "نعم/لا", "x/"),
)
"""The words for true and false; with `x/`, an empty value is false."""

Convert = Callable[[str], "str | None"]


@cache
def canonical(kind: ColumnType, name: str | None = None) -> re.Pattern[str]:
    """Return a regular expression that matches the canonical values of a type, and empty values.

    It matches one value, or several values with zero characters between them.

    Args:
        kind: the type.
        name: a format, to match only the values that it does not change.
    """
    value = "true|false" if kind == "boolean" else TYPES[kind]
    if by := NUMBERS.get(_base(name or ""), ("",))[0]:
        value = rf"(?!\+|-?\d{{1,3}}(?:{by}\d{{3}})+(?![^\0]))(?:{value})"
    value = rf"(?:{value}){'' if name == 'x/' else '?+'}"
    return re.compile(rf"{value}(?:\0{value})*+", re.ASCII)


@cache
def formats(kind: ColumnType) -> Mapping[str, Convert]:
    """Return `{name: function}` for the formats of a type, without units.

    The function returns the canonical form of a text; None if the text does not have the format.
    """
    if kind in ("integer", "decimal"):
        return {name: _number(name, "", whole=kind == "integer") for name in NUMBERS}
    if kind in ("date", "datetime"):
        return {name: _date(name, has_time=kind == "datetime") for name in DATES}
    if kind == "boolean":
        return {name: _boolean(*name.split("/")) for name in BOOLEANS}
    return {}


@cache
def format_of(kind: ColumnType, name: str) -> Convert | None:
    """Return the function of the format with this name, which may have a unit; None without one.

    The function returns the canonical form of a text; None if the text does not have the format.
    """
    base = _base(name)
    unit = name.removeprefix(f"{base} ")
    if base in formats(kind) and unit != name and UNIT.fullmatch(unit):
        return _number(base, unit, whole=kind == "integer")
    return formats(kind).get(name)


def _base(name: str) -> str:
    """Return the name of a format of numbers without its unit; empty for other formats."""
    return next((each for each in NUMBERS if f"{name} ".startswith(f"{each} ")), "")


@lru_cache(8192)
def converted(kind: ColumnType, name: str, value: str) -> str | None:
    """Return the canonical form of a value; None if the value does not have the given format.

    Raises:
        KeyError: the type has no such format.
    """
    if convert := format_of(kind, name):
        return convert(_plain(value))
    raise KeyError(name)


@lru_cache(8192)
def fitting(kind: ColumnType, value: str) -> tuple[tuple[str, str], ...]:
    """Return `{name of a format: canonical form}` for all formats that fit a value."""
    number = _read_number(_plain(value)) if kind in ("integer", "decimal") else None
    unit = number[2] if number else ""
    units = (" %", " % / 100") if unit == "%" else (f" {unit}".rstrip(),)
    names = [name + each for each in units for name in formats(kind)]
    found = ((name, converted(kind, name, value)) for name in names)
    return tuple((name, text) for name, text in found if text is not None)


def _plain(value: str) -> str:
    return value.strip(SPACES).translate(PLAIN)


@lru_cache(64)
def _read_number(value: str) -> tuple[str, str, str] | None:
    """Return the sign, the digits with their separators, and the unit of a number."""
    found = NUMBER.fullmatch(value)
    if not found:
        return None
    signs = [found["sign"], found["sign2"], found["sign3"], "-" if found["open"] else ""]
    units = [found["before"] or "", found["after"] or ""]
    if bool(found["open"]) != bool(found["close"]) or signs.count("") < 3 or all(units):
        return None
    return "".join(signs), found["digits"], "".join(units)


def _number(name: str, unit: str, *, whole: bool) -> Convert:
    by, point = NUMBERS[name]
    thousands = rf"\d{{1,3}}(?:{by}\d{{3}})+|" if by else ""
    pattern = re.compile(rf"({thousands}\d+)(?:{point}(\d+))?", re.ASCII)
    divides = unit.endswith("/ 100")

    def convert(value: str) -> str | None:
        sign, digits, own = _read_number(value) or ("", "", "")
        found = pattern.fullmatch(digits)
        if not found or own not in (("%",) if divides else ("", unit)):
            return None
        number, fraction = re.sub(r"\D", "", found[1]), found[2] or ""
        if divides:
            number = number.zfill(3)
            number, fraction = number[:-2], number[-2:] + fraction
        if whole and fraction.strip("0"):
            return None
        return sign.strip("+") + number + (f".{fraction}" if fraction and not whole else "")

    return convert


def _date(name: str, *, has_time: bool) -> Convert:
    first, second, third, by = DATES[name]
    since = int(name.partition(" ")[2][:4] or 0)
    pattern = re.compile(rf"{first}(?P<by>{by}){second}(?P=by){third}{TIME}", re.ASCII)

    def convert(value: str) -> str | None:
        found = pattern.fullmatch(EAST_ASIAN.sub(r"\1-\2-\3", value))
        if not found:
            return None
        year = f"{since + (int(found['year']) - since) % 100}" if since else found["year"]
        date = "-".join([year, *(found[each].zfill(2) for each in ("month", "day"))])
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
