"""The built-in check of CSV and TSV files, and of workbooks that can be repaired.

The check reads the file in blocks, so memory use does not depend on the size of the file.
"""

import codecs
import csv
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ossferry_checks.builtin import table_grammar
from ossferry_checks.builtin.check_options import TableOptions
from ossferry_checks.builtin.text_blocks import text_blocks
from ossferry_checks.builtin.words import listed, shortened
from ossferry_checks.files import CheckedFile
from ossferry_checks.registry import Check
from ossferry_checks.results import Ask, Reject, TableError
from ossferry_checks.sentences import say
from ossferry_checks.tables.cleaning import CHANGES
from ossferry_checks.tables.decisions import Decisions
from ossferry_checks.tables.declaration import Table
from ossferry_checks.tables.matching import bare, fields_of, repeated
from ossferry_checks.tables.problems import reason_of
from ossferry_checks.tables.reading import Reading
from ossferry_checks.tables.repair import Seen
from ossferry_checks.tables.rows import MAX_COLUMNS, is_workbook
from ossferry_checks.tables.scan import Scan

HOPELESS = ("table_long", "table_quote_open", "table_rows", "xlsx_broken", "xlsx_large")
"""The reasons of a refusal that a repair cannot mend."""

CHANGES_ENDING = ".changes.csv"  # of the name of a list of changes
MAX_HEADER = 100  # bytes; the header of such a list is shorter


def table_check(options: TableOptions, model: type[Any] | None = None) -> Check:
    """Return the check of CSV and TSV files.

    Args:
        options: the options of the check.
        model: the pydantic model that `options.model` names. If the model is named but None is
            passed, the check raises an error for every file.

    Raises:
        LookupError: Python does not know the encoding in the options.
    """
    codecs.lookup(options.encoding or "utf-8")
    reads_rows = options.model or options.unique or options.repair
    return Check(
        name="table",
        function=partial(check_table, options=options, model=model),
        patterns=("*.csv", "*.tsv", *(("*.xlsx",) if options.repair else ())),
        max_seconds=60,
        seconds_per_mb=2.0 if reads_rows else 0.3,
    )


def declared_table(options: TableOptions, model: type[Any] | None) -> Table:
    """Return the table that the options of the check declare.

    Raises:
        ValueError: the options name no column.
    """
    named = () if model else (*options.aliases, *options.unique)
    return Table.of(
        model,
        columns=options.columns,
        types={**options.types, **{name: "text" for name in named if name not in options.types}},
        aliases=options.aliases,
        unique=options.unique,
        max_rows=options.max_rows,
    )


def check_table(file: CheckedFile, *, options: TableOptions, model: type[Any] | None) -> Ask | None:
    """Check that a CSV or TSV file, or the first sheet of a workbook, matches the options.

    Args:
        file: the file.
        options: the options of the check.
        model: the pydantic model that `options.model` names, which validates each row; None if the
            options name no model.

    Returns:
        None if the file matches. If it does not, and `options.allow_original` is on: the question
        whether to upload it nevertheless.

    Raises:
        Reject: the file is not a table, or its columns or values do not match the options.
        ValueError: `options.model` names a model, and `model` is None.
    """
    if options.model and model is None:
        raise ValueError(f"checks.py has no model {options.model}")
    if options.keep_changes and file.name.lower().endswith(CHANGES_ENDING):
        _check_changes(file)
        return None
    try:
        if options.repair and file.name.lower().endswith(".xlsx"):
            _check_sheet(file, declared_table(options, model))
        else:
            with table_grammar.long_values():
                _Table(file, options, model).check()
    except TableError as error:
        can_repair = options.repair and _can_be_repaired(file.path, error.key)
        advice = "table_or_original" if options.allow_original else "table_repair"
        reason = error.says(file.language, advice=advice if can_repair else "")
        if can_repair and options.allow_original:
            return Ask(reason, error.line, repair=True)
        reject = Reject(reason, line=error.line)
        reject.repair = can_repair
        raise reject from error
    return None


def _can_be_repaired(path: Path, key: str) -> bool:
    """Return whether a refused file can be read, as far as its start and the reason tell."""
    try:
        reading = Reading.guess(path)
        columns = len(reading.head(path).header)
    except TableError:
        return False
    is_plain = not is_workbook(path) and not reading.encoding.startswith("utf-16")
    hopeless = (*HOPELESS, *(["text_zero_byte"] if is_plain else ()))
    return columns <= MAX_COLUMNS and key not in hopeless


def _check_changes(file: CheckedFile) -> None:
    """Check the header of a list of changes.

    Raises:
        Reject: it has another header.
    """
    with file.path.open("rb") as lines:
        header = lines.readline(MAX_HEADER)
    if header.rstrip() != ",".join(CHANGES).encode():
        columns = listed(list(CHANGES), file.language)
        raise Reject(say("table_columns", file.language, columns=columns), line=1)


def _check_sheet(file: CheckedFile, table: Table) -> None:
    """Check the first sheet of a workbook.

    Raises:
        TableError: the sheet cannot be read, columns are missing, or a row is not as it must be.
    """
    if not is_workbook(file.path):
        raise TableError("xlsx_other")
    reading = Reading.guess(file.path, table)
    header = reading.head(file.path).header
    fields = fields_of(table, header)
    _check_names(table, header, [*fields.values()], file.language, reading.header_row)
    if not fields:
        return  # the table needs no column, and the sheet is another table
    columns = tuple(map(fields.get, range(len(header))))
    decisions = Decisions(reading=reading, columns=columns)
    scan = Scan(file.path, table, decisions, language=file.language)
    for share in scan.run():
        file.progress(share)
        if scan.count:
            break
    problems = [each for group in scan.groups for each in scan.problems(group.id, limit=1)]
    if problems:
        first = min(problems, key=lambda problem: problem.line)
        raise _wrong_value(first.field, first.reason, first.line)


def _wrong_value(field: str, reason: str, line: int) -> TableError:
    """Return the error about a value, or about a row if `field` is empty."""
    key = "table_model" if field else "table_row"
    return TableError(key, line=line, column=field, problem=reason.rstrip(".。"))


def _check_names(
    table: Table, header: Sequence[str], found: Sequence[str], language: str, line: int
) -> None:
    """Check that a header has the required fields, some of a model, and none of them twice.

    Args:
        table: the table.
        header: the header of the file.
        found: the names of the fields in it.
        language: the language of the list of names.
        line: the line of the header.

    Raises:
        TableError: it has not.
    """
    names = [each.name for each in table.fields]
    known = {*names, *table.unique, *(alias for each in table.fields for alias in each.aliases)}
    required = [each.name for each in table.fields if each.required]
    if table.model and not found:
        raise TableError("table_unknown", line=line, columns=listed(names, language))
    if missing := [name for name in required if name not in found]:
        raise TableError("table_columns", line=line, columns=listed(missing, language))
    if twice := repeated(header, known):
        raise TableError("table_twice", line=line, columns=listed(twice, language))


class _Table:
    def __init__(self, file: CheckedFile, options: TableOptions, model: type[Any] | None) -> None:
        self._file = file
        self._options = options
        self._model = model
        knows_names = options.aliases or model or options.repair
        self._table = declared_table(options, model) if knows_names else Table((), options.unique)
        self._types = {self._table.name_of(name): kind for name, kind in options.types.items()}
        self._blocks = text_blocks(file, encoding=options.encoding)
        self._buffer = ""
        self._line = 1  # of the first row in the buffer
        self._header: list[str] = []
        self._unique = {name: Seen() for name in self._table.unique}
        self._rows = 0

    def check(self) -> None:
        while not self._buffer.lstrip("\n") and self._read():
            pass
        text = self._buffer.lstrip("\n")
        self._line += len(self._buffer) - len(text)
        self._buffer = text
        if not text:
            raise self._error("table_empty", None)
        any_rows = table_grammar.grammar(self._delimiter(text[: table_grammar.SAMPLE]))
        self._read_header(any_rows)
        types = [self._types.get(name, "text") for name in self._header]
        good_rows = table_grammar.rows(any_rows.delimiter, types)
        while True:
            end = good_rows.end(self._buffer)
            if self._model or self._unique or self._options.max_rows is not None:
                self._look_at_rows(self._buffer[:end], any_rows.delimiter)
            self._drop(end)
            if self._buffer:
                self._explain(any_rows)
            if not self._read():
                break
        if self._buffer:
            raise self._error("table_quote_open")

    def _read(self) -> bool:
        """Add a block to the buffer, and return whether there was one."""
        for block in self._blocks:
            if block:
                self._buffer += block
                return True
        if self._buffer and not self._buffer.endswith("\n"):
            self._buffer += "\n"
            return True
        return False

    def _drop(self, end: int) -> None:
        self._line += self._buffer.count("\n", 0, end)
        self._buffer = self._buffer[end:]

    def _delimiter(self, sample: str) -> str:
        """Return the delimiter that divides most rows of the sample into as many values."""
        wanted = {*self._options.columns, *self._options.types}
        found = table_grammar.detected_delimiter(
            sample, wanted, is_tsv=self._file.name.lower().endswith(".tsv")
        )
        allowed = self._options.delimiter
        if not allowed or found in ("", allowed):
            return allowed or found or ","
        if len(self._values(sample, allowed)) > 1:
            return allowed
        raise self._error(
            "table_delimiter", delimiter=self._named(found), allowed_delimiter=self._named(allowed)
        )

    def _named(self, delimiter: str) -> str:
        name = table_grammar.DELIMITERS.get(delimiter)
        return say(f"delimiter_{name}", self._file.language) if name else delimiter

    def _read_header(self, any_rows: table_grammar.Grammar) -> None:
        while not (found := any_rows.row.match(self._buffer)):
            self._explain(any_rows)
            if not self._read():
                raise self._error("table_quote_open")
        given = [bare(name) for name in self._values(found[0], any_rows.delimiter)]
        fields = fields_of(self._table, given)
        self._header = [fields.get(at, name) for at, name in enumerate(given)]
        required = {each: self._table.name_of(each) for each in self._options.columns}
        if missing := [each for each, name in required.items() if name not in self._header]:
            language = self._file.language
            raise self._error("table_columns", self._line, columns=listed(missing, language))
        if not self._table.reads_rows:
            found_names = [*fields.values()]
            _check_names(self._table, given, found_names, self._file.language, line=self._line)
        self._drop(found.end())

    def _explain(self, any_rows: table_grammar.Grammar) -> None:
        """Raise a `TableError` about the first row in the buffer, unless its end is unread."""
        if self._header and (found := any_rows.row.match(self._buffer)):
            raise self._bad_row(self._values(found[0], any_rows.delimiter))
        values = any_rows.values.match(self._buffer)
        at = values.end() if values else 0
        quoted = any_rows.quoted.match(self._buffer, at)
        if quoted and self._buffer[quoted.end() :][:1] not in ("", "\n", any_rows.delimiter):
            is_open = "\n" in self._buffer[: quoted.end()]
            raise self._error("table_quote_open" if is_open else "table_quote")
        if len(self._buffer) > table_grammar.MAX_ROW:
            is_open = self._buffer.startswith('"', at)
            raise self._error("table_quote_open" if is_open else "table_long")

    def _bad_row(self, values: list[str]) -> TableError:
        if len(values) != len(self._header):
            return self._error("table_ragged", found=len(values), expected=len(self._header))
        language = self._file.language
        for name, value in zip(self._header, values, strict=True):
            kind = self._types.get(name, "text")
            if not table_grammar.has_type(value, kind):
                return self._error(
                    "table_type",
                    column=shortened(name),
                    value=shortened(value),
                    type=say(f"type_{kind}", language),
                )
        raise AssertionError("each value of the row has its type")

    def _look_at_rows(self, text: str, delimiter: str) -> None:
        """Give each row to the model, compare the unique columns, and count the rows.

        Raises:
            TableError: the model does not accept a row, a value is there twice, or there are too
                many rows.
        """
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        line = self._line
        for row in reader:
            if row:
                self._look_at_row(dict(zip(self._header, row, strict=False)), line)
            line = self._line + reader.line_num

    def _look_at_row(self, values: dict[str, str], line: int) -> None:
        self._rows += 1
        limit = self._options.max_rows
        if limit is not None and self._rows > limit:
            raise self._error("table_rows", line, limit=f"{limit:,}")
        given = {name: value for name, value in values.items() if value}
        if self._model is not None:
            for _, name, problem, details in self._table.errors([given]):
                raise _wrong_value(name, reason_of(problem, details, self._file.language), line)
        for name, seen in self._unique.items():
            if name in given and (known := seen.add(given[name], line)):
                raise self._error("table_unique", line, column=name, known=known)

    def _values(self, row: str, delimiter: str) -> list[str]:
        return next(csv.reader(io.StringIO(row, newline=""), delimiter=delimiter))

    def _error(self, key: str, line: int | None = -1, **values: object) -> TableError:
        return TableError(key, line=self._line if line == -1 else line, **values)
