"""Recordings in the browser's storage, which a later page can send if their page is closed.

A recording is sent while it runs, if nothing has to be done before its first byte is sent. The
storage has its chunks and, as for any file, the record of its upload (`Checkpoint`). When a later
page finds them, it turns both into an unfinished upload, which a person can continue or discard.
"""

import json

from ossferry_uploader.browser.files import file_from_js
from ossferry_uploader.browser.interop import JsException
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import NameTooLong
from ossferry_uploader.transfer.plan import FIRST_PART_BYTES, MAX_PARTS
from ossferry_uploader.transfer.sending.prepare import key_for
from ossferry_uploader.transfer.upload import Upload
from upload_page.browser import recording as browser
from upload_page.browser.window import report_error, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.journal.checkpoint import Checkpoint
    from ossferry_uploader.uploader import Uploader
    from upload_page.view.actions import Actions

LOCK = "recording-"  # before the number, in the name of the lock of a recording's page
NUMBER_BYTES = 8
POLL_S = 0.05
MOST_BYTES = FIRST_PART_BYTES * MAX_PARTS  # else a later page could not continue the upload


def largest(grant: "Grant | None") -> int:
    """Return the largest size of a recording in bytes."""
    return min(MOST_BYTES, grant.limits.max_file_size) if grant else MOST_BYTES


class KeptRecording:
    """A recording of this page in the browser's storage.

    Attributes:
        number: the number of the recording in the storage, in hexadecimal.
        live: the upload that sends the recording while it runs; `None` if it is sent as a file.
    """

    def __init__(self, actions: "Actions") -> None:
        self.number = actions.uploader.ports.random.hex(NUMBER_BYTES)
        self.live: Upload | None = None
        self._actions = actions
        self._uploader = actions.uploader
        self._upload: Upload | None = None  # `live`, or describes the file that is sent later
        self._noted = ("", False, 0)
        self._is_over = False  # the person has used or discarded it
        self._end: Callable[[], None] = lambda: None

    async def begin(self, recording: "browser.Recording") -> None:
        """Store the record of a recording that has begun, and send the recording if possible."""
        uploader, queue = self._uploader, self._uploader.queue
        await uploader.ports.tabs.take(LOCK + self.number)
        if self._is_over:
            return
        stream = recording.stream(FIRST_PART_BYTES)
        upload = Upload(stream, lambda upload: None)
        if self._may_send():
            added = queue.add(stream)
            if added.state == states.FAILED:
                self._actions.skip(added)  # too many files; the person is told about the file
            else:
                upload = self.live = added
                self._end = queue.on_change(self._look)
        self._upload = upload
        try:
            upload.target.key = key_for(upload, uploader.engine, uploader.engine.journal.owner)
        except NameTooLong:
            return  # the upload fails for the same reason
        await self._note(upload)

    def use(self, recording: "browser.Recording", file: "Any") -> None:
        """Send a recording that has stopped.

        Args:
            file: the recording as a JavaScript `File`.
        """
        self._is_over = True
        if self.live and self.live.state != states.FAILED:
            recording.use()
        else:
            start(self._send_file(file))

    def discard(self) -> None:
        """Delete the recording, and cancel its upload; a second call does nothing more."""
        self._is_over = True
        live, self.live = self.live, None
        if live:
            start(self._cancel(live))
        self._forget()

    async def _send_file(self, file: "Any") -> None:
        """Send a recording as a file, except the parts that OSS has."""
        uploader, record = self._uploader, None
        if self.live:
            self._actions.skip(self.live)
        if self._upload:
            text = uploader.engine.journal.record_of(self._upload).text()
            record = await _offer(uploader, self.number, text, file_from_js(file).size)
        if record:
            await uploader.queue.unfinished.reopen([record])
        else:
            browser.take(file)
            self._forget()

    async def _cancel(self, upload: Upload) -> None:
        """Cancel an upload, and then remove it from the list."""
        self._uploader.queue.cancel(upload)
        while upload.state not in states.ENDED:
            await self._uploader.ports.clock.sleep(POLL_S)
        self._actions.skip(upload)

    def _look(self, upload: Upload) -> None:
        """Keep the record of a live upload up to date, and delete the recording at its end."""
        if upload is not self.live:
            return
        if _facts(upload) != self._noted:
            start(self._note(upload))
        if upload.state in (states.DONE, states.CANCELLED):
            self._forget()

    async def _note(self, upload: Upload) -> None:
        self._noted = _facts(upload)
        record = self._uploader.engine.journal.record_of(upload)
        try:
            await browser.note(self.number, record.text())
        except JsException as error:
            report_error(error)  # the recording does not survive its page

    def _forget(self) -> None:
        self._end()
        start(_forget(self._uploader, self.number))

    def _may_send(self) -> bool:
        """Return whether nothing has to be done before the first byte of a file is sent."""
        grant, queue = self._uploader.keeper.current, self._uploader.queue
        return bool(
            grant
            and not (grant.form or grant.encryption or grant.limits.min_file_size)
            and not (queue.required or queue.min_files or self._actions.can("checks"))
        )


def _facts(upload: Upload) -> "tuple[str, bool, int]":
    """Return what a record must say about an upload."""
    return upload.upload_id, upload.record.is_abandoned, upload.progress.arrived


async def offer_interrupted(uploader: "Uploader") -> None:
    """Turn the recordings of closed pages into unfinished uploads of the person."""
    try:
        found = await browser.stored(uploader.engine.journal.owner)
    except JsException as error:
        report_error(error)  # the browser's storage is blocked
        return
    for number, record, size in found:
        if await uploader.ports.tabs.take(LOCK + number):
            await _offer(uploader, number, record, size)


async def _offer(uploader: "Uploader", number: str, text: str, size: int) -> "Checkpoint | None":
    """Turn a recording into an unfinished upload, and return its record; `None` if it cannot.

    Args:
        text: the record of the recording, with an earlier size.
        size: the size in bytes of what is stored.
    """
    journal = uploader.engine.journal
    values = json.loads(text)
    values.update(size=size, sent=min(values.get("sent", 0), size))
    record = journal.parse(json.dumps(values))
    if not record:
        uploader.ports.tabs.drop(LOCK + number)
        return None  # of another release, whose pages may continue it
    if size and not await journal.of_file(record):  # else it has become an upload
        file = await browser.restore(number, text)
        await journal.save([(record.stored_as, record.text(), file)])
        if journal.broken:
            return None  # a later page tries again
        record.can_reopen = True
        journal.unclaim(record)
        if record.is_abandoned:
            uploader.queue.unfinished.discard([record])
    await _forget(uploader, number)
    return record


async def _forget(uploader: "Uploader", number: str) -> None:
    try:
        await browser.forget(number)
    except JsException as error:
        report_error(error)
    uploader.ports.tabs.drop(LOCK + number)
