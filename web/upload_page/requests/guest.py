"""The page for a guest: who asks for which files, the questions, and what has arrived."""

import asyncio

from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.grants.limits import Limits
from ossferry_uploader.transfer.pacing.retry import waits_for
from upload_page.browser import window
from upload_page.browser.dom import by_id, clear, element, listen, set_attribute, set_text
from upload_page.browser.own_server import server
from upload_page.browser.requests import show_drop_zone
from upload_page.dialogs.fields import choice_field, stacked, text_field, values_of
from upload_page.requests.texts import explain_refusal
from upload_page.view.elements import button
from upload_page.view.signals import Owner, Signal, effect
from upload_page.view.words.text import gap, language, moment, say, say_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.adding import Adding
    from upload_page.view.grant_model import GrantModel
    from upload_page.view.model import QueueModel

    Document = dict[str, Any]

# Name, type and longest answer of the questions that a request can have besides its own fields.
NEEDS = (("name", "text", "100"), ("email", "email", "254"), ("password", "password", "200"))
MAX_ANSWER = "500"  # characters
FIELD = "field."  # before the names of the request's own fields
OVER = ("unknown-request", "request-over", "too-many-files")
ALERT = {"class": "trouble", "role": "alert"}


class _GuestPage:
    """The part of the page above the drop zone.

    Attributes:
        about: what the server says about the request; `None` until it has answered.
        over: why the guest cannot send any files, or `None`.
        is_admitted: whether the server has admitted the guest, and gives grants.
    """

    def __init__(
        self, model: "QueueModel", actions: "Actions", adding: "Adding", begin: "Callable[[], None]"
    ) -> None:
        self.about, self.over, self.is_admitted = Signal(None), Signal(None), Signal(False)
        self._model, self._actions = model, actions
        self._adding, self._begin = adding, begin
        self._pending = 0  # the latest value of the signal
        self._entering = asyncio.Lock()
        self._box = element("section", {"class": "unfinished dialog-body"})
        self._box.dataset.testid = "request"
        self._form = element("form", {"class": "dialog-body", "method": "dialog"})  # sends nothing
        self._refusal = element("p", ALERT)
        self._saving = button("link", "", actions.show_receipt, Owner())
        self._arrived = element("p", {"role": "status"})
        by_id("unfinished").before(self._box)
        listen(self._form, "submit", lambda: window.start(self._enter()))

    async def open(self) -> None:
        """Ask the server about the request, and show it; wait while the server does not answer."""
        while not self.about.get():
            try:
                self.about.set(await server.call("GET", "/about"))
                self.over.set(None)
            except ServerRefused as error:
                self.over.set(error)
                if not waits_for(error):
                    return
                await window.person_or_network_back()
        guest = self.about.get()["guest"]
        if guest:
            self._admit(guest)
        effect(self._follow_files)

    def _asks(self) -> bool:
        """Tell whether a guest has to answer something before the first file."""
        about = self.about.get()
        return any(about["needs"].values()) or bool(about["fields"])

    def _follow_files(self) -> None:
        before, self._pending = self._pending, self._adding.pending.get()
        if self._pending > before:
            window.start(self._take_files())

    async def _take_files(self) -> None:
        """Let files that a person has added into the list, unless the request is over by now.

        The page has its grant for minutes, and would hear of the end late. If nothing is asked, the
        first files admit the guest.
        """
        if not self.is_admitted.get():
            if not self._asks():
                await self._enter()
            return
        try:
            await server.call("GET", "/about")
        except ServerRefused as error:
            if error.code in OVER:
                self.over.set(error)
                return
        self._let_in()

    def _let_in(self) -> None:
        self._adding.open()
        self._adding.close()

    async def _enter(self) -> None:
        """Send the answers to the server, which admits the guest or refuses."""
        async with self._entering:
            if self.is_admitted.get():
                return
            values = values_of(self._form)
            document: Document = {name: values[name][0] for name in values if FIELD not in name}
            document["fields"] = {
                name[len(FIELD) :]: values[name][0] for name in values if FIELD in name
            }
            try:
                guest = await server.call("POST", "/enter", document)
            except ServerRefused as error:
                if error.code in OVER:
                    self.over.set(error)
                set_text(self._refusal, explain_refusal(error, _labels(self.about.get())))
                self._form.insertBefore(self._refusal, self._form.lastElementChild)
                return
        self._admit(guest)

    def _admit(self, guest: "Document") -> None:
        left = self.about.get()["limits"]["max_files"] - guest["files"]
        if left <= 0:
            self.over.set(ServerRefused(409, code="too-many-files"))
            return
        uploader = self._actions.uploader
        uploader.limit(Limits(types=[], max_total=left))
        uploader.engine.quota.on_change = lambda: None  # the owner's quota is not shown to guests
        self.is_admitted.set(True)
        self._let_in()
        self._begin()

    def show(self) -> None:
        """Show the request with its questions, or why the guest cannot send files."""
        language.get()
        about, over, is_admitted = self.about.get(), self.over.get(), self.is_admitted.get()
        clear(self._box)
        set_attribute(self._box, "hidden", None if about or over else "")
        show_drop_zone(bool(about) and not over and (is_admitted or not self._asks()))
        if about:
            self._box.append(*_description(about))
        if over:
            self._box.append(element("p", ALERT, explain_refusal(over, {})))
        elif about and not is_admitted:
            self._form.replaceChildren(*(_questions(about) if self._asks() else []))
            self._box.append(self._form)
        self._box.append(self._arrived)

    def show_arrived(self) -> None:
        """Show how many files have arrived, with a button that saves the receipt for them."""
        language.get()
        count = self._model.done.get() + self._actions.removed_done.get()
        set_text(self._saving, say("guest_save"))
        set_attribute(
            self._arrived, "hidden", "" if self._model.running.get() or not count else None
        )
        self._arrived.replaceChildren(say_count("guest_arrived", count), gap(), self._saving)


def _labels(about: "Document") -> "dict[str, str]":
    """Return the questions of a request by the names that the server gives their answers."""
    labels = {name: say(f"guest_{name}") for name, _, _ in NEEDS}
    labels.update({f"fields.{asked['name']}": asked["label"] for asked in about["fields"]})
    return labels


def _questions(about: "Document") -> "list[Element]":
    """Return the fields of a form for a guest, and its button."""
    made = []
    for name, kind, most in NEEDS:
        if about["needs"][name]:
            complete = "off" if name == "password" else name
            given = {"type": kind, "required": "", "maxlength": most, "autocomplete": complete}
            made.append(stacked(say(f"guest_{name}"), text_field(name, **given)))
    for asked in about["fields"]:
        name, label, choices = FIELD + asked["name"], asked["label"], asked["choices"]
        field = text_field(name, maxlength=MAX_ANSWER)
        if choices:
            field = choice_field(name, [("", "")] + [(choice, choice) for choice in choices])
        set_attribute(field, "required", "" if asked["required"] else None)
        made.append(
            stacked(label if asked["required"] else say("guest_optional", question=label), field)
        )
    going_on = element("button", {"class": "button small primary"}, say("go_on"))
    return made + [element("div", {"class": "bulk"}, going_on)]


def _description(about: "Document") -> "list[Element]":
    """Return who asks for files, and the words of this person, which are set apart as a quote."""
    title = element("b", {"dir": "auto"}, about["title"])
    text = element("p", {"dir": "auto"}, about["text"])
    until = say("guest_until", until=moment(from_iso(about["ends_at"])))
    return [
        element("h1", None, say("guest_asks", by=about["by"])),
        element("blockquote", {"dir": "auto"}, title, text),
        element("p", None, until),
        element("p", {"class": "hint"}, say("guest_trust", by=about["by"])),
    ]


async def serve_guest(
    model: "QueueModel",
    grant: "GrantModel",
    actions: "Actions",
    adding: "Adding",
    begin: "Callable[[], None]",
) -> None:
    """Show a guest the request, ask the questions, and take files when they are answered.

    Args:
        begin: called once, when the server has admitted the guest.
    """
    page = _GuestPage(model, actions, adding, begin)

    def follow_grant() -> None:
        error = grant.error.get()
        if error and error.code in OVER:
            page.over.set(error)

    for follow in (page.show, page.show_arrived, follow_grant):
        effect(follow)
    await page.open()
