"""The list of deleted files that the server can still restore."""

from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import clear, element, set_attribute, set_text
from upload_page.browser.own_server import server
from upload_page.receipts.stored_objects import folders_of
from upload_page.view.elements import button, facts, file_name
from upload_page.view.signals import Owner
from upload_page.view.words.text import moment, say, say_count, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from upload_page.browser.dom import Element

SHOWN = 200


class DeletedFiles:
    """A collapsible list of deleted files. The button of a file calls `restore(key, undo_id)`."""

    def __init__(self, restore: "Callable[[str, str], None]") -> None:
        self._restore = restore
        self._listeners = Owner()
        self._title = element("summary")
        self._list = element("div", {"class": "list", "role": "list"})
        self.box = element("details", {"class": "folded", "hidden": ""}, self._title, self._list)

    def dispose(self) -> None:
        """Remove all listeners."""
        self._listeners.dispose()

    async def load(self) -> None:
        """Load the list from the server; hide the list if it is empty or the request fails."""
        try:
            documents = (await server.call("GET", f"/api/objects/deleted?limit={SHOWN}"))["objects"]
        except ServerRefused:
            documents = []
        self._listeners.dispose()
        clear(self._list)
        set_text(self._title, say_count("my_uploads_gone", len(documents)))
        set_attribute(self.box, "hidden", None if documents else "")
        for document in documents:
            self._list.append(self._line(document))

    def _line(self, document: "dict[str, Any]") -> "Element":
        undo = document["undo"]

        def restore() -> None:
            restoring.disabled = True
            self._restore(document["key"], undo["id"])

        restoring = button("quiet strong", say("restore"), restore, self._listeners)
        until = say("restore_until", until=moment(from_iso(undo["until"])))
        return element(
            "div",
            {"class": "upload", "role": "listitem", "data-testid": "deleted"},
            file_name(document["name"], folders_of(document["key"])),
            element("p", {"class": "state"}, facts([size_text(document["size"]), until])),
            element("div", {"class": "actions"}, restoring),
        )
