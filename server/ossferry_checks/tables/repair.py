"""`Repair`: applies decisions to the rows of a table, and finds the problems that remain.

Most rows are right. So a batch of rows is checked by one regular expression for each column and one
call of the model; only the other rows are looked at one by one.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import repeat
from pathlib import Path
from typing import Any

from ossferry_checks.builtin.words import shortened
from ossferry_checks.results import TableError
from ossferry_checks.tables.decisions import Decisions, Fix, FixName
from ossferry_checks.tables.declaration import Field, Table
from ossferry_checks.tables.reading import Reading
from ossferry_checks.tables.rows import Batch, batches
from ossferry_checks.tables.values import SPACES, canonical, converted, fitting

CHOICE = ("enum", "literal_error")
"""The types of pydantic's errors about a value that is none of the choices."""

BITS = 0xFFFFFFFF

_TOTALS = "|".join(
    (
        *("(?:sub|grand ?)?totals?", "sum", "(?:gesamt|zwischen)?summe", "gesamt", "somme", "suma"),
        *("totale", "[合总總小][计計]", "総計", "(?:ال)?مجموع", "(?:ال)?إجمالي"),
    )
)
TOTAL = re.compile(rf"(?:\A|\0)\s*(?:{_TOTALS})[\s:：]*(?:\Z|\0)", re.IGNORECASE)  # noqa: RUF001 - of Chinese
"""A cell at the start of a row of totals, among cells with zero characters between them."""

TOTAL_COLUMNS = 3  # the first ones, in which such a cell may be

SHOWN_MORE = 10  # values without a column

OF_ROW: tuple[FixName, ...] = ("drop_rows",)
OF_CELL: tuple[FixName, ...] = ("replace", "empty", "drop_rows")
FIXES: Mapping[str, tuple[FixName, ...]] = {
    "spaces": ("trim", *OF_CELL),
    "format": ("convert", *OF_CELL),
    "kind": ("convert", *OF_CELL),
    "missing": ("replace", "drop_rows"),
    "choice": ("look_up", *OF_CELL),
    "duplicate": OF_ROW,
    "short": ("empty", "drop_rows"),
    "long": OF_ROW,
    "quote": ("convert", "drop_rows"),
    "header": ("drop_rows", "keep"),
    "total": ("drop_rows", "keep"),
}
"""The fixes that make sense for a problem; `OF_CELL` or `OF_ROW` for the others."""


@dataclass(frozen=True, slots=True)
class Found:
    """A problem of one cell, or of one row.

    Attributes:
        field: the name of the field; empty for a problem of a row.
        problem: the kind: `spaces`, `format`, `kind`, `missing`, `choice`, `duplicate`,
            `short`, `long`, `quote`, `header`, `total`, or the name of a rule, see `rules.Refusal`.
        value: the wrong value.
        fits: names of the formats that fit the value.
        details: the values for the sentence about the problem; `text` is a sentence from the
            operator's model.
    """

    field: str
    problem: str
    value: str = ""
    fits: tuple[tuple[str, str], ...] = ()
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(slots=True)
class Row:
    """A row that was checked alone, because its batch has a problem or a decision concerns it.

    Attributes:
        number: the number of the row, from 1, without the header and empty rows.
        line: the number of its line in a CSV file, or of its row in a workbook.
        raw: the values in the file.
        texts: the repaired values, in the order of the table's fields.
        problems: the problems that no decision has solved.
        changes: `{index of a field: name of the fix that has changed its value}`.
        dropped: whether the row is left out of the repaired table.
        is_broken: whether the row has a quotation mark in a wrong place.
    """

    number: int
    line: int
    raw: Sequence[str]
    texts: list[str]
    problems: list[Found] = dataclasses.field(default_factory=list)
    changes: dict[int, str] = dataclasses.field(default_factory=dict)
    dropped: bool = False
    is_broken: bool = False


@dataclass(slots=True)
class Repaired:
    """A batch of rows after the repair.

    Attributes:
        batch: the rows as they are in the file.
        first: the number of the first row.
        before, after: the values of each field, column by column, before and after the repair.
        rows: `{index in the batch: row}` of the rows that were checked alone; use their values
            instead of those in `after`.
    """

    batch: Batch
    first: int
    before: list[Sequence[str]]
    after: list[Sequence[str]]
    rows: dict[int, Row] = dataclasses.field(default_factory=dict)


class Repair:
    """Applies decisions to the rows of one file, in their order.

    Args:
        table: the declaration.
        decisions: decisions without a missing reading or column, see `Decisions.complete`.

    Attributes:
        names: the names of all fields.
        unique: the names of the fields that must not have the same value twice.
        rows: the number of rows that were repaired so far.
    """

    def __init__(self, table: Table, decisions: Decisions) -> None:
        self._table = table
        self._fields = table.fields
        self.names = [each.name for each in table.fields]
        self._choices = {each.name: each.choices for each in table.fields}
        self.unique = table.unique
        self._unique = {self.names.index(name): Seen() for name in table.unique}
        self.rows = 0
        self._header: Sequence[str] = ()
        self._least = 0
        self.decide(decisions)

    def decide(self, decisions: Decisions) -> None:
        """Replace the decisions; they apply to all rows that are repaired from now on."""
        columns = decisions.columns or ()  # complete decisions have them
        self._width = len(columns)
        places = {name: at for at, name in reversed([*enumerate(columns)])}
        self._places = [places.get(name) for name in self.names]
        self._formats = [decisions.formats.get(name) for name in self.names]
        self._fixes = decisions.fixes
        self._dropped = {*decisions.dropped}
        self._cells: dict[int, dict[int, str]] = {}
        for row, name, text in decisions.cells:
            self._cells.setdefault(row, {})[self.names.index(name)] = text
        self._touched = self._dropped | {*self._cells}

    def begin(self, header: Sequence[str]) -> None:
        """Set the header of the file; rows may lack the columns at its end that have no name.

        Raises:
            ValueError: the decisions are for another number of columns.
        """
        if len(header) != self._width:
            raise ValueError(f"the file has {len(header)} columns, the decisions {self._width}")
        self._header = header
        named = [at for at, name in enumerate(header) if name.strip(SPACES)]
        self._least = 1 + max([*named, *(at for at in self._places if at is not None)])

    def batch(self, batch: Batch) -> Repaired:
        """Repair the next batch of rows, and return it before and after the repair.

        Raises:
            TableError: the file has too many rows.
        """
        number, first = len(batch.rows), self.rows + 1
        self.rows += number
        limit = self._table.max_rows
        if limit is not None and self.rows > limit:
            raise TableError("table_rows", line=batch.lines[limit - first + 1], limit=f"{limit:,}")
        slow = {*batch.broken}
        if self._touched:
            slow |= {at for at in range(number) if first + at in self._touched}
        rows = batch.rows
        if {*map(len, rows)} != {self._width}:
            slow |= {at for at, row in enumerate(rows) if self._is_ragged(row)}
            rows = [[*row, *[""] * (self._width - len(row))] for row in rows]
        columns = [*zip(*rows, strict=False)]
        if self._header in batch.rows or any(
            TOTAL.search("\0".join(column)) for column in columns[:TOTAL_COLUMNS]
        ):
            slow |= {at for at, row in enumerate(batch.rows) if self._no_data(row)}
        before: list[Sequence[str]] = []
        after: list[Sequence[str]] = []
        for each, name, place in zip(self._fields, self._formats, self._places, strict=True):
            before.append(("",) * number if place is None or not rows else columns[place])
            new, wrong = _column(each, name, before[-1])
            after.append(new)
            slow |= wrong
        kept = [at for at in range(number) if at not in slow]
        slow |= self._table.refused(dict(zip(self.names, after, strict=True)), kept)
        found = Repaired(batch, first, before, after)
        unique = [after[at] for at in self._unique]
        for at in range(number) if unique else sorted(slow):
            line = batch.lines[at]
            if at in slow or not self._remember([column[at] for column in unique], line):
                is_broken = at in batch.broken
                row = self.row(first + at, line, batch.rows[at], is_broken=is_broken)
                self.remember(row)
                found.rows[at] = row
        return found

    def forget(self, row: Row) -> None:
        """Forget the values of a row in unique fields, before the row is checked again."""
        for at, seen in self._unique.items():
            seen.forget(row.texts[at], row.line)

    def remember(self, row: Row) -> bool:
        """Store the values of a row in unique fields; return whether all of them are new."""
        texts = [row.texts[at] for at in self._unique]
        return row.dropped or self._remember(texts, row.line)

    def _is_ragged(self, row: Sequence[str]) -> bool:
        return len(row) < self._least or any(row[self._width :])

    def _no_data(self, row: Sequence[str]) -> str:
        """Return the problem of a row that has no data of its own; empty if there is none."""
        if row == self._header:
            return "header"
        filled = [text for text in row if text.strip(SPACES)]
        is_total = 1 < len(filled) < len(row) and TOTAL.match(filled[0])
        has_numbers = is_total and all(re.search(r"\d", text) for text in filled[1:])
        return "total" if has_numbers else ""

    def row(self, number: int, line: int, raw: Sequence[str], *, is_broken: bool) -> Row:
        """Repair one row, and return it with the problems that remain.

        Args:
            number: the number of the row, from 1.
            line: the number of its line in a CSV file, or of its row in a workbook.
            raw: the values in the file.
            is_broken: whether the row has a quotation mark in a wrong place.
        """
        texts = [raw[at] if at is not None and at < len(raw) else "" for at in self._places]
        row = Row(number, line, raw, texts, is_broken=is_broken)
        for at, text in self._cells.get(number, {}).items():
            row.texts[at] = text
            row.changes[at] = "edit"
        if number in self._dropped:
            row.dropped = True
            return row
        whole = []
        if is_broken:
            whole.append(Found("", "quote"))
        elif self._is_ragged(raw):
            problem = "short" if len(raw) < self._least else "long"
            expected = self._least if problem == "short" else self._width
            more = " | ".join(raw[self._width :][:SHOWN_MORE])
            details = {"found": len(raw), "expected": expected, "more": shortened(more)}
            whole.append(Found("", problem, details=details))
        elif not row.changes and (problem := self._no_data(raw)):
            whole.append(Found("", problem))
        row.problems = whole or self._problems(row)
        for fix in self._fixes:
            hit = [each for each in row.problems if self._concerns(fix, each)]
            if hit and fix.fix == "drop_rows":
                row.dropped, row.problems = True, []
                return row
            for each in hit:
                whole = [] if each in whole else whole
                self._apply(fix, each, row)
            if hit:
                row.problems = whole or self._problems(row)
        return row

    def _apply(self, fix: Fix, found: Found, row: Row) -> None:
        if not found.field:
            return
        at = self.names.index(found.field)
        new = _mended(fix, self._fields[at], row.texts[at])
        if new != row.texts[at]:
            row.texts[at] = new
            row.changes[at] = fix.fix

    def _problems(self, row: Row) -> list[Found]:
        """Return the problems of a row, and convert its values to the formats of their columns."""
        found: dict[str, Found] = {}
        for at, (each, name) in enumerate(zip(self._fields, self._formats, strict=True)):
            text, problem = _cell(each, name, row.texts[at], is_new=at in row.changes)
            if problem:
                found[each.name] = problem
            elif text != row.texts[at]:
                row.texts[at] = text
                row.changes.setdefault(at, "convert")  # an edit stays an edit
        given = {name: text for name, text in zip(self.names, row.texts, strict=True) if text}
        for name, wrong in found.items():
            if len(meanings := {text for _, text in wrong.fits}) == 1:
                given[name] = meanings.pop()  # so that the model sees the other fields
        errors = []
        for _, name, rule, details in self._table.errors([given]):
            name = name if name in self.names else ""
            if name not in found:
                if rule in CHOICE and (allowed := self._choices.get(name)):
                    rule, details = "choice", {"choices": allowed}
                errors.append(Found(name, rule, given.get(name, ""), details=details))
        if found or errors:
            return [*found.values(), *errors]
        return [
            Found(self.names[at], "duplicate", row.texts[at], details={"line": line})
            for at, seen in self._unique.items()
            if row.texts[at] and (line := seen.line(row.texts[at])) not in (0, row.line)
        ]

    def _remember(self, texts: Sequence[str], line: int) -> bool:
        """Store the values of a row in unique fields; return whether all of them are new."""
        is_new = True
        for seen, text in zip(self._unique.values(), texts, strict=False):
            if text and seen.add(text, line):
                is_new = False
        return is_new

    def _concerns(self, fix: Fix, found: Found) -> bool:
        is_same = (fix.field, fix.problem) == (found.field, found.problem)
        return (
            is_same
            and fix.value in (None, found.value)
            and fix.fix in self.fixes(found.field, found.problem)
        )

    def fixes(self, name: str, problem: str) -> tuple[FixName, ...]:
        """Return the names of the fixes that can solve a kind of problem in a field."""
        known = FIXES.get(problem, OF_CELL if name else OF_ROW)
        if not name or self._fields[self.names.index(name)].may_be_empty:
            return known
        return tuple(each for each in known if each != "empty")


def repaired(path: Path, repair: Repair, decisions: Decisions) -> Iterator[Repaired]:
    """Read a file, and yield its rows in batches, before and after the repair.

    Raises:
        TableError: the table cannot be read.
        ValueError: the decisions are for another number of columns.
    """
    reading = decisions.reading or Reading()  # complete decisions have one
    read = batches(path, reading.encoding, reading.delimiter, reading.sheet, reading.header_row)
    repair.begin(next(read).rows[0])
    return map(repair.batch, read)


class Seen:
    """Stores the values of a unique field, each with the line of its first row, to find duplicates.

    Empty values are ignored. Each value needs about 70 bytes of memory, because only 64 bits of its
    hash are stored.
    """

    def __init__(self) -> None:
        self._lines: dict[int, int] = {}

    def line(self, value: str) -> int:
        """Return the line of the first row with this value; 0 if no row has it."""
        return self._lines.get(_hash(value), 0)

    def add(self, value: str, line: int) -> int:
        """Store the line of a value; return the line of an earlier row with this value, or 0."""
        known = self._lines.setdefault(_hash(value), line)
        return 0 if known == line else known

    def forget(self, value: str, line: int) -> None:
        """Forget a value, if `line` is the line of the first row with this value."""
        key = _hash(value)
        if self._lines.get(key) == line:
            del self._lines[key]


def _hash(value: str) -> int:
    """Return 64 bits; Python's own hash has only 32 in the browser."""
    return hash(value) & BITS | (hash(f"{value} ") & BITS) << 32


def _column(
    field: Field, name: str | None, column: Sequence[str]
) -> tuple[Sequence[str], set[int]]:
    """Return the canonical values of a column, and the indices of the wrong ones."""
    if field.kind == "text":
        bare = (*map(str.strip, column, repeat(SPACES)),)
        odd = [] if bare == column else [at for at, text in enumerate(column) if text != bare[at]]
    else:
        fits = canonical(field.kind, name).fullmatch
        odd = []
        if not fits("\0".join(column)):
            odd = [at for at, text in enumerate(column) if not fits(text)]
    if not field.may_be_empty and "" in column:
        odd += [at for at, text in enumerate(column) if not text]
    if not odd:
        return column, set()
    new, wrong = [*column], set()
    for at in odd:
        new[at], found = _cell(field, name, column[at], is_new=False)
        if found:
            wrong.add(at)
    return new, wrong


def _cell(field: Field, name: str | None, text: str, *, is_new: bool) -> tuple[str, Found | None]:
    """Return the canonical value of a cell, and its problem.

    Args:
        field: the field.
        name: the format of the column; None if it is not decided.
        text: the value.
        is_new: whether a decision has changed the value: then the format is not its first meaning.
    """
    kind, bare = field.kind, text.strip(SPACES)
    is_typed = kind != "text"
    if is_typed and name and not canonical(kind, None if is_new and text else name).fullmatch(text):
        new = converted(kind, name, text)
        if new is not None:
            return new, None
    if not text:
        return text, None if field.may_be_empty else Found(field.name, "missing")
    if not is_typed or canonical(kind).fullmatch(bare):
        return text, None if text == bare else Found(field.name, "spaces", text)
    if not name and (formats := fitting(kind, text)):
        return text, Found(field.name, "format", text, formats, {"type": kind})
    return text, Found(field.name, "kind", text, details={"type": kind})


def _mended(fix: Fix, field: Field, text: str) -> str:
    if fix.fix == "trim":
        return text.strip(SPACES)
    if fix.fix == "convert":
        new = converted(field.kind, fix.to, text)
        return text if new is None else new
    if fix.fix == "look_up":
        return nearest(field, text)
    return fix.to if fix.fix == "replace" else ""


def nearest(field: Field, text: str) -> str:
    """Return the allowed value of a field that is most similar to a text; the text if none is."""
    known = {each.casefold(): each for each in reversed(field.choices)}
    near = get_close_matches(text.strip(SPACES).casefold(), known, 1)
    return known[near[0]] if near else text
