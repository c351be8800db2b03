"""The unfinished uploads of one person in this browser, and the tab that may continue each upload.

An upload belongs to the tab that holds the lock of the upload's record. To continue an upload, a
tab first claims the record: the tab takes the lock. The tab releases the lock when the upload has
ended. If a tab is closed, the browser releases all locks of the tab.

Each multipart upload has its own lock. Tabs send each other messages about the progress of
multipart uploads. All other uploads of a tab share one lock: waiting uploads, and files that are
sent in one request. Tabs send no messages about the progress of these uploads.
"""

import asyncio
import json

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.journal.checkpoint import fingerprint, restore
from ossferry_uploader.transfer.journal.record_list import RecordList
from ossferry_uploader.transfer.journal.records import Records
from ossferry_uploader.transfer.journal.tab_locks import (
    ANSWER_S,
    POLLS,
    Follower,
    LargeFileLocks,
    SmallFileLocks,
    begin_lock,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.grants.credentials import GrantKeeper
    from ossferry_uploader.transfer.journal.checkpoint import Checkpoint
    from ossferry_uploader.transfer.ports import Ports
    from ossferry_uploader.transfer.upload import Upload

__all__ = ["Journal"]

TAB_LOCK = "page-"  # first part of the name of a tab's own lock
WRITTEN_AT_ONCE = 10  # records, before other tasks run


class Journal:
    """Manages the records of unfinished uploads, and the locks with which tabs claim records.

    Each record is unclaimed, claimed by this tab, or claimed by another tab.

    `on_change(journal)` is called when `unfinished`, `in_other_tabs` or `broken` changes.
    `on_abandoned(records)` is called with unclaimed records of uploads that were cancelled or
    discarded, or that are too old. The page does not offer these uploads to the person, and can
    remove their parts.

    Attributes:
        in_other_tabs: the records of multipart uploads that other tabs have claimed.
        small: the locks of small files.
    """

    def __init__(
        self,
        ports: "Ports",
        keeper: "GrantKeeper",
        *,
        on_change: "Callable[[Journal], None]" = lambda journal: None,
    ) -> None:
        self._on_change = on_change
        self.on_abandoned: Callable[[list[Checkpoint]], Any] = lambda records: None
        self.in_other_tabs: list[Checkpoint] = []
        self._unclaimed = RecordList()
        self._records = Records(ports.storage, keeper, lambda: on_change(self))
        self._tab_lock = ""  # the lock of all uploads of this tab that are not multipart
        self._locks: set[str] = set()  # locks of records that this tab holds
        self._claimed: set[str] = set()  # keys of records
        self._watched: set[str] = set()  # locks of other tabs
        self._followers: list[Follower] = []
        self._adopting = asyncio.Lock()
        self._loading: asyncio.Event | None = None
        self._large = LargeFileLocks(ports.tabs, self.release_key)
        self.small = SmallFileLocks(
            ports.tabs, ports.clock, drop_place=self._drop_place, find_place=self._find_place
        )
        self._clock = ports.clock
        self._random = ports.random
        self._tabs = ports.tabs
        self._keeper = keeper

    @property
    def owner(self) -> str:
        """The key prefix of this person; empty until the prefix is known."""
        return self._records.owner

    @property
    def upload_ids(self) -> "set[str]":
        """The ids of the multipart uploads that this tab has created or has found in records."""
        return self._records.upload_ids

    @property
    def broken(self) -> str:
        """The error message of the browser's storage; empty if no error has occurred."""
        return self._records.broken

    @property
    def unfinished(self) -> "list[Checkpoint]":
        """The unclaimed records of uploads that a person can continue."""
        return self._unclaimed.offered()

    def has_unclaimed(self, key: str) -> bool:
        """Return whether there is an unclaimed record with this object key."""
        return key in [record.key for record in self._unclaimed.all()]

    def followers(self) -> int:
        """Return how many uploads of this tab wait while another tab sends the same file."""
        return len(self._followers) + self.small.followers()

    async def load(self) -> None:
        """Read the records of this person from the browser's storage, if they were not read before.

        Broken and old records are removed from the storage.

        Raises:
            GrantRefused: the server did not give the key prefix of the person.
        """
        owner = await self._keeper.prefix()
        if not self._loading:
            self._loading = asyncio.Event()
            asyncio.create_task(self._load(owner, self._loading))  # noqa: RUF006 - outlives callers
        await self._loading.wait()

    async def adopt(self, upload: "Upload") -> "tuple[str, str, str] | None":
        """Give an upload the unclaimed record of the same file, if there is one.

        The upload then continues the unfinished upload of that record. If another tab sends the
        same file, this method waits until that tab has finished or failed.

        Returns:
            The key, the CRC-64 and the salt of the object, if another tab has stored the file.
            Otherwise `None`, and this upload has to send the file.
        """
        while True:
            if not upload.has_begun() and self._unclaimed.of(upload.source):
                await self._drop_place(upload)  # its own place, for that of a closed tab
            await self.adopt_unclaimed(upload)
            has_place = upload.key and upload.has_begun()
            other = None if has_place else self.find_in_other_tabs(upload.source)
            if other:
                await self._drop_place(upload)
                crc64 = await self._follow(upload, other)
                if crc64:
                    return (other.key, crc64, other.salt)
            elif has_place or await self._large.take(upload):
                return None
            else:
                await self._let_begin(upload)

    async def adopt_unclaimed(self, upload: "Upload") -> None:
        """Give an upload the unclaimed record of the same file, if there is one.

        The upload then continues the unfinished upload of that record. Unlike `adopt`, this method
        does not wait for other tabs.
        """
        async with self._adopting:  # one upload at a time chooses among the records
            while not upload.key:
                records = self._unclaimed.of(upload.source)
                if not records:
                    return
                record = max(records, key=lambda each: (bool(each.crc64), each.sent))
                if not await self.claim(record):
                    if self.has_unclaimed(record.key):
                        return  # another tab sends this file
                    continue
                if upload.state in states.ENDED:
                    self.unclaim(record)  # a person cancelled the upload meanwhile
                    return
                restore(upload, record)

    def find_in_other_tabs(self, file: "File") -> "Checkpoint | None":
        """Return the record of another tab's multipart upload of this file, or `None`."""
        if not self.in_other_tabs:
            return None
        wanted = fingerprint(file)
        return next((each for each in self.in_other_tabs if fingerprint(each) == wanted), None)

    async def is_free(self, lock: str) -> bool:
        """Return whether no tab of this browser holds the lock with this name."""
        return lock not in self._locks and await self._tabs.is_free(lock)

    async def claim(self, record: "Checkpoint") -> bool:
        """Claim an unclaimed record: take the lock of the record for this tab.

        The records of a closed tab share one lock, except the records of multipart uploads. The
        tab that holds this lock can claim all of these records.

        Returns:
            `True` if this tab has claimed the record. `False` if another tab has claimed the
            record. `False` also if another tab sends the same small file; in this case the record
            stays unclaimed.
        """
        if not self._drop(record):
            return False
        lock = record.lock
        try:
            has_file = bool(record.upload_id) or await self.small.reserve(record.owner, record)
            take = self._take if has_file else self._tabs.is_free
            is_free = lock in self._locks or await take(lock)
        except asyncio.CancelledError:
            self._unclaimed.add(record)
            self.release(record)
            raise
        if has_file and is_free:
            self._locks.add(lock)
            self._claimed.add(record.key)
            self._tabs.tell(record.text())
            return True
        self.release(record)
        if is_free:
            self._unclaimed.add(record)
        else:
            self._add_other_tab(record)
        return False

    async def reclaim(self, upload: "Upload") -> None:
        """Claim the record of a large upload again after a pause.

        If another tab has claimed the record during the pause, this method removes the key and the
        parts from the upload. The parts cannot be used, because the other tab may have created a
        new multipart upload under the same key.
        """
        key = upload.key
        self._large.continued(key)
        if key in self._locks or not begin_lock(upload):
            return
        if await self._tabs.take(key):
            self._locks.add(key)
            self._drop_all(lambda other: other.key == key)
            upload.progress.doubt()
        else:
            if upload.upload_id:
                self._add_other_tab(self._records.of(upload, self._tab_lock))
            upload.forget_parts()
            upload.target.assign("")
            upload.record.save_as("")

    def stopped(self, upload: "Upload") -> None:
        """Release the locks of a stopped upload, so that a waiting tab can send the same file.

        Call this method when no request of the upload is in flight any more.
        """
        self._large.stopped(upload)
        self.small.end(upload)
        self.not_sending(upload)

    def not_sending(self, upload: "Upload") -> None:
        """Release the lock that `claim` took for a small file, unless the file is being sent."""
        self.small.release(self.owner, upload.source)

    def unclaim(self, record: "Checkpoint") -> None:
        """Undo `claim`: release the lock, and list the record as unclaimed again."""
        self.release(record)
        self._claimed.discard(record.key)
        self._unclaimed.add(record)
        self._on_change(self)

    def release(self, record: "Checkpoint") -> None:
        """Release the lock that `claim` has taken for a record."""
        if record.upload_id:
            self.release_key(record.key)
        else:
            self.small.release(record.owner, record)

    def release_key(self, key: str) -> None:
        """Release the lock of a multipart upload, so that another tab can continue the upload.

        Args:
            key: the object key of the upload.
        """
        self._locks.discard(key)
        self._tabs.drop(key)

    async def open_files(self, records: "list[Checkpoint]") -> "list[Any]":
        """Open the files of unfinished uploads without a file chooser.

        Call this method from a click, because the browser may ask the person for permission.

        Returns:
            For each record, a `File`, or a `FileUnreadable` error if the file cannot be opened.

        Raises:
            StorageBroken: the browser's storage does not work.
        """
        return await self._records.open_files(records)

    async def begin(self, upload: "Upload") -> None:
        """Take the lock of a new multipart upload for this tab, and write the first record."""
        await self._tabs.take(upload.key)
        self._locks.add(upload.key)
        await self.keep(upload, file=upload.source)
        self._large.release(upload)

    async def keep(self, upload: "Upload", *, file: "File | None" = None) -> None:
        """Write the record of a multipart upload, and send the upload's progress to the other tabs.

        Streams and data in memory get no record.

        Args:
            file: the file whose handle is stored with the record. With the handle, a later page can
                open the file again. `None` keeps the handle that is already stored.
        """
        if not upload.is_lasting:
            self._records.know(upload.upload_id)
            return
        record = self._records.of(upload, self._tab_lock)
        upload.record.save_parts(upload.progress.arrived)
        gone = [upload.record.name] if upload.record.name not in ("", record.key) else []
        upload.record.save_as(record.key)
        self._tabs.tell(record.text())
        await self._records.save([(record.key, record.text(), file)], gone)
        upload.record.save_id(record.upload_id)

    async def keep_waiting(self, uploads: "list[Upload]") -> None:
        """Write the records of several uploads in one transaction.

        Each upload has a key. It has arrived, or has no multipart upload. A record under an earlier
        key is removed.
        """
        if not self._tab_lock:
            self._tab_lock = self.small.page = f"{TAB_LOCK}{self._random.hex(8)}"
            await self._tabs.take(self._tab_lock)
            self._locks.add(self._tab_lock)
        records: list[tuple[Upload, Checkpoint]] = []
        gone: list[str] = []
        for index, upload in enumerate(uploads):
            if index and index % WRITTEN_AT_ONCE == 0:
                await self._clock.sleep(0)
            name = upload.record.name
            if name and upload.key and (upload.crc64 or not upload.upload_id):
                if name != upload.key:
                    gone.append(name)
                    upload.record.save_as(upload.key)
                records.append((upload, self._records.of(upload, self._tab_lock)))
        # without the uploads that have got another key meanwhile, and perhaps its record
        records = [each for each in records if each[0].key == each[1].key]
        if records:
            self._tabs.tell(records[0][1].text())  # one is enough: all have the same lock
            await self._records.save(
                [(record.key, record.text(), upload.source) for upload, record in records], gone
            )
        for upload, record in records:
            upload.record.save(record.key, record.salt)
            if record.crc64 and record.key in self._locks:
                self.release_key(record.key)
        self.small.tell_saved([record for _, record in records])

    async def forget(self, key: str, crc64: str = "") -> None:
        """Remove the record of an upload that is complete or cancelled, and inform the other tabs.

        Args:
            key: the object key of the upload.
            crc64: the CRC-64 of the complete object; empty if the upload was cancelled.
        """
        await self.erase([key])
        self.tell_end(key, crc64)
        self.release_key(key)

    def tell_end(self, key: str, crc64: str) -> None:
        """Send the other tabs a message that an upload is complete or cancelled.

        Args:
            key: the object key of the upload.
            crc64: the CRC-64 of the complete object; empty if the upload was cancelled.
        """
        self._tabs.tell(json.dumps({"ended": key, "crc64": crc64}))

    async def abandon(self, records: "list[Checkpoint]") -> None:
        """Mark records as abandoned in the browser's storage.

        If this page cannot remove the uploads of these records, a later page removes them.
        """
        for record in records:
            record.is_abandoned = True
        await self._records.save([(record.key, record.text(), None) for record in records])

    async def forget_arrived(self) -> None:
        """Remove the records of arrived files, if no other upload of their closed tabs is left."""
        gone = [record for record in self._unclaimed.all() if record.crc64]
        if gone and not self._unclaimed.offered():
            for record in gone:
                self._unclaimed.drop(record)
            await self.erase([record.key for record in gone])
        self.small.tell_over()

    def take_unsent(self, upload: "Upload") -> "list[str]":
        """Return the names of the records of closed tabs that had the file of an upload, unsent.

        The file is stored now, so nobody needs these records.
        """
        unsent = [
            record
            for record in self._unclaimed.of(upload.source)
            if not (record.upload_id or record.crc64)
        ]
        for record in unsent:
            self._drop(record)
        return [record.key for record in unsent]

    async def erase(self, keys: "list[str]") -> None:
        """Remove the records with these object keys from the browser's storage."""
        await self._records.erase(keys)
        for key in keys:
            if key in self._locks:
                self.release_key(key)

    async def _load(self, owner: str, loaded: asyncio.Event) -> None:
        self._tabs.listen(self._hear)
        self._records.owner = self.small.owner = owner
        try:
            await self._read(lambda record: True)
        finally:
            loaded.set()
        self._tell_abandoned()
        self._on_change(self)

    async def _read(self, fits: "Callable[[Checkpoint], bool]") -> None:
        """Read the stored records for which `fits` returns `True`.

        Records with a free lock become unclaimed. All other records belong to other tabs.
        """
        is_free: dict[str, bool] = {}
        for record in await self._records.all():
            lock = record.lock
            if not fits(record):
                continue
            if lock not in is_free:
                is_free[lock] = await self.is_free(lock)
            if is_free[lock]:
                self._unclaimed.add(record)
                continue
            self._add_other_tab(record)
            if record.crc64:
                self.small.know(record)

    def _hear(self, text: str) -> None:
        """Process a message from another tab, which may run another version of this page."""
        try:
            found = json.loads(text)
            key, crc64, wanted = found.get("ended"), found.get("crc64"), found.get("wanted")
        except (ValueError, AttributeError):
            return
        if isinstance(key, str) and isinstance(crc64, str):
            self._drop_all(lambda other: other.key == key)
            self._remove_other_tab(key, crc64)
            return
        if isinstance(wanted, str):
            if wanted in self._locks:
                self._large.hear_wanted(wanted)
            return
        self.small.hear(found)
        record = self._records.parse(text)
        if record and record.lock not in self._locks:
            self._add_other_tab(record)

    def _add_other_tab(self, record: "Checkpoint") -> None:
        """Treat a record as claimed by another tab, until the lock of the record is free."""
        if record.upload_id:
            others = [other for other in self.in_other_tabs if other.key != record.key]
            self.in_other_tabs = others + [record]
            for follower in self._followers:
                if follower.key == record.key:
                    follower.upload.progress.fly(0, record.sent)
            self._drop(record)
        if record.lock not in self._watched:
            self._watched.add(record.lock)
            self._drop_all(lambda other: other.lock == record.lock)
            asyncio.create_task(self._until_free(record))  # noqa: RUF006 - it ends by itself

    def _remove_other_tab(self, key: str, crc64: str) -> None:
        """Remove the record with this object key from `in_other_tabs`.

        Uploads of this tab stop waiting for the other tab's upload, and continue.

        Args:
            key: the object key in the record.
            crc64: the CRC-64 of the object; empty if the upload of the record is not complete.
        """
        self.in_other_tabs = [other for other in self.in_other_tabs if other.key != key]
        for follower in self._followers:
            if follower.key == key:
                follower.crc64 = crc64
                follower.ended.set()
        self._on_change(self)

    async def _until_free(self, record: "Checkpoint") -> None:
        """Wait until the lock of a record is free, then make all records with this lock unclaimed.

        A multipart upload has its own lock. All other uploads of a tab share the lock of the tab.
        """
        while True:
            await self._tabs.free(record.lock)
            await self._hear_the_end(record.key)
            if record.upload_id and record.key not in [other.key for other in self.in_other_tabs]:
                self._watched.discard(record.lock)
                return
            found = await self._records.all()
            if record.lock in self._locks or await self._tabs.is_free(record.lock):
                break  # otherwise a third tab has claimed the record
        self._watched.discard(record.lock)
        arrived = [left for left in found if left.lock == record.lock and self.small.complete(left)]
        if arrived:  # the closed tab had no time to write it
            await self._records.save([(left.key, left.text(), None) for left in arrived])
        self.small.forget_page(record.lock)
        for left in found:
            if left.lock == record.lock and left.key not in self._claimed:
                self._unclaimed.add(left)
        if record.upload_id:
            self._remove_other_tab(record.key, "")
        self._tell_abandoned()
        self._on_change(self)

    async def _hear_the_end(self, key: str) -> None:
        """Wait for the message that the upload with this object key has ended.

        The message can arrive after the lock of the upload is free. The wait ends after `ANSWER_S`
        seconds.
        """
        for _ in range(POLLS):
            if key not in [follower.key for follower in self._followers]:
                return
            await self._clock.sleep(ANSWER_S / POLLS)

    def _tell_abandoned(self) -> None:
        abandoned = [record for record in self._unclaimed.all() if record.is_abandoned]
        if abandoned:
            self.on_abandoned(abandoned)

    def _drop(self, record: "Checkpoint") -> bool:
        """Remove a record from the unclaimed records.

        Returns:
            `False` if the record was not one of the unclaimed records.
        """
        was_there = self._unclaimed.drop(record)
        self._on_change(self)
        return was_there

    def _drop_all(self, fits: "Callable[[Checkpoint], bool]") -> None:
        for record in self._unclaimed.all():
            if fits(record):
                self._unclaimed.drop(record)
        self._on_change(self)

    async def _find_place(self, upload: "Upload") -> None:
        """If a closed tab has a record of the same small file, give this record to the upload.

        The closed tab may have stored the file, so the upload uses the key in this record.
        """
        if upload.has_begun():
            return
        if await self._is_tab_closed():
            async with self._adopting:
                await self._read(lambda each: not (each.upload_id or each.lock in self._locks))
        if self._unclaimed.of(upload.source):
            upload.record.lose()
            await self._drop_place(upload)
            await self.adopt_unclaimed(upload)

    async def _is_tab_closed(self) -> bool:
        """Return whether another tab with unfinished uploads was closed."""
        for lock in list(self._watched):
            if lock.startswith(TAB_LOCK) and await self.is_free(lock):
                return True
        return False

    async def _take(self, lock: str) -> bool:
        """Take a lock; return `False` if another tab holds the lock.

        Another tab may hold the lock only for a moment, to test whether the lock is free. In this
        case the method tries again.
        """
        while not await self._tabs.take(lock):
            if not await self._tabs.is_free(lock):
                return False
        return True

    async def _drop_place(self, upload: "Upload") -> None:
        """Remove the key and the record of an upload that has not sent any bytes."""
        upload.target.assign("")
        name = upload.record.name
        if name:
            upload.record.save_as("")
            await self.erase([name])

    async def _let_begin(self, upload: "Upload") -> None:
        """Wait while another tab creates a multipart upload of the same file."""
        upload.hold(states.FOR_TAB)
        try:
            await self._tabs.free(begin_lock(upload))
            for record in await self._records.all():
                known = [other.key for other in self.in_other_tabs]
                if record.upload_id and not (record.lock in self._locks or record.key in known):
                    self._add_other_tab(record)  # `_until_free` finds out whether its tab is open
        finally:
            upload.release(states.FOR_TAB)

    async def _follow(self, upload: "Upload", other: "Checkpoint") -> str:
        """Wait until another tab's upload of the same file has ended.

        Args:
            upload: the upload of this tab.
            other: the record of the other tab's upload.

        Returns:
            The CRC-64 of the complete object; empty if the other upload was not completed.
        """
        follower = Follower(upload, other.key)
        self._followers.append(follower)
        upload.hold(states.FOR_TAB)
        upload.progress.fly(0, other.sent)
        self._large.want(other.key)
        try:
            await follower.ended.wait()
        finally:
            self._followers.remove(follower)
            upload.progress.land(0)
            upload.release(states.FOR_TAB)
        return follower.crc64
