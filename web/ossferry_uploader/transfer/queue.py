"""The queue of all uploads of a page, which runs a limited number of uploads at a time."""

import asyncio
import heapq

from ossferry_uploader.oss.errors import OSSError
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.checks.checking import Checking
from ossferry_uploader.transfer.errors import (
    FileUnreadable,
    IllegalMove,
    TooManyBytes,
    TooManyFiles,
    TransferError,
)
from ossferry_uploader.transfer.grants.limits import Limits
from ossferry_uploader.transfer.journal.checkpoint import Checkpoint, restore
from ossferry_uploader.transfer.options import KEEP_BOTH, Options, name_to_check
from ossferry_uploader.transfer.plan import CONNECTIONS
from ossferry_uploader.transfer.resuming.cleanup import Cleanup
from ossferry_uploader.transfer.resuming.record_writer import RecordWriter, is_over
from ossferry_uploader.transfer.resuming.unfinished import UnfinishedUploads
from ossferry_uploader.transfer.sending.client import Client
from ossferry_uploader.transfer.sending.prepare import prepare
from ossferry_uploader.transfer.sending.send import send
from ossferry_uploader.transfer.slots import AHEAD, Slots
from ossferry_uploader.transfer.upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.oss.replies import Stored
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.files import File

STOPPED_BY_PAUSE = "pause"
STOPPED_BY_CANCEL = "cancel"
STOPPED_TO_GO_ON = "go on"  # a person undid the pause before the task ended


CHANGES_ENDING = ".changes.csv"


class Queue:
    """Holds all uploads of a page, and runs a limited number of them at a time.

    Urgent uploads start first, then uploads of small files. The list `uploads` has the order in
    which the uploads were added. After a call of `move`, they start in the order of the list.

    Args:
        on_change: the first listener; the method `on_change` describes its calls, and adds more
            listeners. `None` for none.
        active: the largest number of uploads of any size that run at a time.
        ahead: the number of additional uploads that may run at a time if their files have at most
            `MAX_SINGLE_BYTES`. If many small requests are allowed at a time, there may be more. 0
            for none.
        soon: `soon(write)` calls the function `write` a little later. `write` stores the records of
            unfinished uploads.
        report: called with each error that a listener raises.

    Attributes:
        options: the options of files that are added without options.
        min_files: the number of files without which none is sent; a page sets it.
        on_name: called with an upload that has got another name than the one that was asked about,
            from its checks or from a person. The upload waits until `settle_name` is called. `None`
            to ask nobody.
        required: the names of metadata without which no file is sent: the operator's fields that a
            person has to fill in.
    """

    def __init__(
        self,
        engine: "Engine",
        *,
        on_change: "Callable[[Upload], None] | None" = None,
        active: int = CONNECTIONS,
        ahead: int = AHEAD,
        soon: "Callable[[Callable[[], None]], None]" = lambda write: write(),
        report: "Callable[[Exception], None]" = print,
    ) -> None:
        self.uploads: list[Upload] = []
        self.options = Options()
        self.min_files = 0
        self.required: list[str] = []
        self.on_name: Callable[[Upload], None] | None = None
        self._engine = engine
        self._listeners: list[Callable[[Upload], None]] = []
        self._report = report
        self._slots = Slots(engine, active=active, ahead=ahead)
        self._running: list[Upload] = []
        self._tasks: dict[int, asyncio.Task[None]] = {}  # of `_running`, by upload number
        self._stopping: dict[int, str] = {}
        self._edited: set[int] = set()  # upload numbers
        self._unended: set[int] = set()  # upload numbers
        self._sizes: dict[int, int] = {}  # of uploads that neither failed nor were cancelled
        self._bytes = 0  # the sum of `_sizes`
        self._has_resumed = False  # an upload of an earlier page continues
        self._key_locks: dict[str, asyncio.Lock] = {}  # by key; one upload at a time uses a key
        self._cleanup = Cleanup(engine, ended=self._ended, settled=self._cleaned)
        self._line: list[tuple[tuple[bool, int, int, int], int, Upload]] = []
        self._lined_up = 0
        self._limits = Limits(types=[])
        self._added = 0
        self._is_ordered = False
        self._records = RecordWriter(
            engine,
            soon,
            is_idle=lambda: not (self._line or self._running),
            has_ended=lambda: not self._unended,
        )
        self.unfinished = UnfinishedUploads(engine, self._add)
        self.checking = Checking(
            engine, limits=lambda: self._limits, passed=self._line_up, failed=self._refuse
        )
        self.on_change(self._let_pass)
        if on_change:
            self.on_change(on_change)

    @property
    def speed_limit(self) -> int:
        """The speed limit of all uploads together, in bytes per second; 0 for no limit.

        The limit can be changed at any time.
        """
        return self._engine.speed.bytes_per_s

    @speed_limit.setter
    def speed_limit(self, bytes_per_s: int) -> None:
        self._engine.speed.set(bytes_per_s)

    def is_sending(self) -> bool:
        """Return whether the queue has uploads that have not ended, whether or not they run now."""
        return bool(self._unended)

    def add(
        self, file: "File", options: "Options | None" = None, *, awaits_name: bool = False
    ) -> Upload:
        """Add a file, and return its upload, which starts as soon as a slot is free.

        If the limits do not allow the file, the returned upload has already failed.

        Args:
            awaits_name: whether the upload waits until `settle_name` is called.
        """
        return self._add(file, options or self.options, awaits_name=awaits_name)

    def settle_name(self, upload: Upload) -> None:
        """Let an upload start that waits until it is known whether its name is taken."""
        upload.awaits_name = False
        if upload.state == states.WAITING:
            self._line_up(upload)

    def replace(self, upload: Upload, key: str) -> None:
        """Let an upload that has not begun replace the stored object with this key.

        The key becomes metadata of the new object. The server deletes the older one.
        """
        upload.target.replaces = key
        self._records.renew(upload)

    def allow(self, limits: Limits) -> None:
        """Apply the limits of a grant: an upload that exceeds them fails, unless it has begun."""
        if limits is self._limits:
            return
        self._limits = limits
        self._records.wake()
        count, size = 0, self._bytes
        unended = [upload for upload in self.uploads if upload.state not in states.ENDED]
        for upload in unended:
            size -= upload.file.size
        for upload in unended:
            count += 1
            size += upload.file.size
            is_paused = upload.paused_for == states.BY_PERSON and not upload.has_begun()
            if (upload.state == states.WAITING or is_paused) and not self._is_busy(upload):
                error = self._refusal(upload, count, size)
                if error:
                    count -= 1
                    size -= upload.file.size
                    self._refuse(upload, error)

    def on_change(self, listener: "Callable[[Upload], None]") -> "Callable[[], None]":
        """Call `listener(upload)` after every change of an upload, and when an upload is added.

        The listener is called often and should be fast.

        Returns:
            A function that removes the listener.
        """
        self._listeners = self._listeners + [listener]

        def end() -> None:
            self._listeners = [other for other in self._listeners if other is not listener]

        return end

    def cancel(self, upload: Upload) -> None:
        """Stop an upload at once, and remove its parts from OSS.

        The call has no effect on an upload that has ended.
        """
        self._stop(upload, STOPPED_BY_CANCEL)

    def pause(self, upload: Upload) -> None:
        """Stop an upload at once, and keep its parts in OSS.

        The call has no effect on an upload that has ended.
        """
        if upload.paused_for != states.BY_PERSON:
            self._stop(upload, STOPPED_BY_PAUSE)

    def resume(self, upload: Upload) -> None:
        """Continue an upload that a person has paused; otherwise do nothing."""
        if self._stopping.get(id(upload)) == STOPPED_BY_PAUSE:
            self._stopping[id(upload)] = STOPPED_TO_GO_ON
        elif upload.paused_for == states.BY_PERSON:
            self.retry(upload)

    def retry(self, upload: Upload) -> None:
        """Send a failed or cancelled upload again, or continue an upload that a person paused.

        The call has no effect on an upload that is paused for another reason, such as an outage.

        Raises:
            IllegalMove: the state is `waiting`, `checking`, `uploading`, `verifying` or `done`.
        """
        if upload.paused_for not in ("", states.BY_PERSON):
            return
        if upload.state in (states.CHECKING, states.UPLOADING):
            raise IllegalMove(f"an upload that is {upload.state} cannot be sent again")
        upload.restart()
        if upload.record.is_abandoned:
            self.leave(upload, False)
        self._line_up(upload)

    def send_next(self, upload: Upload) -> None:
        """Move an upload to the front of the queue, so that it starts next."""
        upload.urgent = True
        upload.changed()
        self._line_up(upload)

    def move(self, upload: Upload, before: "Upload | None") -> None:
        """Move an upload in the list to the place before another one; `None` for the end.

        From then on, waiting uploads start in the order of the list, whatever their sizes; only
        urgent ones start earlier. The moved upload is no longer urgent.
        """
        self._is_ordered = True
        upload.urgent = False
        self.uploads.remove(upload)
        place = self.uploads.index(before) if before else len(self.uploads)
        self.uploads.insert(place, upload)
        for index, each in enumerate(self.uploads):
            each.place = index
        self._line = [(each.rank(), number, each) for _, number, each in self._line]
        heapq.heapify(self._line)
        upload.changed()

    def describe(self, upload: Upload, name: str, details: "dict[str, str]") -> None:
        """Give an upload that has not begun another name and other details.

        With another name, the checks look at the file again. A file that they have refused is sent
        again.

        Args:
            name: the name of the object.
            details: metadata by name; see `Upload.describe`.

        Raises:
            IllegalMove: the upload has begun; see `Upload.may_describe`.
            WrongType: the limits do not allow the ending of the name.
            ValueError: there is too much metadata, or the name is not safe.
        """

        def change() -> None:
            before, called = upload.name, upload.options.name
            if name != before:
                called = name_to_check(name, upload.source.name, upload.file.name)
                error = self._limits.type_refusal(called, upload.file.content_type)
                if error and not self._limits.is_replaced(called):
                    raise error
            upload.describe(called, details)
            if upload.name != before:
                upload.asked_name = upload.asked_name or before
                self.checking.renamed(upload)

        self._change(upload, change)

    def edit_picture(self, upload: Upload, edit: "list[int] | None") -> None:
        """Rotate and crop the picture of an upload that has not begun; the checks see the result.

        Args:
            edit: see `ports.Pictures`; `None` to send the picture as it was chosen.

        Raises:
            IllegalMove: the upload has begun; see `Upload.may_describe`.
        """
        self._change(upload, lambda: self.checking.edit(upload, edit))

    def _change(self, upload: Upload, change: "Callable[[], None]") -> None:
        """Change an upload that has not begun; unless it is paused, it then starts again."""
        if not upload.may_describe():
            raise IllegalMove(f"an upload that is {upload.state} cannot be changed")
        is_paused = upload.paused_for == states.BY_PERSON
        has_failed = upload.state == states.FAILED
        change()
        self.pause(upload)
        self._records.renew(upload)
        upload.changed()
        if has_failed:
            self.retry(upload)
        elif not is_paused:
            self.resume(upload)

    def edit(self, upload: Upload, is_open: bool) -> None:
        """Let an upload wait while a person looks at its details, or let it continue then."""
        if is_open:
            self._edited.add(upload.number)
            return
        self._edited.discard(upload.number)
        if upload.paused_for == states.FOR_DETAILS:
            upload.changed()

    def pause_all(self) -> None:
        """Pause all uploads that have not ended."""
        for upload in list(self.uploads):
            self.pause(upload)

    def resume_all(self) -> None:
        """Continue all uploads that a person paused."""
        for upload in list(self.uploads):
            self.resume(upload)

    def cancel_all(self) -> None:
        """Cancel all uploads that have not ended."""
        for upload in list(self.uploads):
            self.cancel(upload)

    def retry_failed(self) -> None:
        """Send all failed uploads again, except those whose error allows no retry."""
        for upload in list(self.uploads):
            if upload.may_retry():
                self.retry(upload)

    def missing_files(self) -> int:
        """Return how many more files are needed before one is sent.

        Uploads that continue from an earlier page need no others.
        """
        missing = 0 if self._has_resumed else self.min_files
        for upload in self.uploads if missing else []:
            is_kept = upload.state not in (states.FAILED, states.CANCELLED)
            missing -= is_kept and not upload.record.is_abandoned
            if not missing:
                break
        return missing

    def write_now(self) -> None:
        """Write at once all records of uploads that are not yet in the browser's storage.

        Call this method when the page may be closed without a warning.
        """
        self._records.write_now()

    def leave(self, upload: Upload, is_leaving: bool) -> None:
        """Mark an upload's record in the browser's storage as abandoned, or remove this mark.

        A cancelled upload has the mark while the person can undo the cancellation. If the page is
        closed during this time, the next page removes the parts from OSS, and does not offer to
        continue the upload.

        Args:
            is_leaving: `True` to set the mark; `False` to remove it, after the cancellation was
                undone.
        """
        upload.record.is_abandoned = is_leaving
        if upload.upload_id:
            asyncio.create_task(self._engine.journal.keep(upload))  # noqa: RUF006 - it ends
        elif is_leaving:
            self._records.remove(upload)
        else:
            self._records.note(upload)
        self._start()

    def reported(self, upload: Upload) -> None:
        """Remove the record of a finished upload, because no later page has to report it.

        Call this method after the page has reported the upload to the server. The record may stay
        until all uploads have ended.
        """
        upload.record.is_reported = True
        self._records.reported(upload)

    def remove(self, upload: Upload) -> None:
        """Remove an upload that has ended from the queue.

        Raises:
            IllegalMove: the upload has not ended; cancel it first.
        """
        if upload.state not in states.ENDED:
            raise IllegalMove(f"an upload that is {upload.state} cannot be removed")
        self.uploads.remove(upload)
        self._bytes -= self._sizes.pop(upload.number, 0)
        if upload.upload_id:
            self._engine.journal.unlock(upload.key)
        if upload.state != states.DONE:
            self._records.remove(upload)

    def _add(
        self,
        file: "File",
        options: Options,
        record: "Checkpoint | None" = None,
        *,
        awaits_name: bool = False,
    ) -> Upload:
        self._added += 1
        upload = Upload(file, self._tell, options=options, number=self._added, controls=self)
        upload.awaits_name = awaits_name
        upload.place = self._added if self._is_ordered else 0
        if record:
            restore(upload, record)
            self._has_resumed = True
        self.uploads.append(upload)
        upload.changed()
        error = self._refusal(upload, len(self._unended) + 1, self._bytes)
        if error:
            upload.fail(error)
            self._engine.journal.not_sending(upload)
        else:
            self._line_up(upload)
        return upload

    def _tell(self, upload: Upload) -> None:
        """Call all listeners; an exception in one does not affect the others."""
        for listener in self._listeners:
            try:
                listener(upload)
            except Exception as error:
                self._report(error)

    def _refuse(self, upload: Upload, error: Exception) -> None:
        """Let an upload fail that has not begun."""
        upload.fail(error)
        self._unended.discard(upload.number)
        self._records.remove(upload)
        self._engine.journal.not_sending(upload)

    def _refusal(self, upload: Upload, count: int, size: int) -> "TransferError | None":
        """Return the error for an upload that exceeds the limits, or `None`.

        Args:
            count: the number of unfinished uploads, including this one.
            size: the size in bytes of unfinished and finished uploads, including this one.
        """
        largest = self._limits.max_total_size
        if largest is not None and size > largest:
            return TooManyBytes(size, largest)
        if count > self._limits.max_files:
            return TooManyFiles(self._limits.max_files)
        total = self._limits.max_total
        if total is not None:
            done = [other for other in self.uploads if other.state == states.DONE]
            if count + len(done) > total:
                return TooManyFiles(total, is_total=True)
        return None if self.checking.may_replace(upload) else self._limits.refusal(upload.file)

    def _line_up(self, upload: Upload) -> None:
        """Add an upload to the heap of waiting uploads.

        The heap can contain several entries for an upload; `_start` ignores the older entries.
        """
        self._lined_up += 1
        self._unended.add(upload.number)
        self._records.note(upload)
        if upload.awaits_name:
            return
        is_free = upload.state == states.WAITING and not self._is_busy(upload)
        if is_free and self.checking.holds(upload):
            return
        if is_free and self.checking.has_rules() and self._lacks_details(upload):
            upload.wait_for_details()
            return
        if is_free and self.on_name and upload.asked_name not in ("", upload.name):
            upload.awaits_name, upload.asked_name = True, upload.name
            upload.target.replaces = ""  # a stored object with the earlier name stays
            self._records.renew(upload)
            self.on_name(upload)
            return
        heapq.heappush(self._line, (upload.rank(), self._lined_up, upload))
        self._start()

    def _start(self) -> None:
        running = self._running
        if (
            not self._line
            or self.missing_files()
            or not self._slots.may_refill(running, self._line[0][2])
        ):
            return
        while self._line and self._slots.has_one(running, self._line[0][2]):
            upload = heapq.heappop(self._line)[2]
            is_free = upload.state == states.WAITING and not self._is_busy(upload)
            if is_free and not upload.awaits_name:
                running.append(upload)
                self._tasks[upload.number] = asyncio.create_task(self._run(upload))

    def _let_pass(self, upload: Upload) -> None:
        size = 0 if upload.state in (states.FAILED, states.CANCELLED) else upload.file.size
        self._bytes += size - self._sizes.get(upload.number, 0)
        self._sizes[upload.number] = size
        if upload.paused_for in (states.FOR_QUOTA, states.FOR_TAB):
            self._start()
        if upload.paused_for == states.FOR_DETAILS and not self._lacks_details(upload):
            upload.restart()
            self._line_up(upload)

    def _is_busy(self, upload: Upload) -> bool:
        return self._cleanup.has(upload) or upload.number in self._tasks

    def _lacks_details(self, upload: Upload) -> bool:
        """Return whether the details of an upload are missing, open, or found by a check."""
        given = upload.options.metadata
        lacks = any(name not in given for name in self.required)
        lacks = lacks or upload.number in self._edited or bool(upload.check.details)
        return lacks and not upload.upload_id

    def _stop(self, upload: Upload, why: str) -> None:
        if upload.state in states.ENDED:
            return
        self.checking.stop(upload)
        task = self._tasks.get(upload.number)
        started = upload.state != states.WAITING
        if task and started:
            before = self._stopping.get(id(upload))
            if before != STOPPED_BY_CANCEL:  # `cancel` cannot be undone
                self._stopping[id(upload)] = why
            if not before:
                _cancel(task)
            return
        self._stopped(upload, why)
        self._engine.journal.not_sending(upload)
        if task:  # not started, so the task cannot handle its cancellation
            task.cancel()
            self._ended(upload)

    def _stopped(self, upload: Upload, why: str) -> None:
        if why != STOPPED_BY_CANCEL:
            upload.pause_by_person()
            self._records.note(upload)  # the upload may have no key and no record
            why = self._stopping.get(id(upload), why)  # a listener may have changed the reason
            if why == STOPPED_TO_GO_ON:
                upload.restart()  # `_ended` adds the upload to the heap again
        if why == STOPPED_BY_CANCEL:
            self._unended.discard(upload.number)
            self._records.remove(upload)
            if upload.upload_id or upload.progress.unanswered_begins or upload.progress.all_sent:
                self._cleanup.begin(upload)
            upload.go(states.CANCELLED)

    async def _run(self, upload: Upload) -> None:
        is_sent = True
        try:
            is_sent = await self._send(upload)
        except asyncio.CancelledError:
            self._stopped(upload, self._stopping.get(id(upload), STOPPED_BY_CANCEL))
        except (OSSError, TransferError) as error:
            if isinstance(error, FileUnreadable) and error.changed:
                upload.check.judge(None)
                if upload.upload_id:
                    self._cleanup.begin(upload)  # the parts belong to the old file
            upload.fail(error)
        except Exception as error:
            upload.fail(error)
            raise
        finally:
            self._stopping.pop(id(upload), None)
            self._engine.quota.give_back(upload.number)
            if is_sent:  # otherwise the upload keeps its record while its file is checked
                self._engine.journal.stopped(upload)
            self._ended(upload)

    async def _send(self, upload: Upload) -> bool:
        """Send the file of an upload, and return `True`; `False` if that has to wait."""
        oss = Client(self._engine, upload)
        upload.go(states.UPLOADING)
        is_due = await self.checking.is_due(oss)
        if is_due or self._lacks_details(upload) or self.missing_files():
            upload.restart()  # `_ended` adds the upload again, which checks the file
            return False
        prepared = await prepare(oss)
        if upload.lacks_edit:
            self.checking.edit(upload, upload.edit)
            upload.restart()
            return False
        stored = prepared.stored
        if upload.record.is_due:
            self._records.note(upload)  # waiting for a tab removed the record
        if not stored and upload.is_single:
            await self._records.store(upload)
        self.allow(prepared.grant.limits)
        if not stored and upload.options.same_name == KEEP_BOTH:
            stored = await send(oss)
        elif not stored:
            async with self._key_locks.setdefault(upload.key, asyncio.Lock()):
                stored = await send(oss)
        if upload.state == states.UPLOADING:
            upload.go(states.VERIFYING)
        self._arrived(upload, stored)
        return True

    def _arrived(self, upload: Upload, stored: "Stored") -> None:
        upload.target.crc64, upload.target.request_id = stored.crc64, stored.request_id
        if not upload.identical:
            self._engine.quota.arrived(upload.number, upload.file.size)
        upload.go(states.DONE)
        changes = self.checking.changes_of(upload)
        if changes:
            added = self._add(changes, upload.check.options or upload.options)
            added.target.key = upload.key + CHANGES_ENDING

    def _cleaned(self, upload: Upload, stored: "Stored | None") -> None:
        """Update a cancelled upload after the removal of its parts.

        An upload that was removed from the queue is ignored.

        Args:
            stored: the `Stored` data of the object, if the file was stored before the cancel;
                otherwise `None`.
        """
        if upload not in self.uploads:
            return
        if stored:
            self._arrived(upload, stored)
        else:
            upload.changed()

    def _ended(self, upload: Upload) -> None:
        if upload.number in self._tasks:
            del self._tasks[upload.number]
            self._running.remove(upload)
        if upload.state in states.ENDED:
            self._unended.discard(upload.number)
        if is_over(upload):
            self._records.remove(upload)
        self._records.wake()
        if upload.state == states.WAITING:  # a person has retried the upload meanwhile
            self._line_up(upload)
        self._start()


def _cancel(task: "asyncio.Task[None]") -> None:
    """Cancel the task of an upload. The function may be called from this task itself."""
    try:
        task.cancel()
    except RuntimeError:  # in MicroPython a task cannot cancel itself
        asyncio.create_task(_cancel_soon(task))  # noqa: RUF006 - it ends by itself


async def _cancel_soon(task: "asyncio.Task[None]") -> None:
    task.cancel()
