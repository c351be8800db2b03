"""The unfinished uploads of one person in this browser, and the tab that may continue each upload.

The records are the only source of what another tab has done with a file. A tab reads the records of
a file after the tab has taken a lock that keeps other tabs from this file: the lock of the file or,
for a multipart upload, the lock of the upload (see `tab_locks`). Messages between tabs only keep
the display up to date; a lost message changes nothing else.

To continue an upload of a closed tab, a tab claims the record: the tab takes such a lock, and
checks that the record is still the same. The lock of the closed tab itself only shows that the tab
is closed.

A tab that has stored a file writes the CRC-64 into the record before it releases the lock. These
records stay until no tab has unfinished uploads, so that each tab knows what the others have
stored.
"""

import asyncio
import json

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.journal.checkpoint import fingerprint, names_of, restore
from ossferry_uploader.transfer.journal.record_list import RecordList
from ossferry_uploader.transfer.journal.records import Records
from ossferry_uploader.transfer.journal.tab_locks import FileLocks, Follower, Handover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.grants.credentials import GrantKeeper
    from ossferry_uploader.transfer.journal.checkpoint import Checkpoint
    from ossferry_uploader.transfer.ports import Ports
    from ossferry_uploader.transfer.upload import Upload

TAB_LOCK = "page-"  # first part of the name of a tab's own lock
BUSY = "busy-"  # first part of the name of the lock of a tab with unfinished uploads
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
        # the lock of all uploads of this tab that are not multipart
        self._tab_lock = f"{TAB_LOCK}{ports.random.hex(8)}"
        self._locks = {self._tab_lock}  # locks of records that this tab holds
        self._claimed: set[str] = set()  # keys of records
        self._claimed_elsewhere: set[tuple[str, str]] = set()  # (key, page) of records
        self._arrived: set[str] = set()  # names of records of this tab
        self._is_busy = self._is_ending = False
        self._is_shown = asyncio.Event()  # this tab holds the two locks of its own
        self._watched: set[str] = set()  # locks of other tabs
        self._followers: list[Follower] = []
        self._adopting = asyncio.Lock()
        self._loading: asyncio.Event | None = None
        self._handover = Handover(ports.tabs, self.unlock)
        self._files = FileLocks(ports.tabs, self._release_place)
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
        return len(self._followers) + self._files.followers()

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

    def name_of(self, upload: "Upload") -> str:
        """Return the name of the record of an upload with a key."""
        return f"{names_of(self.owner, upload.source)}{upload.key}"

    async def adopt(self, upload: "Upload") -> "Checkpoint | None":
        """Take the lock of a file, and find out what other tabs have done with the file.

        If another tab sends the file, this method waits until that tab has finished or failed. If
        a closed tab has left a record of the file, the upload gets this record, and continues the
        unfinished upload of that tab.

        Returns:
            The record of an open tab that has stored the file. Otherwise `None`, and this upload
            has to send the file.
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
        """Give an upload the unclaimed record of the same file, if there is one.

        The upload then continues the unfinished upload of that record. Unlike `adopt`, this method
        does not wait for other tabs.
        """
        async with self._adopting:  # one upload at a time chooses among the records
            while not upload.key:
                records = self._unclaimed.of(upload.source)
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

    def find_in_other_tabs(self, file: "File") -> "Checkpoint | None":
        """Return the record of another tab's multipart upload of this file, or `None`."""
        if not self.in_other_tabs:
            return None
        wanted = fingerprint(file)
        return next(
            (record for record in self.in_other_tabs if fingerprint(record) == wanted), None
        )

    async def is_free(self, lock: str) -> bool:
        """Return whether no tab of this browser holds the lock with this name."""
        return lock not in self._locks and await self._tabs.is_free(lock)

    async def claim(self, record: "Checkpoint") -> "Checkpoint | None":
        """Claim an unclaimed record: take the lock of the multipart upload or of the small file.

        Returns:
            The record as the storage has it now, if this tab has claimed it. `None` if another tab
            has the lock, or has claimed the record before. If another tab sends the same small
            file, the record stays unclaimed.
        """
        if not self._remove(record):
            return None
        self._claimed.add(record.key)
        try:
            if record.upload_id:
                has_lock = record.key in self._locks or await self._take(record.key)
            else:
                has_lock = await self._files.reserve(record.owner, record)
            current = await self._same(record) if has_lock else None
        except asyncio.CancelledError:
            self.unclaim(record)
            raise
        if current:
            if current.upload_id:
                self._locks.add(current.key)
            claimed = json.dumps({"claimed": [current.key, current.page]})
            self._tabs.tell(current.text() if current.upload_id else claimed)
            return current
        self.give_back(record)
        self._claimed.discard(record.key)
        if not has_lock and record.upload_id:
            self._add_other_tab(record)
        elif not has_lock:
            self._unclaimed.add(record)
        return None

    async def _same(self, record: "Checkpoint") -> "Checkpoint | None":
        """Return a record as the storage has it now; `None` if another tab has claimed it."""
        current = await self._records.current(record)
        if self.broken:
            return record
        is_same = current and (current.page, current.upload_id) == (record.page, record.upload_id)
        return current if is_same else None

    async def reclaim(self, upload: "Upload") -> None:
        """Claim the key of a large upload again after a pause.

        If another tab has claimed the record during the pause, this method removes the key and the
        parts from the upload. The parts cannot be used, because the other tab may have created a
        new multipart upload under the same key.
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
                self._add_other_tab(self._records.of(upload, self._tab_lock))
            upload.clear_parts()
            upload.target.key = ""
            upload.record.name = ""

    def stopped(self, upload: "Upload") -> None:
        """Release the locks of a stopped upload, so that a waiting tab can send the same file.

        Call this method when no request of the upload is in flight any more.
        """
        if upload.state == states.DONE and upload.is_lasting:
            return  # `end` releases the locks, after the record was written
        self._handover.stopped(upload)
        self.end(upload)

    def end(self, upload: "Upload") -> None:
        """Release the locks of an upload that has ended, and whose record says so."""
        self._files.end(upload)
        self.not_sending(upload)
        if upload.crc64 and upload.key in self._locks:
            self.unlock(upload.key)

    def not_sending(self, upload: "Upload") -> None:
        """Release the lock that `claim` took for a small file, unless the file is being sent."""
        self._files.unreserve(self.owner, upload.source)

    def unclaim(self, record: "Checkpoint") -> None:
        """Undo `claim`: release the lock, and list the record as unclaimed again."""
        self.give_back(record)
        self._claimed.discard(record.key)
        self._unclaimed.add(record)
        self._on_change(self)

    def give_back(self, record: "Checkpoint") -> None:
        """Release the lock that `claim` has taken for a record."""
        if record.upload_id:
            self.unlock(record.key)
        else:
            self._files.unreserve(record.owner, record)

    def unlock(self, key: str) -> None:
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

    async def lock(self, upload: "Upload") -> "Checkpoint | None":
        """Take the lock of a new multipart upload for this tab.

        Returns:
            The record of a closed tab that the first record of the upload will replace, if it has
            another multipart upload; otherwise `None`.
        """
        self.begin_work()
        while not await self._tabs.take(upload.key):
            await self._tabs.free(upload.key)  # a tab whose upload is gone releases it soon
        self._locks.add(upload.key)
        if not upload.is_lasting:
            return None
        record = await self._records.current(self._records.of(upload, self._tab_lock))
        if not record or record.upload_id in ("", upload.upload_id, upload.record.upload_id):
            return None
        is_ours = record.page == self._tab_lock or record.key in self._claimed
        return None if is_ours else record

    async def begin(self, upload: "Upload") -> None:
        """Write the first record of a multipart upload, whose lock this tab has."""
        await self.keep(upload, file=upload.source)
        self._remove(self._records.of(upload, self._tab_lock))
        self._files.end(upload)

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
        await self._is_shown.wait()
        record = self._records.of(upload, self._tab_lock)
        upload.record.arrived = upload.progress.arrived
        gone = [upload.record.name] if upload.record.name not in ("", record.stored_as) else []
        upload.record.name = record.stored_as
        self._tabs.tell(record.text())
        await self._records.save([(record.stored_as, record.text(), file)], gone)
        upload.record.upload_id = record.upload_id

    async def keep_waiting(self, uploads: "list[Upload]") -> None:
        """Write the records of several uploads in one transaction.

        Each upload has a key. It has arrived, or has no multipart upload. A record under an earlier
        key is removed.
        """
        await self._is_shown.wait()
        records: list[tuple[Upload, Checkpoint]] = []
        gone: list[str] = []
        for index, upload in enumerate(uploads):
            if index and index % WRITTEN_AT_ONCE == 0:
                await self._clock.sleep(0)
            name = upload.record.name
            if name and upload.key and (upload.crc64 or not upload.upload_id):
                record = self._records.of(upload, self._tab_lock)
                if name != record.stored_as:
                    gone.append(name)
                    upload.record.name = record.stored_as
                records.append((upload, record))
        # without the uploads that have got another key meanwhile, and perhaps its record
        records = [pair for pair in records if pair[0].key == pair[1].key]
        if records:
            self._tabs.tell(records[0][1].text())  # one is enough: all have the same lock
            await self._records.save(
                [(record.stored_as, record.text(), upload.source) for upload, record in records],
                gone,
            )
        for upload, record in records:
            upload.record.saved = (record.key, record.salt)
            if record.crc64:
                self._arrived.add(record.stored_as)

    async def remove(self, upload: "Upload") -> None:
        """Remove the record of a multipart upload that does not exist any more."""
        await self._records.erase([upload.record.name or self.name_of(upload)])
        self.unlock(upload.key)

    async def abandon(self, records: "list[Checkpoint]") -> None:
        """Mark records as abandoned in the browser's storage.

        If this page cannot remove the uploads of these records, a later page removes them.
        """
        for record in records:
            record.is_abandoned = True
        await self._records.save([(record.stored_as, record.text(), None) for record in records])

    def begin_work(self) -> None:
        """Show the other tabs that this tab has unfinished uploads."""
        if not self._is_busy:
            self._is_busy = True
            asyncio.create_task(self._show_work())  # noqa: RUF006 - it ends by itself

    def has_work(self) -> bool:
        """Return whether `end_work` has to be called when all uploads of this tab have ended."""
        return self._is_busy or bool(self._arrived and not self._is_ending)

    def end_work(self) -> None:
        """Remove the records of arrived files, as soon as no tab has unfinished uploads any more.

        Records of arrived files of a closed tab stay while other uploads of closed tabs are left.
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
            self._remove(record)
        return [record.stored_as for record in unsent]

    async def erase(self, names: "list[str]") -> None:
        """Remove the records with these names from the browser's storage."""
        await self._records.erase(names)

    async def _load(self, owner: str, loaded: asyncio.Event) -> None:
        self._tabs.listen(self._hear)
        self._records.owner = self._files.owner = owner
        try:
            await self._read()
        finally:
            loaded.set()
        self._tell_abandoned()
        self._on_change(self)

    async def _read(self) -> None:
        """Read all records. Those with a free lock become unclaimed; others are of other tabs."""
        is_free: dict[str, bool] = {}
        for record in await self._records.all():
            lock = record.lock
            if lock not in is_free:
                is_free[lock] = await self.is_free(lock)
            if is_free[lock]:
                self._unclaimed.add(record)
            else:
                self._add_other_tab(record)

    def _hear(self, text: str) -> None:
        """Process a message from another tab, which may run another version of this page."""
        try:
            message = json.loads(text)
            claimed, wanted = message.get("claimed"), message.get("wanted")
        except (ValueError, AttributeError):
            return
        if isinstance(claimed, list):
            if [type(word) for word in claimed] == [str, str]:
                self._claimed_elsewhere.add(tuple(claimed))
                self._remove_all(lambda other: [other.key, other.page] == claimed)
            return
        if isinstance(wanted, str):
            if wanted in self._locks:
                self._handover.hear_wanted(wanted)
            return
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
            self._remove(record)
        if record.lock not in self._watched:
            self._watched.add(record.lock)
            self._remove_all(lambda other: other.lock == record.lock)
            asyncio.create_task(self._until_free(record))  # noqa: RUF006 - it ends by itself

    async def _until_free(self, record: "Checkpoint") -> None:
        """Wait until the lock of a record is free, then make all records with this lock unclaimed.

        A multipart upload has its own lock. All other uploads of a tab share the lock of the tab.
        """
        while True:
            await self._tabs.free(record.lock)
            if record.upload_id:
                records = await self._records.of_file(record)
            else:
                records = await self._records.all()
            if record.lock in self._locks or await self._tabs.is_free(record.lock):
                break  # otherwise a third tab has claimed the record
        self._watched.discard(record.lock)
        for left in records:
            is_claimed = (
                left.key in self._claimed or (left.key, left.page) in self._claimed_elsewhere
            )
            if left.lock == record.lock and not is_claimed:
                self._unclaimed.add(left)
        self.in_other_tabs = [other for other in self.in_other_tabs if other.lock != record.lock]
        for follower in self._followers:
            if follower.key == record.lock:
                follower.ended.set()
        self._tell_abandoned()
        self._on_change(self)

    def _tell_abandoned(self) -> None:
        abandoned = [record for record in self._unclaimed.all() if record.is_abandoned]
        if abandoned:
            self.on_abandoned(abandoned)

    def _remove(self, record: "Checkpoint") -> bool:
        """Remove a record from the unclaimed records.

        Returns:
            `False` if the record was not one of the unclaimed records.
        """
        was_there = self._unclaimed.remove(record)
        self._on_change(self)
        return was_there

    def _remove_all(self, fits: "Callable[[Checkpoint], bool]") -> None:
        for record in self._unclaimed.all():
            if fits(record):
                self._unclaimed.remove(record)
        self._on_change(self)

    async def _look(self, upload: "Upload") -> "Checkpoint | None":
        """Read the records of other tabs for a file whose lock this tab holds.

        Returns:
            The record of an open tab that has stored the file with the same option `same_name`.
        """
        stored = None
        for record in await self._records.of_file(upload.source):
            if record.page == self._tab_lock or record.lock in self._locks:
                continue
            if await self.is_free(record.lock):
                if record.key not in self._claimed:
                    self._unclaimed.add(record)
            elif record.upload_id:
                self._add_other_tab(record)
            elif record.crc64 and record.options.same_name == upload.options.same_name:
                stored = record
        return stored

    async def _take_over(self, upload: "Upload") -> None:
        """Give an upload that has not begun the record of a closed tab for the same file."""
        if upload.has_begun():
            return
        if self._unclaimed.of(upload.source):
            upload.record.is_due = True
            await self._release_place(upload)
        await self.adopt_unclaimed(upload)

    async def _take(self, lock: str) -> bool:
        """Take a lock; return `False` if another tab holds the lock.

        Another tab may hold the lock only for a moment, to test whether the lock is free. In this
        case the method tries again.
        """
        while not await self._tabs.take(lock):
            if not await self._tabs.is_free(lock):
                return False
        return True

    async def _release_place(self, upload: "Upload") -> None:
        """Remove the key and the record of an upload that has not sent any bytes."""
        upload.target.key = ""
        name = upload.record.name
        if name:
            upload.record.name = ""
            await self.erase([name])

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
