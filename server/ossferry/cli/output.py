"""Output of commands: rows as a table, as text separated by tabs or as JSON, and progress bars.

A terminal gets tables, other programs get text with one line per row; with `--json`, both get one
JSON object per line. Rows are written while a command runs, so long lists need little memory.
Progress bars are shown on stderr, and only if stderr is a terminal. Names and keys come from other
people, so control characters in them are escaped. Otherwise they could change the terminal or look
like another line.
"""

import json
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Self, TypeAlias

import typer

from ossferry.clock import utc_text

ROWS_PER_TABLE = 500
"""Rows after which a terminal gets a table; the rows that follow get a table of their own."""

ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories of characters without a shape: controls, text direction, line ends."""

Value: TypeAlias = str | int | datetime | None

AS_JSON = "ossferry.as_json"
"""Name of a member of the contexts: whether `--json` was given."""


def _remember(context: typer.Context, wanted: bool) -> bool:
    context.meta[AS_JSON] = wanted
    return wanted


def wants_json(context: typer.Context) -> bool:
    """Return whether the option `--json` was given to a command or to a parent command."""
    return bool(context.meta.get(AS_JSON))


JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", callback=_remember, help="Print one JSON object per line.")
]


class Rows:
    """Context manager that writes rows with the same columns to stdout.

    A terminal gets a table, and other programs get text separated by tabs.

    Args:
        names: the names of the columns; in JSON, they are the names of the members.
        titles: the titles of columns, by name; a missing title is made from the name.
        as_json: whether to write one JSON object per row instead of a table or text.
        has_heading: whether text for other programs begins with a line of titles.
    """

    def __init__(
        self,
        *names: str,
        as_json: bool,
        titles: Mapping[str, str] = MappingProxyType({}),
        has_heading: bool = True,
    ) -> None:
        self._titles = {
            name: titles.get(name, name.removesuffix("_at").replace("_", " ")) for name in names
        }
        self._as_json = as_json
        self._has_heading = has_heading
        self._is_terminal = not as_json and sys.stdout.isatty()
        self._waiting: list[Mapping[str, Value]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        self._write_table()
        if error is None:
            self._write_heading()

    def add(self, *row: Value) -> None:
        """Write one row: a value for each column, in their order.

        `None` is shown as `-` (null in JSON).
        """
        values = dict(zip(self._titles, row, strict=True))
        if self._as_json:
            json_line({name: _for_json(value) for name, value in values.items()})
        elif self._is_terminal:
            self._waiting.append(values)
            if len(self._waiting) >= ROWS_PER_TABLE:
                self._write_table()
        else:
            self._write_heading()
            typer.echo("\t".join(map(_text, row)))

    def _write_heading(self) -> None:
        """Write the line of titles once; a command that fails before the first row writes none."""
        if self._has_heading and not (self._as_json or self._is_terminal):
            typer.echo("\t".join(self._titles.values()))
        self._has_heading = False

    def _write_table(self) -> None:
        if not self._waiting:
            return
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        rows, self._waiting = self._waiting, []
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for name, title in self._titles.items():
            is_number = all(isinstance(row[name], int | None) for row in rows)
            table.add_column(title, justify="right" if is_number else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_text(row[name])) for name in self._titles))
        Console().print(table)


def json_line(document: Mapping[str, object]) -> None:
    """Write a JSON object to stdout, on one line."""
    typer.echo(json.dumps(document))


def note(sentence: str) -> None:
    """Write a sentence for the person who runs the command, such as a summary, to stderr."""
    typer.echo(sentence, err=True)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, such as `1 upload` or `2 uploads`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def plain(text: str) -> str:
    """Return a text with control and other invisible characters escaped, such as `\\x1b`."""
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in ESCAPED else char
        for char in text
    )


@contextmanager
def progress(
    words: str, *, total: int | None, in_bytes: bool = False
) -> Iterator[Callable[[int], None]]:
    """Context manager that shows a progress bar on stderr, if stderr is a terminal.

    Its value is a function; call it after each step with the amount of work in this step.

    Args:
        words: the text beside the bar.
        total: the whole amount of work; None if it is unknown.
        in_bytes: whether the amount is a number of bytes.
    """
    if not sys.stderr.isatty():
        yield lambda _amount: None
        return
    from rich import progress as bars
    from rich.console import Console

    amount = bars.DownloadColumn() if in_bytes else bars.MofNCompleteColumn()
    parts = (bars.TextColumn("{task.description}"), bars.BarColumn(), amount)
    with bars.Progress(
        *parts,
        bars.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # otherwise rows for a file would go to stderr
    ) as shown:
        task = shown.add_task(words, total=total)
        yield lambda amount: shown.advance(task, amount)


def _for_json(value: Value) -> str | int | None:
    return utc_text(value) if isinstance(value, datetime) else value


def _text(value: Value) -> str:
    if isinstance(value, datetime):
        return utc_text(value)
    return "-" if value is None else plain(str(value))
