"""Repair of a CSV of 1,000,000 rows with 5,000 problems, beside `react-spreadsheet-import`.

A quarter of the problems each are dates as `31.12.2026`, numbers as `1,5`, empty required values,
and unknown choices; types alone find only the dates and the numbers. Time runs from the choice of
the file in a loaded page. Ours includes the start of the worker, and ends with the groups and the
first hundred problems of the first one. The peer ends with its table of the rows with problems;
a script presses its buttons at once. Until then, the bench clicks on the page every 50 ms.
Memory is the WASM heap of our worker, which never shrinks, and the peer's heap of JavaScript
after a collection of garbage. The corrected file is written after a fix for each group.
"""

import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from bench.checks_bench import CLICK_S, CLICKS, all_delays
from bench.chromium import chromium
from bench.peers.pages import serve_pages
from bench.sending import CLOCK
from bench.tab import Tab, open_tab
from bench.table import Bench, Only, Peer, Row, Value
from ossferry.checks.bundling import make_bundle
from ossferry.cli.demo import Demo

ROWS, EVERY = 1_000_000, 200  # each 200th row has a problem
PEER_ROWS = (10_000, 100_000, 300_000, ROWS)
PEER_LIMIT_S, LIMIT_S = 120, 1200
PEER = Peer(name="react-spreadsheet-import 4.7.1", work="has all rows in memory")
PACKAGES = ("pydantic>=2.12",)
SOURCE = """
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel


class Order(BaseModel):
    id: str
    day: date
    customer: str
    status: Literal["new", "paid", "sent"]
    amount: Decimal
    note: str = ""
"""
MODEL, TYPES = "model", "types"
COLUMNS = ("id", "day", "customer", "status", "amount", "note")
TABLES: dict[str, dict[str, object]] = {
    MODEL: {"model": "Order"},
    TYPES: {"columns": COLUMNS, "types": {"day": "date", "amount": "decimal"}},
}

# Takes the chosen file before the page does. No worker for checks starts beside that of the repair.
OURS = """
Object.defineProperty(navigator, "connection", { value: { saveData: true } });
window.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => (bench.heap = data.heap ?? bench.heap));
  }
};
addEventListener("change", async (event) => {
  event.stopImmediatePropagation();
  const [file] = event.target.files;
  const config = await (await fetch("api/checks")).text();
  const repair = (await ossferry.load("checks")).makePool(config).repair(file, file.name, "en");
  const run = async (command, given = null) => {
    const result = JSON.parse(await repair.call(command, JSON.stringify(given)));
    if (result.error) throw new Error(result.error);
    return result;
  };
  try {
    const { columns } = await run("open");
    bench.opened = performance.now();
    const { groups, count } = await run("scan", columns.map(({ field }) => field));
    await run("problems", { group: groups[0].id, offset: 0, limit: 100 });
    bench.problems = count;
    bench.finish();
    bench.write = async () => {
      const start = performance.now();
      for (const { field, problem, formats } of groups) {
        const [fix, to] = problem === "format" ? ["convert", formats[0]] : ["replace", "new"];
        bench.left = (await run("decide", { fix: { field, problem, fix, to } })).count;
      }
      await run("write");
      await repair.take(file.name);
      return performance.now() - start;
    };
  } catch (error) {
    bench.fail(error);
  }
}, true);
"""
DATE = ((2010, 2030), (1, 13), (1, 29))
NOTE = "please leave it at the door of the neighbour below"
SCRIPTS = f"""{CLOCK}{CLICKS}
bench.ended.then((ms) => {{ bench.listed = ms; }}, (error) => {{ bench.failed = `${{error}}`; }});
"""
WHATS = {  # what a row measures: its unit, and its goal
    "to the columns": ("s", None),
    "to the list of problems": ("s", None),
    "input delay, p95": ("ms", "<= 50 ms"),
    "memory": ("MB", "<= 300 MB"),
    "to the corrected file": ("s", None),
}
OPENED, LISTED, DELAY, MEMORY, WRITTEN = WHATS
LARGEST = Row("repair: largest table", "rows", peer=PEER, reach=f">= {ROWS:,} rows")


def _name(kind: str, what: str) -> str:
    return f"repair, {ROWS:,} rows, {kind}: {what}"


def _measure(kind: str, _only: Only) -> Iterator[Value]:
    with TemporaryDirectory() as name:
        folder, most, theirs = Path(name), 0, dict[str, float]()
        if kind == MODEL:
            most, theirs = _peer(folder)
        ours = _ours(kind, folder)
    for what in WHATS:
        yield _name(kind, what), ours[what], theirs.get(what)
    if kind == MODEL:
        yield LARGEST.name, ROWS, most


def _table(folder: Path, rows: int) -> Path:
    """Make a table of about 100 bytes for each row."""
    path = folder / f"{rows}.csv"
    chance = random.Random(7)
    with path.open("w") as file:
        file.write(f"{','.join(COLUMNS)}\n")
        for number in range(rows):
            year, month, day = (chance.randrange(*each) for each in DATE)
            amount = f"{chance.random() * 1000:.2f}"
            values = [f"{year}-{month:02}-{day:02}", f"Customer {number % 5000:04}"]
            values += [chance.choice(("new", "paid", "sent")), amount]
            at, is_right = divmod(number, EVERY)
            if not is_right:
                wrong = (f"{day}.{month}.{year}", "", "lost", f'"{amount.replace(".", ",")}"')
                values[at % len(wrong)] = wrong[at % len(wrong)]
            file.write(f"ORD-{number:07},{','.join(values)},{NOTE}\n")
    return path


def _peer(folder: Path) -> tuple[int, dict[str, float]]:
    """Return the rows of the largest table that the peer shows, and its values for `ROWS`."""
    most, found = 0, dict[str, float]()
    with serve_pages() as url:
        for rows in PEER_ROWS:
            with chromium() as browser, open_tab(browser, f"{url}/sheet-import", SCRIPTS) as page:
                try:
                    found = _list(page, _table(folder, rows), PEER_LIMIT_S, rows // EVERY)
                except (RuntimeError, TimeoutError):  # it has crashed, or takes too long
                    return most, {}
                page.send("HeapProfiler.collectGarbage")
                used = page.send("Runtime.getHeapUsage")
                found[MEMORY] = (used["usedSize"] + used["backingStorageSize"]) / 1e6
                most = rows
    return most, found


def _ours(kind: str, folder: Path) -> dict[str, float]:
    """Repair the table with our page, and return the values of its rows."""
    settings: dict[str, Any] = {"checks_built_in": {"table": {**TABLES[kind], "repair": True}}}
    if kind == MODEL:
        checks, wheels = folder / "checks.py", folder / "wheels"
        checks.write_text(SOURCE)
        make_bundle(PACKAGES, wheels)
        settings |= {"checks": checks, "checks_packages": PACKAGES, "checks_dir": wheels}
    with (
        Demo(max_file_size=1 << 30, **settings) as demo,
        chromium() as browser,
        open_tab(browser, demo.url, SCRIPTS + OURS) as page,
    ):
        problems = ROWS // EVERY // (1 if kind == MODEL else 2)
        found = _list(page, _table(folder, ROWS), LIMIT_S, problems)
        found[WRITTEN] = page.evaluate("bench.write()") / 1000
        found[MEMORY] = page.evaluate("bench.heap") / 1e6
        if page.evaluate("bench.left"):
            raise RuntimeError("the fixes leave problems")
    return found


def _list(page: Tab, path: Path, limit_s: float, problems: int) -> dict[str, float]:
    """Choose a table, and return the values of the rows until its problems are shown."""
    page.patience_s = limit_s
    end_s = time.monotonic() + limit_s
    page.choose([path])
    page.click()
    while not page.evaluate("bench.listed || bench.failed"):
        if time.monotonic() > end_s:
            raise TimeoutError(f"{path.name}: no list after {limit_s} s")
        time.sleep(CLICK_S)
        page.click()  # before the page is asked, which would wait for a busy page in its place
    bench = page.evaluate("bench")
    if bench.get("problems") != problems:
        raise RuntimeError(f"{bench.get('problems')} problems, {bench.get('failed')}")
    delays_ms = list(all_delays(bench["delays"]))
    return {
        OPENED: (bench["opened"] - bench["start"]) / 1000,
        LISTED: bench["listed"] / 1000,
        DELAY: quantiles(delays_ms, n=20)[-1],
    }


BENCHES = tuple(
    Bench(
        rows=(
            *(
                Row(_name(kind, what), unit, reach=reach, peer=peer if what != WRITTEN else None)
                for what, (unit, reach) in WHATS.items()
            ),
            *((LARGEST,) if peer else ()),
        ),
        needs=("chromium",),
        measure=partial(_measure, kind),
    )
    for kind, peer in ((MODEL, PEER), (TYPES, None))
)
