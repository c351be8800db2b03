"""Functions for the elements of the document; content is set as text, never as HTML.

The type `Element` stands for a JavaScript element. Code that removes an element with a listener
also has to call the function that `listen` returned, so that the listener's callback is freed.
"""

import js
from pyscript.ffi import create_proxy, to_js

from ossferry_uploader.browser.interop import release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Element = Any

SVG = "http://www.w3.org/2000/svg"
SLICE_MS = 4.0  # that one task may take for adding rows
NEAR = "600px 0px"  # distance above and below the window
TAB_STOPS = ("button", "input", "summary")
MIN_HEIGHT = 320.0  # px; a lower dialog is not usable
GAP = 12.0  # px


def by_id(name: str) -> "Element":
    """Return the element with this id.

    Raises:
        LookupError: the document has no such element.
    """
    target = js.document.getElementById(name)
    if not target:
        raise LookupError(f"the page has no #{name}")
    return target


def element(tag: str, attributes: "dict[str, str] | None" = None, *children: "Any") -> "Element":
    """Return a new HTML element, which is not in the document yet.

    Buttons, inputs and summaries get a `tabindex`. Without a `tabindex`, Safari's Tab key skips
    these elements.

    Args:
        attributes: the attributes by name; `None` for no attributes.
        children: elements or text, in order.
    """
    made = js.document.createElement(tag)
    if tag in TAB_STOPS:
        made.setAttribute("tabindex", "0")
    for name, value in (attributes or {}).items():
        made.setAttribute(name, value)
    made.append(*children)
    return made


def icon(path: str) -> "Element":
    """Return a new 20 x 20 SVG line drawing that assistive technology ignores.

    Args:
        path: the path data of the line, as in the SVG attribute `d`.
    """
    drawing = js.document.createElementNS(SVG, "svg")
    drawing.setAttribute("viewBox", "0 0 20 20")
    drawing.setAttribute("class", "icon")
    drawing.setAttribute("aria-hidden", "true")
    line = js.document.createElementNS(SVG, "path")
    line.setAttribute("d", path)
    drawing.append(line)
    return drawing


def bars(
    offset: float, lengths: "Sequence[float]", whole: float, *, classes: "Sequence[str]"
) -> "Element":
    """Return a new SVG drawing of bars in a row, which assistive technology ignores.

    Args:
        offset: where the first bar begins, in the unit of `whole`.
        lengths: the lengths of the bars, in the unit of `whole`.
        whole: what the width of the drawing stands for.
        classes: the class of each bar.
    """
    drawing = js.document.createElementNS(SVG, "svg")
    for name, value in (("viewBox", "0 0 1000 10"), ("preserveAspectRatio", "none")):
        drawing.setAttribute(name, value)
    drawing.setAttribute("aria-hidden", "true")
    scale = 1000 / (whole or 1)
    for index in range(len(lengths)):
        bar = js.document.createElementNS(SVG, "rect")
        width = max(lengths[index] * scale, 2) if lengths[index] else 0
        for name, value in (("x", f"{offset * scale}"), ("width", f"{width}"), ("height", "10")):
            bar.setAttribute(name, value)
        bar.setAttribute("class", classes[index])
        drawing.append(bar)
        offset += lengths[index]
    return drawing


def set_text(target: "Element", text: str) -> None:
    """Replace the content of an element by a text."""
    target.textContent = text


def set_attribute(target: "Element", name: str, value: "str | None") -> None:
    """Set an attribute of an element; the value `None` removes it."""
    if value is None:
        target.removeAttribute(name)
    else:
        target.setAttribute(name, value)


def set_progress(bar: "Element", value: int) -> None:
    """Set the value of a progress bar, in the unit of the bar's attribute `max`.

    The value is set as a float, because MicroPython cuts integers to 32 bits.
    """
    bar.value = float(value)


def set_height(target: "Element", height_px: "float | None") -> None:
    """Set the height of an element in pixels; `None` removes the fixed height."""
    if height_px is None:
        target.style.removeProperty("block-size")
    else:
        target.style.setProperty("block-size", f"{height_px}px")


def watch_nearness(
    handler: "Callable[[int, bool, float], None]",
) -> "tuple[Callable[[Element], None], Callable[[], None]]":
    """Watch which elements are near the visible part of the page (at most 600 px away from it).

    While a person scrolls fast, many elements move at once. The calls of `handler` are then spread
    over several tasks, so that the browser can draw in between. Elements that are near now are
    reported first, and only the latest state of an element is reported.

    Args:
        handler: called as `handler(number, near, height_px)` for each element after `observe`, and
            again when the element comes near or moves away. `number` is the element's `data-chunk`
            attribute, `near` tells whether the element is near now, and `height_px` is the
            element's height.

    Returns:
        `(observe, stop)`: `observe(element)` starts to watch an element, and `stop()` ends the
        watch of all elements.
    """
    moved: dict[int, tuple[bool, float]] = {}  # by number
    timer = None

    def receive(entries: "Any", _observer: "Any") -> None:
        for index in range(entries.length):
            entry = entries[index]
            height_px = float(entry.boundingClientRect.height)
            moved[int(entry.target.dataset.chunk)] = (bool(entry.isIntersecting), height_px)
        report()

    def report() -> None:
        nonlocal timer
        js.ossferry.clearTimeout(timer)
        end_ms = float(js.performance.now()) + SLICE_MS
        for number in sorted(moved, key=lambda chunk: not moved[chunk][0]):
            near, height_px = moved.pop(number)
            handler(number, near, height_px)
            if float(js.performance.now()) > end_ms:
                break
        timer = js.ossferry.setTimeout(proxy_of_report, 0) if moved else None

    proxy, proxy_of_report = create_proxy(receive), create_proxy(report)
    observer = js.IntersectionObserver.new(proxy, to_js({"rootMargin": NEAR}))

    def stop() -> None:
        observer.disconnect()
        js.ossferry.clearTimeout(timer)
        release(proxy)
        release(proxy_of_report)

    return observer.observe, stop


def clear(target: "Element") -> None:
    """Remove all children of an element."""
    target.replaceChildren()


def has_focus(target: "Element") -> bool:
    """Tell whether an element, or an element inside it, has the keyboard focus."""
    return bool(target.contains(js.document.activeElement))


def listen(target: "Element", event: str, handler: "Callable[[], None]") -> "Callable[[], None]":
    """Call `handler()` each time this event occurs at an element.

    Args:
        event: the name of the event, such as `click`.

    Returns:
        A function that removes the listener and frees its JavaScript callback.
    """
    return subscribe(target, event, lambda _event: handler())


def subscribe(
    target: "Element", event: str, receive: "Callable[[Element], None]"
) -> "Callable[[], None]":
    """Call `receive(event)` with the JavaScript event each time it occurs at an element.

    Returns:
        A function that removes the listener and frees its JavaScript callback.
    """
    proxy = create_proxy(receive)
    target.addEventListener(event, proxy)

    def stop() -> None:
        target.removeEventListener(event, proxy)
        release(proxy)

    return stop


def listen_clicks(
    target: "Element", selector: str, handler: "Callable[[Element, bool], None]"
) -> "Callable[[], None]":
    """Call `handler(element, with_shift)` at each click on certain elements inside `target`.

    `with_shift` tells whether the Shift key is down.

    Args:
        selector: the CSS selector of these elements.

    Returns:
        A function that removes the listener and frees its JavaScript callback.
    """

    def click(event: "Element") -> None:
        if event.target.matches(selector):
            handler(event.target, bool(event.shiftKey))

    return subscribe(target, "click", click)


def show_toast(words: str) -> None:
    """Show a short message at the edge of the page for some seconds.

    Screen readers read the message aloud. If a dialog is open, the message is shown in the dialog,
    because an open dialog hides the rest of the page from people and from screen readers.
    """
    places = js.document.querySelectorAll("dialog[open] > .toast")
    place = places[places.length - 1] if places.length else by_id("toast")
    place.replaceChildren(element("span", None, words))
    place_in_sight(place, "inset-block-start")


def place_in_sight(target: "Element", edge: str) -> None:
    """Move a dialog or toast into the part of an embedded page that the person sees.

    The function also limits the height of the dialog or toast (short message) to that part. It is
    needed because the frame of an embedded page is as high as the page, so the person often sees
    only a part of the frame. In a page that is not embedded, the function does nothing.

    The function returns at once. The element moves as soon as an `IntersectionObserver` has
    reported which part is visible.

    Args:
        target: the dialog or toast.
        edge: the CSS property that sets the distance from the top, such as `margin-block-start`.
    """
    if js.window.parent == js.window:
        return

    def receive(entries: "Any", _observer: "Any") -> None:
        observer.disconnect()
        seen = entries[0].intersectionRect
        highest = float(js.innerHeight) - MIN_HEIGHT
        top = max(0.0, min(float(seen.top), highest))
        target.style.setProperty(edge, f"{top + GAP}px")
        target.style.setProperty(
            "max-block-size", f"{max(float(seen.height), MIN_HEIGHT) - 2 * GAP}px"
        )
        release(proxy)

    proxy = create_proxy(receive)
    observer = js.IntersectionObserver.new(proxy)
    observer.observe(js.document.documentElement)


def listen_keys(handler: "Callable[[str, bool, Element | None], bool]") -> None:
    """Call `handler(code, alt, row)` at each key press, except in selects, text areas and dialogs.

    `code` is the browser's `KeyboardEvent.code` of the key, such as `KeyU`. `alt` tells whether the
    Alt key is down. `row` is the row of the file list in which an element has the focus, or `None`.
    If the handler returns true, the browser does not perform its own action for the key.
    """

    def press(event: "Any") -> None:
        target = event.target
        if not getattr(target, "closest", None) or target.closest("select, textarea, dialog"):
            return
        row = target.closest("[data-testid=upload]")
        if handler(str(event.code), bool(event.altKey), row):
            event.preventDefault()

    js.document.addEventListener("keydown", create_proxy(press))
