"""Many files in the page: 2,000 dropped files beside Uppy's Dashboard, and the cost of one tick.

Both pages get the same drop, and then the same wheel and key events, while they send the files over
a simulated line. Uppy sends with its uploader for S3 and presigned URLs. Delays are reported by the
browser: from an input event to the start of its handling. Frames are counted while only the wheel
scrolls through the whole list: there should be sixty per second, and a late frame replaces the
frames that it missed.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from bench.chromium import chromium
from bench.sending import Ours, Place, Route, open_place
from bench.tab import Tab
from bench.table import Bench, Only, Peer, Row
from support.browser_page import PYTHON, make_app, script
from support.serving import serve

__all__ = ["BENCHES"]

WEB = Path(__file__).parents[2] / "web"
COUNT = 2_000
ROUNDS = 3
STEP_S = 0.06
LINE = "20 Mbit/s 40 ms"
STIRS = 40
MAX_VISIBLE_MS = 1_000
MAX_DELAY_MS = 100
MAX_TICK_MS = 4
SCROLLS = 100
SCROLL_PX = 1_200
FRAME_MS = 1000 / 60
PEER = Peer(name="Uppy Dashboard 6.0.3", work="sends the files with `@uppy/aws-s3`")
Drop = tuple[float, float, float, float, float]
WINDOW = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
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
bench.delays = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) bench.delays.push(each.processingStart - each.startTime);
}).observe({ type: "event", durationThreshold: 16, buffered: true });
"""
FRAMES = """(() => {
  bench.frames = [];
  let last = performance.now();
  const look = (now) => {
    bench.frames.push(now - last);
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
DROP = """([count, zone, row]) => {
  const dataTransfer = new DataTransfer();
  for (let index = 0; index < count; index++) {
    dataTransfer.items.add(new File(["\\0".repeat(100 + index)], `photo-${index}.txt`));
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
from upload_page.browser import language
from ossferry_uploader.browser.clock import BrowserClock
from upload_page.browser.dom import by_id
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.upload import Upload
from upload_page.view.list.virtual_list import VirtualList
from upload_page.view.model import QueueModel
from upload_page.view.list.rows import row
from upload_page.view.signals import Owner, Signal, effect
from upload_page.view.words.text import use
from upload_page.view.list.total import show_total


class File:
    path = content_type = ""
    size, modified, is_lasting = 1_000_000_000, 0, True

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
    ours: list[Drop] = []
    peer: list[Drop] = []
    with open_place(Route(line=LINE)) as place:
        for _ in range(ROUNDS):
            ours.append(_drop(place, Ours(), "#dropzone", OURS_ROW))
            peer.append(_drop(place, "uppy-page", ".uppy-Dashboard", UPPY_ROW))
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


def _drop(place: Place, who: Ours | str, zone: str, row: str) -> Drop:
    """Drop the files and use the list while they are sent; return the values of `FIGURES`.

    Raises:
        RuntimeError: all files were sent before the end.
    """
    place.sink("DELETE")
    with place.page(who, single=False, script=WATCH) as page:
        page.send("Emulation.setDeviceMetricsOverride", **WINDOW)
        page.evaluate(f"({DROP})({json.dumps([COUNT, zone, row])})")
        while page.evaluate("bench.visible") is None:
            time.sleep(STEP_S)
        _stir(page)
        page.evaluate(FRAMES)
        for turn in range(SCROLLS):
            _wheel(page, SCROLL_PX if turn < SCROLLS / 2 else -SCROLL_PX)
        found = page.evaluate("bench")
    if place.sink()["requests"] >= COUNT:
        raise RuntimeError(f"{who} had sent all files before the end: a slower line is needed")
    delays, frames = found["delays"], found["frames"]
    dropped = sum(max(0, round(each / FRAME_MS) - 1) for each in frames)
    share = 100 * dropped / (dropped + len(frames))
    return found["visible"], _p95(delays), _p95(frames), share, max(frames)


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))] if values else 0.0


def _wheel(page: Tab, distance_px: int) -> None:
    at = {"x": 640, "y": 500, "deltaX": 0, "deltaY": distance_px}
    page.send("Input.dispatchMouseEvent", type="mouseWheel", **at)
    time.sleep(STEP_S)


def _stir(page: Tab) -> None:
    """Turn the wheel and press the Tab key for some seconds."""
    for _ in range(STIRS):
        for kind in ("keyDown", "keyUp"):
            page.send("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)
        _wheel(page, 400)


def _ticks(_only: Only) -> Iterator[Row]:
    with chromium() as browser:
        cost = _tick(browser)
    reach = f"< {MAX_TICK_MS} ms"
    yield Row(name=TICK, value=cost, unit="ms", reach=reach, met=cost < MAX_TICK_MS)


def _tick(browser: Browser) -> float:
    """Return the median cost in ms of 200 ticks in which all 50 uploads have progressed."""
    with serve(make_app(script(PYTHON, TICKS))) as url:
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
