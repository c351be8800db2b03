"""The dialog of one request for files: its link, its end, and the files that have arrived."""

from ossferry_uploader.browser.clock import BrowserClock
from ossferry_uploader.oss.encoding import percent_encode
from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import ServerRefused
from upload_page.browser.dom import element, set_attribute, set_text, show_toast
from upload_page.browser.own_server import server
from upload_page.browser.qr import qr_code
from upload_page.browser.requests import day_of, end_of
from upload_page.browser.window import start
from upload_page.dialogs.dialog import Dialog
from upload_page.dialogs.download import save_files
from upload_page.dialogs.fields import stacked, text_field
from upload_page.dialogs.folded_lists import list_line
from upload_page.receipts.stored_objects import StoredObject
from upload_page.requests.texts import (
    about_guest,
    explain_refusal,
    facts_of,
    facts_of_file,
    folder_for,
)
from upload_page.view.elements import button, facts
from upload_page.view.words.messages import explain
from upload_page.view.words.text import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions

    Document = dict[str, Any]

LOOK_S = 5.0
PAGE = 200
NOBODY: "Document" = {"name": "", "email": "", "fields": {}}


class _Request:
    """The dialog, which looks for new files every `LOOK_S` seconds while it is open."""

    def __init__(self, request: "Document") -> None:
        self.request = request
        self._path = f"/api/requests/{request['id']}"
        self._files: list[Document] = []
        self._lines: dict[str, tuple[list[str], Element]] = {}  # with their texts, by key
        self._guests: dict[str, Element] = {}  # the lists of their files, by guest
        self._folders: dict[str, str] = {}  # in the archive, by guest
        self.dialog = Dialog("request", request["title"], wide=True)
        self._state = element("p", {"class": "hint", "role": "status"})
        self._all = self.dialog.offer("asked_all", lambda: self._save(self._files), main=True)
        self._all.hidden = True

    async def show_link(self, actions: "Actions") -> None:
        """Show the link with its QR code, and the controls for the end of the request."""
        link, owner = self.request["link"], self.dialog.owner
        field = text_field("link", readonly="", dir="ltr")
        field.value = link
        ends = text_field("ends_at", type="date", min=day_of(BrowserClock().now_s()))
        ends.value = day_of(from_iso(self.request["ends_at"]))

        def extend() -> None:
            if ends.value:
                self._change({"ends_at": end_of(str(ends.value)), "closed": False})

        def close_or_open() -> None:
            self._change({"closed": not self.request["closed_at"]})

        copying = button(
            "button small primary", say("copy_link"), lambda: actions.copy(link), owner
        )
        extending = button("button small", say("asked_extend"), extend, owner)
        self._closing = button("button small", "", close_or_open, owner)
        controls = element(
            "div",
            {"class": "dialog-body"},
            stacked(say("share_link"), field),
            element("div", {"class": "bulk"}, copying),
            stacked(say("ask_ends"), ends),
            element("div", {"class": "bulk"}, extending, self._closing),
        )
        code = await qr_code(link, say("share_qr"))
        self.dialog.body.append(element("div", {"class": "pair"}, controls, code), self._state)
        field.select()

    async def follow(self) -> None:
        """Show the files, and look for new ones until the dialog is closed."""
        while not self.dialog.closed.is_set():
            await self._look()
            await BrowserClock().sleep(LOOK_S)

    async def _look(self) -> None:
        files: list[Document] = []
        after: str | None = ""
        try:
            while after is not None:
                path = f"{self._path}/files?limit={PAGE}&after={percent_encode(after)}"
                found = await server.call("GET", path)
                self._add(found)
                files += found["files"]
                after = found["next"]
        except ServerRefused as error:
            set_text(self._state, explain(error, origin="").sentence)
            return
        self._files = files
        self.request["files"] = len(files)
        self.request["bytes"] = sum([file["size"] for file in files])
        self.request["guests"] = len(self._guests)
        self.request["last_at"] = max([file["last_modified"] for file in files], default="")
        self._show()

    def _add(self, found: "Document") -> None:
        """Add new files by time, and replace changed ones; deleted files stay in the list."""
        for file in sorted(found["files"], key=lambda file: (file["last_modified"], file["name"])):
            guest, key, said = file["guest"], file["key"], facts_of_file(file)
            if guest not in self._guests:
                answers = found["guests"].get(guest, NOBODY)
                folder = folder_for(_name_of(answers), list(self._folders.values()))
                self._folders[guest], self._guests[guest] = folder, self._list(answers)
            before, shown = self._lines.get(key, (None, None))
            if said != before:
                self._lines[key] = (said, self._line(file, said))
                if shown:
                    shown.replaceWith(self._lines[key][1])
                else:
                    self._guests[guest].append(self._lines[key][1])

    def _list(self, guest: "Document") -> "Element":
        """Add the list of a guest's files to the dialog, and return it."""
        name = element("b", None, element("bdi", None, _name_of(guest)))
        words = element("p", {"class": "hint"}, facts(about_guest(guest, self.request["fields"])))
        lines = element("div", {"class": "list", "role": "list"})
        self.dialog.body.append(element("div", {"data-testid": "guest"}, name, words), lines)
        return lines

    def _line(self, file: "Document", said: "list[str]") -> "Element":
        if file["held"]:
            return list_line("sent", file["name"], "", said)
        owner = self.dialog.owner
        saving = button("quiet strong", say("download"), lambda: self._save([file]), owner)
        return list_line("sent", file["name"], "", said, saving)

    def _show(self) -> None:
        is_closed = bool(self.request["closed_at"])
        self._state.replaceChildren(facts(facts_of(self.request, BrowserClock().now_s())))
        set_text(self._closing, say("asked_reopen" if is_closed else "asked_close"))
        set_attribute(self.dialog.box, "data-closed", "" if is_closed else None)
        self._all.hidden = all(file["held"] for file in self._files)

    def _save(self, files: "list[Document]") -> None:
        names = [f"{self._folders[file['guest']]}/{file['name']}" for file in files]
        start(save_files([StoredObject(file) for file in files], names, self.request["title"]))

    def _change(self, wish: "Document") -> None:
        async def change() -> None:
            self.request.update(await server.call("PATCH", self._path, wish))
            await self._look()

        start(self._busy(self._closing, change()))

    async def _busy(self, control: "Element", work: "Coroutine[Any, Any, None]") -> None:
        control.disabled = True
        try:
            await work
        except ServerRefused as error:
            show_toast(explain_refusal(error, {"ends_at": say("ask_ends")}))
        control.disabled = False


def _name_of(guest: "Document") -> str:
    return guest["name"] or say("asked_unnamed")


async def show_request(request: "Document", actions: "Actions") -> None:
    """Open the dialog of a request, and return when it is closed.

    Args:
        request: the request, as the server describes it; the function updates it.
    """
    shown = _Request(request)
    await shown.show_link(actions)
    start(shown.follow())
    await shown.dialog.closed.wait()
