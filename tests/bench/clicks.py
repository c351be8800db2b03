"""Clicks on a page at a fixed interval, and measures how long each click waits for its handler."""

import time
from collections.abc import Iterator

from bench.tab import Tab

EVERY_MS = 50

# The time each click waited until the page handled it.
CLICKS = """
bench.delays = [];
addEventListener("pointerdown", ({ timeStamp }) => {
  bench.delays.push(performance.now() - timeStamp);
}, true);
"""


def delays_until(page: Tab, over: str) -> list[float]:
    """Click until a JavaScript expression is true, and return all delays in ms.

    The page must have the script `CLICKS`.
    """
    while not page.evaluate(over):
        page.click()
        time.sleep(EVERY_MS / 1000)
    return list(_all_delays(page.evaluate("bench.delays")))


def _all_delays(seen_ms: list[float]) -> Iterator[float]:
    """Add the clicks that were not made because the previous one was still waiting."""
    for delay_ms in seen_ms:
        while delay_ms > 0:
            yield delay_ms
            delay_ms -= EVERY_MS
