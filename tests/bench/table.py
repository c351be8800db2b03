"""The rows of the benchmark report, and the printed table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.table import Table

__all__ = ["Only", "Row", "as_table"]

Only = Callable[[str], bool]
"""Returns whether a row with this name is requested."""

NUMBERS = ("value", "peer value", "ratio")
MET = {True: "yes", False: "[bold red]no[/]", None: ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured value, as stored in `build/bench.json`.

    Attributes:
        name: description of the measurement; the pattern of `ONLY=` is searched in it.
        peer: subject of `peer_value`, measured in the same run and the same unit.
        ratio: `value / peer_value`.
        reach: the goal, in words; `met` tells whether it was reached.
    """

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    reach: str | None = None
    met: bool | None = None


def as_table(rows: Iterable[Row]) -> Table:
    """Return the rows as a printable table."""
    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    for column in ("value", "unit", "peer", "peer value", "ratio", "reach", "met"):
        table.add_column(column, justify="right" if column in NUMBERS else "left", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            _number(row.value),
            row.unit,
            row.peer or "",
            _number(row.peer_value),
            "" if row.ratio is None else f"{row.ratio:.2f}",
            row.reach or "",
            MET[row.met],
        )
    return table


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
