"""Cold page load at 10 Mbit/s and 40 ms: our page on both interpreters, beside an `ali-oss` page.

The pages are loaded alternately, five times each, so that other load on the machine affects all of
them. A row is the median.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median

from playwright.sync_api import Browser, Page, sync_playwright

from bench.cold_load import Load, load
from bench.peers import ali_oss
from bench.table import Only, Row
from ossferry.cli.demo import Demo
from support.browsers import executable
from support.config import load as load_config

__all__ = ["NAMES", "rows"]

ROUNDS = 5
MAX_BYTES = 330_000
MAX_RATIO = 1.6
MAX_LIVE_MS = 300

PEER = "ali-oss 6.23.0"
MICROPYTHON, PYODIDE, DROPPED = "MicroPython", "Pyodide", "drop zone"
WIRE, READY = "bytes on the wire", "ready"
LIVE = f"page load, {MICROPYTHON}: drop zone takes files"

NAMES = (
    *(f"page load, {who}: {what}" for who in (MICROPYTHON, PYODIDE) for what in (WIRE, READY)),
    LIVE,
)

# Drops a file every few milliseconds until the page accepts it, and records that time.
DROP = """
(function drop() {
  const zone = document.getElementById("dropzone");
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["ahoy"], "early.txt"));
  const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
  if (zone && !zone.dispatchEvent(event)) bench.live = performance.now();
  else setTimeout(drop, 4);
})();
"""


def rows(only: Only) -> Iterator[Row]:
    """Yield the requested rows; only the pages that they need are loaded."""
    wanted = {name for name in NAMES if only(name)}
    loads = _measure(wanted)
    for who in (MICROPYTHON, PYODIDE):
        ours, peer = loads.get(who, []), loads.get(PEER, [])
        if f"page load, {who}: {WIRE}" in wanted:
            yield _wire_row(who, ours, peer)
        if f"page load, {who}: {READY}" in wanted:
            yield _ready_row(who, ours, peer)
    if LIVE in wanted:
        live = median(max(each.noted["live"], each.paint_ms) for each in loads[DROPPED])
        reach = f"< {MAX_LIVE_MS} ms"
        yield Row(name=LIVE, value=live, unit="ms", reach=reach, met=live < MAX_LIVE_MS)


def _wire_row(who: str, ours: list[Load], peer: list[Load]) -> Row:
    value = median(each.wire_bytes for each in ours)
    peer_value = median(each.wire_bytes for each in peer)
    bound = who == MICROPYTHON
    return Row(
        name=f"page load, {who}: {WIRE}",
        value=value,
        unit="B",
        peer=PEER,
        peer_value=peer_value,
        ratio=value / peer_value,
        reach=f"<= {MAX_BYTES:,} B" if bound else None,
        met=value <= MAX_BYTES if bound else None,
    )


def _ready_row(who: str, ours: list[Load], peer: list[Load]) -> Row:
    value = median(each.ready_ms for each in ours)
    peer_value = median(each.ready_ms for each in peer)
    bound = who == MICROPYTHON
    return Row(
        name=f"page load, {who}: {READY}",
        value=value,
        unit="ms",
        peer=PEER,
        peer_value=peer_value,
        ratio=value / peer_value,
        reach=f"<= {MAX_RATIO} x peer" if bound else None,
        met=value / peer_value <= MAX_RATIO if bound else None,
    )


def _measure(wanted: set[str]) -> dict[str, list[Load]]:
    """Load the pages of the requested rows alternately."""
    with ExitStack() as running:
        demo = running.enter_context(Demo())
        peer_url = running.enter_context(ali_oss.serve_page())
        browser = running.enter_context(_chromium())
        subjects: dict[str, Callable[[], Load]] = {}
        cold = partial(load, browser)
        for who in (MICROPYTHON, PYODIDE):
            if any(name.startswith(f"page load, {who}:") for name in wanted - {LIVE}):
                subjects[PEER] = partial(cold, peer_url)
                subjects[who] = partial(cold, f"{demo.url}/?runtime={who.lower()}")
        if LIVE in wanted:
            subjects[DROPPED] = partial(cold, demo.url, init_script=DROP, then=_see_file)
        for measure in subjects.values():
            measure()  # warm up servers and browser; this load does not count
        loads: dict[str, list[Load]] = {who: [] for who in subjects}
        for _ in range(ROUNDS):
            for who, measure in subjects.items():
                loads[who].append(measure())
        return loads


def _see_file(page: Page) -> None:
    """Wait until the page lists the file that was dropped early."""
    page.locator("#uploads").get_by_text("early.txt").first.wait_for()


@contextmanager
def _chromium() -> Iterator[Browser]:
    use, chromium = load_config().use, executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            headless=use.headless, args=use.args, executable_path=chromium
        )
        yield browser
        browser.close()
