"""The two lists in the dialog "My uploads" that are folded at first: share links, deleted files."""

from functools import partial

from ossferry_uploader.browser.clock import BrowserClock
from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import clear, element, set_attribute, set_text
from upload_page.browser.own_server import server
from upload_page.view.elements import button, facts, file_name
from upload_page.view.signals import Owner
from upload_page.view.words.text import moment, say, say_count, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from upload_page.browser.dom import Element

    Document = dict[str, Any]
    Fill = Callable[[list[Document], Owner], list[Element]]

SHOWN = 200


class FoldedList:
    """A list from the server that a person can open.

    Args:
        path: the path of the request.
        name: the name of the list in the server's answer.
        title: the key of the sentence with the number of lines.
        lines: returns the lines for the entries; their listeners belong to the owner.
    """

    def __init__(self, path: str, name: str, title: str, lines: "Fill") -> None:
        self._path = path
        self._name = name
        self._title = title
        self._lines = lines
        self._listeners = Owner()
        self._head = element("summary")
        self._list = element("div", {"class": "list", "role": "list"})
        self.box = element("details", {"class": "folded", "hidden": ""}, self._head, self._list)

    def dispose(self) -> None:
        """Remove all listeners."""
        self._listeners.dispose()

    async def load(self) -> None:
        """Load the list from the server; hide the list if it is empty or the request fails."""
        try:
            found = (await server.call("GET", f"{self._path}?limit={SHOWN}"))[self._name]
        except ServerRefused:
            found = []
        self._listeners.dispose()
        lines = self._lines(found, self._listeners)
        clear(self._list)
        set_text(self._head, say_count(self._title, len(lines)))
        set_attribute(self.box, "hidden", None if lines else "")
        self._list.append(*lines)


def share_links(revoke: "Callable[[str], None]") -> FoldedList:
    """Return the list of this person's valid share links, for the dialog "My uploads".

    Each line shows the file name, the expiry, the visits and the note of a link. The list is empty
    until its method `load` is called, and shows only its title until the person opens it.

    Args:
        revoke: `revoke(id)` is called when the button of a link is clicked.
    """

    def lines(found: "list[Document]", owner: Owner) -> "list[Element]":
        now_s = BrowserClock().now_s()
        return [_link(link, revoke, owner) for link in found if _works(link, now_s)]

    return FoldedList("/api/shares", "shares", "links", lines)


def deleted_files(restore: "Callable[[str, str], None]") -> FoldedList:
    """Return the list of this person's deleted files that can be restored, for "My uploads".

    Each line has a button to restore the file. The list is empty until its method `load` is called,
    and shows only its title until the person opens it.

    Args:
        restore: `restore(key, undo_id)` is called when the button of a file is clicked. `key` is
            the object key, and `undo_id` is the server's id of the deletion.
    """

    def lines(found: "list[Document]", owner: Owner) -> "list[Element]":
        return [_deleted(document, restore, owner) for document in found]

    return FoldedList("/api/objects/deleted", "objects", "my_uploads_gone", lines)


def _link(link: "Document", revoke: "Callable[[str], None]", owner: Owner) -> "Element":
    said = [say("links_until", until=moment(from_iso(link["expires_at"])))]
    if link["files"] > 1:
        said.insert(0, say_count("files", link["files"]))
    if link["opens"] is not None:
        said.append(say_count("links_opens", link["opens"]))
    if link["note"]:
        said.append(link["note"])
    buttons = []
    if link["opens"] is not None:  # nobody can revoke a presigned URL
        action = partial(revoke, link["id"])
        buttons.append(button("quiet bad", say("links_revoke"), action, owner))
    return list_line("link", link["name"], "", said, *buttons)


def _works(link: "Document", now_s: float) -> bool:
    if link["deleted_at"] or link["revoked_at"] or from_iso(link["expires_at"]) <= now_s:
        return False
    return link["max_opens"] is None or link["opens"] < link["max_opens"]


def _deleted(
    document: "Document", restore: "Callable[[str, str], None]", owner: Owner
) -> "Element":
    undo = document["undo"]

    def start() -> None:
        restoring.disabled = True
        restore(document["key"], undo["id"])

    restoring = button("quiet strong", say("restore"), start, owner)
    until = say("restore_until", until=moment(from_iso(undo["until"])))
    said = [size_text(document["size"]), until]
    return list_line("deleted", document["name"], document["folder"], said, restoring)


def list_line(
    kind: str, name: str, folders: str, said: "list[str]", *buttons: "Element"
) -> "Element":
    """Return a line of a list in a dialog: name, short texts and buttons.

    Args:
        kind: the name of the line for tests, such as `link`.
        folders: the folders of a file, such as `a/b`; may be empty.
    """
    attributes = {"class": "upload", "role": "listitem", "data-testid": kind}
    words = element("p", {"class": "state"}, facts(said))
    made = element("div", attributes, file_name(name, folders), words)
    if buttons:
        made.append(element("div", {"class": "actions"}, *buttons))
    return made
