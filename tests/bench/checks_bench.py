"""Checks before the upload: time from the choice of files to their verdicts, and input delay.

*Cold* is the first visit of a new browser profile whose worker is not started before the choice;
*warm* is a page whose worker runs. The peers do the same work in CPython, in one process; beside a
cold page, the start of that process counts too. Changed photos wait for the person, so that nothing
is sent. The bench clicks on the page every 50 ms until the last verdict.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import TypeAlias

from PIL import Image

from bench.chromium import chromium
from bench.tab import Tab, open_tab
from bench.table import Bench, Only, Peer, Row, Value
from ossferry.cli.demo import Demo
from support.photos import exif

TESTS = Path(__file__).parents[1]
MB = 1_000_000
BLOCK_ROWS, CSV_BYTES = 20_000, 100 * MB
PHOTOS, DIFFERENT, SIDES = 200, 20, (4000, 3000)
Options: TypeAlias = dict[str, dict[str, object]]
UNDO_S = 3600
LOOK_S = 0.2
PATIENCE_S = 600
CLICK_S = 0.05
COLD, WARM = "cold", "warm"
TABLE: Options = {"table": {"types": {"day": "date", "count": "integer", "price": "decimal"}}}
STRIP: Options = {"photos": {"heic": False}}
SMALLER: Options = {"photos": {"heic": False, "max_side": 2048, "quality": 0.85}}

# Counts the verdicts. `over` is set when the page shows the last one. Tasks for an idle page, such
# as the start of the worker, wait until `bench.idle`.
VERDICTS = """
window.bench ??= {};
bench.verdicts = 0;
const look = () => {
  const isLast = bench.wanted && bench.verdicts >= bench.wanted;
  if (isLast && !document.querySelector("[data-state=checking]")) bench.over ??= performance.now();
};
addEventListener("change", ({ target }) => {
  bench.wanted = target.files.length;
  bench.start = performance.now();
  bench.idle?.();
}, true);
window.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      if (data.ready) bench.worker = performance.now();
      if (data.failed) bench.failed = data.failed;
      if (!data.verdict) return;
      bench.verdicts += 1;
      setTimeout(look);
    });
  }
};
new MutationObserver(look).observe(document, { subtree: true, attributeFilter: ["data-state"] });
"""
# The time each click waited until the page handled it.
CLICKS = """
bench.delays = [];
addEventListener("pointerdown", ({ timeStamp }) => {
  bench.delays.push(performance.now() - timeStamp);
}, true);
"""
NOT_IDLE = """
const whenIdle = window.requestIdleCallback;
const chosen = new Promise((done) => (bench.idle = done));
window.requestIdleCallback = (run, options) => chosen.then(() => whenIdle(run, options));
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Files to check.

    Attributes:
        options: the built-in checks that are on.
        files: makes the files in a folder.
        peer: name of the work of `peers.checks`, and its options.
    """

    name: str
    options: Options
    files: Callable[[Path], list[Path]]
    peer: Peer
    peer_work: tuple[str, Mapping[str, object]]

    def time(self, state: str) -> str:
        """Return the name of the row with the time."""
        return f"checks, {self.name}: to the last verdict, {state}"

    @property
    def delays(self) -> tuple[str, str]:
        """Return the names of the rows with the input delay."""
        start = f"checks, {self.name}: input delay"
        return f"{start}, p95", f"{start}, longest"


def table(folder: Path) -> list[Path]:
    """Make a table of 100 MB, whose last row lacks a value."""
    path = folder / "table.csv"
    chance = random.Random(7)
    block = "".join(
        f"20{chance.randrange(10, 30)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02},"
        f"AB-{chance.randrange(10**6)},{chance.randrange(1000)},{chance.random() * 1000:.2f}\n"
        for _ in range(BLOCK_ROWS)
    )
    with path.open("w") as file:
        size = file.write("day,sku,count,price\n")
        while size < CSV_BYTES:
            size += file.write(block)
        file.write("2026-01-01,AB-1,3\n")
    return [path]


def photos(folder: Path) -> list[Path]:
    """Make 200 JPEG files of 12 megapixels and 2 to 4 MB each; twenty of them differ."""
    paths = [folder / f"IMG_{number:04}.jpg" for number in range(PHOTOS)]
    for number, path in enumerate(paths):
        if number < DIFFERENT:
            _photo(number).save(path, quality=88, exif=exif())
        else:
            path.hardlink_to(paths[number % DIFFERENT])
    return paths


def _photo(number: int) -> Image.Image:
    """Return soft areas of colour with the noise of a camera."""
    chance = random.Random(number)
    soft = Image.frombytes("RGB", (16, 12), chance.randbytes(16 * 12 * 3))
    noise = Image.effect_noise(SIDES, 12 + number % 5).convert("RGB")
    return Image.blend(soft.resize(SIDES, Image.Resampling.BICUBIC), noise, 0.4)


WORKS = (
    Work(
        name="100 MB CSV",
        options=TABLE,
        files=table,
        peer=Peer(name="CPython", work="the same check"),
        peer_work=("table", TABLE),
    ),
    Work(
        name=f"{PHOTOS} photos without metadata",
        options=STRIP,
        files=photos,
        peer=Peer(name="CPython", work="the same checks"),
        peer_work=("strip", STRIP),
    ),
    Work(
        name=f"{PHOTOS} photos made smaller",
        options=SMALLER,
        files=photos,
        peer=Peer(name="Pillow", work="opens, makes smaller, saves"),
        peer_work=("pillow", {"max_side": 2048, "quality": 85}),
    ),
)


def _measure(work: Work, only: Only) -> Iterator[Value]:
    delays_ms: list[float] = []
    with (
        TemporaryDirectory() as folder,
        Demo(checks_built_in=work.options, checks_undo_s=UNDO_S, max_file_size=1 << 30) as demo,
    ):
        paths = work.files(Path(folder))
        peer_s, peer_cold_s = _peer_s(work, paths)
        for state, beside_s in ((COLD, peer_cold_s), (WARM, peer_s)):
            if any(map(only, (work.time(state), *work.delays))):
                seconds, delays = _check(demo.url, paths, is_warm=state == WARM)
                delays_ms += delays
                yield work.time(state), seconds, beside_s
    found = quantiles(delays_ms, n=20)[-1], max(delays_ms)
    for name, value in zip(work.delays, found, strict=True):
        yield name, value, None


def _peer_s(work: Work, paths: list[Path]) -> tuple[float, float]:
    """Return the seconds of the peer, without and with the start of its process."""
    name, options = work.peer_work
    program = [sys.executable, "-m", "bench.peers.checks", name, json.dumps(options)]
    began_s = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own module
        [*program, *map(str, paths)],
        env={"PYTHONPATH": f"{TESTS}:{TESTS.parent / 'server'}"},
        capture_output=True,
        check=True,
    )
    return float(done.stdout), time.monotonic() - began_s


def _check(url: str, paths: list[Path], *, is_warm: bool) -> tuple[float, list[float]]:
    """Choose files in a page of a new browser, and wait for the last verdict.

    Returns:
        the seconds, and the delays of the clicks in ms.
    """
    scripts = [VERDICTS, CLICKS] if is_warm else [VERDICTS, CLICKS, NOT_IDLE]
    with chromium() as browser, open_tab(browser, url, "".join(scripts)) as page:
        if is_warm:
            _wait(page, "bench.worker")
        page.choose(paths)
        while not page.evaluate("bench.over || bench.failed"):
            page.click()
            time.sleep(CLICK_S)
        found = page.evaluate("bench")
    if "failed" in found:
        raise RuntimeError(found["failed"])
    return (found["over"] - found["start"]) / 1000, list(all_delays(found["delays"]))


def all_delays(seen_ms: list[float]) -> Iterator[float]:
    """Add the clicks that were not made because the previous one was still waiting."""
    for delay_ms in seen_ms:
        while delay_ms > 0:
            yield delay_ms
            delay_ms -= 1000 * CLICK_S


def _wait(page: Tab, until: str) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not page.evaluate(until):
        if time.monotonic() > end_s:
            raise TimeoutError(until)
        time.sleep(LOOK_S)


BENCHES = tuple(
    Bench(
        rows=(
            *(Row(work.time(state), "s", peer=work.peer) for state in (COLD, WARM)),
            *(Row(name, "ms", reach="< 50 ms") for name in work.delays),
        ),
        needs=("chromium",),
        measure=partial(_measure, work),
    )
    for work in WORKS
)
