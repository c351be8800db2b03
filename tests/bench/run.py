"""Runs the benchmarks (`make bench`), prints a table and writes `build/bench.json`.

A benchmark is a module `*_bench.py` in this folder. It defines `rows(only)`, which yields a `Row`
for every name that `only` accepts, and measures nothing else; or `rows()`, which measures
everything and may yield dictionaries with the fields of `Row`. If the module has `NAMES` of its
rows, it can be skipped as a whole.
"""

import argparse
import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[0] = str(HERE.parent)  # for imports of `bench` and `support`, as in the tests

from rich.console import Console  # noqa: E402

from bench.table import Only, Row, as_table  # noqa: E402 - the path comes first
from ossferry.observability.logs import configure  # noqa: E402

LOG_WIDTH = 140  # columns, if the output is not a terminal
OUT = ROOT / "build" / "bench.json"


def run(only: Only) -> Iterator[Row]:
    """Run every benchmark that has a requested row."""
    for path in sorted(HERE.glob("*_bench.py")):
        module = importlib.import_module(f"bench.{path.stem}")
        names = getattr(module, "NAMES", None)
        if names is None or any(map(only, names)):
            yield from (row for row in _rows(module, only) if only(row.name))


def _rows(module: ModuleType, only: Only) -> Iterator[Row]:
    given = module.rows(only) if inspect.signature(module.rows).parameters else module.rows()
    for row in given:
        yield row if isinstance(row, Row) else Row(**row)


def main() -> None:
    """Parse the command line, run the benchmarks, and print the results."""
    parser = argparse.ArgumentParser(description="Measure the project.")
    parser.add_argument(
        "--only", metavar="PATTERN", default="", help="regular expression, sought in row names"
    )
    configure("ERROR")  # hide the servers' warnings about the load
    pattern = re.compile(parser.parse_args().only, re.IGNORECASE)
    measured: list[Row] = []
    try:
        for row in run(lambda name: pattern.search(name) is not None):
            measured.append(row)
            print(f"{row.name}: {row.value:,.2f} {row.unit}", file=sys.stderr)  # noqa: T201 - a whole run takes long
    finally:  # keep the results of the others if one benchmark fails
        if measured:
            _tell(measured)
    if not measured:
        sys.exit(f"no row is called anything like {pattern.pattern!r}")


def _tell(measured: list[Row]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=LOG_WIDTH)
    console.print(as_table(measured))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(row) for row in measured], indent=1) + "\n", "utf-8")
    console.print(f"written to {OUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
