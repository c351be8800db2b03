"""Functions of the browser that only the dialog for the repair of tables needs."""

import js

from ossferry_uploader.browser.interop import JsException, reason_of, to_js
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import subscribe
from upload_page.browser.style_sheets import load_styles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from upload_page.browser.dom import Element

_loaded: "list[Any]" = []  # the module `checks.js`


async def load() -> None:
    """Load the style sheet of the dialog and the module for its storage, unless that is done.

    Raises:
        ServerRefused: the server does not answer.
    """
    if _loaded:
        return
    await load_styles("repair_styles")
    try:
        _loaded.append(await js.ossferry.load("checks"))
    except JsException as error:
        raise ServerRefused(0, detail=reason_of(error))


class LocalStorage:
    """The browser's `localStorage`; implements `repair.remembered.Storage`. Call `load` first."""

    def read(self, name: str) -> str:
        """Return a stored text; empty if there is none, or if the browser stores nothing."""
        return str(_loaded[0].readText(name))

    def write(self, name: str, text: str) -> bool:
        """Store a text under a name, and return whether there was room; empty text removes it."""
        return bool(_loaded[0].writeText(name, text))


def listen_keys(
    target: "Element", handler: "Callable[[str, Element], bool]"
) -> "Callable[[], None]":
    """Call `handler(keys, element)` at each key press inside `target`.

    `keys` is such as `Enter`, `Alt+ArrowDown` or `Ctrl+Shift+Z`; the Command key counts as Ctrl. If
    the handler returns true, the browser does not perform its own action.

    Returns:
        A function that removes the listener.
    """

    def press(event: "Element") -> None:
        if event.isComposing:
            return  # the Enter key ends a word of an input method
        key = str(event.key)
        is_letter = len(key) == 1 and key < "\x7f"
        name = key.upper() if is_letter else str(event.code).replace("Key", "")
        parts = [("Ctrl+", event.ctrlKey or event.metaKey), ("Alt+", event.altKey)]
        parts.append(("Shift+", event.shiftKey))
        if handler("".join([held for held, is_down in parts if is_down]) + name, event.target):
            event.preventDefault()

    return subscribe(target, "keydown", press)


def address_of(content: "Any") -> "tuple[str, Callable[[], None]]":
    """Return an address of a `BrowserFile` or a text, and a function that frees the address."""
    blob = js.Blob.new(to_js([content])) if isinstance(content, str) else content.blob
    address = str(js.URL.createObjectURL(blob))
    return address, lambda: js.URL.revokeObjectURL(address)


def put_in_order(target: "Element", children: "list[Element]") -> None:
    """Add elements to another one in this order; those in their place keep the focus."""
    for index, child in enumerate(children):
        at = target.children.item(index)
        if not at or not at.isSameNode(child):
            target.insertBefore(child, at)
