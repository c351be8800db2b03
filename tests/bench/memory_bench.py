"""The memory of the page while it sends 20 GB.

It is the page's JavaScript heap with array buffers, the interpreter's WASM memory, and the same for
the checksum worker, including garbage. It is measured every half second during the transfer.
"""

import time
from collections.abc import Iterator
from typing import Any

from bench.sending import MIB, OURS, open_place
from bench.tab import Tab
from bench.table import Bench, Only, Row, Value

SIZE = 20 * 1024 * MIB
NAME = "memory: most heap while sending 20 GB"
STEP_S = 0.5
HEAP_USAGE = "Runtime.getHeapUsage"
COUNTED = ("usedSize", "backingStorageSize")

# Records every WASM memory that the page creates; an interpreter exports its own.
WATCH_WASM = """
bench.memories = [];
for (const name of ["instantiate", "instantiateStreaming"]) {
  const real = WebAssembly[name];
  WebAssembly[name] = async (...given) => {
    const made = await real(...given);
    const found = Object.values((made.instance ?? made).exports);
    bench.memories.push(...found.filter((each) => each instanceof WebAssembly.Memory));
    return made;
  };
}
bench.ended.finally(() => { bench.over = true; }).catch(() => {});
"""
WASM_BYTES = "bench.memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)"


def _measure(_only: Only) -> Iterator[Value]:
    with open_place() as place, place.page(OURS, WATCH_WASM) as page:
        page.watch_workers()
        page.choose(place.files(1, SIZE))
        yield NAME, most_mb_until_ended(page), None


def most_mb_until_ended(page: Tab) -> float:
    """Return the largest total in MB until `bench.ended`, including garbage."""
    most, workers_most = 0.0, 0.0
    while not page.evaluate("bench.over"):
        workers = sum(map(_sum, page.ask_workers(HEAP_USAGE)))
        wasm: float = page.evaluate(WASM_BYTES)
        most = max(most, _sum(page.send(HEAP_USAGE)) + wasm + workers)
        workers_most = max(workers_most, workers)
        time.sleep(STEP_S)
    page.evaluate("bench.ended")
    if not workers_most:
        raise RuntimeError("the checksum worker was not seen")
    return most / 1e6


def _sum(usage: dict[str, Any]) -> float:
    return sum(float(usage.get(name, 0)) for name in COUNTED)


BENCHES = (Bench(rows=(Row(NAME, "MB", reach="< 40 MB"),), needs=("chromium",), measure=_measure),)
