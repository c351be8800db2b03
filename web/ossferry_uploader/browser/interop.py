"""Functions that hide how MicroPython and Pyodide differ in their access to JavaScript."""

import gc
import sys

import js

try:
    from pyodide import ffi
except ImportError:
    import jsffi as ffi  # type: ignore[no-redef] # the name of the module on MicroPython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

JsException, create_proxy = ffi.JsException, ffi.create_proxy
IS_MICROPYTHON = sys.implementation.name == "micropython"
CHUNK_BYTES = 256 << 10
GARBAGE_BYTES = 4 << 20
GARBAGE_BYTES_WITH_MANY = 16 << 20


def to_js(value: "Any") -> "Any":
    """Return a copy of a Python value as a JavaScript value; a dict becomes a JavaScript object."""
    if IS_MICROPYTHON:
        return ffi.to_js(value)
    return ffi.to_js(value, dict_converter=js.Object.fromEntries)


def blob_of(data: "Any") -> "Any":
    """Return a JavaScript `Blob` with a copy of the bytes in `data`.

    Args:
        data: `bytes`, or another object with the buffer protocol. On MicroPython each item of the
            object must be one byte.

    Raises:
        TypeError: `data` does not support the buffer protocol.
    """
    view: Any = memoryview(data) if IS_MICROPYTHON else memoryview(data).cast("B")
    if IS_MICROPYTHON:  # there, a slice of a memoryview starts below 16 MiB
        view = data if isinstance(data, (bytes, bytearray)) else bytes(view)
    starts = range(0, len(view), CHUNK_BYTES)
    return js.Blob.new(to_js([_array(view[start : start + CHUNK_BYTES]) for start in starts]))


def _array(view: "Any") -> "Any":
    """Return a copy of bytes as a JavaScript `Uint8Array`.

    MicroPython cannot convert bytes, so they cross as hex digits.
    """
    return js.ossferry.fromHex(bytes(view).hex()) if IS_MICROPYTHON else to_js(view)


def collect_rarely(*, with_many: bool = False) -> None:
    """Let MicroPython collect garbage only after 4 MiB of allocations.

    A garbage collection scans all objects in memory and blocks the page meanwhile.

    Args:
        with_many: true while many uploads run; the limit is then 16 MiB.
    """
    threshold = getattr(gc, "threshold", None)
    if threshold:
        threshold(GARBAGE_BYTES_WITH_MANY if with_many else GARBAGE_BYTES)


def wide(owner: "Any", name: str) -> int:
    """Return an integer property of a JavaScript object in full, even if it has more than 32 bits.

    On MicroPython an ordinary attribute access returns only the lowest 32 bits.
    """
    return int(js.ossferry.text(owner, name))


def reason_of(error: Exception) -> str:
    """Return the name and the message of a JavaScript exception as one text."""
    return ": ".join([part for part in error.args if isinstance(part, str)]) or str(error)


def release(proxy: "Any") -> None:
    """Free a JavaScript callback that was made with `create_proxy`.

    On MicroPython this does nothing, because the garbage collector frees callbacks.
    """
    destroy = getattr(proxy, "destroy", None)
    if destroy:
        destroy()
