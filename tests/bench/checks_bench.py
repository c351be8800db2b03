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
from bench.clicks import CLICKS, delays_until
from bench.tab import Tab, open_tab
from bench.table import Bench, Only, Peer, Row
from ossferry.cli.demo import Demo
from support.photos import exif

TESTS = Path(__file__).parents[1]
MB = 1_000_000
BLOCK_ROWS, CSV_BYTES = 20_000, 100 * MB
PHOTOS, DIFFERENT, SIDES = 200, 20, (4000, 3000)
MAX_DELAY_MS = 50
Options: TypeAlias = dict[str, dict[str, object]]
UNDO_S = 3600
LOOK_S = 0.2
PATIENCE_S = 600
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

    def row(self, state: str) -> str:
        """Return the name of the row with the time."""
        return f"checks, {self.name}: to the last verdict, {state}"

    @property
    def delays(self) -> tuple[str, str]:
        """Return the names of the rows with the input delay."""
        start = f"checks, {self.name}: input delay"
        return f"{start}, p95", f"{start}, longest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The measurement of one page."""

    seconds: float
    delays_ms: list[float]


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


def _rows(work: Work, only: Only) -> Iterator[Row]:
    with (
        TemporaryDirectory() as folder,
        Demo(checks_built_in=work.options, checks_undo_s=UNDO_S, max_file_size=1 << 30) as demo,
    ):
        paths = work.files(Path(folder))
        peer_s, peer_cold_s = _peer_s(work, paths)
        pages = []
        for state, beside_s in ((COLD, peer_cold_s), (WARM, peer_s)):
            if not only(work.row(state)) and not any(map(only, work.delays)):
                continue
            pages.append(checked := _check(demo.url, paths, is_warm=state == WARM))
            yield Row(
                name=work.row(state),
                value=checked.seconds,
                unit="s",
                peer=work.peer,
                peer_value=beside_s,
            )
    yield from _delay_rows(work, [delay for page in pages for delay in page.delays_ms])


def _delay_rows(work: Work, delays_ms: list[float]) -> Iterator[Row]:
    found = quantiles(delays_ms, n=20)[-1], max(delays_ms)
    for name, value in zip(work.delays, found, strict=True):
        yield Row(name=name, value=value, unit="ms", reach=f"< {MAX_DELAY_MS} ms")


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


def _check(url: str, paths: list[Path], *, is_warm: bool) -> Checked:
    """Choose files in a page of a new browser, and wait for the last verdict."""
    scripts = [VERDICTS, CLICKS] if is_warm else [VERDICTS, CLICKS, NOT_IDLE]
    with chromium() as browser, open_tab(browser, url, "".join(scripts)) as page:
        if is_warm:
            _wait(page, "bench.worker")
        page.choose(paths)
        delays_ms = delays_until(page, "bench.over || bench.failed")
        found = page.evaluate("bench")
    if "failed" in found:
        raise RuntimeError(found["failed"])
    seconds = (found["over"] - found["start"]) / 1000
    return Checked(seconds=seconds, delays_ms=delays_ms)


def _wait(page: Tab, until: str) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not page.evaluate(until):
        if time.monotonic() > end_s:
            raise TimeoutError(until)
        time.sleep(LOOK_S)


BENCHES = tuple(
    Bench(
        names=(work.row(COLD), work.row(WARM), *work.delays),
        needs=("chromium",),
        rows=partial(_rows, work),
    )
    for work in WORKS
)
