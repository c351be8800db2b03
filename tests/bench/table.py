"""The rows of the benchmark report, their results over several runs, and the printed table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from operator import ge, le, lt
from statistics import median
from typing import Any

from rich.console import JustifyMethod
from rich.markup import escape
from rich.table import Table

Only = Callable[[str], bool]
"""Returns whether a row with this name is requested."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured value.

    Attributes:
        name: description of the measurement; the pattern of `ONLY=` is searched in it.
        peer: subject of `peer_value`, measured in the same run and the same unit.
        reach: the goal: `<`, `<=` or `>=`, a number, and its unit; `x peer` means the ratio.
    """

    name: str
    value: float
    unit: str
    peer: Peer | None = None
    peer_value: float | None = None
    reach: str | None = None

    @property
    def ratio(self) -> float | None:
        """`value / peer_value`."""
        return self.value / self.peer_value if self.peer_value else None

    @property
    def met(self) -> bool | None:
        """Whether the goal was reached; None without a goal."""
        if self.reach is None:
            return None
        sign, limit, unit = self.reach.split(" ", 2)
        found = self.ratio if unit == "x peer" else self.value
        return found is not None and SIGNS[sign](found, float(limit.replace(",", "")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A measurement that gives one or more rows.

    Attributes:
        names: of its rows.
        rows: measures and yields the requested rows; it may yield others too.
        needs: the programs without which its rows are skipped (`support.prerequisites`).
    """

    names: tuple[str, ...]
    rows: Callable[[Only], Iterator[Row]]
    needs: tuple[str, ...] = ()


@dataclass(slots=True)
class Result:
    """The rows with one name, one from each run, or the reason why there are none.

    Attributes:
        skipped: the missing program, and how to install it.
        failed: the error that ended the measurement.
    """

    name: str
    rows: list[Row] = field(default_factory=list)
    skipped: str | None = None
    failed: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the result as it is stored in `build/bench.json`."""
        found: dict[str, Any] = {"name": self.name, "runs": len(self.rows)}
        if self.skipped:
            found["skipped"] = self.skipped
        if self.failed:
            found["failed"] = self.failed
        if self.rows:
            last = self.rows[-1]
            found |= {"unit": last.unit, "peer": asdict(last.peer) if last.peer else None}
            for what in ("value", "peer_value", "ratio"):
                found[what] = _span(self.all_of(what))
            found |= {"reach": last.reach, "met": self.runs_that_met}
        return found

    def all_of(self, what: str) -> list[float]:
        """Return the numbers of one attribute of the rows."""
        return [value for row in self.rows if (value := getattr(row, what)) is not None]

    @property
    def runs_that_met(self) -> int | None:
        """The number of runs that reached the goal; None if the row has no goal."""
        met = [row.met for row in self.rows if row.met is not None]
        return sum(met) if met else None


def as_table(results: Iterable[Result]) -> Table:
    """Return the results as a printable table; of several runs, median and range."""
    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    for column in COLUMNS:
        justify: JustifyMethod = "right" if column in NUMBERS else "left"
        table.add_column(column, justify=justify, no_wrap=column not in WRAPPED)
    for result in results:
        last = result.rows[-1] if result.rows else None
        peer = last.peer if last else None
        table.add_row(
            result.name,
            _numbers(result.all_of("value")),
            last.unit if last else "",
            peer.name if peer else "",
            peer.work if peer else "",
            _numbers(result.all_of("peer_value")),
            _numbers(result.all_of("ratio")),
            (last.reach if last else None) or "",
            _verdict(result),
        )
    return table


def _verdict(result: Result) -> str:
    if result.failed:
        return f"[bold red]failed[/]: {escape(result.failed)}"
    if result.skipped:
        return f"skipped: {escape(result.skipped)}"
    met, runs = result.runs_that_met, len(result.rows)
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
