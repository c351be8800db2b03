"""`clean`: writes the repaired table; the same decisions give the same bytes on every Python."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ossferry_checks.builtin.table_grammar import TYPES
from ossferry_checks.tables.decisions import NOTHING, Decisions
from ossferry_checks.tables.declaration import Table
from ossferry_checks.tables.problems import Group, Problems
from ossferry_checks.tables.repair import Repair, Repaired, repaired

FORMULA = re.compile(r"\0[=+\-@\t]")
NUMBER = re.compile(TYPES["decimal"], re.ASCII)
CHANGES = ("row", "line", "field", "before", "after", "why")


class Target(Protocol):
    """A file that is open for writing bytes."""

    def write(self, data: bytes, /) -> object:
        """Write bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of `clean`: numbers about the repaired table.

    Attributes:
        rows_in, rows_out: the number of rows in the original file, and in the repaired table.
        changed: the number of changed cells.
        dropped: the number of rows that were left out of the repaired table.
        formulas: the number of cells that a spreadsheet would evaluate as a formula; they are not
            changed.
        model: the SHA-256 of the declaration of the table.
        left: the problems that no decision has solved. If there are any, the repaired table is
            incomplete and must not be uploaded.
    """

    rows_in: int
    rows_out: int
    changed: int
    dropped: int
    formulas: int
    model: str
    left: tuple[Group, ...]


def clean(
    path: Path | str,
    table: Table | type[Any],
    decisions: Decisions = NOTHING,
    *,
    into: Path | str | Target,
    changes: Path | str | Target | None = None,
) -> Result:
    """Write the repaired table as CSV: UTF-8, commas, the fields of the table in their order.

    Args:
        path: the file to repair.
        table: the declaration, or a pydantic model.
        decisions: the choices of the person who repairs the table.
        into: path of the repaired table, or an object with a method `write(bytes)`.
        changes: path of a CSV file, or such an object, that gets one line for each changed cell
            and each dropped row.

    Raises:
        TableError: the table cannot be read.
        ValueError: the decisions do not fit the table.
    """
    table = table if isinstance(table, Table) else Table.of(table)
    cleaning = Cleaning(path, table, decisions)
    with _opened(into) as target, _opened(changes) as list_of_changes:
        for _ in cleaning.run(target, list_of_changes):
            pass
    return cleaning.result


def _opened(target: Any) -> Any:
    if isinstance(target, str | Path):
        return Path(target).open("wb")
    return nullcontext(target)


class Cleaning:
    """Writes a repaired table in steps, so that the caller can show the progress; `clean` runs all.

    Args:
        path: the file to repair.
        table: the declaration.
        decisions: the choices of the person who repairs the table.

    Raises:
        TableError: the table cannot be read.
        ValueError: the decisions do not fit the table.
    """

    def __init__(self, path: Path | str, table: Table, decisions: Decisions = NOTHING) -> None:
        self._path = Path(path)
        self._model = table.fingerprint  # a model without a schema fails before anything is written
        self._decisions = decisions.complete(self._path, table)
        self._repair = Repair(table, self._decisions)
        self._problems = Problems(self._repair, self._decisions)
        self._texts = [at for at, each in enumerate(table.fields) if each.kind == "text"]
        self._rows_out = self._changed = self._dropped = self._formulas = 0

    def run(self, target: Target, changes: Target | None = None) -> Iterator[float]:
        """Read the file, write the result, and yield the finished share after each batch of rows.

        Args:
            target: gets the repaired table.
            changes: gets the list of changes.

        Raises:
            TableError: the table cannot be read.
        """
        target.write(_csv([self._repair.names]))
        if changes:
            changes.write(_csv([CHANGES]))
        for found in repaired(self._path, self._repair, self._decisions):
            self._problems.add(found.rows.values())
            rows: list[Sequence[str] | None] = [*zip(*found.after, strict=True)]
            for at, row in found.rows.items():
                rows[at] = None if row.dropped else row.texts
            kept = [row for row in rows if row is not None]
            target.write(_plain(kept))
            self._rows_out += len(kept)
            self._dropped += len(rows) - len(kept)
            self._count_formulas(kept)
            lines = self._changes(found)
            if changes:
                changes.write(_csv(lines))
            yield found.batch.share
        self._problems.end()

    @property
    def result(self) -> Result:
        """The numbers about the repaired table, after `run` has ended."""
        return Result(
            rows_in=self._repair.rows,
            rows_out=self._rows_out,
            changed=self._changed,
            dropped=self._dropped,
            formulas=self._formulas,
            model=self._model,
            left=tuple(self._problems.groups()),
        )

    def _count_formulas(self, rows: Sequence[Sequence[str]]) -> None:
        columns = [*zip(*rows, strict=True)]
        for column in [columns[at] for at in self._texts] if columns else ():
            if FORMULA.search("\0".join(("", *column))):
                self._formulas += sum(
                    text[:1] in "=+-@\t" and not NUMBER.fullmatch(text) for text in column if text
                )

    def _changes(self, batch: Repaired) -> list[Sequence[object]]:
        """Count the changed cells of a batch, and return a line for each and for dropped rows."""
        found: list[tuple[int, int, str, str, str]] = []  # index, field, before, after, why
        for field, (before, after) in enumerate(zip(batch.before, batch.after, strict=True)):
            if before is not after:
                for at, (old, new) in enumerate(zip(before, after, strict=True)):
                    if old != new and at not in batch.rows:
                        found.append((at, field, old, new, "convert"))
        for at, row in batch.rows.items():
            if row.dropped:
                found.append((at, -1, _csv([row.raw])[:-2].decode(), "", "drop_rows"))
                continue
            for field, why in row.changes.items():
                if batch.before[field][at] != row.texts[field]:
                    found.append((at, field, batch.before[field][at], row.texts[field], why))
        self._changed += sum(field >= 0 for _, field, *_ in found)
        names = [*self._repair.names, ""]  # the last one of dropped rows
        return [
            (batch.first + at, batch.batch.lines[at], names[field], *rest)
            for at, field, *rest in sorted(found)
        ]


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def _plain(rows: Sequence[Sequence[str]]) -> bytes:
    """Return the same as `_csv`, in a fifth of the time if no value needs quotation marks."""
    text = "\r\n".join([*map(",".join, rows), ""])
    commas = sum(map(len, rows)) - len(rows)
    is_plain = commas and '"' not in text and text.count(",") == commas
    if is_plain and text.count("\r") == text.count("\n") == len(rows):
        return text.encode()
    return _csv(rows)
