"""A dialog: the browser keeps the focus in it, closes it with Escape and gives the focus back."""

import asyncio

from uploader.browser.page.dom import by_id, element, icon, listen, place_in_sight
from uploader.view.list.rows import CROSS
from uploader.view.signals import Owner
from uploader.view.words.text import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.browser.page.dom import Element

__all__ = ["Dialog"]


class Dialog:
    """An open dialog with a title; put content into `body`, and buttons with `offer`."""

    def __init__(self, name: str, title: str, *, wide: bool = False) -> None:
        self.owner = Owner()
        self.closed = asyncio.Event()
        self.body = element("div", {"class": "dialog-body"})
        self._buttons = element("div", {"class": "bulk"})
        close = element(
            "button",
            {"type": "button", "class": "quiet round", "aria-label": say("close")},
            icon(CROSS),
        )
        head = element(
            "div",
            {"class": "dialog-head"},
            element("h2", {"id": f"dialog-title-{name}"}, title),
            close,
        )
        attributes = {
            "class": "dialog wide" if wide else "dialog",
            "aria-labelledby": f"dialog-title-{name}",
            "data-testid": f"dialog-{name}",
        }
        toast = element("p", {"class": "toast", "aria-live": "polite"})
        self.box = element("dialog", attributes, head, self.body, self._buttons, toast)
        self.owner.on_dispose(listen(close, "click", self.close))
        self.owner.on_dispose(listen(self.box, "close", self._ended))
        by_id("main").append(self.box)
        self.box.showModal()
        place_in_sight(self.box, "margin-block-start")

    def offer(self, key: str, action: "Callable[[], None]", *, main: bool = False) -> "Element":
        """Add a button at the foot."""
        kind = "button small primary" if main else "button small"
        button = element("button", {"type": "button", "class": kind}, say(key))
        self.owner.on_dispose(listen(button, "click", action))
        self._buttons.append(button)
        return button

    def close(self) -> None:
        """Close it."""
        self.box.close()

    def _ended(self) -> None:
        self.owner.dispose()
        self.box.remove()
        self.closed.set()
