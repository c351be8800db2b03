"""Large uploads: memory for 20 GB, delay of clicks with 2,000 files, and bytes sent twice after a
reload.

The measured memory is the page's JavaScript heap with array buffers, the interpreter's WASM memory,
and the same for the checksum worker, including garbage. It is measured every half second during the
transfer.
"""

import time
from collections.abc import Iterator
from functools import partial
from statistics import quantiles

from bench.clicks import CLICKS, delays_until
from bench.heap import WATCH_WASM, Heap
from bench.sending import MIB, PARALLEL, PART_BYTES, Ours, Place, open_place
from bench.table import Bench, Only, Row

__all__ = ["BENCHES"]

GIB = 1024 * MIB
SIZES = {"64 MB": 64 * MIB, "2 GB": 2 * GIB, "20 GB": 20 * GIB}
MAX_HEAP_MB = 40
FILES, MAX_S, MAX_DELAY_MS = 2000, 40, 100
RELOADED = 400 * MIB

TIME = f"transfer, MicroPython: {FILES:,} files of 10 KB"
DELAY = f"transfer, MicroPython: input delay beside {FILES:,} files, p95"
HEAPS = {
    f"transfer, MicroPython: most heap while sending {name}": size for name, size in SIZES.items()
}
TWICE = "transfer, MicroPython: sent twice after a reload at half of 400 MB"

OVER = "void bench.ended.finally(() => { bench.over = true; }).catch(() => {})"


def _many_files(_only: Only) -> Iterator[Row]:
    with open_place() as place, place.page(Ours(), single=False, script=CLICKS) as page:
        page.evaluate(OVER)
        page.choose(place.files(FILES, 10_240))
        delays_ms = delays_until(page, "bench.over")
        took_s = page.evaluate("bench.ended") / 1000
    p95_ms = quantiles(delays_ms, n=20)[-1]
    yield Row(name=TIME, value=took_s, unit="s", reach=f"< {MAX_S} s", met=took_s < MAX_S)
    reach = f"< {MAX_DELAY_MS} ms"
    yield Row(name=DELAY, value=p95_ms, unit="ms", reach=reach, met=p95_ms < MAX_DELAY_MS)


def _most_heap_mb(place: Place, size: int) -> float:
    with place.page(Ours(), single=False, script=WATCH_WASM) as page:
        heap = Heap(page)
        page.choose(place.files(1, size))
        return heap.most_mb_until_ended()


def _heap(name: str, _only: Only) -> Iterator[Row]:
    with open_place() as place:
        most_mb = _most_heap_mb(place, HEAPS[name])
    reach = f"< {MAX_HEAP_MB} MB"
    yield Row(name=name, value=most_mb, unit="MB", reach=reach, met=most_mb < MAX_HEAP_MB)


def _sent_twice(_only: Only) -> Iterator[Row]:
    with open_place() as place:
        twice_mb = _twice_mb(place)
    most_mb = PARALLEL * PART_BYTES / MIB
    reach = f"<= {most_mb:.0f} MiB"
    yield Row(name=TWICE, value=twice_mb, unit="MiB", reach=reach, met=0 <= twice_mb <= most_mb)


def _twice_mb(place: Place) -> float:
    """Hold the sink at half, reload the page, choose the file again, and count the received
    bytes.
    """
    place.sink("DELETE")
    place.sink("POST", hold=RELOADED // 2)
    paths = place.files(1, RELOADED)
    with place.page(Ours(), single=False) as page:
        page.choose(paths)
        while place.sink()["body_bytes"] < RELOADED // 2:
            time.sleep(0.05)
        page.load()
        place.sink("POST", hold=0)
        page.choose(paths)
        page.evaluate("bench.ended")
    return (place.sink()["body_bytes"] - RELOADED) / MIB


BENCHES = (
    Bench(names=(TIME, DELAY), needs=("chromium",), rows=_many_files),
    *(Bench(names=(name,), needs=("chromium",), rows=partial(_heap, name)) for name in HEAPS),
    Bench(names=(TWICE,), needs=("chromium",), rows=_sent_twice),
)
