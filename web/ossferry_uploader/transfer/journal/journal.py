"""The records (saved states) of this tab's uploads, and results of other tabs for the same files.

A tab learns only from the records how other tabs have dealt with a file. It reads the records of a
file after it has taken the lock that keeps other tabs from sending this file (see `tab_locks`).

A tab that has stored a file writes the CRC-64 into the record before it releases the lock. These
records stay until no tab has unfinished uploads, so that each tab knows which files the others have
stored.
"""

import asyncio

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.journal.checkpoint import Checkpoint, names_of, restore
from ossferry_uploader.transfer.journal.claims import Claims
from ossferry_uploader.transfer.journal.tab_locks import Follower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.grants.credentials import GrantKeeper
    from ossferry_uploader.transfer.ports import Ports
    from ossferry_uploader.transfer.upload import Upload

BUSY = "busy-"  # first part of the name of the lock of a tab with unfinished uploads
WRITTEN_AT_ONCE = 10  # records, before other tasks run


class Journal(Claims):
    """Writes and removes the records of this tab's uploads, and takes and releases their locks.

    A record is the state of an upload in the browser's storage, with which a later page or another
    tab can continue the upload. `on_change(journal)` is called when the lists of records
    (`unfinished`, `in_other_tabs`) change, or when the storage fails.
    """

    def __init__(
        self,
        ports: "Ports",
        keeper: "GrantKeeper",
        *,
        on_change: "Callable[[Journal], None]" = lambda journal: None,
    ) -> None:
        super().__init__(ports, keeper, lambda: on_change(self))
        self._arrived: set[str] = set()  # names of records of this tab
        self._is_busy = self._is_ending = False
        self._is_shown = asyncio.Event()  # this tab holds the two locks of its own
        self._adopting = asyncio.Lock()
        self._clock = ports.clock

    def name_of(self, upload: "Upload") -> str:
        """Return the name of an upload's record in the storage; the upload must have a key."""
        return f"{names_of(self.owner, upload.source)}{upload.key}"

    # What other tabs have done with the file of an upload

    def followers(self) -> int:
        """Return how many uploads of this tab are waiting while another tab sends the same file."""
        return len(self._followers) + self._files.waiting

    async def adopt(self, upload: "Upload") -> "Checkpoint | None":
        """Take the lock of an upload's file, and find out what other tabs have done with this file.

        If another tab is sending the file, wait until that tab has finished or failed. If a closed
        tab has left a record of an unfinished upload of the file, `upload` continues that upload.

        Returns:
            The record of an open tab that has stored the file under the same name, with the same
            details and the same option `same_name`.
            `None` if there is none, so that this tab has to send the file.
        """
        await self._is_shown.wait()
        while True:
            await self._files.take(upload)
            stored = await self._look(upload)
            if stored:
                return stored
            await self._take_over(upload)
            if upload.upload_id:
                self._files.end(upload)
                return None
            other = self.find_in_other_tabs(upload.source)
            if not other:
                return None
            self._files.end(upload)
            await self._follow(upload, other)

    async def adopt_unclaimed(self, upload: "Upload") -> None:
        """Let an upload continue an unfinished upload of the same file that a closed tab has left.

        For this, claim the record of the unfinished upload. If there is no such record, do nothing.
        Unlike `adopt`, this method does not wait while another tab is sending the file.
        """
        async with self._adopting:  # one upload at a time chooses among the records
            while not upload.key:
                records = self._unclaimed_of(upload)
                if not records:
                    return
                wanted = max(records, key=lambda record: (bool(record.crc64), record.sent))
                record = await self.claim(wanted)
                if not record:
                    if self.has_unclaimed(wanted.key):
                        return  # another tab sends this file
                    continue
                if upload.state in states.ENDED:
                    self.unclaim(record)  # a person cancelled the upload meanwhile
                    return
                restore(upload, record)
                upload.changed()  # it may have the details that it lacked
                self._handover.stopped(upload)  # the upload may be paused

    async def _look(self, upload: "Upload") -> "Checkpoint | None":
        """Read the records of other tabs for a file whose lock this tab holds.

        Returns:
            The record of an open tab that has stored the file with the same option `same_name`.
        """
        stored = None
        for record in await self.of_file(upload.source, without_page=self._tab_lock):
            if record.lock in self._locks:
                continue
            if await self.is_free(record.lock):
                if record.key not in self._claimed:
                    self._unclaimed.add(record)
            elif record.upload_id:
                self._add_other_tab(record)
            elif record.crc64 and record.options.makes_same(upload.options):
                stored = record
        return stored

    async def _take_over(self, upload: "Upload") -> None:
        """Give an upload that has not begun the record of a closed tab for the same file."""
        if upload.has_begun():
            return
        if self._unclaimed_of(upload):
            upload.record.is_due = True
            await self._release_place(upload)
        await self.adopt_unclaimed(upload)

    async def continues(self, upload: "Upload") -> bool:
        """Return whether an upload has, or may get, the record that a closed tab has left."""
        if not (upload.key or self._unclaimed_of(upload)):
            async with self._adopting:
                pass  # `adopt_unclaimed` may just give it the record
        return upload.key in self._claimed or bool(self._unclaimed_of(upload))

    def _unclaimed_of(self, upload: "Upload") -> "list[Checkpoint]":
        """Return the unclaimed records that an upload may continue.

        If a person has described the upload, or edited its picture, these are the records with the
        same description and edit.
        """
        wanted, records = upload.options, self._unclaimed.of(upload.source)
        if upload.edit:
            records = [record for record in records if record.edit == upload.edit]
        if not (wanted.name or wanted.details()):
            return records
        return [record for record in records if record.options.makes_same(wanted)]

    async def _follow(self, upload: "Upload", other: "Checkpoint") -> None:
        """Wait until another tab's multipart upload of the same file has ended.

        Args:
            upload: the upload of this tab.
            other: the record of the other tab's upload.
        """
        follower = Follower(upload, other.key)
        self._followers.append(follower)
        upload.hold(states.FOR_TAB)
        upload.progress.fly(0, other.sent)
        self._handover.want(other.key)
        try:
            if not upload.has_begun():
                await self._release_place(upload)
            await follower.ended.wait()
        finally:
            self._followers.remove(follower)
            upload.progress.land(0)
            upload.end_hold(states.FOR_TAB)

    # The locks of an upload

    async def reclaim(self, upload: "Upload") -> None:
        """Take the lock of a multipart upload again, before the upload continues after a pause.

        If another tab has taken the lock meanwhile, `upload` loses its key and its list of parts,
        and begins anew; nothing is deleted in OSS. The parts cannot be used any more, because the
        other tab may have created a new multipart upload with the same key.
        """
        key = upload.key
        self._handover.continued(key)
        if key in self._locks:
            return
        if await self._tabs.take(key):
            self._locks.add(key)
            self._remove_all(lambda other: other.key == key)
            upload.progress.is_unproved = bool(upload.upload_id)
        else:
            if upload.upload_id:
                self._add_other_tab(self.record_of(upload))
            upload.clear_parts()
            upload.target.key = ""
            upload.record.name = ""

    async def lock(self, upload: "Upload") -> "Checkpoint | None":
        """Take the lock of a new multipart upload for this tab.

        Returns:
            A record of a closed tab that `begin` will overwrite, because it has the same name in
            the storage, although it describes another multipart upload. `None` if there is none.
        """
        self.begin_work()
        while not await self._tabs.take(upload.key):
            self._handover.want(upload.key)  # a paused upload would keep it
            await self._tabs.free(upload.key)
        self._locks.add(upload.key)
        if not upload.is_lasting:
            return None
        record = await self.current(self.record_of(upload))
        if not record or record.upload_id in ("", upload.upload_id, upload.record.upload_id):
            return None
        is_ours = record.page == self._tab_lock or record.key in self._claimed
        return None if is_ours else record

    def stopped(self, upload: "Upload") -> None:
        """Allow other tabs to send the file of an upload that was paused, has failed or has ended.

        Call this method when no request of the upload is in flight any more. The lock of the file
        is released now; if the file is stored, `end` releases it after the record was written. The
        lock of a paused or failed multipart upload is released when another tab waits for it.
        """
        if upload.state == states.DONE and upload.is_lasting:
            return  # `end` releases the locks, after the record was written
        self._handover.stopped(upload)
        self.end(upload)

    def end(self, upload: "Upload") -> None:
        """Release the lock of an upload's file, so that other tabs can send the file.

        If the file is stored, release also the lock of the multipart upload. In this case the
        record must have been written before.
        """
        self._files.end(upload)
        self.not_sending(upload)
        if upload.crc64 and upload.key in self._locks:
            self.unlock(upload.key)

    def not_sending(self, upload: "Upload") -> None:
        """Release the lock that `claim` took for a file, unless this tab is sending the file."""
        self._files.unreserve(upload.source)

    # The record of an upload

    async def begin(self, upload: "Upload") -> None:
        """Write the first record of a multipart upload, then release the lock of the upload's file.

        Before, this tab must have taken the lock of the multipart upload with `lock`.
        """
        await self.keep(upload, file=upload.source)
        self._remove(self.record_of(upload))
        self._files.end(upload)

    async def keep(self, upload: "Upload", *, file: "File | None" = None) -> None:
        """Write the present record of a multipart upload to the storage, and send it to other tabs.

        Uploads of streams and of data in memory get no record.

        Args:
            file: the file whose handle is stored with the record, so that a later page can open the
                file again. `None` keeps the handle that is already stored.
        """
        if not upload.is_lasting:
            self.upload_ids.add(upload.upload_id)
            return
        await self._is_shown.wait()
        record = self.record_of(upload)
        upload.record.arrived = upload.progress.arrived
        gone = [upload.record.name] if upload.record.name not in ("", record.stored_as) else []
        upload.record.name = record.stored_as
        self._tabs.tell(record.text())
        await self.save([(record.stored_as, record.text(), file)], gone)
        upload.record.upload_id = record.upload_id

    async def keep_waiting(self, uploads: "list[Upload]") -> None:
        """Write the records of uploads in one transaction, except unfinished multipart uploads.

        Uploads without an object key, or with an empty `upload.record.name` (the record was
        removed), are skipped too. If an upload has a record with an earlier object key, that record
        is removed.
        """
        await self._is_shown.wait()
        records: list[tuple[Upload, Checkpoint]] = []
        gone: list[str] = []
        for index, upload in enumerate(uploads):
            if index and index % WRITTEN_AT_ONCE == 0:
                await self._clock.sleep(0)
            name = upload.record.name
            if name and upload.key and (upload.crc64 or not upload.upload_id):
                record = self.record_of(upload)
                if name != record.stored_as:
                    gone.append(name)
                    upload.record.name = record.stored_as
                records.append((upload, record))
        # without the uploads that have got another key meanwhile, and perhaps its record
        records = [pair for pair in records if pair[0].key == pair[1].key]
        if records:
            self._tabs.tell(records[0][1].text())  # one is enough: all have the same lock
            await self.save(
                [(record.stored_as, record.text(), upload.source) for upload, record in records],
                gone,
            )
        for upload, record in records:
            upload.record.saved = (record.key, record.salt)
            if record.crc64:
                self._arrived.add(record.stored_as)

    async def remove(self, upload: "Upload") -> None:
        """Remove the record of a multipart upload that OSS no longer has, and release its lock."""
        await self.erase([upload.record.name or self.name_of(upload)])
        self.unlock(upload.key)

    async def abandon(self, records: "list[Checkpoint]") -> None:
        """Mark records in the browser's storage as abandoned.

        A later page does not offer to continue the uploads of these records. It removes their parts
        from OSS if this page cannot do so.
        """
        for record in records:
            record.is_abandoned = True
        await self.save([(record.stored_as, record.text(), None) for record in records])

    def take_unsent(self, upload: "Upload") -> "list[str]":
        """Forget the records of waiting uploads that closed tabs have left for an upload's file.

        A record without upload id and CRC-64 is one of a waiting upload. Call this method when OSS
        has stored the file, because then nobody has to continue the waiting uploads.

        Returns:
            The names of the forgotten records. The caller has to erase them from the browser's
            storage.
        """
        unsent = [
            record
            for record in self._unclaimed.of(upload.source)
            if not (record.upload_id or record.crc64)
        ]
        for record in unsent:
            self._remove(record)
        return [record.stored_as for record in unsent]

    # Whether this tab has unfinished uploads

    def begin_work(self) -> None:
        """Tell the other tabs, with a lock, that this tab has unfinished uploads."""
        if not self._is_busy:
            self._is_busy = True
            asyncio.create_task(self._show_work())  # noqa: RUF006 - it ends by itself

    def has_work(self) -> bool:
        """Return whether this tab has to call `end_work` when all its uploads have ended."""
        return self._is_busy or bool(self._arrived and not self._is_ending)

    def end_work(self) -> None:
        """Start to remove the records of stored files, and return at once.

        They are removed when no open tab has unfinished uploads. While a closed tab has left an
        unfinished upload, only the records of files that this tab has stored are removed.
        """
        if self._is_busy:
            self._is_busy = False
            self._tabs.drop(f"{BUSY}{self._tab_lock}")
        if not self._is_ending:
            self._is_ending = True
            asyncio.create_task(self._forget_arrived())  # noqa: RUF006 - it ends by itself

    async def _show_work(self) -> None:
        await self._take(self._tab_lock)
        await self._take(f"{BUSY}{self._tab_lock}")
        self._is_shown.set()

    async def _forget_arrived(self) -> None:
        for lock in await self._tabs.held(BUSY):
            await self._tabs.free(lock)
        self._is_ending = False
        if self._is_busy:
            return  # `end_work` is called again
        gone, self._arrived = self._arrived, set()
        if not self._unclaimed.offered():
            for record in self._unclaimed.all():
                if record.crc64:
                    self._unclaimed.remove(record)
                    gone.add(record.stored_as)
        if gone:
            await self.erase(list(gone))
