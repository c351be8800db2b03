"""Matches the columns of a file to the fields of a table."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ossferry_checks.tables.declaration import Field, Table
from ossferry_checks.tables.values import SPACES

SAMPLES = 3
MAX_SAMPLE = 100  # characters


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file.

    Attributes:
        header: the text in the header.
        field: the name of the field that the column is matched to; None to ignore the column.
        samples: the first values that are not empty.
    """

    header: str
    field: str | None
    samples: tuple[str, ...]


def match(table: Table, header: Sequence[str], samples: Sequence[Sequence[str]]) -> list[Column]:
    """Match each column of a file to at most one field, and each field to at most one column.

    An exact name goes before an alias, a title, and then a name that differs in case, spaces,
    punctuation or accents.

    Args:
        table: the table.
        header: the header of the file.
        samples: rows of the file.

    Returns:
        One `Column` for each text of the header, in the same order.
    """
    found = fields_of(table, header, is_loose=True)
    columns = []
    for at, text in enumerate(header):
        values = (row[at] for row in samples if at < len(row) and row[at].strip())
        shown = tuple(value[:MAX_SAMPLE] for value, _ in zip(values, range(SAMPLES), strict=False))
        columns.append(Column(text, found.get(at), shown))
    return columns


def fields_of(table: Table, header: Sequence[str], *, is_loose: bool = False) -> dict[int, str]:
    """Return the names of the fields by the indices of their columns.

    Args:
        table: the table.
        header: the header of the file.
        is_loose: whether titles and similar names count, besides names and aliases.
    """
    exact = {bare(text): at for at, text in reversed([*enumerate(header)])}
    loose = {plain(text): at for at, text in reversed([*enumerate(header)])}
    found: dict[int, str] = {}
    done: set[str] = set()
    for names in [*zip(*map(_names, table.fields), strict=True)][: None if is_loose else 2]:
        for field, (is_exact, allowed) in zip(table.fields, names, strict=True):
            index = exact if is_exact else loose
            free = [index[each] for each in allowed if each in index and index[each] not in found]
            if free and field.name not in done:
                found[min(free)] = field.name
                done.add(field.name)
    return found


def _names(field: Field) -> Iterator[tuple[bool, set[str]]]:
    """Yield the names of a field from the best to the worst, and whether case matters."""
    yield True, {field.name}
    yield True, {*field.aliases}
    yield True, {field.title} - {""}
    yield False, {plain(each) for each in (field.name, *field.aliases, field.title)} - {""}


def bare(text: str) -> str:
    """Return a name in a header without the spaces around it."""
    return text.strip(f"{SPACES}\t\r")


def repeated(header: Sequence[str], names: Collection[str]) -> list[str]:
    """Return the names in `names` that belong to more than one column of a header."""
    counts = Counter(map(bare, header))
    return [name for name, number in counts.items() if number > 1 and name in names]


@lru_cache(1 << 16)
def plain(text: str) -> str:
    """Return a name without case, spaces, punctuation and accents."""
    whole = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in whole if each.isalnum())
