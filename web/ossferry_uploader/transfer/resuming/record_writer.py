"""Write the records (saved states) of uploads that wait, or are sent in one request.

Records are written and removed in batches, but no small file is sent before its record is stored.
When a file is stored in OSS, its record stays and gets the CRC-64, so that other tabs and a later
page with the same files know which files are stored. The records are removed when all uploads have
ended and are reported (see `Journal.end_work`).

The records of multipart uploads are written by the module `sending.multipart`.
"""

import asyncio

from ossferry_uploader.oss.errors import Refused
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import (
    GrantRefused,
    NameTooLong,
    ServerRefused,
    TransferError,
)
from ossferry_uploader.transfer.sending.encryption import ciphers_for
from ossferry_uploader.transfer.sending.prepare import key_for
from ossferry_uploader.transfer.sending.send import TAKEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.upload import Upload

    Soon = Callable[[Callable[[], None]], None]

BATCH = 100  # records in one transaction
PLACED_AT_ONCE = 10  # uploads, before the browser can work; `asyncio.sleep` would not let it


class RecordWriter:
    """Writes and removes the records of uploads in the browser's storage, in batches.

    Args:
        soon: `soon(write)` calls the function `write` a little later, so that batches are not too
            frequent.
        is_idle: returns `True` if no upload is waiting or running.
        has_ended: returns `True` if all uploads have ended.
    """

    def __init__(
        self,
        engine: "Engine",
        soon: "Soon",
        is_idle: "Callable[[], bool]",
        has_ended: "Callable[[], bool]",
    ) -> None:
        self._engine = engine
        self._journal = engine.journal
        self._soon = soon
        self._is_idle = is_idle
        self._has_ended = has_ended
        self._waiting: list[Upload] = []
        self._unreported: dict[int, Upload] = {}  # files that have arrived, by upload number
        self._gone: set[str] = set()  # names of records
        self._due = False
        self._is_urgent = False
        self._is_writing = False

    def note(self, upload: "Upload") -> None:
        """Write a record of an upload with the next batch, unless the upload has a record already.

        The record stays in the browser's storage until `remove` is called. Streams and data in
        memory get no record.
        """
        self._journal.begin_work()
        if not upload.record.name and upload.is_lasting:
            self._waiting.append(upload)
            self.wake()

    def renew(self, upload: "Upload") -> None:
        """Replace the record of an upload that has not begun, with the next batch."""
        if upload.record.name:
            self._gone.add(upload.record.name)
            upload.record.name, upload.record.saved = "", ("", "")
        self.note(upload)

    def remove(self, upload: "Upload") -> None:
        """Remove the record of an ended upload with the next batch.

        The record of an upload whose parts are still in OSS stays. The record of a stored file
        stays until all uploads have ended and are reported.
        """
        if upload.state == states.DONE and upload.is_lasting:
            self._gone.update(self._journal.take_unsent(upload))
            self._unreported[upload.number] = upload
            self._waiting.append(upload)  # its record gets the CRC-64
            # a page that is loaded again at once must not offer the only file that has arrived
            self._is_urgent = self._is_urgent or len(self._waiting) == 1
        elif upload.record.name and not upload.upload_id:
            self._gone.add(upload.record.name)
            upload.record.name = ""
        if self._has_ended():
            for arrived in list(self._unreported.values()):
                self.reported(arrived)
        self.wake()

    async def store(self, upload: "Upload") -> None:
        """Write the record of an upload that is sent in one request, unless it has one already.

        Call this method before the request is sent.
        """
        record = upload.record
        is_stored = record.saved == (upload.key, upload.target.salt)
        if is_stored or self._journal.broken or upload.upload_id or not upload.is_lasting:
            return
        self._name(upload)
        await self._journal.keep_waiting([upload])

    def reported(self, upload: "Upload") -> None:
        """Remove the records of stored files soon, if all uploads have ended and are reported.

        Call this method after each report of an upload to the server.

        Args:
            upload: the upload that was reported.
        """
        is_known = upload.record.is_reported or upload.identical
        if self._has_ended() and (is_known or not self._engine.awaits_receipt()):
            self._unreported.pop(upload.number, None)
            self.wake()

    def _is_over(self) -> bool:
        return self._has_ended() and not self._unreported and self._journal.has_work()

    def _name(self, upload: "Upload") -> None:
        upload.record.name = upload.record.name or self._journal.name_of(upload)
        self._gone.discard(self._journal.name_of(upload))

    def write_now(self) -> None:
        """Start to write the next batch of records at once, because the page may be closed soon."""
        self._is_urgent = True
        self.wake()

    def wake(self) -> None:
        """Schedule the next batch of records, if there are changes.

        The batch is written at once in two cases: `write_now` was called, or there are records to
        remove and no upload waits or runs.
        """
        is_over = self._is_over()
        has_work = bool(self._waiting or self._gone or is_over)
        is_urgent = self._is_urgent or ((self._gone or is_over) and self._is_idle())
        if has_work and is_urgent and not self._is_writing:
            self._start()
        elif has_work and not self._due:
            self._due = True
            self._soon(self._start)

    def _start(self) -> None:
        if not self._is_writing:
            self._is_writing = True
            self._is_urgent = False
            asyncio.create_task(self._write())  # noqa: RUF006 - it ends by itself

    async def _write(self) -> None:
        try:
            await self._journal.load()
            await self._write_all()
        except GrantRefused:
            return  # the person is not known yet; the next `wake` tries again
        finally:
            self._due = self._is_writing = False
        self.wake()

    async def _write_all(self) -> None:
        gone, self._gone = list(self._gone), set()
        if gone:
            await self._journal.erase(gone)
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            done = [upload for upload in batch if upload.state == states.DONE]
            if not self._journal.broken:
                await self._keep(batch)
            for upload in done:  # their records have the CRC-64
                self._journal.end(upload)
        if self._is_over() and not self._waiting:
            self._journal.end_work()

    async def _keep(self, uploads: "list[Upload]") -> None:
        fresh: list[Upload] = []
        for index, upload in enumerate(uploads):
            if index % PLACED_AT_ONCE == 0:
                await self._engine.ports.clock.sleep(0)
            await self._place(upload)
        for upload in uploads:
            over = is_over(upload) or upload.record.is_abandoned or upload.record.name
            if upload.state != states.DONE and (over or upload.upload_id):
                continue
            if upload.key:
                self._name(upload)
                fresh.append(upload)
        if fresh:
            await self._salt(fresh)
            await self._journal.keep_waiting(fresh)

    async def _salt(self, uploads: "list[Upload]") -> None:
        """Give each upload a salt for its data key, if the page encrypts files."""
        ciphers = await ciphers_for(self._engine.keeper.current, self._engine.ports)
        for upload in uploads:
            if ciphers and not upload.target.salt:
                upload.target.cipher, upload.target.salt = None, ciphers.new_salt()

    async def _place(self, upload: "Upload") -> None:
        """Give an upload a key: the key of an unfinished upload of the same file, or a new key.

        If another tab sends the file, the upload gets no key.
        """
        if not is_over(upload):
            await self._journal.adopt_unclaimed(upload)
        waits = upload.paused_for == states.FOR_TAB
        if (
            upload.key
            or is_over(upload)
            or waits
            or self._journal.find_in_other_tabs(upload.source)
        ):
            return
        try:
            upload.target.key = key_for(upload, self._engine, self._journal.owner)
        except NameTooLong:
            return  # the same error is reported when the upload starts


def is_over(upload: "Upload") -> bool:
    """Return whether an upload needs no record, because no later page could continue it."""
    error = upload.error
    if upload.state == states.FAILED:
        is_ours = isinstance(error, TransferError) and not isinstance(error, ServerRefused)
        return is_ours or (isinstance(error, Refused) and error.code == TAKEN)
    return upload.state in (states.DONE, states.CANCELLED)
