"""Many files in the page: 2,000 dropped files beside Uppy's Dashboard, and the cost of one tick.

Both pages get the same drop, and then the same wheel and key events for some seconds. Our page
uploads the files to the mock on this machine at the same time. Uppy has no uploader here, so only
its list works. Delays are reported by the browser: from an input event to the start of its
handling. Frames are counted while only the wheel scrolls through the whole list: there should be
sixty per second, and a late frame replaces the frames that it missed.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page

from bench.chromium import chromium
from bench.peers import uppy
from bench.table import Bench, Only, Peer, Row
from ossferry.cli.demo import Demo
from support.browser_page import make_app, script
from support.serving import serve

__all__ = ["BENCHES"]

WEB = Path(__file__).parents[2] / "web"
COUNT = 2_000
ROUNDS = 3
WATCHED_MS = 8_000
STEP_MS = 60
MAX_VISIBLE_MS = 1_000
MAX_DELAY_MS = 100
MAX_TICK_MS = 4
SCROLLS = 120
SCROLL_PX = 1_200
FRAME_MS = 1000 / 60
PEER = Peer(name="Uppy Dashboard 6.0.3", work="shows its list only; uploads nothing meanwhile")
Drop = tuple[float, float, float, float, float]
OURS_ROW, UPPY_ROW = "[data-testid=upload]", ".uppy-Dashboard-Item"

VISIBLE = f"drop of {COUNT:,} files: first row visible"
DELAY = f"drop of {COUNT:,} files: input delay, p95"
FRAME = f"scroll through {COUNT:,} rows: a frame, p95"
LATE = f"scroll through {COUNT:,} rows: frames dropped"
LONGEST = f"scroll through {COUNT:,} rows: longest frame"
TICK = "progress tick with 50 uploads, MicroPython"
FIGURES = (
    (VISIBLE, "ms", MAX_VISIBLE_MS),
    (DELAY, "ms", MAX_DELAY_MS),
    (FRAME, "ms", MAX_DELAY_MS),
    (LATE, "%", 0),
    (LONGEST, "ms", 0),
)

WATCH = """
window.bench = { delays: [] };
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) bench.delays.push(each.processingStart - each.startTime);
}).observe({ type: "event", durationThreshold: 16, buffered: true });
"""
FRAMES = """() => {
  bench.frames = [];
  let last = performance.now();
  const look = (now) => {
    bench.frames.push(now - last);
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
DROP = """([count, zone, row]) => {
  const dataTransfer = new DataTransfer();
  for (let index = 0; index < count; index++) {
    dataTransfer.items.add(new File(["x".repeat(100 + index)], `photo-${index}.txt`));
  }
  const start = performance.now();
  const look = () => {
    if (document.querySelector(row)) bench.visible = performance.now() - start;
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
    document.querySelector(zone).dispatchEvent(event);
  }
}"""
TICKS = """
import asyncio
import json
import js
from uploader.browser.page import language
from uploader.browser.clock import BrowserClock
from uploader.browser.page.dom import by_id
from uploader.transfer import states
from uploader.transfer.upload import Upload
from uploader.view.list.virtual_list import VirtualList
from uploader.view.model import QueueModel
from uploader.view.list.rows import row
from uploader.view.signals import Owner, Signal, effect
from uploader.view.words.text import use
from uploader.view.list.total import show_total


class File:
    path = content_type = ""
    size, modified = 1_000_000_000, 0

    def __init__(self, number):
        self.name = f"file-{number}.bin"


class Actions:
    origin = ""
    may_ask = Signal(False)

    def __getattr__(self, name):
        return lambda *given: None

    def can(self, feature):
        return False


use("en", language.sentences_of_page(), language.Intl("en"))
model, actions, owner = QueueModel(BrowserClock(), soon=lambda flush: None), Actions(), Owner()
box = by_id("uploads")
listing = VirtualList(box, lambda item, own: row(item, actions, own))
box.append(show_total(model, actions, owner))
box.removeAttribute("hidden")
uploads = [Upload(File(number), model.changed) for number in range(50)]
for upload in uploads:
    model.changed(upload)
    upload.go(states.UPLOADING)
model.flush()
effect(lambda: listing.show(model.rows.get()))
await asyncio.sleep(0.5)  # the browser tells which rows are near
costs = []
for tick in range(1, 201):
    start = js.performance.now()
    for upload in uploads:
        upload.progress.fly(1, tick * 4_000_000)
    model.flush()
    costs.append(js.performance.now() - start)
js.document.body.setAttribute("data-costs", json.dumps(costs))
"""


def _drops(_only: Only) -> Iterator[Row]:
    with ExitStack() as running:
        browser = running.enter_context(chromium())
        peer_url = running.enter_context(uppy.serve_page())
        ours: list[Drop] = []
        peer: list[Drop] = []
        for _ in range(ROUNDS):
            with Demo() as demo:
                ours.append(_drop(browser, demo.url, "#dropzone", OURS_ROW))
            peer.append(_drop(browser, peer_url, ".uppy-Dashboard", UPPY_ROW))
    for index, (name, unit, limit) in enumerate(FIGURES):
        value = median(each[index] for each in ours)
        peer_value = median(each[index] for each in peer)
        yield Row(
            name=name,
            value=value,
            unit=unit,
            peer=PEER,
            peer_value=peer_value,
            ratio=value / peer_value if peer_value else None,
            reach=f"< {limit:,} {unit}" if limit else None,
            met=value < limit if limit else None,
        )


def _drop(browser: Browser, url: str, zone: str, row: str) -> Drop:
    """Drop the files and use the list; return the values of `FIGURES`."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.add_init_script(WATCH)
    page.goto(url)
    page.locator("html[data-app=ready]").wait_for(state="attached")
    page.wait_for_timeout(500)
    page.evaluate(DROP, [COUNT, zone, row])
    page.locator(row).first.wait_for(timeout=120_000)
    _stir(page)
    page.evaluate(FRAMES)
    for turn in range(SCROLLS):
        page.mouse.wheel(0, SCROLL_PX if turn < SCROLLS / 2 else -SCROLL_PX)
        page.wait_for_timeout(STEP_MS)
    found = page.evaluate("bench")
    page.close()
    delays, frames = found["delays"], found["frames"]
    dropped = sum(max(0, round(each / FRAME_MS) - 1) for each in frames)
    share = 100 * dropped / (dropped + len(frames))
    return found["visible"], _p95(delays), _p95(frames), share, max(frames)


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))] if values else 0.0


def _stir(page: Page) -> None:
    """Turn the wheel and press keys for some seconds."""
    page.mouse.move(640, 500)
    for _ in range(WATCHED_MS // STEP_MS):
        page.mouse.wheel(0, 400)
        page.keyboard.press("Tab")
        page.wait_for_timeout(STEP_MS)


def _ticks(_only: Only) -> Iterator[Row]:
    with chromium() as browser:
        cost = _tick(browser)
    reach = f"< {MAX_TICK_MS} ms"
    yield Row(name=TICK, value=cost, unit="ms", reach=reach, met=cost < MAX_TICK_MS)


def _tick(browser: Browser) -> float:
    """Return the median cost in ms of 200 ticks in which all 50 uploads have progressed."""
    files = [(path.relative_to(WEB).as_posix(), path) for path in (WEB / "uploader").rglob("*.py")]
    with serve(make_app(script(files, TICKS))) as url:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{url}/micropython")
        page.locator("body[data-costs]").wait_for(state="attached", timeout=60_000)
        costs = page.evaluate("JSON.parse(document.body.dataset.costs)")
        page.close()
    return float(median(costs))


BENCHES = (
    Bench(names=tuple(name for name, *_ in FIGURES), needs=("chromium",), rows=_drops),
    Bench(names=(TICK,), needs=("chromium",), rows=_ticks),
)
