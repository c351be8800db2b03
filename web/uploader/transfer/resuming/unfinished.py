"""What earlier pages left unfinished: found, gone on with, or given up."""

import asyncio

from uploader.oss.errors import OSSError
from uploader.oss.times import from_iso
from uploader.transfer.errors import FileUnreadable, StorageBroken, TransferError
from uploader.transfer.journal.checkpoint import fingerprint, restore
from uploader.transfer.sending.abort import abort, remove_orphan
from uploader.transfer.upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploader.transfer.engine import Engine
    from uploader.transfer.files import File
    from uploader.transfer.journal.checkpoint import Checkpoint
    from uploader.transfer.options import Options

    Failed = list[tuple[Checkpoint, Exception]]

__all__ = ["UnfinishedUploads"]

EMPTY_FOR_S = 86400.0
REOPENED_AT_ONCE = 20  # files, before others have a turn


class UnfinishedUploads:
    """`go_on(file, options, record)` makes an upload of a file that is open again.

    What was cancelled in a page that could not remove it is removed without a question.
    """

    def __init__(
        self, engine: "Engine", go_on: "Callable[[File, Options, Checkpoint | None], Any]"
    ) -> None:
        self.engine = engine
        self.journal = engine.journal
        self.go_on = go_on
        self.journal.on_abandoned = self.discard

    async def find(self) -> "list[Checkpoint]":
        """Return the records of what can be gone on with.

        Raises:
            GrantRefused: nobody knows yet whose records these are.
        """
        await self.journal.load()
        return self.journal.unfinished

    async def of_other_devices(self, begun: "list[dict[str, Any]]") -> "list[dict[str, Any]]":
        """Return those of our server's unfinished uploads that a person may go on with here.

        Not those that this browser knows or another tab is at, a stream for one; nor those of
        which nothing has arrived, as after a begin whose answer was lost.
        """
        known = self.journal.upload_ids
        found: list[dict[str, Any]] = []
        for each in begun:
            is_known = each["upload_id"] in known or not each["size"]
            if not is_known and await self.journal.is_free(each["key"]):
                found.append(each)
        return found

    async def remove_empty(self, begun: "list[dict[str, Any]]") -> None:
        """Remove those of our server's unfinished uploads that are empty, and nobody's.

        The answer to their begin was lost, and perhaps the browser itself has asked again. Of a
        page of this browser that is gone they are removed at once, of others after a day.
        """
        before_s = self.engine.keeper.server_now_s() - EMPTY_FOR_S
        for each in begun:
            is_known = each["upload_id"] in self.journal.upload_ids or each["size"]
            if is_known:
                continue
            if self.journal.has_unclaimed(each["key"]) or from_iso(each["began_at"]) < before_s:
                try:
                    await remove_orphan(each["key"], each["upload_id"], self.engine)
                except (OSSError, TransferError):
                    return  # the next page tries again

    async def reopen(self, records: "list[Checkpoint]") -> "Failed":
        """Go on with uploads whose files the browser can open; call it from a click."""
        try:
            files = await self.journal.open_files(records)
        except StorageBroken as error:
            return [(record, FileUnreadable(str(error))) for record in records]
        failed: Failed = []
        for index, record in enumerate(records):
            file = files[index]
            if isinstance(file, FileUnreadable):
                failed.append((record, file))
            elif fingerprint(file) != fingerprint(record):
                changed = FileUnreadable("size or time of change differ", changed=True)
                failed.append((record, changed))
            elif await self.journal.claim(record):
                self.go_on(file, record.options, record)
            elif self.journal.has_unclaimed(record.key):
                self.go_on(file, record.options, None)  # follows the page that sends this file
            if index % REOPENED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return failed

    def discard(self, records: "list[Checkpoint]") -> "asyncio.Task[Failed]":
        """Begin to remove records and their parts; await it for those that OSS kept, and why."""
        return asyncio.create_task(self._discard(records))

    async def _discard(self, records: "list[Checkpoint]") -> "Failed":
        ours: list[Checkpoint] = []
        for record in records:
            if await self.journal.claim(record):
                ours.append(record)
        waiting = [record for record in ours if not record.upload_id]
        await self.journal.erase([record.key for record in waiting])
        for record in waiting:
            self.journal.release(record)
        begun = [record for record in ours if record.upload_id]
        await self.journal.abandon(begun)
        failed: Failed = []
        for record in begun:
            try:
                await self._abort(record)
            except (OSSError, TransferError) as error:
                record.is_abandoned = False  # here it can be discarded again; a later page does it
                self.journal.unclaim(record)
                failed.append((record, error))
        return failed

    async def _abort(self, record: "Checkpoint") -> None:
        """Remove the multipart upload of a record; if OSS refuses, the record stays."""
        upload = Upload(record.file(), lambda _upload: None)
        restore(upload, record)
        await abort(upload, self.engine)
