"""The rows of the benchmark report, their results over several runs, and the printed table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from operator import ge, le, lt
from statistics import median
from typing import Any, TypeAlias

from rich.console import JustifyMethod
from rich.markup import escape
from rich.table import Table

Only: TypeAlias = Callable[[str], bool]
"""Returns whether a row with this name is requested."""

Value: TypeAlias = tuple[str, float, float | None]
"""The name of a row, the measured value, and the value of the peer if the row has one."""

SIGNS: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">=": ge}
COLUMNS = ("value", "unit", "peer", "what the peer is", "peer value", "ratio", "reach", "met")
NUMBERS = ("value", "peer value", "ratio")
WRAPPED = ("what the peer is", "met")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The program with which a row compares ours.

    Attributes:
        work: what the program does and does not do, so that a reader can judge the ratio.
    """

    name: str
    work: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the report.

    Attributes:
        name: description of the measurement; the pattern of `ONLY=` is searched in it.
        reach: the goal: `<`, `<=` or `>=`, a number, and its unit; `x peer` means the ratio.
        peer: the program that is measured in the same run and the same unit.
    """

    name: str
    unit: str
    reach: str | None = field(default=None, kw_only=True)
    peer: Peer | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A measurement that gives one or more rows.

    Attributes:
        measure: yields the values of the requested rows; it may yield others too.
        needs: the programs without which its rows are skipped (`support.prerequisites`).
    """

    rows: tuple[Row, ...]
    measure: Callable[[Only], Iterator[Value]]
    needs: tuple[str, ...] = ()


@dataclass(slots=True)
class Result:
    """The values of a row, one from each run, or the reason why there are none.

    Attributes:
        values: pairs of the measured value and the value of the peer.
        skipped: the missing program, and how to install it.
        failed: the error that ended the measurement.
    """

    row: Row
    values: list[tuple[float, float | None]] = field(default_factory=list)
    skipped: str | None = None
    failed: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the result as it is stored in `build/bench.json`."""
        found: dict[str, Any] = {"name": self.row.name, "runs": len(self.values)}
        if self.skipped:
            found["skipped"] = self.skipped
        if self.failed:
            found["failed"] = self.failed
        if self.values:
            peer = self.row.peer
            found |= {"unit": self.row.unit, "peer": asdict(peer) if peer else None}
            found |= {what: _span(numbers) for what, numbers in self.numbers.items()}
            found |= {"reach": self.row.reach, "met": self.runs_that_met}
        return found

    @property
    def numbers(self) -> dict[str, list[float]]:
        """The measured values, the values of the peer, and the ratios."""
        peers = [peer for _, peer in self.values if peer is not None]
        ratios = [value / peer for value, peer in self.values if peer]
        return {"value": [value for value, _ in self.values], "peer_value": peers, "ratio": ratios}

    @property
    def runs_that_met(self) -> int | None:
        """The number of runs that reached the goal; None if the row has no goal."""
        if self.row.reach is None or not self.values:
            return None
        sign, limit, unit = self.row.reach.split(" ", 2)
        found = self.numbers["ratio" if unit == "x peer" else "value"]
        return sum(SIGNS[sign](value, float(limit.replace(",", ""))) for value in found)


def as_table(results: Iterable[Result]) -> Table:
    """Return the results as a printable table; of several runs, median and range."""
    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    for column in COLUMNS:
        justify: JustifyMethod = "right" if column in NUMBERS else "left"
        table.add_column(column, justify=justify, no_wrap=column not in WRAPPED)
    for result in results:
        row = result.row
        value, peer_value, ratio = map(_numbers, result.numbers.values())
        peer = (row.peer.name, row.peer.work) if row.peer else ("", "")
        reach = row.reach or ""
        verdict = _verdict(result)
        table.add_row(row.name, value, row.unit, *peer, peer_value, ratio, reach, verdict)
    return table


def _verdict(result: Result) -> str:
    if result.failed:
        return f"[bold red]failed[/]: {escape(result.failed)}"
    if result.skipped:
        return f"skipped: {escape(result.skipped)}"
    met, runs = result.runs_that_met, len(result.values)
    if met is None:
        return ""
    if met == runs:
        return "yes"
    return f"[bold red]{f'{met} of {runs}' if met else 'no'}[/]"


def _span(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {"min": min(values), "median": median(values), "max": max(values)}


def _numbers(values: list[float]) -> str:
    """Return the median, and the range in brackets if there are several values."""
    span = _span(values)
    if span is None:
        return ""
    text = _number(span["median"])
    return f"{text} ({_number(span['min'])} to {_number(span['max'])})" if values[1:] else text


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
