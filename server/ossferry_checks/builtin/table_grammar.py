"""The grammar of CSV as regular expressions: one match reads many rows without creating objects.

A value may be quoted, with `""` for a quotation mark in it. The expressions have possessive
quantifiers, so that a row that does not match causes no backtracking.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from ossferry_checks.builtin.check_options import ColumnType

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SAMPLE = 64 * 1024  # characters in which the delimiter is detected
SAMPLE_ROWS = 200
MAX_ROW = 16_000_000  # characters

DAY = (
    r"(?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
    r"|(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
)
TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d++)?+)?+"
ZONE = r"(?:Z|[+-](?:[01]\d|2[0-3]):?+[0-5]\d)?+"
TYPES: dict[ColumnType, str] = {
    "integer": r"[+-]?+\d++",
    "decimal": r"[+-]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?+\d++)?+",
    "date": DAY,
    "datetime": rf"{DAY}(?:[T ]{TIME}{ZONE})?+",
    "boolean": r"(?i:true|false|yes|no|on|off|t|f|y|n|1|0)",
}
"""The values of each type, without spaces around them; `text` allows all."""

QUOTED = r'"(?:[^"]++|"")*+"'


@dataclass(frozen=True, slots=True)
class Grammar:
    """Regular expressions for CSV rows with any number of values.

    Attributes:
        delimiter: the character between two values.
        row: matches one row, including the end of its line.
        values: matches all values of a row except the last one, with the delimiters after them.
        quoted: matches one quoted value.
    """

    delimiter: str
    row: re.Pattern[str]
    values: re.Pattern[str]
    quoted: re.Pattern[str] = re.compile(QUOTED)


@dataclass(frozen=True, slots=True)
class Rows:
    """Regular expressions that match as many valid CSV rows as possible.

    A row is valid if the number and the types of its values are right.

    Attributes:
        plain: the expression for a text without quotation marks.
        quoted: the expression for any text.
    """

    plain: re.Pattern[str]
    quoted: re.Pattern[str]

    def end(self, text: str) -> int:
        """Return the offset of the first row in a text that is not valid.

        If all rows are valid, the result is the length of the text.
        """
        found = (self.quoted if '"' in text else self.plain).match(text)
        return found.end() if found else 0


def grammar(delimiter: str) -> Grammar:
    """Return the regular expressions for CSV rows with a delimiter of one character."""
    value, by = _value(delimiter), re.escape(delimiter)
    return Grammar(
        delimiter, re.compile(rf"{value}(?:{by}{value})*+\n"), re.compile(rf"(?:{value}{by})*+")
    )


def rows(delimiter: str, types: Sequence[ColumnType]) -> Rows:
    """Return the regular expressions for CSV rows whose values have the given types.

    Args:
        delimiter: the character between two values.
        types: the type of each value in a row, in order.
    """
    by = re.escape(delimiter)
    space = "" if delimiter == " " else " *+"
    typed = {
        name: f'(?:"{space}(?:{each})?+{space}"|{space}(?:{each})?+{space})'
        for name, each in TYPES.items()
    }

    def compiled(text: str) -> re.Pattern[str]:
        row = by.join(typed.get(each, text) for each in types)
        return re.compile(rf"(?:{row}\n|\n)*+", re.ASCII)

    return Rows(compiled(rf"[^{by}\n]*+"), compiled(_value(delimiter)))


def has_type(value: str, kind: ColumnType) -> bool:
    """Return whether a CSV value is empty or has a given type."""
    pattern = TYPES.get(kind)
    return not pattern or bool(re.fullmatch(rf" *(?:{pattern})? *", value, re.ASCII))


def _value(delimiter: str) -> str:
    by = re.escape(delimiter)
    return rf'(?:[^"{by}\n][^{by}\n]*+|{QUOTED})?+'


@contextmanager
def long_values() -> Iterator[None]:
    """Raise the size limit of Python's `csv` module, so that a value may be as long as a row."""
    limit = csv.field_size_limit(2 * MAX_ROW)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def detected_delimiter(sample: str, wanted: Collection[str], *, is_tsv: bool) -> str:
    """Return the most likely delimiter of a table, or empty text for a table with one column."""
    return rated_delimiter(sample, wanted, is_tsv=is_tsv)[1]


def rated_delimiter(
    sample: str, wanted: Collection[str], *, is_tsv: bool
) -> tuple[tuple[bool, float, int], str]:
    """Return the most likely delimiter of a table, with its rating.

    These criteria decide, each one if the criteria before it are equal: the header contains all
    wanted columns; the largest share of rows with as many values as the header; the most columns.
    A table with one column has the rating `(False, 0, 0)` and no delimiter.

    Args:
        sample: the first lines of the table, one of which is not empty.
        wanted: the names of the wanted columns; may be empty.
        is_tsv: whether to prefer the tab if all criteria are equal.
    """
    best: tuple[tuple[bool, float, int], str] = ((False, 0.0, 0), "")
    for each in sorted(DELIMITERS, key=lambda each: is_tsv and each != "\t"):
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=each)
        found = [row for row in islice(reader, SAMPLE_ROWS) if row]
        if len(found) > 1 and not sample.endswith("\n"):
            found.pop()  # the sample may end in the middle of a row
        header = found[0]
        if len(header) < 2:
            continue
        share = sum(len(row) == len(header) for row in found) / len(found)
        has_wanted = bool(wanted) and {*wanted} <= {name.strip() for name in header}
        best = max(best, ((has_wanted, share, len(header)), each), key=lambda rated: rated[0])
    return best
