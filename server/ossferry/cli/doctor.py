"""The output of `ossferry doctor`: a table, text separated by tabs, or JSON."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict

import typer

from ossferry.cli.output import Rows, progress
from ossferry.doctor.examination import PROBES, Row, is_healthy


@contextmanager
def shown(*, as_json: bool) -> Iterator[Callable[[Row], None]]:
    """Context manager that prints the results of `ossferry doctor`; its value is a function.

    Call the function with each result. With `as_json`, all results are printed when the block ends,
    as one JSON document. Otherwise, a terminal gets a table when the block ends, and other programs
    get each result immediately, as text separated by tabs. If stderr is a terminal, a progress bar
    is shown there.
    """
    rows: list[Row] = []
    with (
        progress("Checking", total=len(PROBES)) as done,
        nullcontext()
        if as_json
        else Rows("check", "result", "reason", "fix", as_json=False) as lines,
    ):

        def show(row: Row) -> None:
            rows.append(row)
            done(1)
            if lines:
                lines.add(row.id, row.outcome.upper(), row.reason, row.fix or None)

        yield show
    if as_json:
        checks = [asdict(row) for row in rows]
        typer.echo(json.dumps({"healthy": is_healthy(rows), "checks": checks}, indent=2))
