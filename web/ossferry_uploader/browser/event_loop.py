"""Divides the work of MicroPython's event loop into short tasks of the browser.

MicroPython runs all ready coroutines before it returns to the browser. While many small files are
sent, this takes up to 90 ms, and the page does not scroll meanwhile.
Pyodide returns to the browser after each coroutine.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SLICE_MS = 2


def run_in_slices() -> None:
    """Let the event loop return to the browser after `SLICE_MS`, even if coroutines are ready.

    Before each coroutine, MicroPython's loop computes with `ticks_diff` in how many milliseconds
    the coroutine is due. If it is due later, the loop sets a timer and returns. After `SLICE_MS`,
    the replaced `ticks_diff` returns 1 for a coroutine that is due. At least one coroutine runs in
    each slice, and the order of the coroutines stays the same.

    Source: MicroPython 1.27, `ports/webassembly/asyncio/core.py`.
    """
    core: Any = getattr(asyncio, "core", None)
    run_ready = getattr(core, "_run_iter", None)
    if not run_ready:
        return  # Pyodide
    began, ticks, difference = 0, core.ticks, core.ticks_diff

    def run_slice() -> None:
        nonlocal began
        began = ticks()
        run_ready()

    def due_in_ms(due: int, now: int) -> int:
        left: int = difference(due, now)
        return 1 if left <= 0 and difference(now, began) >= SLICE_MS else left

    core._run_iter, core.ticks_diff = run_slice, due_in_ms
