"""`Decisions`: all choices of the person who repairs a table, as plain data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

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
    """A rule that corrects all cells of a field that have the same kind of problem.

    Attributes:
        field: the name of the field; empty for a problem of a whole row.
        problem: the kind of the problem.
        fix: the correction, such as `convert`, `replace` or `drop_rows`.
        to: the new value of `replace`, or the format of `convert`.
        value: the only wrong value to which the rule applies; None to apply it to all.
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
    """All choices of the person who repairs a table.

    Attributes:
        reading: encoding, delimiter and header of the file; None to guess them.
        columns: for each column of the file, the name of its field, or None to ignore it; None to
            match the columns by their names.
        formats: the formats of fields by name, such as `day.month.year`.
        fixes: rules, which are applied in their order.
        cells: new texts of cells, each as `(row, field, text)`. Rows count from 1, without the
            header and rows without a value.
        dropped: numbers of the rows that are left out of the repaired table.
    """

    reading: Reading | None = None
    columns: tuple[str | None, ...] | None = None
    formats: Mapping[str, str] = field(default_factory=dict)
    fixes: tuple[Fix, ...] = ()
    cells: tuple[tuple[int, str, str], ...] = ()
    dropped: tuple[int, ...] = ()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Decisions":
        """Return the decisions that `as_json` has written as JSON.

        Raises:
            ValueError: the text was not written by `as_json` of this version.
        """
        try:
            given = json.loads(text)
            if given.pop("version") != VERSION:
                raise ValueError("another version")
            made: Decisions = _made(cls, given)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"these are no decisions: {error!r}") from error
        return made

    def as_json(self) -> str:
        """Return a JSON object with the attributes and the version of the format."""
        given: dict[str, Any] = {"version": VERSION, **asdict(self)}
        if self.reading:
            del given["reading"]["is_sure"]
        return json.dumps(given, ensure_ascii=False)

    def read_as(self, reading: Reading) -> "Decisions":
        """Return the decisions that stay valid if the file is read in another way.

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
        """Return the decisions, with a guess of the reading and the columns if they are missing.

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

    def known(self, table: Table) -> "Decisions":
        """Return a copy without decisions about fields or formats that a table does not have."""
        kinds = {each.name: each.kind for each in table.fields}

        def has_format(name: str, chosen: str) -> bool:
            return name in kinds and format_of(kinds[name], chosen) is not None

        def is_known(fix: Fix) -> bool:
            converts = fix.field and fix.fix == "convert"
            return has_format(fix.field, fix.to) if converts else fix.field in ("", *kinds)

        names = self.columns and tuple(each if each in kinds else None for each in self.columns)
        return replace(
            self,
            columns=names,
            formats={name: each for name, each in self.formats.items() if has_format(name, each)},
            fixes=tuple(filter(is_known, self.fixes)),
            cells=tuple(each for each in self.cells if each[1] in kinds),
        )

    def check(self, table: Table) -> None:
        """Check that the decisions fit the table.

        Raises:
            ValueError: the table has no such field, or the type of a field no such format.
        """
        known = self.known(table)
        for name in ("columns", "formats", "fixes", "cells"):
            if getattr(self, name) != getattr(known, name):
                raise ValueError(f"{name} of the decisions have a field or format of another table")


def _made(kind: Any, value: Any) -> Any:
    """Return a JSON value as a value of a type, such as `Decisions`.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: the value is of another type.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: _made(hints[name], each) for name, each in value.items()})  # type: ignore[operator] # it is a class
    if origin is UnionType:
        return None if value is None and type(None) in parts else _made(parts[0], value)
    if origin is Mapping:
        return {name: _made(parts[1], each) for name, each in value.items()}
    if origin is tuple and type(value) is list:
        kinds = [parts[0]] * len(value) if parts[1] is ... else parts
        return tuple(_made(each, item) for each, item in zip(kinds, value, strict=True))
    if type(value) is not (str if origin is Literal else kind):
        raise TypeError(f"{value!r} is of another type")
    return value


NOTHING = Decisions()
