"""What was deleted and can still be brought back, for as long as the server keeps it."""

from uploader.browser.page.dom import clear, element, listen, set_attribute, set_text
from uploader.browser.server.calls import call
from uploader.dialogs.stored_objects import folders_of
from uploader.oss.times import from_iso
from uploader.transfer.errors import ServerRefused
from uploader.view.elements import facts
from uploader.view.list.rows import file_name
from uploader.view.signals import Owner
from uploader.view.words.text import moment, say, say_count, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploader.browser.page.dom import Element

__all__ = ["Deleted"]

SHOWN = 200


class Deleted:
    """A list that can be unfolded; `restore(key, undo_id)` is called for what shall come back."""

    def __init__(self, restore: "Callable[[str, str], None]") -> None:
        self._restore = restore
        self._listeners = Owner()
        self._title = element("summary")
        self._list = element("div", {"class": "list", "role": "list"})
        self.box = element("details", {"class": "folded", "hidden": ""}, self._title, self._list)

    def dispose(self) -> None:
        """Let go of all listeners."""
        self._listeners.dispose()

    async def load(self) -> None:
        """Ask the server anew; one that keeps nothing has nothing to show."""
        try:
            found = (await call("GET", f"/api/objects/deleted?limit={SHOWN}"))["objects"]
        except ServerRefused:
            found = []
        self._listeners.dispose()
        clear(self._list)
        set_text(self._title, say_count("mine_gone", len(found)))
        set_attribute(self.box, "hidden", None if found else "")
        for each in found:
            self._list.append(self._line(each))

    def _line(self, each: "dict[str, Any]") -> "Element":
        undo = each["undo"]
        button = element("button", {"type": "button", "class": "quiet strong"}, say("restore"))
        self._listeners.on_dispose(
            listen(button, "click", lambda: self._bring_back(button, each["key"], undo["id"]))
        )
        until = say("restore_until", until=moment(from_iso(undo["until"])))
        return element(
            "div",
            {"class": "upload", "role": "listitem", "data-testid": "deleted"},
            file_name(each["name"], folders_of(each["key"])),
            element("p", {"class": "state"}, facts([size_text(each["size"]), until])),
            element("div", {"class": "actions"}, button),
        )

    def _bring_back(self, button: "Element", key: str, undo_id: str) -> None:
        button.disabled = True
        self._restore(key, undo_id)
