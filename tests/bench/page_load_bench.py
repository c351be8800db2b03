"""Page load at 10 Mbit/s and 40 ms, beside a page with `ali-oss`.

The first benches load our page on both interpreters in an empty profile, and the peer, alternately.
The last one does this on a slow device, whose processor is throttled to a quarter. It loads each
page in a new profile on disk, as on a first visit. After two more visits, which fill the browser's
caches of compiled code, it loads the page once more, as on a later visit. The visits in between are
not throttled, because nothing is measured in them.

Times come from the page's own clock (`performance.now()`, zero when the navigation starts). They
are recorded when an event happens, never by polling from outside.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from playwright.sync_api import BrowserContext, CDPSession, Page, Playwright, sync_playwright

from bench.chromium import chromium, options
from bench.peers.pages import serve_pages
from bench.table import Bench, Only, Peer, Row, Value
from ossferry.cli.demo import Demo

T = TypeVar("T")
BYTES_PER_S, LATENCY_MS = 10e6 / 8, 40
SLOWDOWN = 4
TIMEOUT_MS = 60_000
QUIET_MS = 500
LOOK_MS = 20  # between two looks whether a page is ready
IS_READY = "!!globalThis.bench?.ready"
IS_SENT = "!!globalThis.bench?.sent"
CACHED_MS = 1_500  # after a visit, until the browser has stored compiled code
PEER = Peer(
    name="ali-oss 6.23.0", work="a file input and the SDK; Brotli 11 as ours; no list, no drop zone"
)
LIVE = "page load, MicroPython: drop zone takes files"
SENT = "page load, MicroPython: first request of a 1 MB file"
SLOW_SENT = "slow device: first request of a 1 MB file, first visit"
PAINT = "slow device: first paint, first visit"
FIRST = "slow device: ready, first visit"
LATER = "slow device: ready, later visit"
TASK = "slow device: longest task, first visit"

# Records the time of <html data-app="ready">, of the first contentful paint, and of long tasks.
NOTE_TIMES = """
window.bench = { tasks: [] };
new MutationObserver(() => {
  if (document.documentElement.dataset.app === "ready") bench.ready ??= performance.now();
}).observe(document, { subtree: true, attributeFilter: ["data-app"] });
new PerformanceObserver((list) => {
  for (const { startTime } of list.getEntriesByName("first-contentful-paint")) {
    bench.paint = startTime;
  }
}).observe({ type: "paint", buffered: true });
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) bench.tasks.push([startTime, duration]);
}).observe({ type: "longtask", buffered: true });
"""

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

# Gives the page a file as soon as it accepts one; records when it sends the first request to OSS.
GIVE = """
new PerformanceObserver((list) => {
  for (const { name, startTime } of list.getEntries()) {
    if (new URL(name).port === "%d") bench.sent ??= startTime;
  }
}).observe({ type: "resource", buffered: true });
(function give() {
  const zone = document.getElementById("dropzone");
  const isReady = document.documentElement?.dataset.app === "ready";
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(1e6)], `${Date.now()}.bin`));
  const drop = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
  if (zone && !zone.dispatchEvent(drop)) return;
  if (zone || !isReady) {
    setTimeout(give, 4);
    return;
  }
  const input = document.getElementById("files");
  input.files = files.files;
  input.dispatchEvent(new Event("change"));
})();
"""


class NotReadyError(Exception):
    """The page did not start; the message contains its console output."""


@contextmanager
def _urls(query: str = "") -> Iterator[tuple[str, str, int]]:
    """Serve our page and that of the peer, and yield the addresses and the port of OSS."""
    with Demo() as demo, serve_pages() as pages:
        asked = f"endpoint=http://localhost:{demo.oss.port}&parallel=6&single=16777216"
        yield f"{demo.url}/{query}", f"{pages}/ali-oss?{asked}", demo.oss.port


def _second(measure: Callable[[], T]) -> T:
    """Measure twice; the first time warms up servers and browser, and does not count."""
    measure()
    return measure()


def _beside_peer(who: str, _only: Only) -> Iterator[Value]:
    with _urls(f"?runtime={who.lower()}") as (*urls, _port), chromium() as browser:
        ours, theirs = _second(lambda: [_load(browser.new_context(), url) for url in urls])
    for row, what in zip(_rows(who), ("bytes", "paint", "ready"), strict=True):
        yield row.name, ours[what], theirs[what]


def _live(_only: Only) -> Iterator[Value]:
    with Demo() as demo, chromium() as browser:
        yield LIVE, _second(lambda: _drop(browser.new_context(), demo.url)), None


def _drop(context: BrowserContext, url: str) -> float:
    """Return the time of the first accepted drop or of the first paint, whichever is later."""
    with context, _opened(context, url, DROP) as (page, _):
        page.locator("#uploads").get_by_text("early.txt").first.wait_for()
        noted: dict[str, float] = page.evaluate("bench")
        return max(noted["live"], noted["paint"])


def _sent(row: str, slowdown: int, _only: Only) -> Iterator[Value]:
    with _urls() as (*urls, port), chromium() as browser:
        ours, theirs = _second(
            lambda: [_give(browser.new_context(), url, port, slowdown) for url in urls]
        )
    yield row, ours, theirs


def _give(context: BrowserContext, url: str, port: int, slowdown: int) -> float:
    """Return when the page sends the first request for a file that it gets as early as possible."""
    script = GIVE % port
    with context, _opened(context, url, script, slowdown=slowdown, until=IS_SENT) as (page, _):
        sent: float = page.evaluate("bench.sent")
    return sent


def _slow_device(_only: Only) -> Iterator[Value]:
    with _urls() as (*urls, _port), sync_playwright() as playwright:
        ours, theirs = _second(lambda: [_first_and_later(playwright, url) for url in urls])
    yield from zip((PAINT, FIRST, LATER, TASK), ours, theirs, strict=True)


def _first_and_later(playwright: Playwright, url: str) -> tuple[float, ...]:
    """Return the first paint and ready of the first visit, ready of the later one, and a task.

    The task is the longest one of the first visit before ready; below 50 ms it counts as 0.
    """
    with TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(profile, **options())
        first = _visit(context, url, slowdown=SLOWDOWN)
        for _ in range(2):
            _visit(context, url)
        later = _visit(context, url, slowdown=SLOWDOWN)
        context.close()
    before = [duration for start, duration in first["tasks"] if start < first["ready"]]
    return first["paint"], first["ready"], later["ready"], max(before, default=0)


def _visit(context: BrowserContext, url: str, *, slowdown: int = 1) -> dict[str, Any]:
    with _opened(context, url, slowdown=slowdown) as (page, _):
        page.wait_for_timeout(CACHED_MS)
        noted: dict[str, Any] = page.evaluate("bench")
    return noted


def _load(context: BrowserContext, url: str) -> dict[str, float]:
    """Load a page until it is ready and the network idle.

    Returns:
        the values of `bench`, and in `bytes` the headers and bodies as transferred.
    """
    with context, _opened(context, url) as (page, received):
        seen = -1
        while seen != len(received):
            seen = len(received)
            page.wait_for_timeout(QUIET_MS)
        return {**page.evaluate("bench"), "bytes": sum(received)}


@contextmanager
def _opened(
    context: BrowserContext, url: str, script: str = "", *, slowdown: int = 1, until: str = IS_READY
) -> Iterator[tuple[Page, list[float]]]:
    """Open a page, and yield it with the received bytes of each network event.

    Args:
        script: runs before the scripts of the page.
        until: the JavaScript condition to wait for.

    Raises:
        NotReadyError: the condition was not true within a minute.
    """
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    cdp = context.new_cdp_session(page)
    received = _slow_line(cdp)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    page.add_init_script(NOTE_TIMES + script)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(url, wait_until="commit")
    end_s = time.monotonic() + TIMEOUT_MS / 1000
    while not _evaluated(cdp, until):
        if time.monotonic() > end_s:
            console = "\n".join(said)
            raise NotReadyError(f"{url} did not reach {until}; its console:\n{console}")
        page.wait_for_timeout(LOOK_MS)
    yield page, received
    page.close()


def _evaluated(cdp: CDPSession, expression: str) -> Any:
    """Return the value of an expression, without the script that Playwright's locators inject.

    A throttled processor compiles that script for a tenth of a second, while the page starts.
    """
    return cdp.send("Runtime.evaluate", {"expression": expression})["result"].get("value")


def _slow_line(cdp: CDPSession) -> list[float]:
    """Give a page a line of 10 Mbit/s and 40 ms, and return the bytes of each network event."""
    received: list[float] = []
    for event in ("requestWillBeSent", "dataReceived"):
        cdp.on(f"Network.{event}", lambda _event: received.append(0))
    cdp.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    speeds = {"downloadThroughput": BYTES_PER_S, "uploadThroughput": BYTES_PER_S}
    cdp.send("Network.enable")
    cdp.send(
        "Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY_MS, **speeds}
    )
    return received


def _rows(who: str) -> tuple[Row, ...]:
    wire, paint, ready = (
        ("<= 300,000 B", "<= 1.2 x peer", "<= 1.6 x peer") if who == "MicroPython" else [None] * 3
    )
    return (
        Row(f"page load, {who}: bytes on the wire", "B", peer=PEER, reach=wire),
        Row(f"page load, {who}: first paint", "ms", peer=PEER, reach=paint),
        Row(f"page load, {who}: ready", "ms", peer=PEER, reach=ready),
    )


BENCHES = (
    *(
        Bench(rows=_rows(who), needs=("chromium",), measure=partial(_beside_peer, who))
        for who in ("MicroPython", "Pyodide")
    ),
    Bench(rows=(Row(LIVE, "ms", reach="< 300 ms"),), needs=("chromium",), measure=_live),
    *(
        Bench(
            rows=(Row(row, "ms", peer=PEER, reach="<= 1.3 x peer"),),
            needs=("chromium",),
            measure=partial(_sent, row, slowdown),
        )
        for row, slowdown in ((SENT, 1), (SLOW_SENT, SLOWDOWN))
    ),
    Bench(
        rows=(
            Row(PAINT, "ms", peer=PEER, reach="<= 1.2 x peer"),
            Row(FIRST, "ms", peer=PEER, reach="<= 1.3 x peer"),
            Row(LATER, "ms", peer=PEER, reach="<= 1,200 ms"),
            Row(TASK, "ms", peer=PEER, reach="<= 200 ms"),
        ),
        needs=("chromium",),
        measure=_slow_device,
    ),
)
