"""What other devices left unfinished: go on with it by choosing the file, or discard it.

It stands below what this browser's own pages left, and shows nothing that this browser is at.
"""

import asyncio

from uploader.browser.files import file_from_js
from uploader.browser.page.dom import by_id, clear, element, listen, set_attribute, set_text, told
from uploader.dialogs.continue_upload import Begun, InOtherTab, OtherFile, claim, go_on_with
from uploader.oss.errors import OSSError, Refused
from uploader.transfer.errors import ServerRefused, TransferError
from uploader.view.elements import facts
from uploader.view.list.rows import file_name
from uploader.view.signals import Owner, effect
from uploader.view.words.messages import explain
from uploader.view.words.text import ago, language, percent, say, say_count, size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from uploader.browser.page.dom import Element
    from uploader.transfer.resuming.leftovers import Leftovers
    from uploader.view.model import QueueModel

__all__ = ["show_elsewhere"]

GONE = ("NoSuchUpload", "no-upload")  # codes of OSS and of our server


class _Elsewhere:
    """The list; each upload keeps its line until it is this browser's, or no more."""

    def __init__(self, found: "list[Begun]", leftovers: "Leftovers", *, more: bool) -> None:
        self._leftovers = leftovers
        self._title = element("p", {"class": "title"})
        self._more = element("p", {"class": "title"}) if more else None
        self._lines = [_Line(each, leftovers, self.show) for each in found]
        self._language = ""
        self.box = element("section", {"class": "unfinished", "hidden": ""}, self._title)
        for line in self._lines:
            self.box.append(line.box)
        if self._more:
            self.box.append(self._more)

    def show(self) -> None:
        """Take away what is not to be shown any longer, and speak the page's language."""
        known, lines = self._leftovers.journal.upload_ids, self._lines
        self._lines = [
            line for line in lines if not line.has_ended and line.begun.upload_id not in known
        ]
        for line in lines:
            if line not in self._lines:
                line.close()
        set_attribute(self.box, "hidden", None if self._lines else "")
        if self._language != language.get():
            self._language = language.get()
            self._say()

    def _say(self) -> None:
        set_attribute(self.box, "aria-label", say("elsewhere_title"))
        clear(self._title)
        self._title.append(element("b", None, say("elsewhere_title")))
        if any(line.begun.part_size for line in self._lines):
            self._title.append(" ", say("elsewhere"))
        if self._more:
            set_text(self._more, say("elsewhere_more"))
        for line in self._lines:
            line.offer()


class _Line:
    """One upload: words, and buttons, none while an answer is waited for.

    `on_end` is called when there is nothing more to do with it.
    """

    def __init__(self, begun: Begun, leftovers: "Leftovers", on_end: "Callable[[], None]") -> None:
        self.begun = begun
        self.has_ended = False
        self._leftovers = leftovers
        self._on_end = on_end
        self._is_busy = False
        self._listeners = Owner()
        self._words = element("p", {"class": "state", "role": "status"})
        group = {"class": "actions", "role": "group", "aria-label": begun.name}
        self._buttons = element("div", group)
        self._input = element("input", {"type": "file", "hidden": ""})
        self._stop = listen(self._input, "change", self._chosen)
        name = file_name(begun.name, begun.folders)
        attributes = {"class": "record", "data-testid": "elsewhere", "data-name": begun.name}
        self.box = element("div", attributes, name, self._words, self._buttons, self._input)

    def offer(self) -> None:
        """Say what is there, and what can be done with it."""
        if self._is_busy:
            return
        begun, now_s = self.begun, self._leftovers.engine.keeper.server_now_s()
        said = [say("elsewhere_there", size=size_text(begun.size))]
        said.append(say("elsewhere_began", ago=ago(max(0.0, now_s - begun.began_at_s))))
        if begun.is_active(now_s):
            said.append(say("elsewhere_active"))
        self._words.replaceChildren(facts(said))
        self._clear()
        if begun.part_size:
            self._button("button small", say("elsewhere_choose"), lambda: self._input.click())
        self._button("quiet", say("discard"), self._ask_back)

    def close(self) -> None:
        """Go away."""
        self._clear()
        self._stop()
        self.box.remove()

    def _ask_back(self) -> None:
        self._clear()
        no = self._button("quiet", say("cancel"), self._take_back)
        self._button("quiet bad", say_count("discard_all_sure", 1), lambda: self._do(_discard))
        no.focus()

    def _take_back(self) -> None:
        self.offer()
        self._buttons.lastChild.focus()

    def _chosen(self) -> None:
        if not self._input.files.length:
            return
        file = file_from_js(self._input.files[0])
        self._input.value = ""  # the same file can be chosen again
        self._compared(0)

        async def go_on(begun: Begun, leftovers: "Leftovers") -> None:
            await go_on_with(begun, file, leftovers, lambda known: self._compared(known.sent))

        self._do(go_on)

    def _compared(self, size: int) -> None:
        set_text(self._words, say("elsewhere_check", percent=percent(size, self.begun.size)))

    def _do(self, work: "Callable[[Begun, Leftovers], Coroutine[Any, Any, None]]") -> None:
        self._is_busy = True
        self._clear()
        asyncio.create_task(self._run(work))  # noqa: RUF006 - it ends by itself

    async def _run(self, work: "Callable[[Begun, Leftovers], Coroutine[Any, Any, None]]") -> None:
        try:
            await work(self.begun, self._leftovers)
        except InOtherTab:
            self._end("elsewhere_tab")
        except (OSSError, TransferError) as error:
            if isinstance(error, (Refused, ServerRefused)) and error.code in GONE:
                self._end("elsewhere_gone")
            else:
                self._failed(error)
        else:
            self._end("" if work is not _discard else "elsewhere_discarded")

    def _end(self, why: str) -> None:
        if why:
            told(say(why, name=self.begun.name))
        self.has_ended = True
        self._on_end()

    def _failed(self, error: Exception) -> None:
        """Say why, and offer the same again."""
        self._is_busy = False
        self.offer()
        self._buttons.firstChild.focus()
        is_other = isinstance(error, OtherFile)
        sentence = say("elsewhere_other") if is_other else explain(error, origin="").sentence
        set_text(self._words, sentence)

    def _clear(self) -> None:
        self._listeners.dispose()
        clear(self._buttons)

    def _button(self, kind: str, words: str, action: "Callable[[], None]") -> "Element":
        button = element("button", {"type": "button", "class": kind}, words)
        self._listeners.on_dispose(listen(button, "click", action))
        self._buttons.append(button)
        return button


async def _discard(begun: Begun, leftovers: "Leftovers") -> None:
    if not await claim(begun, leftovers):
        raise InOtherTab(begun.key)
    try:
        await leftovers.engine.ports.receipts.discard(begun.key, begun.upload_id)
    finally:
        leftovers.journal.leave(begun.key)


async def show_elsewhere(
    answer: "dict[str, Any]", model: "QueueModel", leftovers: "Leftovers"
) -> None:
    """Show what the server's `answer` lists, as long as it is not this browser's."""
    found = [Begun(each) for each in answer["uploads"]]
    elsewhere = _Elsewhere(found, leftovers, more=bool(answer["more"]))
    by_id("unfinished").after(elsewhere.box)

    def show() -> None:
        model.unfinished.get()  # with these, what is known here may have changed
        model.rows.get()
        elsewhere.show()

    effect(show)
