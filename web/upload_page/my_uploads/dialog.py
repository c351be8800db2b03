"""The dialog "My uploads", in which a person can search, sort, share and delete stored files."""

from ossferry_uploader.browser.clock import BrowserClock
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import (
    clear,
    element,
    has_focus,
    icon,
    listen,
    set_attribute,
    set_text,
    show_toast,
)
from upload_page.browser.own_server import server
from upload_page.browser.window import start
from upload_page.dialogs.dialog import Dialog
from upload_page.dialogs.download import save_files
from upload_page.dialogs.fields import choice_field, text_field
from upload_page.dialogs.folded_lists import deleted_files, share_links
from upload_page.my_uploads.preview import has_preview, show_preview
from upload_page.my_uploads.renaming import edited
from upload_page.my_uploads.selection import Selection, selecting
from upload_page.my_uploads.share import MAX_FILES, show_share
from upload_page.my_uploads.thumbnails import Thumbnails
from upload_page.receipts.checks import show_checks
from upload_page.receipts.stored_objects import PAGE, StoredObject, list_path, not_listed, path_of
from upload_page.view.elements import button, facts, file_name
from upload_page.view.signals import Owner
from upload_page.view.words.messages import NOT_STORED, explain
from upload_page.view.words.text import moment, say, say_count, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions

    Action = Callable[[StoredObject], Coroutine[Any, Any, None]]

TYPING_S = 0.25  # a search waits this long for the next letter
MAX_WORDS = "200"  # characters; the server takes no more
RENAME = ".named > button"
PENCIL = "M4 16l.9-3.9L13.4 3.6l3 3-8.5 8.5z"  # the path of an icon


class _MyUploads:
    """The dialog "My uploads" and its state. The server searches and sorts the files.

    New uploads that are missing in the server's list are shown first. A button shows the next
    `PAGE` results. Each search has a number, so that the late result of an older search is ignored.
    """

    def __init__(self, actions: "Actions") -> None:
        self.actions = actions
        self.lines: dict[str, Element] = {}  # by key
        self.files: dict[str, StoredObject] = {}  # by key
        self.coming: list[dict[str, Any]] = []  # results that are not shown yet
        self.latest = 0  # the number of the latest search
        self.next = ""  # cursor
        self.dialog = Dialog("my-uploads", say("my_uploads"), wide=True)
        self.search, self.order = _search_field(), _order_field()
        self.words = element("p", {"class": "hint", "role": "status"})
        self.list = element("div", {"class": "list my-uploads", "role": "list"})
        self.listeners, self.thumbnails = Owner(), Thumbnails()
        self.deleted = deleted_files(lambda key, undo_id: start(self.restore(key, undo_id)))
        self.links = share_links(lambda id_: start(self._revoke(id_)))
        self.fields = element("div", {"class": "field", "hidden": ""}, self.search, self.order)
        boxes = (self.fields, self.links.box, self.words, self.list, self.deleted.box)
        self.dialog.body.append(*boxes)
        self.load_more = self.dialog.offer("my_uploads_more", lambda: start(self.more()))
        self.load_more.hidden = True
        selection = Selection(self.list, self._show_selected)
        self.selected, self.select = selection.keys, selection.select
        self.delete_selected = self.dialog.offer("delete", lambda: start(self._delete_all()))
        self.save_selected = self.dialog.offer("download", lambda: start(self._save_all()))
        self.share_selected = self.dialog.offer("share", lambda: start(self._share_all()))
        self._show_selected()
        for stop in (
            selection.dispose,
            self.listeners.dispose,
            self.thumbnails.dispose,
            self.deleted.dispose,
            listen(self.search, "input", lambda: start(self.ask(TYPING_S))),
            listen(self.order, "change", lambda: start(self.ask())),
        ):
            self.dialog.owner.on_dispose(stop)

    async def ask(self, wait_s: float = 0) -> None:
        """Search and show the first page of results. A newer search replaces this search.

        Args:
            wait_s: seconds to wait before the search, so that a person can type more letters.
        """
        self.latest += 1
        number = self.latest
        if wait_s:
            await BrowserClock().sleep(wait_s)
        if number == self.latest:
            words, fresh = str(self.search.value), self.actions.uploader.reporting.waiting()
            answer = await self._fetch("")
            if answer and number == self.latest:
                chosen = self.selected()
                self.listeners.dispose()
                clear(self.list)
                self.lines = {}
                listed = {document["key"] for document in answer["objects"]}
                now_s = BrowserClock().now_s()
                released = {each["key"] for each in answer["objects"] if not each.get("held")}
                self.actions.mark_released(released)
                self.coming = not_listed(fresh, words=words, listed=listed, now_s=now_s)
                self._show(answer)
                self.select(chosen)
                self._show_selected()

    async def more(self) -> None:
        """Show the next page of results."""
        if self.coming:
            self._show_page()
            return
        number = self.latest
        self.load_more.disabled = True
        answer = await self._fetch(self.next)
        self.load_more.disabled = False
        if answer and number == self.latest:
            self._show(answer)

    async def restore(self, key: str, undo_id: str) -> None:
        """Restore a deleted file and load all lists again.

        Args:
            key: the key of the file's object.
            undo_id: the id of the deletion, from the server.
        """
        try:
            await server.call("POST", "/api/objects/undo", {"id": undo_id})
        except ServerRefused as error:
            show_toast(explain(error, origin="").sentence)
        else:
            self.actions.mark_gone(key, False)
        await self.ask()
        await self.load_folded()
        line = self.lines.get(key)
        (line.querySelector("button") if line else self.search).focus()

    async def _revoke(self, id_: str) -> None:
        try:
            await server.call("DELETE", f"/api/shares/{id_}")
        except ServerRefused as error:
            show_toast(explain(error, origin="").sentence)
        await self.links.load()
        self.search.focus()

    async def load_folded(self) -> None:
        """Load the list of deleted files and the list of share links again.

        A deletion changes both lists, because the share links of a deleted file end.
        """
        await self.deleted.load()
        await self.links.load()

    async def _fetch(self, after: str) -> "dict[str, Any] | None":
        words, order = str(self.search.value).strip(), str(self.order.value)
        try:
            return await server.call("GET", list_path(words=words, order=order, after=after))
        except ServerRefused as error:
            set_text(self.words, explain(error, origin="").sentence)
            return None

    def _show(self, answer: "dict[str, Any]") -> None:
        self.coming = self.coming + answer["objects"]
        self.next = answer["next"] or ""
        self._show_page()

    def _show_page(self) -> None:
        page, self.coming = self.coming[:PAGE], self.coming[PAGE:]
        for stored in [StoredObject(document) for document in page]:
            if stored.key not in self.lines:
                self.files[stored.key] = stored
                line = self.lines[stored.key] = self._line(stored)
                self.list.append(line)
        self.load_more.hidden = not self._has_more()
        self._count()
        self._show_selected()

    def _show_selected(self) -> None:
        keys = self.selected()
        free = [key for key in keys if not self.files[key].is_held]
        for control, chosen, name in (
            (self.delete_selected, keys, "delete_selected"),
            (self.save_selected, free, "download_selected"),
            (self.share_selected, free if self.actions.can("share") else [], "share_selected"),
        ):
            control.hidden = not chosen
            set_text(control, say_count(name, len(chosen)))

    def _has_more(self) -> bool:
        return bool(self.coming or self.next)

    def _count(self) -> None:
        if self.lines or self.search.value:  # an empty list needs no search
            self.fields.hidden = False
        if self.lines:
            key = "my_uploads_first" if self._has_more() else "files"
            set_text(self.words, say_count(key, len(self.lines)))
        else:
            set_text(
                self.words, say("my_uploads_none" if self.search.value else "my_uploads_empty")
            )

    def _line(self, stored: StoredObject) -> "Element":
        said = [size_text(stored.size), moment(stored.at_s)]
        if stored.is_held:
            said.append(say("held_bad", reason=stored.reason) if stored.reason else say("held"))
        elif stored.crc64:
            said.append(say("done"))
        buttons = element("div", {"class": "actions", "role": "group", "aria-label": stored.name})
        if has_preview(stored.key, pdf=self.actions.can("pdf")) and not stored.is_held:
            buttons.append(self._button("preview", "quiet strong", show_preview, stored))
        if not stored.is_held:
            buttons.append(
                self._button("share", "quiet strong", self._share, stored),
                self._button("download", "quiet strong", self._download, stored),
            )
        buttons.append(self._button("delete", "quiet bad", self._delete, stored))
        attributes = {
            "class": "upload",
            "role": "listitem",
            "data-testid": "stored",
            "data-name": stored.name,
        }
        words = element("p", {"class": "state"}, facts(said))
        line = element("div", attributes, selecting(stored.key, stored.name))
        name = element("div", {"class": "named"}, file_name(stored.name, stored.folders))
        if not stored.is_held:
            renaming = button(
                "quiet round", icon(PENCIL), lambda: start(self._rename(stored)), self.listeners
            )
            set_attribute(renaming, "aria-label", say("rename_file", name=stored.name))
            name.append(renaming)
        line.append(self.thumbnails.badge(stored, self.listeners), name, words)
        if stored.checks:
            line.append(show_checks(stored.checks, self.listeners))
        line.append(buttons)
        return line

    def _button(self, name: str, kind: str, action: "Action", stored: StoredObject) -> "Element":
        return button(kind, say(name), lambda: start(action(stored)), self.listeners)

    async def _rename(self, stored: StoredObject) -> None:
        named = self.lines[stored.key].querySelector(".named").children
        set_text(self.words, say("rename_folders"))
        path = await edited(named[0], stored.path, say("rename_to", name=stored.name), named[1])
        if not path:
            self._count()
            return
        folder, _, name = path.rpartition("/")
        wish: dict[str, object] = {"folder": folder, "name": name or None}
        try:
            found = await server.call("PATCH", f"/api/objects/{path_of(stored.key)}", wish)
        except ServerRefused as error:
            self._refused(stored, error)
            return
        renamed, chosen = StoredObject(found), self.selected()
        self.files[stored.key], old = renamed, self.lines.get(stored.key)
        if old:
            had_focus = has_focus(old)
            self.lines[stored.key] = self._line(renamed)
            old.replaceWith(self.lines[stored.key])
            self.select(chosen)
            if had_focus:
                self.lines[stored.key].querySelector(RENAME).focus()
        set_text(self.words, say("renamed", name=renamed.path))
        await self.links.load()

    async def _share(self, stored: StoredObject) -> None:
        await show_share(stored.key, stored.name, self.actions)
        await self.links.load()

    async def _download(self, stored: StoredObject) -> None:
        await save_files([stored], [stored.name], stored.name)

    async def _save_all(self) -> None:
        files = [self.files[key] for key in self.selected()]
        await save_files(files, [stored.path for stored in files], say("my_uploads"))

    async def _share_all(self) -> None:
        keys = [key for key in self.selected() if not self.files[key].is_held]
        if len(keys) > MAX_FILES:
            show_toast(say("share_files", most=MAX_FILES))
            return
        name = say_count("files", len(keys)) if len(keys) > 1 else self.files[keys[0]].name
        await show_share(keys[0], name, self.actions, keys[1:])
        await self.links.load()

    async def _delete_all(self) -> None:
        for key in self.selected():
            await self._remove(self.files[key])
        self._show_selected()
        await self.load_folded()

    async def _delete(self, stored: StoredObject) -> None:
        await self._remove(stored)
        self._show_selected()
        await self.load_folded()

    async def _remove(self, stored: StoredObject) -> None:
        line = self.lines.pop(stored.key, None)
        if line is None:
            return  # the second click of a double click
        set_attribute(line, "aria-busy", "true")
        try:
            done = await server.call("DELETE", f"/api/objects/{path_of(stored.key)}")
        except ServerRefused as error:
            set_attribute(line, "aria-busy", None)
            self.lines[stored.key] = line
            self._refused(stored, error)
            return
        line.remove()
        self.actions.mark_gone(stored.key, True)
        self._tell_deleted(stored, done["undo"])

    def _refused(self, stored: StoredObject, error: ServerRefused) -> None:
        """Show why the server refused a request.

        If the object no longer exists, remove the line of the object.
        """
        show_toast(explain(error, origin="").sentence)
        if error.code == NOT_STORED and stored.key in self.lines:
            self.lines.pop(stored.key).remove()
            self.actions.mark_gone(stored.key, True)
            self._count()

    def _tell_deleted(self, stored: StoredObject, undo: "dict[str, str] | None") -> None:
        set_text(self.words, say("my_uploads_deleted", name=stored.name) + " ")
        if undo is None:
            self.search.focus()
            return

        def take_back() -> None:
            undoing.disabled = True
            start(self.restore(stored.key, undo["id"]))

        undoing = button("link", say("undo"), take_back, self.listeners)
        self.words.append(undoing)
        undoing.focus()


def _search_field() -> "Element":
    words = say("my_uploads_search")
    field = text_field("words", type="search", placeholder=words, maxlength=MAX_WORDS)
    set_attribute(field, "aria-label", words)
    return field


def _order_field() -> "Element":
    orders = [(order, say(f"my_uploads_{order}")) for order in ("newest", "name", "size")]
    select = choice_field("order", orders, "newest")
    set_attribute(select, "aria-label", say("my_uploads_order"))
    return select


async def show_my_uploads(actions: "Actions") -> None:
    """Open the dialog "My uploads", and return when it is closed."""
    dialog = _MyUploads(actions)
    await dialog.ask()
    await dialog.load_folded()
    if actions.can("requests"):
        await actions.ask("asked_for", dialog.dialog, actions)
    await dialog.dialog.closed.wait()
