"""Divide the work of MicroPython's event loop into short slices.

MicroPython runs all coroutines that are ready before it returns to the browser. While many small
files are sent, this takes up to 90 ms, and the page cannot scroll meanwhile. Pyodide needs no such
change, because it returns to the browser after each coroutine.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SLICE_MS = 2


def run_in_slices() -> None:
    """Let MicroPython's event loop return to the browser every `SLICE_MS` milliseconds.

    Before MicroPython's event loop runs a coroutine, it calls `ticks_diff` to compute in how many
    milliseconds the coroutine is due. If the result is above 0, the loop sets a timer and returns
    to the browser. `run_in_slices` replaces `ticks_diff`: when the loop has run for `SLICE_MS`, the
    replacement returns 1 even if the coroutine is due now. At least one coroutine runs before each
    return, and the order of the coroutines stays the same.

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
