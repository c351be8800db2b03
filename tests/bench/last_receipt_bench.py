"""The time from the last of 2,000 files to its receipt.

The demo runs page, server and mock on this machine. The page reports stored files to the server,
which asks OSS for each object and then records its receipt.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.chromium import chromium
from bench.sending import CLOCK, SUM
from bench.tab import open_tab
from bench.table import Bench, Only, Row
from ossferry.cli.demo import Demo

COUNT, SIZE = 2_000, 10_240
MAX_S, PATIENCE_S, LOOK_S = 5, 120, 0.1
NAME = f"receipts: the last of {COUNT:,} after the last file"

# Counts the receipts that the server has confirmed, and notes the time of the last one.
RECEIPTS = """{
  const { fetch } = window;
  bench.receipts = 0;
  window.fetch = async (what, options) => {
    const answer = await fetch(what, options);
    if (answer.ok && String(what).startsWith("/api/receipts")) {
      bench.receipts += (JSON.parse(options.body).reports ?? [0]).length;
      bench.recorded = performance.now();
    }
    return answer;
  };
}"""


def _rows(_only: Only) -> Iterator[Row]:
    with (
        TemporaryDirectory() as folder,
        Demo() as demo,
        chromium() as browser,
        open_tab(browser, demo.url, CLOCK, SUM, RECEIPTS) as page,
    ):
        page.choose(_files(Path(folder)))
        sent_ms = page.evaluate("bench.ended.then((took) => bench.start + took)")
        end_s = time.monotonic() + PATIENCE_S
        while page.evaluate("bench.receipts") < COUNT:
            if time.monotonic() > end_s:
                raise TimeoutError(f"{page.evaluate('bench.receipts')} of {COUNT} receipts")
            time.sleep(LOOK_S)
        after_s = max(0, page.evaluate("bench.recorded") - sent_ms) / 1000
    yield Row(name=NAME, value=after_s, unit="s", reach=f"<= {MAX_S} s", met=after_s <= MAX_S)


def _files(folder: Path) -> list[Path]:
    paths = [folder / f"file-{number:04}.bin" for number in range(COUNT)]
    for path in paths:
        path.write_bytes(bytes(SIZE))
    return paths


BENCHES = (Bench(names=(NAME,), needs=("chromium",), rows=_rows),)
