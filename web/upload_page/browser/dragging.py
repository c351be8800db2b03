"""Follows the pointer while a person drags a row of the file list."""

import asyncio

import js

from upload_page.browser.dom import set_attribute, subscribe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upload_page.browser.dom import Element

EVENTS = ("pointermove", "pointerup", "pointercancel", "pointerdown")
WAITING = "[data-testid=upload][data-state=waiting]"
EDGE_PX = 80.0  # nearer to the edge of the window, the page scrolls
SCROLL_PX = 12.0


async def drop_place(from_px: float) -> int:
    """Mark the row of a waiting upload under the pointer, until the pointer is released.

    Args:
        from_px: the distance of the dragged row from the top of the document.

    Returns:
        The number in the queue of the waiting upload on whose row the pointer was released; 0 if
        it was released elsewhere.
    """
    ended, number = asyncio.Event(), 0
    marked: Element | None = None

    def follow(event: "Element") -> None:
        nonlocal number, marked
        if marked:
            set_attribute(marked, "data-drop", None)
            marked = None
        if event.type != "pointermove" or not event.buttons:  # it may have ended before we listened
            if event.type != "pointerup":
                number = 0
            ended.set()
            return
        x, y = float(event.clientX), float(event.clientY)
        if not EDGE_PX < y < float(js.innerHeight) - EDGE_PX:
            js.scrollBy(0, SCROLL_PX if y > EDGE_PX else -SCROLL_PX)
        below = js.document.elementFromPoint(x, y)
        marked = below.closest(WAITING) if below else None
        number = int(marked.dataset.number) if marked else 0
        if marked:
            set_attribute(marked, "data-drop", "before" if event.pageY < from_px else "after")

    stops = [subscribe(js.document, event, follow) for event in EVENTS]
    await ended.wait()
    for stop in stops:
        stop()
    return number
