"""The output of `ossferry doctor`: a table, text separated by tabs, or JSON."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ossferry.cli.output import Rows, progress
from ossferry.diagnosis.findings import Outcome
from ossferry.doctor.examination import PROBES, Row, is_healthy

STYLES = {
    Outcome.OK: "green",
    Outcome.WARN: "yellow",
    Outcome.FAIL: "bold red",
    Outcome.SKIPPED: "dim",
}


@contextmanager
def shown(*, as_json: bool) -> Iterator[Callable[[Row], None]]:
    """Context manager that prints the results of `ossferry doctor`; its value is a function.

    Call the function with each result. With `as_json`, all results are printed when the block ends,
    as one JSON document. Otherwise, a terminal gets a table when the block ends, and other programs
    get each result immediately, as text separated by tabs. If stderr is a terminal, a progress bar
    is shown there.
    """
    rows: list[Row] = []
    has_lines = not (as_json or sys.stdout.isatty())
    with (
        progress("Checking", total=len(PROBES)) as done,
        Rows("check", "result", "reason", "fix", as_json=False)
        if has_lines
        else nullcontext() as lines,
    ):

        def show(row: Row) -> None:
            rows.append(row)
            done(1)
            if lines:
                result = row.outcome.upper()
                lines.add(check=row.id, result=result, reason=row.reason, fix=row.fix or None)

        yield show
    if as_json:
        checks = [asdict(row) for row in rows]
        typer.echo(json.dumps({"healthy": is_healthy(rows), "checks": checks}, indent=2))
    elif not has_lines:
        show_table(rows, Console())


def show_table(rows: Sequence[Row], console: Console) -> None:
    """Print the results of `ossferry doctor` as a table, with the reasons and the fixes."""
    table = Table("check", "result", "reason and fix")
    for row in rows:
        words = Text("\n").join(Text(each) for each in (row.reason, row.fix) if each)
        table.add_row(row.id, Text(row.outcome.upper(), STYLES[row.outcome]), words)
    console.print(table)
