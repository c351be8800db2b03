"""The frame of the dialog in which a person repairs a table: its worker, and what it remembers.

The worker runs `ossferry_checks.tables.session`, which also gives the sentences of the dialog.
"""

import asyncio
import json
from functools import partial

from ossferry_uploader.browser.clock import BrowserClock
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import RepairEnded
from ossferry_uploader.transfer.journal.checkpoint import fingerprint
from upload_page.browser.dom import clear, element, set_attribute, set_progress
from upload_page.browser.repair import LocalStorage, listen_keys
from upload_page.browser.window import start
from upload_page.dialogs.dialog import Dialog
from upload_page.repair.remembered import Remembered
from upload_page.view.elements import button, file_name
from upload_page.view.signals import Owner
from upload_page.view.words.messages import at_line
from upload_page.view.words.text import language, say, use_more

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.ports import TableRepair
    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions
    from upload_page.view.model import UploadModel

_storage, _now_s = LocalStorage(), BrowserClock().now_s
DECISIONS = Remembered(_storage, "ossferry repair", most=20, longest=200_000, now_s=_now_s)
MATCHES = Remembered(_storage, "ossferry columns", most=50, longest=20_000, now_s=_now_s)


def _nothing(_share: float) -> None:
    pass


class _Replaced(Exception):
    """Raised by a call of a worker that the panel has ended itself."""


class Panel:
    """The dialog. Each step shows itself with `show` and `offer`.

    Args:
        reopen: opens the file in a new worker.

    Attributes:
        item: the upload.
        file: its file.
        actions: the page's actions.
        decisions: the latest decisions as JSON; empty if nothing is decided.
        is_kept: whether the browser has stored them.
        is_old: whether some of them do not fit the table any more.
        reading: how the person wants the file to be read; `None` without a choice.
        fields: the fields of the table.
        owner: the owner of the listeners of the current step.
        on_keys: called with pressed keys, see `listen_keys`; set by the current step.
    """

    def __init__(
        self, item: "UploadModel", actions: "Actions", reopen: "Callable[[], None]"
    ) -> None:
        self.item = item
        self.reopen = reopen
        self.file = item.upload.source
        self.actions = actions
        self._person = actions.uploader.engine.journal.owner
        self._file_name = self._person + fingerprint(self.file)
        self.decisions = DECISIONS.get(self._file_name)
        self.is_kept = True
        self.is_old = False
        self.reading: dict[str, Any] | None = None
        self.fields: list[dict[str, Any]] = []
        self.owner = Owner()
        self.on_keys: Callable[[str, Element], bool] = _no_keys
        self._worker: TableRepair | None = None
        self._lock = asyncio.Lock()
        self._has_words = False
        self.dialog = Dialog("repair", say("repair"), wide=True)
        set_attribute(self.dialog.box, "class", "dialog wide repair")
        self._foot = element("div", {"class": "bulk"})
        self.dialog.body.after(self._foot)
        keys = listen_keys(self.dialog.box, lambda keys, target: self.on_keys(keys, target))
        for stop in (keys, self._end_worker, lambda: self.owner.dispose()):
            self.dialog.owner.on_dispose(stop)

    def follow(self) -> None:
        """Close the dialog if the table cannot be repaired any more, or the upload is removed."""
        for changes in (self.item.state, self.item.paused_for):
            changes.get()
        if not (self.actions.has(self.item) and self.item.upload.may_repair()):
            self.dialog.close()

    def run(self, work: "Coroutine[Any, Any, Any]") -> None:
        """Start a part of the repair; if the worker ends meanwhile, say so."""
        start(self._guarded(work))

    def run_new(self, work: "Callable[..., Coroutine[Any, Any, Any]]", *given: "Any") -> None:
        """Start `work(*given)` as a part of the repair."""
        self.run(work(*given))

    async def _guarded(self, work: "Coroutine[Any, Any, Any]") -> None:
        try:
            await work
        except _Replaced:
            pass
        except RepairEnded as error:
            self._show_ended(str(error))

    async def open(self) -> "Any":
        """Open the file in a new worker with the latest decisions and the latest reading.

        Returns:
            The result of the session's command `open`; `None` if the file is no table, which is
            then said.

        Raises:
            RepairEnded: the worker has ended.
        """
        self._end_worker()
        self._worker = self.actions.uploader.queue.checking.repair(self.item.upload)
        self._lock = asyncio.Lock()
        self.wait(say("repair_opening"))
        overview = await self.call("open", self.decisions or None)
        if "columns" not in overview:
            self.show_error(overview)
            return None
        use_more({language.get(): overview["words"]})
        self._has_words = True
        self.fields = overview["fields"]
        self.is_old = overview["is_old"]
        if self.reading and self.reading != overview["reading"]:
            return await self.call("read", self.reading)
        return overview

    async def call(
        self, command: str, given: "Any" = None, on_progress: "Callable[[float], None]" = _nothing
    ) -> "Any":
        """Run a command of the session, and return its result.

        Raises:
            RepairEnded: the worker has ended.
        """
        worker = self._worker
        async with self._lock:
            if worker is None or worker is not self._worker:
                raise _Replaced
            try:
                return await worker.call(command, given, on_progress)
            except RepairEnded:
                if worker is self._worker:
                    raise
                raise _Replaced from None

    async def take(self, name: str) -> "tuple[File, File]":
        """Return the corrected file under this name, and the list of changes."""
        if self._worker is None:
            raise _Replaced
        return await self._worker.take(name)

    def keep(self, decisions: str) -> None:
        """Remember the decisions for this file."""
        self.decisions = decisions
        self.is_kept = DECISIONS.put(self._file_name, decisions)

    def field(self, name: str) -> "dict[str, Any] | None":
        """Return the field with this name; `None` if there is none."""
        found = [each for each in self.fields if each["name"] == name]
        return found[0] if found else None

    def matches_of(self, header: str, columns: int) -> "list[str]":
        """Return the fields that the person chose for the columns of a file with the same header.

        The result is empty if there was none, or if the table has other fields now.

        Args:
            columns: the number of columns.
        """
        found: list[str] = json.loads(MATCHES.get(self._person + header) or "[]")
        names = [""] + [each["name"] for each in self.fields]
        is_known = len(found) == columns and all(name in names for name in found)
        return found if is_known else []

    def remember_matches(self, header: str, fields: "list[str]") -> None:
        """Remember the fields that the person has chosen for the columns of a header."""
        MATCHES.put(self._person + header, json.dumps(fields))

    def start_again(self) -> None:
        """Forget all decisions, and open the file anew."""
        self.keep("")
        self.reading = None
        self.reopen()

    def show(self, step: int, key: str, *children: "Any") -> None:
        """Show a step in place of the one before, whose listeners end.

        Args:
            step: its number.
            key: the key of its name.
            children: its elements.
        """
        heading = element("h3", {"tabindex": "-1"}, say(f"panel_{key}"))
        place = element("span", {"class": "hint"}, say("panel_step", step=step))
        head = element("div", {"class": "step"}, heading, file_name(self.file.name), place)
        self._fill(head, *children)
        heading.focus()
        upload = self.item.upload
        if upload.paused_for == states.FOR_ANSWER and not upload.made:
            accept = partial(self.actions.upload_anyway, self.item)
            self.offer(say("upload_original"), accept)

    def offer(
        self, words: str, action: "Callable[[], None]", *, is_main: bool = False
    ) -> "Element":
        """Add a button below the step."""
        made = button(f"button small{' primary' if is_main else ''}", words, action, self.owner)
        self._foot.append(made)
        return made

    def wait(self, words: str, *, can_cancel: bool = False) -> "Callable[[float], None]":
        """Show that a command runs, and return a function that shows its share, from 0 to 1."""
        bar = element("progress", {"max": "100", "aria-label": words})
        self._fill(element("p", {"role": "status"}, words), bar)
        if can_cancel:
            self.offer(say("cancel"), self.reopen).focus()
        return lambda share: set_progress(bar, int(100 * share))

    def _fill(self, *children: "Any") -> None:
        self.owner.dispose()
        self.on_keys = _no_keys
        clear(self._foot)
        self.dialog.body.replaceChildren(*children)
        self.dialog.box.scrollTop = 0

    def show_error(self, answer: "dict[str, Any]") -> None:
        """Show why a command did not work; `answer` has `error` and `line`."""
        words = at_line(answer["error"], answer["line"])
        self._fill(element("p", {"class": "bad", "role": "alert"}, words))
        self._offer_again()

    def _show_ended(self, reason: str) -> None:
        words = element("p", {"class": "bad", "role": "alert"}, say("repair_ended"))
        self._fill(words, element("code", {"class": "detail"}, reason))
        self._offer_again()

    def _offer_again(self) -> None:
        if self.decisions and self._has_words:
            self.offer(say("panel_start_again"), self.start_again)
        self.offer(say("retry"), self.reopen, is_main=True).focus()

    def _end_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker:
            worker.close()


def _no_keys(_keys: str, _target: "Element") -> bool:
    return False
