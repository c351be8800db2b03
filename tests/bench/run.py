"""Runs the benchmarks (`make bench`), prints a table and writes `build/bench.json`.

A benchmark is a module `*_bench.py` in this folder that defines `BENCHES`. The programs that the
requested rows need are installed first; a row without its program is skipped. If a measurement
fails, the others still run. The exit status is 0 unless a measurement failed: a missed goal is a
result.
"""

import argparse
import importlib
import json
import re
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from bench.peers.npm import PeerMissingError
from bench.table import Bench, Only, Result, as_table
from ossferry.observability.log_format import configure
from support import browsers, prerequisites

HERE = Path(__file__).parent
LOG_WIDTH = 260  # columns, if the output is not a terminal
OUT = HERE.parents[1] / "build" / "bench.json"


def all_benches() -> list[Bench]:
    """Return the benches of all modules in this folder."""
    found: list[Bench] = []
    for path in sorted(HERE.glob("*_bench.py")):
        found += importlib.import_module(f"bench.{path.stem}").BENCHES
    return found


def measure(benches: Iterable[Bench], only: Only, *, runs: int, out: Path) -> list[Result]:
    """Measure the requested rows, and write all results to `out` after each row.

    Args:
        runs: how often each bench is repeated.
    """
    wanted = [bench for bench in benches if any(only(row.name) for row in bench.rows)]
    results = {row.name: Result(row) for bench in wanted for row in bench.rows if only(row.name)}
    _install({name for bench in wanted for name in bench.needs})
    for bench in wanted:
        own = {row.name: results[row.name] for row in bench.rows if row.name in results}
        lacking = [each for name in bench.needs if not (each := prerequisites.named(name)).found()]
        for result in own.values() if lacking else ():
            result.skipped = "; ".join(map(prerequisites.explain, lacking))
        for run in range(0 if lacking else runs):
            if not _run_once(bench, only, own, run, results.values(), out):
                break
        _write(results.values(), out)
    return list(results.values())


def _run_once(
    bench: Bench,
    only: Only,
    own: Mapping[str, Result],
    run: int,
    results: Iterable[Result],
    out: Path,
) -> bool:
    """Run a bench once, and return whether another run makes sense: no measurement failed."""
    failed, skipped = "the bench did not give this row", ""
    try:
        for name, value, peer_value in bench.measure(only):
            if name in own:
                own[name].values.append((value, peer_value))
                _say(f"{name}: {value:,.2f} {own[name].row.unit}")  # a whole run takes long
                _write(results, out)
    except PeerMissingError as error:
        skipped = str(error)
    except Exception as error:  # the other benches still run; the exit status tells it
        _say(traceback.format_exc())
        failed = f"{type(error).__name__}: {error}"
    short = [result for result in own.values() if len(result.values) <= run]
    for result in short:
        if skipped:
            result.skipped = skipped
        else:
            result.failed = failed
    return bool(skipped) or not short


def _install(names: set[str]) -> None:
    """Install the missing programs among these, as far as this machine can."""
    missing = [each for name in sorted(names) if not (each := prerequisites.named(name)).found()]
    if missing:
        prerequisites.install(missing)


def _write(results: Iterable[Result], out: Path) -> None:
    out.parent.mkdir(exist_ok=True)
    found = [each.as_json() for each in results if each.values or each.skipped or each.failed]
    out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def main(
    arguments: Sequence[str], benches: Iterable[Bench] | None = None, *, out: Path = OUT
) -> int:
    """Run the benches, print the results, and return the exit status."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the project.")
    parser.add_argument(
        "--only", metavar="PATTERN", default="", help="regular expression, sought in row names"
    )
    parser.add_argument("--runs", type=int, default=1, help="repeat each row, and give the range")
    given = parser.parse_args(arguments)
    pattern = re.compile(given.only, re.IGNORECASE)
    configure("ERROR")  # hide the servers' warnings about the load
    results = measure(
        all_benches() if benches is None else benches,
        lambda name: pattern.search(name) is not None,
        runs=given.runs,
        out=out,
    )
    if not results:
        _say(f"no row is called anything like {given.only!r}")
        return 2
    console = Console()
    if not console.is_terminal:
        console = Console(width=LOG_WIDTH)
    console.print(as_table(results))
    console.print(f"written to {out}")
    return int(any(result.failed for result in results))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except browsers.NoBrowserError as error:
        sys.exit(str(error))
