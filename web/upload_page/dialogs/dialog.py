"""The class of all modal dialogs of the page, and a dialog that shows text to copy by hand.

The browser keeps the focus inside a modal dialog, closes it with the Escape key, and then returns
the focus to the element that had it before.
"""

import asyncio

from upload_page.browser.dom import by_id, element, icon, listen, place_in_sight, set_attribute
from upload_page.view.elements import CROSS, button
from upload_page.view.signals import Owner
from upload_page.view.words.text import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from upload_page.browser.dom import Element


class Dialog:
    """A modal dialog, which opens when it is created: a title, content, and buttons.

    When the dialog is closed, the effects and listeners of `owner` end, and `closed` is set.

    Args:
        name: the name of the dialog, such as `receipt`, for the ids of its elements.
        wide: true for a wider dialog.

    Attributes:
        owner: the `Owner` of the dialog's effects and listeners.
        closed: the `asyncio.Event` that tells that the dialog was closed.
        body: the element for the content.
        box: the `dialog` element.
    """

    def __init__(self, name: str, title: str, *, wide: bool = False) -> None:
        self.owner = Owner()
        self.closed = asyncio.Event()
        self.body = element("div", {"class": "dialog-body"})
        self._buttons = element("div", {"class": "bulk"})
        close = button("quiet round", icon(CROSS), self.close, self.owner)
        set_attribute(close, "aria-label", say("close"))
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
        self.owner.on_dispose(listen(self.box, "close", self._ended))
        by_id("main").append(self.box)
        self.box.showModal()
        place_in_sight(self.box, "margin-block-start")

    def offer(self, key: str, action: "Callable[[], None]", *, main: bool = False) -> "Element":
        """Add a button below the content of the dialog, and return it.

        Args:
            key: the key of the button's text in the locale files.
            action: called when the button is clicked.
            main: true to draw the button as the most important one.
        """
        kind = "button small primary" if main else "button small"
        made = button(kind, say(key), action, self.owner)
        self._buttons.append(made)
        return made

    def close(self) -> None:
        """Close the dialog."""
        self.box.close()

    def _ended(self) -> None:
        self.owner.dispose()
        self.box.remove()
        self.closed.set()


async def show_text(text: str) -> None:
    """Open a dialog that shows a text, already selected, so that the person can copy it by hand."""
    dialog = Dialog("text", say("copy_by_hand"))
    attributes = {"class": "text", "readonly": "", "aria-label": say("copy_by_hand")}
    field = element("textarea", attributes)
    field.value = text
    dialog.body.append(field)
    field.select()
