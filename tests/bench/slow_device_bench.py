"""Page load on a slow device: the processor is throttled to a quarter, at 10 Mbit/s and 40 ms.

Each page is loaded in a new profile on disk, as on a first visit. After two more visits, which fill
the browser's caches of compiled code, it is loaded once more, as on a later visit. The pages take
turns, and a row is the median. The visits in between are not throttled, because nothing is measured
in them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import BrowserContext, Playwright, sync_playwright

from bench.chromium import options
from bench.cold_load import NOTE_TIMES, TIMEOUT_MS, slow_line
from bench.peers import ali_oss
from bench.table import Bench, Only, Peer, Row
from ossferry.cli.demo import Demo

ROUNDS = 5
SLOWDOWN = 4
CACHED_MS = 1_500  # after a visit, until the browser has stored compiled code
MAX_RATIO, MAX_LATER_MS, MAX_TASK_MS = 1.3, 1_200, 200
OURS, THEIRS = "ours", "peer"
PEER = Peer(
    name="ali-oss 6.23.0",
    work="tutorial's page: a file input and the SDK; Brotli 11 as ours; no list, no drop zone",
)
FIRST = "slow device: ready, first visit"
LATER = "slow device: ready, later visit"
TASK = "slow device: longest task, first visit"

LONG_TASKS = """
bench.tasks = [];
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) bench.tasks.push([startTime, duration]);
}).observe({ type: "longtask", buffered: true });
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A page load; times in milliseconds.

    Attributes:
        ready: from the start of the navigation until the page is ready.
        longest: duration of the longest task before that; 0 if all tasks took less than 50 ms.
    """

    ready: float
    longest: float


def _rows(_only: Only) -> Iterator[Row]:
    visits: dict[str, list[tuple[Visit, Visit]]] = {OURS: [], THEIRS: []}
    with Demo() as demo, ali_oss.serve_page() as peer_url, sync_playwright() as playwright:
        for turn in range(ROUNDS + 1):
            for who, url in ((OURS, demo.url), (THEIRS, peer_url)):
                visited = _first_and_later(playwright, url)
                if turn:  # the first turn warms up the servers, and does not count
                    visits[who].append(visited)
    ours, theirs = _medians(visits[OURS]), _medians(visits[THEIRS])
    reaches = (f"<= {MAX_RATIO} x peer", f"<= {MAX_LATER_MS:,} ms", f"<= {MAX_TASK_MS} ms")
    for name, mine, other, reach in zip((FIRST, LATER, TASK), ours, theirs, reaches, strict=True):
        yield Row(name=name, value=mine, unit="ms", peer=PEER, peer_value=other, reach=reach)


def _medians(visits: list[tuple[Visit, Visit]]) -> tuple[float, float, float]:
    """Return ready at the first and at the later visit, and the longest task of the first one."""
    first, later = zip(*visits, strict=True)
    ready = median(each.ready for each in first)
    return ready, median(each.ready for each in later), median(each.longest for each in first)


def _first_and_later(playwright: Playwright, url: str) -> tuple[Visit, Visit]:
    with TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(profile, **options())
        first = _visit(context, url, slowdown=SLOWDOWN)
        for _ in range(2):
            _visit(context, url, slowdown=1)
        later = _visit(context, url, slowdown=SLOWDOWN)
        context.close()
    return first, later


def _visit(context: BrowserContext, url: str, *, slowdown: int) -> Visit:
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    cdp = context.new_cdp_session(page)
    slow_line(cdp)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    page.add_init_script(NOTE_TIMES + LONG_TASKS)
    page.goto(url)
    page.locator("html[data-app=ready]").wait_for(state="attached")
    page.wait_for_timeout(CACHED_MS)
    noted = page.evaluate("bench")
    page.close()
    before = [duration for start, duration in noted["tasks"] if start < noted["ready"]]
    return Visit(ready=noted["ready"], longest=max(before, default=0))


BENCHES = (Bench(names=(FIRST, LATER, TASK), needs=("chromium",), rows=_rows),)
