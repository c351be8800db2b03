"""Many files in the page: 2,000 and 10,000 dropped files beside Uppy's Dashboard.

Both pages get the same drop, and then the same wheel and key events, while they send the files over
a simulated line. Uppy sends with its uploader for S3 and presigned URLs. Delays are reported by the
browser: from an input event to the start of its handling. Frames are counted while only the wheel
scrolls through the whole list: there should be sixty per second, and a late frame replaces the
frames that it missed.
"""

import json
import time
from collections.abc import Iterator
from functools import partial

from bench.sending import OURS, Place, Route, open_place
from bench.tab import Tab
from bench.table import Bench, Only, Peer, Row, Value

COUNTS = (2_000, 10_000)
STEP_S = 0.06
LINE = "20 Mbit/s 40 ms"
STIRS = 40
SCROLLS = 100
SCROLL_PX = 1_200
FRAME_MS = 1000 / 60
PEER = Peer(name="Uppy Dashboard 6.0.3", work="sends the files with `@uppy/aws-s3`")
WINDOW = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
OURS_ROW, UPPY_ROW = "[data-testid=upload]", ".uppy-Dashboard-Item"


def _rows(count: int) -> tuple[Row, ...]:
    return (
        Row(f"drop of {count:,} files: first row visible", "ms", peer=PEER, reach="<= 1,000 ms"),
        Row(f"drop of {count:,} files: input delay, p95", "ms", peer=PEER, reach="<= 100 ms"),
        Row(f"scroll through {count:,} rows: frames dropped", "%", peer=PEER, reach="<= 2 %"),
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
    dataTransfer.items.add(new File(["\\0".repeat(100 + index % 2000)], `photo-${index}.txt`));
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


def _measure(count: int, _only: Only) -> Iterator[Value]:
    with open_place(Route(line=LINE)) as place:
        ours = _drop(place, count, OURS, "#dropzone", OURS_ROW)
        theirs = _drop(place, count, "uppy-page", ".uppy-Dashboard", UPPY_ROW)
    for row, value, peer_value in zip(_rows(count), ours, theirs, strict=True):
        yield row.name, value, peer_value


def _drop(place: Place, count: int, who: str, zone: str, row: str) -> tuple[float, float, float]:
    """Drop the files and use the list while they are sent; return the values of `_rows`.

    Raises:
        RuntimeError: all files were sent before the end.
    """
    before = place.requests()
    with place.page(who, WATCH) as page:
        page.send("Emulation.setDeviceMetricsOverride", **WINDOW)
        page.evaluate(f"({DROP})({json.dumps([count, zone, row])})")
        while page.evaluate("bench.visible") is None:
            time.sleep(STEP_S)
        _stir(page)
        page.evaluate(FRAMES)
        for turn in range(SCROLLS):
            _wheel(page, SCROLL_PX if turn < SCROLLS / 2 else -SCROLL_PX)
        found = page.evaluate("bench")
    if place.requests() - before >= count:
        raise RuntimeError(f"{who} had sent all files before the end: a slower line is needed")
    delays, frames = found["delays"], found["frames"]
    dropped = sum(max(0, round(each / FRAME_MS) - 1) for each in frames)
    share = 100 * dropped / (dropped + len(frames))
    return found["visible"], _p95(delays), share


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


BENCHES = tuple(
    Bench(rows=_rows(count), needs=("chromium",), measure=partial(_measure, count))
    for count in COUNTS
)
