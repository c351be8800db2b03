"""Measures the memory of a page during an upload: JavaScript, array buffers, WASM and workers."""

import time
from typing import Any

from bench.tab import Tab

FIRST_STEP_S, STEP_S = 0.02, 0.5  # intervals; small uploads end soon
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


class Heap:
    """The memory of one page and its workers."""

    def __init__(self, page: Tab) -> None:
        self._page = page
        page.watch_workers()

    def most_mb_until_ended(self) -> float:
        """Return the largest total in MB until `bench.ended`, including garbage."""
        most, workers_most, step_s = 0.0, 0.0, FIRST_STEP_S
        while not self._page.evaluate("bench.over"):
            workers = sum(map(_sum, self._page.ask_workers(HEAP_USAGE)))
            wasm: float = self._page.evaluate(WASM_BYTES)
            most = max(most, _sum(self._page.send(HEAP_USAGE)) + wasm + workers)
            workers_most = max(workers_most, workers)
            time.sleep(step_s)
            step_s = min(2 * step_s, STEP_S)
        self._page.evaluate("bench.ended")
        if not workers_most:
            raise RuntimeError("the checksum worker was not seen")
        return most / 1e6


def _sum(usage: dict[str, Any]) -> float:
    return sum(float(usage.get(name, 0)) for name in COUNTED)
