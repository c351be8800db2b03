"""Reads the rows of a table in batches: CSV in any encoding, or one sheet of a workbook.

The memory in use does not depend on the size of the file.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from ossferry_checks.builtin.table_grammar import MAX_ROW, long_values
from ossferry_checks.builtin.text_blocks import decoded
from ossferry_checks.builtin.xlsx import read_workbook, readable_workbook
from ossferry_checks.files import CheckedFile
from ossferry_checks.results import Reject, TableError

MAX_COLUMNS = 16_000
MAX_SHEET_ROWS = 100_000  # with a value
MAX_EXCEL_ROWS = 1_048_576
BATCH = 500  # rows
BATCH_CELLS = 200_000
BATCH_SIZE = 4_000_000  # bytes, as far as the rows before tell the size of the next ones
WORKBOOKS = (b"PK\3\4", b"\xd0\xcf\x11\xe0")  # the second also with a password
MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
LOST = {"formulas": (b"<f>", b"<f "), "merged": (b"<mergeCell ",)}
OVERLAP = 16  # bytes; the longest of these tags is shorter


@dataclass(slots=True)
class Batch:
    """Successive rows of a file, without rows in which all cells are empty.

    Attributes:
        rows: the values of each row.
        lines: for each row, the number of its line in a CSV file, or of its row in a workbook.
        broken: the indices of rows with a quotation mark in a wrong place.
        share: the share of the file that was read so far, from 0 to 1.
    """

    rows: list[list[str]]
    lines: list[int]
    broken: set[int] = field(default_factory=set)
    share: float = 0.0


def is_workbook(path: Path) -> bool:
    """Return whether a file is a workbook, judged by its first bytes."""
    with path.open("rb") as source:
        return source.read(4) in WORKBOOKS


def batches(path: Path, encoding: str, delimiter: str, sheet: str, header: int) -> Iterator[Batch]:
    """Yield a batch with the header of a table, then batches with its rows.

    Args:
        path: the file.
        encoding, delimiter: encoding and delimiter of a CSV file; not used for a workbook.
        sheet: the name of the sheet of a workbook; empty for the first.
        header: the number of rows at the start of the file; the last one is the header.

    Raises:
        TableError: the table cannot be read.
    """
    with path.open("rb") as source:
        rows = open_rows(source, path, encoding, delimiter, sheet)
        for _ in range(header - 1):
            rows.take(1)
        batch = rows.take(1)
        is_sheet = isinstance(rows, _Sheet)
        if not any(map(any, batch.rows)):
            raise TableError("table_empty")
        if (columns := len(batch.rows[0])) > MAX_COLUMNS:
            raise TableError("table_wide", line=batch.lines[0], limit=f"{MAX_COLUMNS:,}")
        read = 0
        while batch.rows:
            read += len(batch.rows)
            if not all(map(any, batch.rows)):
                batch = _without_empty(batch)
            yield batch
            size = BATCH if is_sheet else BATCH_SIZE * read // source.tell()
            batch = rows.take(max(1, min(BATCH, BATCH_CELLS // columns, size)))
            if is_sheet:  # it has no cells at the end of a row that are empty
                batch.rows = [[*row, *[""] * columns][:columns] for row in batch.rows]


def open_rows(
    source: BinaryIO, path: Path, encoding: str, delimiter: str, sheet: str
) -> "_Text | _Sheet":
    """Return an object whose method `take` reads the next rows of an open file, also empty rows."""
    if is_workbook(path):
        return _Sheet(source, path, sheet)
    return _Text(source, path.stat().st_size, encoding, delimiter)


def _without_empty(batch: Batch) -> Batch:
    kept = [at for at, row in enumerate(batch.rows) if any(row)]
    broken = {kept.index(at) for at in batch.broken}
    rows, lines = ([each[at] for at in kept] for each in (batch.rows, batch.lines))
    return Batch(rows, lines, broken, batch.share)  # type: ignore[arg-type] # of two types


class _Text:
    """The rows of a CSV file."""

    names = ()

    def __init__(self, source: BinaryIO, size: int, encoding: str, delimiter: str) -> None:
        self._source = source
        self._size = max(1, size)
        self._delimiter = delimiter
        self._last = ""
        mark = MARKS.get(encoding, b"")
        source.seek(len(mark) if mark and source.read(len(mark)) == mark else 0)
        self._reader = csv.reader(self._lines(encoding), delimiter=delimiter, strict=True)

    def take(self, number: int) -> Batch:
        """Read the next rows; none are left if there are fewer.

        Raises:
            TableError: a quotation mark is not closed, or in a row of many lines in a wrong place.
        """
        start, broken = self._reader.line_num, set()
        rows: list[list[str]] = []
        try:
            with long_values():
                rows.extend(islice(self._reader, number))
        except csv.Error as error:
            line = _lines_of(start, rows)[-1]
            if "expected after" not in str(error) or line < self._reader.line_num:
                raise TableError("table_quote_open", line=line) from error
            broken.add(len(rows))
            with long_values():
                rows.append(next(csv.reader([self._last], delimiter=self._delimiter)))
        if self._reader.line_num - start == len(rows):
            lines = [*range(start + 1, start + 1 + len(rows))]
        else:
            lines = _lines_of(start, rows)[:-1]
        return Batch(rows, lines, broken, min(1.0, self._source.tell() / self._size))

    def lost(self) -> tuple[str, ...]:
        """Return nothing: a CSV file of a CSV file is the same."""
        return ()

    def _lines(self, encoding: str) -> Iterator[str]:
        rest, line = "", 1
        for block in decoded(self._source, encoding):
            rest += block
            end = rest.rfind("\n") + 1
            if len(rest) - end > MAX_ROW:
                raise TableError("table_long", line=line + rest.count("\n"))
            for self._last in io.StringIO(rest[:end], newline="\n"):
                yield self._last
            line += rest.count("\n")
            rest = rest[end:]
        if rest:
            self._last = rest
            yield rest


def _lines_of(start: int, rows: list[list[str]]) -> list[int]:
    """Return the number of the first line of each row, and of the row after them."""
    lines = [start + 1]
    for row in rows:
        lines.append(lines[-1] + 1 + sum(value.count("\n") for value in row))
    return lines


class _Sheet:
    """The rows of one sheet of a workbook."""

    def __init__(self, source: BinaryIO, path: Path, sheet: str) -> None:
        self._book = _workbook(source, path)
        self.names = tuple(each.title for each in self._book.worksheets)
        if not self.names:
            raise TableError("table_empty")
        if sheet and sheet not in self.names:
            raise TableError("xlsx_sheets", sheets=sheet)
        self._sheet = self._book[sheet] if sheet else self._book.worksheets[0]
        self._sheet.reset_dimensions()
        self._rows = self._sheet.iter_rows(values_only=True)
        self._taken = self._filled = 0

    def take(self, number: int) -> Batch:
        """Read the next rows; none are left if there are fewer.

        Raises:
            TableError: the sheet is damaged, or has too many rows.
        """
        first = self._taken + 1
        with readable_workbook():
            rows = [[_text(cell) for cell in row] for row in islice(self._rows, number)]
        for row in rows:
            while row and not row[-1]:
                row.pop()
        self._taken += len(rows)
        self._filled += sum(map(bool, rows))
        if self._filled > MAX_SHEET_ROWS or self._taken > MAX_EXCEL_ROWS:
            raise TableError("table_rows", line=self._taken, limit=f"{MAX_SHEET_ROWS:,}")
        return Batch(rows, [*range(first, first + len(rows))], share=self._taken / MAX_SHEET_ROWS)

    def lost(self) -> tuple[str, ...]:
        """Return the names of what a CSV file of this sheet does not have."""
        found = {"styles", *(["sheets"] if len(self.names) > 1 else ())}
        end = b""
        with self._sheet._get_source() as source:
            while data := source.read(1 << 20):
                text = end + data
                found |= {name for name, tags in LOST.items() if any(tag in text for tag in tags)}
                end = data[-OVERLAP:]
        return tuple(sorted(found))


def _workbook(source: BinaryIO, path: Path) -> Any:
    try:
        with readable_workbook():
            return read_workbook(source, CheckedFile(path))[1].wb
    except Reject as error:
        raise TableError("xlsx_large") from error


def _text(value: Any) -> str:
    """Return the value of a cell as CSV has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}"  # Excel has no more digits
    if isinstance(value, datetime):
        return (value.date() if value.time() == time() else value).isoformat()
    return str(value)
