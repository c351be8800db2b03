"""The list "Asked for" in the dialog "My uploads": a person's requests for files."""

from ossferry_uploader.browser.clock import BrowserClock
from upload_page.browser.window import start
from upload_page.dialogs.folded_lists import FoldedList, list_line
from upload_page.requests.ask import ask_for_files
from upload_page.requests.request import show_request
from upload_page.requests.texts import facts_of
from upload_page.view.elements import button
from upload_page.view.words.text import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.dialogs.dialog import Dialog
    from upload_page.view.actions import Actions
    from upload_page.view.signals import Owner


async def show_asked_for(dialog: "Dialog", actions: "Actions") -> None:
    """Add the person's requests for files to the dialog "My uploads", and a button for a new one.

    The list is hidden if it is empty or the server refuses it.
    """

    async def load_after(shown: "Coroutine[Any, Any, None]") -> None:
        await shown
        await asked.load()

    def line(request: "dict[str, Any]", owner: "Owner") -> "Element":
        def show() -> None:
            start(load_after(show_request(request, actions)))

        said = facts_of(request, BrowserClock().now_s())
        opening = button("quiet strong", say("asked_open"), show, owner)
        return list_line("asked", request["title"], "", said, opening)

    def lines(found: "list[dict[str, Any]]", owner: "Owner") -> "list[Element]":
        return [line(request, owner) for request in found]

    asked = FoldedList("/api/requests", "requests", "asked_for", lines)
    dialog.body.append(asked.box)
    dialog.owner.on_dispose(asked.dispose)
    dialog.offer("ask_for_files", lambda: start(load_after(ask_for_files(actions))))
    await asked.load()
