"""`Decisions`: everything that a person has chosen to repair a table, as plain data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from ossferry_checks.builtin.words import listed
from ossferry_checks.results import TableError
from ossferry_checks.tables.declaration import Table
from ossferry_checks.tables.matching import match
from ossferry_checks.tables.reading import Reading
from ossferry_checks.tables.values import format_of

VERSION = 1
FixName: TypeAlias = Literal["convert", "trim", "replace", "look_up", "empty", "drop_rows", "keep"]


@dataclass(frozen=True, slots=True)
class Fix:
    """A rule that mends each cell with a problem.

    Attributes:
        field: the name of the field; empty for a problem of a whole row.
        problem: the kind of the problem.
        fix: what to do.
        to: the new value of `replace`, or the format of `convert`.
        value: the only wrong value that the rule concerns; None for all.
    """

    field: str
    problem: str
    fix: FixName
    to: str = ""
    value: str | None = None

    def __post_init__(self) -> None:
        """Check the name of the fix.

        Raises:
            ValueError: there is no such fix.
        """
        if self.fix not in get_args(FixName):
            raise ValueError(f"there is no fix {self.fix!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What a person has chosen; `clean` needs nothing else.

    Attributes:
        reading: how to read the file; None to guess it.
        columns: for each column of the file, the name of its field, or None to ignore it; None to
            match the columns by their names.
        formats: the formats of fields by name, such as `day.month.year`.
        fixes: rules, which are applied in their order.
        cells: new texts of cells, each as `(row, field, text)`. Rows count from 1, without the
            header and rows without a value.
        dropped: numbers of rows that the result does not have.
    """

    reading: Reading | None = None
    columns: tuple[str | None, ...] | None = None
    formats: Mapping[str, str] = field(default_factory=dict)
    fixes: tuple[Fix, ...] = ()
    cells: tuple[tuple[int, str, str], ...] = ()
    dropped: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Decisions":
        """Return the decisions in the JSON of `as_json`.

        Raises:
            ValueError: the text is something else, or of another version.
        """
        try:
            given = json.loads(text)
            if given.pop("version") != VERSION:
                raise ValueError("the decisions have another version")
            reading, columns = given.pop("reading"), given.pop("columns")
            return cls(
                reading=reading and Reading(**reading),
                columns=None if columns is None else tuple(columns),
                fixes=tuple(Fix(**each) for each in given.pop("fixes")),
                cells=tuple(
                    (int(row), str(name), str(new)) for row, name, new in given.pop("cells")
                ),
                dropped=tuple(map(int, given.pop("dropped"))),
                **given,
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"these are no decisions: {error!r}") from error

    def as_json(self) -> str:
        """Return the decisions as JSON."""
        given: dict[str, Any] = {"version": VERSION, **asdict(self)}
        if self.reading:
            del given["reading"]["is_sure"]
        return json.dumps(given, ensure_ascii=False)

    def read_as(self, reading: Reading) -> "Decisions":
        """Return the decisions that fit another reading of the file.

        Formats and fixes stay, because they name fields. Edited cells and dropped rows stay only if
        nothing but the encoding changes, and both encodings end lines with the same bytes: only
        then do the rows keep their numbers.
        """
        old, found = self.reading or Reading(), replace(self, reading=reading)
        ends = {"\n".encode(each.encoding) for each in (old, reading)}
        if len(ends) == 1 and replace(old, encoding=reading.encoding) == reading:
            return found
        return replace(found, cells=(), dropped=())

    def complete(self, path: Path, table: Table) -> "Decisions":
        """Return the decisions with a guess of how to read the file, where that is not decided.

        Raises:
            TableError: the table cannot be read, or no column belongs to a field.
            ValueError: a decision names a field that the table does not have.
        """
        reading, columns = self.reading or Reading.guess(path, table), self.columns
        if columns is None:
            head = reading.head(path)
            columns = tuple(each.field for each in match(table, head.header, head.rows))
        if not any(columns):
            names = listed((each.name for each in table.fields), "en")
            raise TableError("table_unknown", line=reading.header_row, columns=names)
        found = replace(self, reading=reading, columns=columns)
        found.check(table)
        return found

    def check(self, table: Table) -> None:
        """Check that the decisions fit the table.

        Raises:
            ValueError: the table has no such field, or the type of a field no such format.
        """
        kinds = {each.name: each.kind for each in table.fields}
        named = {*(self.columns or ()), *(name for _, name, _ in self.cells)}
        chosen = [*self.formats.items()]
        for each in self.fixes:
            named.add(each.field)
            if each.field and each.fix == "convert":
                chosen.append((each.field, each.to))
        if unknown := named - {None, "", *kinds}:
            raise ValueError(f"the table has no fields {unknown}")
        for name, each_format in chosen:
            if name not in kinds or not format_of(kinds[name], each_format):
                raise ValueError(f"the field {name} has no format {each_format!r}")


NOTHING = Decisions()
