"""Divides the work of MicroPython's event loop into short tasks of the browser.

MicroPython runs all ready coroutines before it returns to the browser. While many small files are
sent, this takes up to 90 ms, and the page does not scroll meanwhile (`docs/performance.md`).
Pyodide returns to the browser after each coroutine.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["run_in_slices"]

SLICE_MS = 2


def run_in_slices() -> None:
    """Let the event loop return to the browser after `SLICE_MS`, even if coroutines are ready.

    Before each coroutine, MicroPython's loop calls `ticks`. If the coroutine is due later, the loop
    sets a timer and returns. After `SLICE_MS`, the replaced `ticks` returns the time 1 ms before
    the coroutine is due. At least one coroutine runs in each slice.

    Source: MicroPython 1.27, `ports/webassembly/asyncio/core.py`.
    """
    core: Any = getattr(asyncio, "core", None)
    run_ready = getattr(core, "_run_iter", None)
    if not run_ready:
        return  # Pyodide
    began, real_ticks, difference = 0, core.ticks, core.ticks_diff

    def run_slice() -> None:
        nonlocal began
        began = real_ticks()
        run_ready()

    def ticks() -> int:
        now: int = real_ticks()
        if difference(now, began) >= SLICE_MS:
            due = core._task_queue.peek()
            if due and difference(due.ph_key, now) <= 0:
                now = core.ticks_add(due.ph_key, -1)
        return now

    core._run_iter, core.ticks = run_slice, ticks
