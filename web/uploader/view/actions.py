"""What a person can do, with one upload or with all."""

import asyncio

from uploader.browser.page import window
from uploader.browser.page.dom import told
from uploader.browser.server.calls import post
from uploader.oss.keys import safe_name
from uploader.oss.times import to_iso
from uploader.transfer import states
from uploader.transfer.errors import ServerRefused
from uploader.view.signals import Signal
from uploader.view.words.messages import explain
from uploader.view.words.report import support_report
from uploader.view.words.text import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from uploader.transfer.ports import Clock
    from uploader.transfer.queue import Queue
    from uploader.transfer.resuming.checkpoint import Checkpoint
    from uploader.transfer.resuming.leftovers import Failed
    from uploader.transfer.upload import Upload
    from uploader.view.model import QueueModel, UploadModel
    from uploader.view.page.grant import GrantModel

__all__ = ["UNDO_S", "Actions"]

UNDO_S = 8.0
LOOK_S = 0.05
TOLD = 3  # files that could not be opened or discarded; of the others the list tells


class Actions:
    """What a person can do with an upload; `origin` is this page's, for explanations.

    A cancelled upload only stops at first; for `UNDO_S` seconds that can be taken back with all
    that OSS already has. Then it is cancelled for good.
    """

    def __init__(
        self, queue: "Queue", model: "QueueModel", grant: "GrantModel", clock: "Clock", origin: str
    ) -> None:
        self.origin = origin
        self.may_ask = Signal(window.may_ask_to_notify())
        self.unreported: Callable[[], list[Upload]] = lambda: []  # arrived, but not in the ledger
        self.forget_credentials: Callable[[], None] = lambda: None
        self.look_for_room: Callable[[], None] = window.try_now  # what a quota leaves has changed
        self.put_away = Signal(0)  # uploads that arrived, and were taken off the list
        self._put_away: list[tuple[Upload, float]] = []
        self._queue = queue
        self._model = model
        self._grant = grant
        self._clock = clock

    def can(self, feature: str) -> bool:
        """Tell whether the server offers a feature."""
        return self._grant.can(feature)

    def cancel(self, item: "UploadModel") -> None:
        """Stop it, for good once the time for undoing is over."""
        item.was_held = item.paused_for.get() == states.BY_PERSON
        self._queue.pause(item.upload)
        self._queue.leave(item.upload, True)
        self._model.leave(item, True)
        item.timer = asyncio.create_task(self._cancel_later(item))

    def undo(self, item: "UploadModel") -> None:
        """Take the cancelling back."""
        item.timer.cancel()
        self._queue.leave(item.upload, False)
        self._model.leave(item, False)
        if not item.was_held:
            self.resume(item)

    def pause(self, item: "UploadModel") -> None:
        """Stop it for a while."""
        self._queue.pause(item.upload)
        self._model.flush()

    def resume(self, item: "UploadModel") -> None:
        """Go on with it."""
        self._queue.resume(item.upload)

    def send_next(self, item: "UploadModel") -> None:
        """Let it go before the others."""
        self._queue.send_next(item.upload)

    def retry(self, item: "UploadModel") -> None:
        """Send it again."""
        self._queue.retry(item.upload)
        self._model.flush()

    def remove(self, item: "UploadModel") -> None:
        """Take it off the list; one that is leaving is cancelled for good first."""
        if item.leaving.get():
            item.timer.cancel()
            _start(self._cancel_and_remove(item))
            return
        self._take_off([item])

    def go_on(self, records: "list[Checkpoint]") -> None:
        """Go on with uploads of an earlier page whose files the browser can open again."""
        _start(self._go_on(records))

    @property
    def speed_limit(self) -> int:
        """Bytes per second; 0 for no limit."""
        return self._queue.speed_limit

    def limit_speed(self, bytes_per_s: int) -> None:
        """Let all uploads together use no more; 0 lifts the limit."""
        self._queue.speed_limit = bytes_per_s

    def discard(self, records: "list[Checkpoint]") -> None:
        """Give up what an earlier page left."""
        _start(self._discard(records))

    def pause_or_resume(self) -> None:
        """Pause all, or go on with all if all are paused."""
        if self._model.running.get() > self._model.held.get():
            self.pause_all()
        else:
            self.resume_all()

    def pause_all(self) -> None:
        """Stop all; those that wait first, or they would start in place of the others."""
        for item in self._in((states.WAITING,)) + self._in((states.UPLOADING, states.VERIFYING)):
            self._queue.pause(item.upload)
        for item in self._in((states.PAUSED,)):
            self._queue.pause(item.upload)
        self._model.flush()

    def resume_all(self) -> None:
        """Go on with all that a person paused."""
        for item in self._in((states.PAUSED,)):
            if item.paused_for.get() == states.BY_PERSON:
                self._queue.resume(item.upload)
        self._model.flush()

    def retry_failed(self) -> None:
        """Send all again that failed, but files that can never go."""
        for item in self._in((states.FAILED,)):
            if item.upload.may_retry():
                self._queue.retry(item.upload)
        self._model.flush()

    def clear(self) -> None:
        """Take all that arrived, was cancelled or can never go off the list."""
        ended = []
        for item in self._in(states.ENDED):
            if item.upload.may_retry():
                continue
            if item.leaving.get():
                self.remove(item)
            else:
                ended.append(item)
        self._take_off(ended)

    def copy_report(self, item: "UploadModel") -> None:
        """Put what support needs on the clipboard."""
        report = support_report(
            item.upload,
            at=to_iso(self._clock.now_s()),
            page=window.address(),
            browser=window.browser(),
        )
        self.copy(report)

    def copy(self, text: str) -> None:
        """Put text on the clipboard and say so; where that is not allowed, show the text."""
        _start(self._copy(text))

    def copy_link(self, item: "UploadModel") -> None:
        """Make a link that works for a day, and put it on the clipboard."""
        self.open("copy_link", item.upload.key, self)

    def share(self, item: "UploadModel") -> None:
        """Show what can be done with a file that has arrived."""
        self.open("share", item.upload.key, safe_name(item.upload.file.name), self)

    def mine(self) -> None:
        """Show what is stored of this person."""
        self.open("mine", self)

    def receipt(self) -> None:
        """Show the receipt of all that has arrived, whether it is still in the list or not."""
        done = [(item.upload, item.ended_at_s) for item in self._in((states.DONE,))]
        self.open("receipt", self._put_away + done)

    def mark_gone(self, key: str, is_gone: bool) -> None:
        """Show of an upload in the list that it was deleted after it arrived, or is back."""
        for item in self._model.rows.get():
            if item.upload.key == key:
                item.gone.set(is_gone)
        self.look_for_room()

    def try_now(self) -> None:
        """Look again at once whether network and server are back."""
        window.try_now()

    def sign_in(self) -> None:
        """Open this page again elsewhere, to sign in there; what waits here goes on then."""
        window.open_tab(window.address())

    def sign_out(self) -> None:
        """End the session, and show what people see who are not signed in."""
        _start(self._sign_out())

    def allow_notifications(self) -> None:
        """Ask a person whether this page may notify when all has arrived."""
        _start(self._ask_to_notify())

    def replace(self, old: "UploadModel", new: "Upload") -> None:
        """Take an older upload away: at once if it is under way, else when the new one is there."""
        _start(self._replace(old, new))

    def open(self, what: str, *given: "Any") -> None:
        """Do something for which more of the page has to be loaded first; see `uploader.dialogs`."""
        _start(self.ask(what, *given))

    async def ask(self, what: str, *given: "Any") -> "Any":
        """Do the same and return what came of it."""
        await window.load_dialogs()
        from uploader.dialogs import opening

        return await opening.open_door(what, *given)

    async def _replace(self, old: "UploadModel", new: "Upload") -> None:
        if old.upload.state == states.DONE:
            while new.state not in states.ENDED:
                await self._clock.sleep(LOOK_S)
            if new.state != states.DONE:
                return
            if self.can("objects") and new.key != old.upload.key:
                await self.ask("delete", old.upload.key)
                old.gone.set(True)
                self.look_for_room()
        else:
            await self._cancel(old)
        if old in self._model.rows.get():
            self.remove(old)

    async def _go_on(self, records: "list[Checkpoint]") -> None:
        _tell(await self._queue.reopen(records))

    async def _discard(self, records: "list[Checkpoint]") -> None:
        _tell(await self._queue.discard(records))

    async def _copy(self, text: str) -> None:
        if await window.copy_text(text):
            told(say("copied"))
        else:
            await self.ask("show_text", text)

    async def _sign_out(self) -> None:
        try:
            await post("/logout")
        except ServerRefused as error:
            if error.status != 401:  # else the session has ended already
                told(say("sign_out_failed"))
                return
        self.forget_credentials()  # whoever has something to lose may let this page stay
        window.reload()

    async def _ask_to_notify(self) -> None:
        await window.ask_to_notify()
        self.may_ask.set(window.may_ask_to_notify())

    def _take_off(self, items: "list[UploadModel]") -> None:
        """Take uploads off the list; a receipt of what has arrived can be had all the same."""
        for item in items:
            self._queue.remove(item.upload)
            if item.state.get() == states.DONE and not item.gone.get():
                self._put_away.append((item.upload, item.ended_at_s))
        self._model.remove(items)
        self.put_away.set(len(self._put_away))

    def _in(self, wanted: "tuple[str, ...]") -> "list[UploadModel]":
        return [item for item in self._model.rows.get() if item.state.get() in wanted]

    async def _cancel_later(self, item: "UploadModel") -> None:
        await self._clock.sleep(UNDO_S)
        if item.leaving.get():
            await self._cancel(item)

    async def _cancel(self, item: "UploadModel") -> None:
        self._queue.cancel(item.upload)
        while item.upload.state not in states.ENDED:
            await self._clock.sleep(LOOK_S)
        self._model.leave(item, False)

    async def _cancel_and_remove(self, item: "UploadModel") -> None:
        await self._cancel(item)
        self.remove(item)


def _tell(failed: "Failed") -> None:
    """Say of some records why nothing came of what was asked for."""
    for record, error in failed[:TOLD]:
        told(f"{safe_name(record.name)}: {explain(error, origin='').sentence}")


def _start(work: "Coroutine[Any, Any, None]") -> None:
    asyncio.create_task(work)  # noqa: RUF006 - all of these end by themselves
