"""Browser responsiveness while 5,000 small files in deep folders are added and sent.

A timer with an interval of 10 ms runs in the page from the choice of the folder to the last upload.
The delay of the timer is the time that any other event in the page, such as a click, has to wait.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.chromium import chromium
from bench.table import Bench, Only, Row
from ossferry.cli.demo import Demo

__all__ = ["BENCHES"]

COUNT = 5_000
LEVELS = 12
SIZE = 1_000  # bytes
MAX_LATE_MS = 50
TIMEOUT_MS = 300_000

LATE = f"{COUNT:,} files of 1 KB, {LEVELS} levels deep: event loop late, p95"
TIME = f"{COUNT:,} files of 1 KB, {LEVELS} levels deep: time"

WATCH = """() => {
  window.bench = { late: [], start: performance.now() };
  let due = performance.now() + 10;
  bench.timer = setTimeout(function fired() {
    const now = performance.now();
    bench.late.push(now - due);
    due = now + 10;
    bench.timer = setTimeout(fired, 10);
  }, 10);
}"""
STOP = """() => {
  clearTimeout(bench.timer);
  return [performance.now() - bench.start, bench.late];
}"""


def _rows(_only: Only) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder))
        took_ms, late = _send(Path(folder))
    p95 = sorted(late)[int(0.95 * (len(late) - 1))]
    reach = f"< {MAX_LATE_MS} ms"
    yield Row(name=LATE, value=p95, unit="ms", reach=reach, met=p95 < MAX_LATE_MS)
    yield Row(name=TIME, value=took_ms / 1000, unit="s")


def _fill(folder: Path) -> None:
    """Create files in twelve nested folders."""
    folders = []
    for _ in range(LEVELS):
        folder /= "folder"
        folder.mkdir()
        folders.append(folder)
    for number in range(COUNT):
        text = f"{number}\n".ljust(SIZE, ".")  # all files differ
        (folders[number % LEVELS] / f"{number}.txt").write_text(text)


def _send(folder: Path) -> tuple[float, list[float]]:
    """Choose the folder; return the total time, and the delays of the timer, in ms."""
    with Demo() as demo, chromium() as browser:
        page = browser.new_page()
        page.goto(demo.url)
        page.locator("html[data-app=ready]").wait_for(state="attached")
        page.evaluate(WATCH)
        page.locator("input[webkitdirectory]").set_input_files(folder)
        page.get_by_text(f"{COUNT:,} of {COUNT:,} files").wait_for(timeout=TIMEOUT_MS)
        took_ms, late = page.evaluate(STOP)
    return took_ms, late


BENCHES = (Bench(names=(LATE, TIME), needs=("chromium",), rows=_rows),)
