"""The actions that a person can run for one upload, for all uploads, or for the page."""

import asyncio

from ossferry_uploader.oss.keys import safe_name
from ossferry_uploader.oss.times import to_iso
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import GrantRefused, ServerRefused
from upload_page.browser import window
from upload_page.browser.dom import show_toast
from upload_page.browser.own_server import server
from upload_page.browser.window import start
from upload_page.view.signals import Signal, batch
from upload_page.view.words.messages import explain
from upload_page.view.words.report import support_report
from upload_page.view.words.text import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from ossferry_uploader.transfer.checks.verdict import Repaired
    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.journal.checkpoint import Checkpoint
    from ossferry_uploader.transfer.ports import Clock
    from ossferry_uploader.transfer.resuming.unfinished import Failed
    from ossferry_uploader.transfer.upload import Upload
    from ossferry_uploader.uploader import Uploader
    from upload_page.view.grant_model import GrantModel
    from upload_page.view.model import QueueModel, UploadModel

UNDO_S = 8.0
POLL_S = 0.05
TOLD = 3  # messages about files that could not be opened or discarded; the list shows the others


class Actions:
    """The actions behind the buttons of the file list, of the page and of the dialogs.

    `cancel` first pauses an upload for `UNDO_S` seconds. In this time, `undo` continues it, and
    parts that OSS already has are not sent again. After this time, the cancellation is final.

    Attributes:
        origin: scheme, host and port of this page, for explanations of CORS errors.
        may_ask: a signal, true if the browser would ask for permission to show notifications.
        crop_ratio: the width of a cropped picture divided by its height; 0 if the person chooses.
        offers_sign_in: a signal, true if the page shows a button to sign in.
        on_removed: called with finished uploads that were removed from the list, or whose objects
            were deleted.
        on_restored: called with an upload whose deleted object was restored.
        reveal: called with a row of the model, to scroll to it and move the focus there.
        removed_done: a signal with the number of finished uploads that were removed from the list.

    Args:
        open_dialog: `open_dialog(name, ...)` loads `on_demand.FUNCTIONS`, calls the function with
            this name, which usually opens a dialog, and returns its result.
    """

    def __init__(
        self,
        uploader: "Uploader",
        model: "QueueModel",
        grant: "GrantModel",
        clock: "Clock",
        *,
        open_dialog: "Callable[..., Coroutine[Any, Any, Any]]",
    ) -> None:
        self.uploader = uploader
        self.origin = window.origin()
        self.may_ask = Signal(window.may_ask_to_notify())
        self.crop_ratio = 0.0
        self.offers_sign_in = Signal(True)
        self.on_removed: Callable[[list[Upload]], None] = lambda uploads: None
        self.on_restored: Callable[[Upload], None] = lambda upload: None
        self.reveal: Callable[[UploadModel], None] = lambda item: None
        self._next_refused = 0  # where in the list `show_refused` continues
        self.removed_done = Signal(0)  # finished uploads that were removed from the list
        self._removed_done: list[tuple[Upload, float]] = []
        self._queue = uploader.queue
        self._model = model
        self._grant = grant
        self._clock = clock
        self._open_dialog = open_dialog

    def can(self, feature: str) -> bool:
        """Tell whether the server offers a feature, such as `share`, to this person."""
        return self._grant.can(feature)

    def sends_whole(self) -> bool:
        """Tell whether each file is sent in one request, so that a retry sends all of it."""
        return self._grant.has_form()

    def cancel(self, item: "UploadModel") -> None:
        """Pause an upload, and cancel it after `UNDO_S` seconds unless `undo` is called."""
        item.was_held = item.paused_for.get() == states.BY_PERSON
        self._queue.pause(item.upload)
        self._queue.leave(item.upload, True)
        self._model.leave(item, True)
        item.timer = asyncio.create_task(self._cancel_later(item))

    def undo(self, item: "UploadModel") -> None:
        """Undo a call of `cancel`: continue the upload, unless the person had paused it before."""
        item.timer.cancel()
        self._queue.leave(item.upload, False)
        self._model.leave(item, False)
        if not item.was_held:
            self.resume(item)

    def pause(self, item: "UploadModel") -> None:
        """Pause an upload until the person resumes it."""
        self._queue.pause(item.upload)
        self._model.flush()

    def resume(self, item: "UploadModel") -> None:
        """Continue a paused upload."""
        self._queue.resume(item.upload)

    def send_next(self, item: "UploadModel") -> None:
        """Send a waiting upload before all other waiting uploads."""
        self._queue.send_next(item.upload)

    def has(self, item: "UploadModel") -> bool:
        """Return whether an upload is in the list, and not cancelled."""
        return item in self._model.rows.get() and item.state.get() != states.CANCELLED

    def waiting(self) -> "list[UploadModel]":
        """Return the waiting uploads, in the order of the list."""
        return self._in((states.WAITING,))

    def move(self, item: "UploadModel", before: "UploadModel | None") -> None:
        """Move an upload in the list and in the queue, before another one or to the end."""
        self._queue.move(item.upload, before.upload if before else None)
        self._model.move(item, before)

    def retry(self, item: "UploadModel") -> None:
        """Start a failed or cancelled upload again."""
        self._queue.retry(item.upload)
        self._model.flush()

    def upload_anyway(self, item: "UploadModel") -> None:
        """Send a file although a check has a question about it, because the person has agreed."""
        self._queue.checking.answer(item.upload)
        self._model.flush()

    def upload_original(self, item: "UploadModel") -> None:
        """Send the original file of an upload, not the file that a check has made from it."""
        self._queue.checking.answer(item.upload, keep_original=True)
        self._model.flush()

    def fields(self) -> "list[dict[str, Any]]":
        """Return the operator's fields that describe a file, as in the latest grant."""
        grant = self._grant.grant.get()
        return grant.details if grant else []

    def describe(self, item: "UploadModel") -> None:
        """Open the dialog with the name and the details of a file that is not sent yet."""
        self.open_dialog("details", [item], self)

    def describe_all(self) -> None:
        """Open the dialog with the details of all files that are not sent yet."""
        self.open_dialog("details", self.described(), self)

    def described(self) -> "list[UploadModel]":
        """Return the uploads that wait and have not begun, so that a person may describe them."""
        rows = self._model.rows.get()
        return [
            item
            for item in rows
            if item.upload.may_describe()
            and item.upload.state != states.FAILED
            and not item.leaving.get()
        ]

    def change_details(
        self, item: "UploadModel", name: str, details: "dict[str, str]", *, is_last: bool = True
    ) -> None:
        """Give an upload a name and details.

        Args:
            details: metadata by name; an empty value removes one.
            is_last: false if more uploads follow, so that the list is updated only once.

        Raises:
            IllegalMove, WrongType, ValueError: as `Queue.describe`.
        """
        self._queue.describe(item.upload, name, details)
        if is_last:
            self._model.flush()

    def edit(self, items: "list[UploadModel]", is_open: bool) -> None:
        """Let uploads wait while the dialog with their details is open."""
        for item in items:
            self._queue.edit(item.upload, is_open)
        self._model.flush()

    def edit_picture(self, item: "UploadModel", edit: "list[int] | None") -> None:
        """Rotate and crop the picture of an upload.

        Raises:
            IllegalMove: as `Queue.edit_picture`.
        """
        self._queue.edit_picture(item.upload, edit)
        self._model.flush()

    def name_problem(self, file: "File", name: str) -> str:
        """Return why an added file must not get a name, as a sentence; empty if it may."""
        limits = self._grant.limits.get()
        error = limits.type_refusal(name, file.content_type) if limits else None
        if error and not limits.is_replaced(name):
            return explain(error, origin=self.origin).sentence
        listed = [(item.upload.file.path, item.upload.name) for item in self._model.rows.get()]
        return say("rename_taken") if (file.path, name) in listed else ""

    def use_found(self, item: "UploadModel") -> None:
        """Use the details that a check has found, as far as the operator's fields allow."""
        self.open_dialog("found_details", item, self)

    def repair(self, item: "UploadModel") -> None:
        """Open the dialog in which a person repairs a table."""
        self.open_dialog("repair", item, self)

    def use_repaired(self, item: "UploadModel", repaired: "Repaired") -> None:
        """Send the repaired table of an upload."""
        self._queue.checking.use_repaired(item.upload, repaired)
        self._model.flush()

    def remove(self, item: "UploadModel") -> None:
        """Remove an ended upload from the list.

        If the person has just cancelled the upload and could still undo this, finish the
        cancellation first.
        """
        if item.leaving.get():
            item.timer.cancel()
            start(self._cancel_and_remove(item))
            return
        self._take_off([item])

    def continue_uploads(self, records: "list[Checkpoint]") -> None:
        """Start to continue unfinished uploads from earlier visits, and return at once.

        The browser opens the files with the file handles that it has stored. If this fails, the
        reason is shown in a short message.

        Args:
            records: the records of the uploads in the browser's storage.
        """
        start(_tell(self._queue.unfinished.reopen(records)))

    @property
    def speed_limit(self) -> int:
        """The speed limit of all uploads together, in bytes per second; 0 means no limit."""
        return self._queue.speed_limit

    def limit_speed(self, bytes_per_s: int) -> None:
        """Limit the total speed of all uploads, in bytes per second; 0 removes the limit."""
        self._queue.speed_limit = bytes_per_s

    def discard(self, records: "list[Checkpoint]") -> None:
        """Start to discard unfinished uploads from earlier visits, and return at once.

        Their records are removed from the browser's storage, and their parts from OSS. If this
        fails, the reason is shown in a short message.

        Args:
            records: the records of the uploads in the browser's storage.
        """
        start(_tell(self._queue.unfinished.discard(records)))

    def pause_or_resume(self) -> None:
        """Pause all uploads; if a person has already paused all of them, continue them."""
        if self._model.running.get() > self._model.held.get():
            self.pause_all()
        else:
            self.resume_all()

    def pause_all(self) -> None:
        """Pause all uploads that have not ended.

        Waiting uploads are paused first. Otherwise, each pause of a running upload would start a
        waiting one.
        """
        first = (states.WAITING, states.CHECKING)
        for item in self._in(first) + self._in((states.UPLOADING, states.VERIFYING)):
            self._queue.pause(item.upload)
        for item in self._in((states.PAUSED,)):
            self._queue.pause(item.upload)
        self._model.flush()

    def resume_all(self) -> None:
        """Continue all uploads that a person paused."""
        for item in self._in((states.PAUSED,)):
            if item.paused_for.get() == states.BY_PERSON:
                self._queue.resume(item.upload)
        self._model.flush()

    def cancel_all(self) -> None:
        """Cancel all uploads that have not ended; each can be undone, as with `cancel`."""
        first = (states.WAITING, states.CHECKING, states.PAUSED)  # as in `pause_all`
        items = self._in(first) + self._in((states.UPLOADING, states.VERIFYING))

        def cancel() -> None:
            for item in items:
                if not item.leaving.get():
                    self.cancel(item)

        batch(cancel)

    def retry_failed(self) -> None:
        """Start all failed uploads again, except those whose error allows no retry."""
        self._queue.retry_failed()
        self._model.flush()

    def clear(self) -> None:
        """Remove completed and cancelled uploads from the list."""
        leaving = [item for item in self._in((states.CANCELLED,)) if item.leaving.get()]
        for item in leaving:
            self.remove(item)
        ended = self._in((states.DONE, states.CANCELLED))
        self._take_off([item for item in ended if item not in leaving])

    def clear_refused(self) -> None:
        """Remove failed uploads that cannot be retried, such as files that are too large."""
        self._take_off([item for item in self._model.rows.get() if _is_refused(item)])

    def show_refused(self) -> None:
        """Scroll to the next upload that cannot be retried; after the last one, to the first."""
        rows = self._model.rows.get()
        for place in range(len(rows)):
            index = (self._next_refused + place) % len(rows)
            if _is_refused(rows[index]):
                self._next_refused = index + 1
                self.reveal(rows[index])
                return

    def empty(self) -> None:
        """Cancel all uploads that have not ended, and remove all uploads from the list."""
        ended = self._in(states.ENDED)
        for item in self._model.rows.get():
            if item not in ended:
                start(self._cancel_and_remove(item))
        self._take_off([item for item in ended if not item.leaving.get()])

    def copy_report(self, item: "UploadModel") -> None:
        """Copy a report about a failed upload, for the support team, to the clipboard."""
        report = support_report(
            item.upload,
            at=to_iso(self._clock.now_s()),
            page=window.address(),
            browser=window.browser(),
        )
        self.copy(report)

    def copy(self, text: str) -> None:
        """Copy text to the clipboard and show a confirmation.

        If the browser does not allow copying, a dialog shows the text instead.
        """
        start(self._copy(text))

    def copy_link(self, item: "UploadModel") -> None:
        """Create a link to the file of a finished upload, and copy the link to the clipboard.

        The link is valid for one day.
        """
        self.open_dialog("copy_link", item.upload.key, self)

    def share(self, item: "UploadModel") -> None:
        """Open the dialog in which a person creates links to the file of a finished upload."""
        self.open_dialog("share", item.upload.key, safe_name(item.upload.name), self)

    def show_my_uploads(self) -> None:
        """Open the dialog that lists this person's stored files."""
        self.open_dialog("my_uploads", self)

    def record(self, kinds: "list[str]") -> None:
        """Open the dialog that records; `kinds` has some of `camera`, `sound` and `screen`."""
        self.open_dialog("recording", kinds, self)

    def show_receipt(self) -> None:
        """Open the dialog in which a person saves the receipt: a list of all finished uploads.

        The receipt includes finished uploads that were removed from the file list.
        """
        done = [(item.upload, item.ended_at_s) for item in self._in((states.DONE,))]
        self.open_dialog("receipt", self._removed_done + done)

    def mark_gone(self, key: str, is_gone: bool) -> None:
        """Show in the file list that the object of an upload was deleted or restored.

        The function also calls `on_removed` or `on_restored`, and asks the server for the remaining
        quota.

        Args:
            key: the key of the object.
            is_gone: true if the object was deleted, false if it was restored.
        """
        for item in self._model.rows.get():
            if item.upload.key == key:
                item.gone.set(is_gone)
                if is_gone:
                    self.on_removed([item.upload])
                else:
                    self.on_restored(item.upload)
        start(self._refresh_quota())

    def mark_released(self, keys: "set[str]") -> None:
        """Show in the file list that the server has checked the objects with these keys."""
        for item in self._model.rows.get():
            if item.held.get() and item.upload.key in keys:
                item.upload.target.is_held = False
                item.held.set(False)

    def try_now(self) -> None:
        """Let all uploads that wait for the network or the server try again at once."""
        window.try_now()

    def sign_in(self) -> None:
        """Open this page in a new tab, so that the person can sign in there.

        After the person has signed in, the uploads of this tab continue.
        """
        window.open_tab(window.address())

    def sign_out(self) -> None:
        """End the person's session at the server, delete the credentials, and reload the page."""
        start(self._sign_out())

    def allow_notifications(self) -> None:
        """Ask the person for permission to show a notification when all uploads have ended."""
        start(self._ask_to_notify())

    def skip(self, upload: "Upload") -> None:
        """Remove an upload that has not begun from the list."""
        self._queue.cancel(upload)
        self._model.flush()
        self._take_off([item for item in self._model.rows.get() if item.upload is upload])

    def arrived(self, upload: "Upload") -> None:
        """Report a finished upload to the server, and remove the upload that it replaces.

        Only the row is removed: the server deletes the object as soon as it records the new one.
        """
        self.uploader.reporting.arrived(upload)
        old = upload.target.replaces
        if old not in ("", upload.key):
            replaced = [item for item in self._model.rows.get() if item.upload.key == old]
            if self.can("objects"):
                for item in replaced:
                    item.gone.set(True)
                self.on_removed([item.upload for item in replaced])
            self._take_off(replaced)

    def replace(self, old: "UploadModel", new: "Upload") -> None:
        """Replace the upload `old` in the file list by the upload `new`.

        If `old` is not finished, it is immediately cancelled and removed. If `old` is finished, it
        is removed when `new` is stored, and the server deletes its object.
        """
        if old.upload.state == states.DONE:
            self._queue.replace(new, old.upload.key)
        else:
            start(self._cancel_and_remove(old))

    def open_dialog(self, name: str, *given: "Any") -> None:
        """Start a function of `on_demand`, which usually opens a dialog, and return at once.

        If the server does not answer, a short message says so.

        Args:
            name: the name of the function in `on_demand.FUNCTIONS`, such as `share`.
            given: the arguments of the function.
        """
        start(self._open(name, *given))

    async def ask(self, name: str, *given: "Any") -> "Any":
        """Call a function of `on_demand`, which usually opens a dialog, and return its result.

        Args:
            name: the name of the function in `on_demand.FUNCTIONS`, such as `same_name`.
            given: the arguments of the function.
        """
        return await self._open_dialog(name, *given)

    async def _open(self, name: str, *given: "Any") -> None:
        try:
            await self.ask(name, *given)
        except ServerRefused as error:
            show_toast(explain(error, origin=self.origin).sentence)

    async def _copy(self, text: str) -> None:
        if await window.copy_text(text):
            show_toast(say("copied"))
        else:
            await self.ask("show_text", text)

    async def _sign_out(self) -> None:
        try:
            await server.call("POST", "/logout")
        except ServerRefused as error:
            if error.status != 401:  # else the session has ended already
                show_toast(say("sign_out_failed"))
                return
        self.uploader.keeper.forget()  # the browser may ask, and the person may stay on this page
        window.reload()

    async def _refresh_quota(self) -> None:
        """Request the unused quota after a file was deleted or restored.

        Then retry the uploads that wait for quota.
        """
        try:
            if self.uploader.engine.quota.is_limited():
                await self.uploader.keeper.anew()
        except GrantRefused:
            return  # the view shows the error, and the uploads continue to wait
        window.try_now()

    async def _ask_to_notify(self) -> None:
        await window.ask_to_notify()
        self.may_ask.set(window.may_ask_to_notify())

    def _take_off(self, items: "list[UploadModel]") -> None:
        """Remove uploads from the list, and keep the finished uploads for the receipt."""
        done = []
        for item in items:
            self._queue.remove(item.upload)
            if item.state.get() == states.DONE and not item.gone.get():
                done.append(item.upload)
                self._removed_done.append((item.upload, item.ended_at_s))
        self._model.remove(items)
        self.removed_done.set(len(self._removed_done))
        if done:
            self.on_removed(done)

    def _in(self, wanted: "tuple[str, ...]") -> "list[UploadModel]":
        return [item for item in self._model.rows.get() if item.state.get() in wanted]

    async def _cancel_later(self, item: "UploadModel") -> None:
        await self._clock.sleep(UNDO_S)
        if item.leaving.get():
            await self._cancel(item)

    async def _cancel(self, item: "UploadModel") -> None:
        self._queue.cancel(item.upload)
        while item.upload.state not in states.ENDED:
            await self._clock.sleep(POLL_S)
        self._model.leave(item, False)

    async def _cancel_and_remove(self, item: "UploadModel") -> None:
        await self._cancel(item)
        self.remove(item)


def _is_refused(item: "UploadModel") -> bool:
    return item.state.get() == states.FAILED and not item.upload.may_retry()


async def _tell(work: "Awaitable[Failed]") -> None:
    """Show why uploads could not be continued or discarded, in at most `TOLD` messages."""
    for record, error in (await work)[:TOLD]:
        show_toast(f"{safe_name(record.name)}: {explain(error, origin='').sentence}")
