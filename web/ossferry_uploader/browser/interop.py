"""Differences between MicroPython and Pyodide in their access to JavaScript."""

import gc

import js

try:
    from pyodide.ffi import JsException
except ImportError:
    from jsffi import JsException  # type: ignore[assignment] # the name of the module on MicroPython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["JsException", "collect_rarely", "reason_of", "release", "wide"]

GARBAGE_BYTES = 4 << 20
GARBAGE_BYTES_WITH_MANY = 16 << 20


def collect_rarely(*, with_many: bool = False) -> None:
    """Let MicroPython collect garbage only after 4 MiB of allocations.

    A collection scans all objects in memory and blocks the page meanwhile.

    Args:
        with_many: true while many uploads run; the limit is then 16 MiB.
    """
    threshold = getattr(gc, "threshold", None)
    if threshold:
        threshold(GARBAGE_BYTES_WITH_MANY if with_many else GARBAGE_BYTES)


def wide(owner: "Any", name: str) -> int:
    """Return an integer property of a JavaScript object, without a limit of 32 bits.

    On MicroPython the expression `owner[name]` has only the lowest 32 bits of the integer.
    """
    return int(js.ossferry.text(owner, name))


def reason_of(error: Exception) -> str:
    """Return the name and the message of a JavaScript exception as one text.

    On MicroPython `error.args` contains the JavaScript object, the name and the message.
    """
    return ": ".join([each for each in error.args if isinstance(each, str)]) or str(error)


def release(proxy: "Any") -> None:
    """Free a callback made with `create_proxy`.

    On MicroPython this does nothing, as the garbage collector frees callbacks.
    """
    destroy = getattr(proxy, "destroy", None)
    if destroy:
        destroy()
