"""The clock and timer of the browser, and `Pace`, which limits how often functions are called."""

import asyncio
import time

import js

from ossferry_uploader.browser.interop import create_proxy, release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PACE_MS = 80.0  # people cannot read faster changes


class BrowserClock:
    """The clock and timer of the browser; implements `transfer.ports.Clock`.

    Its wall time is the computer's, which may be wrong.
    """

    def now_s(self) -> float:
        """Return the wall time in seconds since 1970."""
        return time.time()

    def elapsed_s(self) -> float:
        """Return the seconds since the page was opened, by a monotonic clock."""
        return float(js.performance.now()) / 1000

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds, measured with a monotonic clock.

        Use this method instead of `asyncio.sleep`, which measures the wall time on MicroPython. The
        wall time may jump.
        """
        woken = asyncio.Event()
        proxy = create_proxy(woken.set)
        timer = js.ossferry.setTimeout(proxy, seconds * 1000)
        try:
            await woken.wait()
        finally:
            js.ossferry.clearTimeout(timer)
            release(proxy)


class Pace:
    """Limits how often functions are called: at most one scheduled call in each interval.

    `pace(run)` schedules a call of the function `run`. If another function is still scheduled, only
    `run` is called. If `run` returns true, it is called again as soon as the browser has handled
    its events; the interval does not apply to this call.

    Args:
        pace_ms: returns the interval in milliseconds.
    """

    def __init__(self, pace_ms: "Callable[[], float]" = lambda: PACE_MS) -> None:
        self._pace_ms = pace_ms
        self._run: Callable[[], object] | None = None
        self._last_ms = 0.0
        self._proxy = create_proxy(self._call)

    def __call__(self, run: "Callable[[], object]") -> None:
        """Schedule a call of `run`."""
        if self._run is None:
            wait_ms = max(0.0, self._last_ms + self._pace_ms() - float(js.performance.now()))
            js.ossferry.setTimeout(self._proxy, wait_ms)
        self._run = run

    def _call(self) -> None:
        run, self._run = self._run, None
        self._last_ms = float(js.performance.now())
        if run and run():
            self._call_next(run)

    def _call_next(self, run: "Callable[[], object]") -> None:
        if self._run is None:
            self._run = run
        js.ossferry.setTimeout(self._proxy, 0)
