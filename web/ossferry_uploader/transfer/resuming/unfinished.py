"""Find, continue and discard the unfinished uploads of earlier pages and of other devices."""

import asyncio

from ossferry_uploader.oss.errors import OSSError
from ossferry_uploader.oss.times import from_iso
from ossferry_uploader.transfer.errors import FileUnreadable, StorageBroken, TransferError
from ossferry_uploader.transfer.journal.checkpoint import Checkpoint, fingerprint, restore
from ossferry_uploader.transfer.sending.client import Client
from ossferry_uploader.transfer.upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.options import Options

    Failed = list[tuple[Checkpoint, Exception]]

EMPTY_FOR_S = 86400.0  # age of an empty multipart upload that no page needs any more
REOPENED_AT_ONCE = 20  # files, before other tasks run


class UnfinishedUploads:
    """Finds, continues and discards unfinished uploads of earlier pages and other devices.

    If an earlier page cancelled or discarded an upload, or if its record is older than
    `checkpoint.MAX_AGE_S`, the parts are removed from OSS as soon as the records are read.

    Args:
        go_on: `go_on(file, options, record)` adds an upload to the queue. The upload continues the
            unfinished upload in `record` (a saved state); if `record` is `None`, it starts from the
            beginning.
    """

    def __init__(
        self, engine: "Engine", go_on: "Callable[[File, Options, Checkpoint | None], Any]"
    ) -> None:
        self.engine = engine
        self.journal = engine.journal
        self.go_on = go_on
        self.journal.on_abandoned = self.discard

    async def find(self) -> "list[Checkpoint]":
        """Return the records of this browser's unfinished uploads that a person can continue.

        Raises:
            GrantRefused: the server did not give the key prefix of the person.
        """
        await self.journal.load()
        return self.journal.unfinished

    async def of_other_devices(self, begun: "list[dict[str, Any]]") -> "list[dict[str, Any]]":
        """Return the multipart uploads of other devices that a person can continue or discard here.

        The result does not contain:

        - uploads with a record in this browser,
        - uploads that another tab is sending, for example streams,
        - uploads without parts, which can exist if the reply to InitiateMultipartUpload was lost.

        If the page encrypts files, the method sets `part_size` in these uploads to 0, so that they
        can only be discarded: all parts of an object must be encrypted with the same key, which
        only the other device has.

        Args:
            begun: the list `uploads` in the server's response to `GET /api/unfinished`. The result
                contains objects of this list.
        """
        known, grant = self.journal.upload_ids, self.engine.keeper.current
        remotes: list[dict[str, Any]] = []
        for remote in begun:
            is_known = remote["upload_id"] in known or not remote["size"]
            if not is_known and await self.journal.is_free(remote["key"]):
                remotes.append(remote)
                if grant and grant.encryption:
                    remote["part_size"] = 0
        return remotes

    async def remove_empty(self, begun: "list[dict[str, Any]]") -> None:
        """Abort multipart uploads that have no parts and that no page of this browser uses.

        Such a multipart upload exists if the reply to InitiateMultipartUpload was lost, or if the
        browser sent the request twice. If a closed page of this browser created it, it is aborted
        at once; otherwise it is aborted when it is older than one day.

        Args:
            begun: the list `uploads` in the server's response to `GET /api/unfinished`.
        """
        before_s = self.engine.keeper.server_now_s() - EMPTY_FOR_S
        for remote in begun:
            is_known = remote["upload_id"] in self.journal.upload_ids or remote["size"]
            if is_known:
                continue
            if self.journal.has_unclaimed(remote["key"]) or from_iso(remote["began_at"]) < before_s:
                try:
                    await Client.abort_orphan(self.engine, remote["key"], remote["upload_id"])
                except (OSSError, TransferError):
                    return  # the next page tries again

    async def reopen(self, records: "list[Checkpoint]") -> "Failed":
        """Continue unfinished uploads whose files the browser can open without a file chooser.

        Call this method in the handler of a click, because the browser may ask the person for
        permission.

        Args:
            records: the records of the uploads.

        Returns:
            `(record, error)` for each record whose file cannot be opened or has changed.
        """
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
            else:
                claimed = await self.journal.claim(record)
                if claimed or self.journal.has_unclaimed(record.key):
                    self.go_on(file, record.options, claimed)  # or waits for the tab that sends it
            if index % REOPENED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return failed

    def discard(self, records: "list[Checkpoint]") -> "asyncio.Task[Failed]":
        """Start to discard unfinished uploads: remove their records, and their parts from OSS.

        Args:
            records: the records of the uploads in the browser's storage.

        Returns:
            A task. Its result is a list of `(record, error)`, one for each record whose parts could
            not be removed.
        """
        return asyncio.create_task(self._discard(records))

    async def _discard(self, records: "list[Checkpoint]") -> "Failed":
        ours: list[Checkpoint] = []
        for record in records:
            claimed = await self.journal.claim(record)
            if claimed:
                ours.append(claimed)
        waiting = [record for record in ours if not record.upload_id]
        await self.journal.erase([record.stored_as for record in waiting])
        for record in waiting:
            self.journal.give_back(record)
        begun = [record for record in ours if record.upload_id]
        await self.journal.abandon(begun)
        failed: Failed = []
        for record in begun:
            try:
                await self._abort(record)
            except (OSSError, TransferError) as error:
                record.is_abandoned = False  # offer the record again; a later page removes it
                self.journal.unclaim(record)
                failed.append((record, error))
        return failed

    async def _abort(self, record: "Checkpoint") -> None:
        """Abort the multipart upload of a record. If OSS refuses, the record stays."""
        upload = Upload(record.file(), lambda _upload: None)
        restore(upload, record)
        await Client(self.engine, upload).abort()
