"""The page's elements: made from text, never from HTML.

An `Element` is a JavaScript element. Listeners live as long as their element: what removes one
calls `discard`.
"""

import js
from pyscript.ffi import create_proxy

from uploader.browser.interop import release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Element = Any

__all__ = [
    "by_id",
    "clear",
    "element",
    "has_focus",
    "icon",
    "listen",
    "local_time",
    "set_attribute",
    "set_text",
]

SVG = "http://www.w3.org/2000/svg"


def by_id(name: str) -> "Element":
    """Return the element of the page with this id; it must be there."""
    found = js.document.getElementById(name)
    if not found:
        raise LookupError(f"the page has no #{name}")
    return found


def element(tag: str, attributes: "dict[str, str] | None" = None, *children: "Any") -> "Element":
    """Return a new element; children are elements or text."""
    made = js.document.createElement(tag)
    for name, value in (attributes or {}).items():
        made.setAttribute(name, value)
    made.append(*children)
    return made


def icon(path: str) -> "Element":
    """Return a 20 x 20 line drawing that assistive technology ignores."""
    drawing = js.document.createElementNS(SVG, "svg")
    drawing.setAttribute("viewBox", "0 0 20 20")
    drawing.setAttribute("class", "icon")
    drawing.setAttribute("aria-hidden", "true")
    line = js.document.createElementNS(SVG, "path")
    line.setAttribute("d", path)
    drawing.append(line)
    return drawing


def set_text(target: "Element", text: str) -> None:
    """Replace what the element says."""
    target.textContent = text


def set_attribute(target: "Element", name: str, value: "str | None") -> None:
    """Set an attribute, or remove it with `None`."""
    if value is None:
        target.removeAttribute(name)
    else:
        target.setAttribute(name, value)


def clear(target: "Element") -> None:
    """Remove all children."""
    target.replaceChildren()


def has_focus(target: "Element") -> bool:
    """Tell whether the focus is on something inside `target`."""
    return bool(target.contains(js.document.activeElement))


def listen(target: "Element", event: str, handler: "Callable[[], None]") -> "Callable[[], None]":
    """Call `handler` at each event; the returned function stops that and frees the callback."""
    proxy = create_proxy(lambda _event: handler())
    target.addEventListener(event, proxy)

    def stop() -> None:
        target.removeEventListener(event, proxy)
        release(proxy)

    return stop


def local_time(at_s: float) -> str:
    """Return the time of day as this person writes it, `15:40`."""
    return str(js.ossferry.timeOfDay(float(at_s) * 1000))
