"""What the two interpreters do differently at the border to JavaScript."""

import gc

import js

try:
    from pyodide.ffi import JsException
except ImportError:
    from jsffi import JsException  # type: ignore[assignment] # the same on MicroPython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["JsException", "collect_rarely", "reason_of", "release", "wide"]

GARBAGE_BYTES = 4 << 20
MANYS_GARBAGE_BYTES = 16 << 20


def collect_rarely(*, with_many: bool = False) -> None:
    """Let MicroPython look for garbage after 4 MiB, or 16 with many files: each look goes through
    all that they have in memory, while the page stands still.
    """
    threshold = getattr(gc, "threshold", None)
    if threshold:
        threshold(MANYS_GARBAGE_BYTES if with_many else GARBAGE_BYTES)


def wide(owner: "Any", name: str) -> int:
    """Return the integer `owner[name]`, also beyond 32 bits, where MicroPython would cut it."""
    return int(js.ossferry.text(owner, name))


def reason_of(error: Exception) -> str:
    """Return what JavaScript said: MicroPython has object, name and message in the arguments."""
    return ": ".join([each for each in error.args if isinstance(each, str)]) or str(error)


def release(proxy: "Any") -> None:
    """Free a callback made with `create_proxy`; MicroPython frees them by itself."""
    destroy = getattr(proxy, "destroy", None)
    if destroy:
        destroy()
