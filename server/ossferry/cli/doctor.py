"""The output of `ossferry doctor`: a table, text separated by tabs, or JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ossferry.cli.output import Rows
from ossferry.doctor.examination import Row, is_healthy
from ossferry.operations.checks import Outcome

__all__ = ["as_json", "show_lines", "show_table"]

TITLES = {"check": "check", "result": "result", "reason": "reason", "fix": "fix"}

STYLES = {
    Outcome.OK: "green",
    Outcome.WARN: "yellow",
    Outcome.FAIL: "bold red",
    Outcome.SKIPPED: "dim",
}


def as_json(rows: Sequence[Row]) -> str:
    """Return the result as JSON."""
    checks = [asdict(row) for row in rows]
    return json.dumps({"healthy": is_healthy(rows), "checks": checks}, indent=2)


def show_table(rows: Sequence[Row], console: Console) -> None:
    """Print the result as a table with a reason and, if something is wrong, a fix for each row."""
    table = Table("check", "result", "reason and fix")
    for row in rows:
        words = Text("\n").join(Text(each) for each in (row.reason, row.fix) if each)
        table.add_row(row.id, Text(row.outcome.upper(), STYLES[row.outcome]), words)
    console.print(table)


def show_lines(rows: Sequence[Row]) -> None:
    """Print the result for other programs: one line for each row, with columns between tabs."""
    with Rows(TITLES, as_json=False) as lines:
        for row in rows:
            result = row.outcome.upper()
            lines.add(check=row.id, result=result, reason=row.reason, fix=row.fix or None)
