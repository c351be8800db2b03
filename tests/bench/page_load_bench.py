"""Cold page load at 10 Mbit/s and 40 ms: our page on both interpreters, beside an `ali-oss` page.

The pages are loaded alternately, five times each, so that other load on the machine affects all of
them. A row is the median.
"""

from collections.abc import Iterator
from functools import partial
from statistics import median

from playwright.sync_api import Page

from bench.chromium import chromium
from bench.cold_load import Load, load
from bench.peers import ali_oss
from bench.table import Bench, Only, Peer, Row
from ossferry.cli.demo import Demo

ROUNDS = 5
MAX_BYTES = 330_000
MAX_RATIO = 1.6
MAX_LIVE_MS = 300

PEER = Peer(
    name="ali-oss 6.23.0",
    work="tutorial's page: a file input and the SDK; Brotli 11 as ours; no list, no drop zone",
)
MICROPYTHON, PYODIDE = "MicroPython", "Pyodide"
LIVE = f"page load, {MICROPYTHON}: drop zone takes files"

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


def _beside_peer(who: str, _only: Only) -> Iterator[Row]:
    """Load our page and the peer's page alternately."""
    with Demo() as demo, ali_oss.serve_page() as peer_url, chromium() as browser:
        urls = {"ours": f"{demo.url}/?runtime={who.lower()}", "peer": peer_url}
        loads: dict[str, list[Load]] = {"ours": [], "peer": []}
        for turn in range(ROUNDS + 1):
            for whose, url in urls.items():
                loaded = load(browser, url)
                if turn:  # the first loads warm up servers and browser, and do not count
                    loads[whose].append(loaded)
    wire_name, ready_name = _names(who)
    wire, peer_wire = (median(x.wire_bytes for x in loads[whose]) for whose in urls)
    ready, peer_ready = (median(x.ready_ms for x in loads[whose]) for whose in urls)
    bound = who == MICROPYTHON
    yield Row(
        name=wire_name,
        value=wire,
        unit="B",
        peer=PEER,
        peer_value=peer_wire,
        reach=f"<= {MAX_BYTES:,} B" if bound else None,
    )
    yield Row(
        name=ready_name,
        value=ready,
        unit="ms",
        peer=PEER,
        peer_value=peer_ready,
        reach=f"<= {MAX_RATIO} x peer" if bound else None,
    )


def _live(_only: Only) -> Iterator[Row]:
    with Demo() as demo, chromium() as browser:
        loads = [
            load(browser, demo.url, init_script=DROP, then=_see_file) for _ in range(ROUNDS + 1)
        ]
    live = median(max(each.noted["live"], each.paint_ms) for each in loads[1:])
    yield Row(name=LIVE, value=live, unit="ms", reach=f"< {MAX_LIVE_MS} ms")


def _see_file(page: Page) -> None:
    """Wait until the page lists the file that was dropped early."""
    page.locator("#uploads").get_by_text("early.txt").first.wait_for()


def _names(who: str) -> tuple[str, str]:
    return f"page load, {who}: bytes on the wire", f"page load, {who}: ready"


BENCHES = (
    *(
        Bench(names=_names(who), needs=("chromium",), rows=partial(_beside_peer, who))
        for who in (MICROPYTHON, PYODIDE)
    ),
    Bench(names=(LIVE,), needs=("chromium",), rows=_live),
)
