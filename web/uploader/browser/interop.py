"""What the two interpreters do differently at the border to JavaScript."""

import js

try:
    from pyodide.ffi import JsException
except ImportError:
    from jsffi import JsException  # type: ignore[assignment] # the same on MicroPython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["JsException", "release", "wide"]


def wide(owner: "Any", name: str) -> int:
    """Return the integer `owner[name]`, also beyond 32 bits, where MicroPython would cut it."""
    return int(js.ossferry.text(owner, name))


def release(proxy: "Any") -> None:
    """Free a callback made with `create_proxy`; MicroPython frees them by itself."""
    destroy = getattr(proxy, "destroy", None)
    if destroy:
        destroy()
