"""Decide which tab may continue each unfinished upload of a person in this browser.

The record (saved state) of an upload is unclaimed, claimed by this tab, or claimed by another tab.
A tab that wants to continue an upload of a closed tab claims the record: it takes the lock of the
file or, for a multipart upload, the lock of the upload (see `tab_locks`), and checks that the
record has not changed. The lock of the closed tab itself only shows that the tab is closed.

Messages between tabs only keep the display up to date. If a message is lost, nothing else changes.
"""

import asyncio
import json

from ossferry_uploader.transfer.journal.checkpoint import Checkpoint, checkpoint_of, fingerprint
from ossferry_uploader.transfer.journal.records import Records
from ossferry_uploader.transfer.journal.tab_locks import FileLocks, Follower, Handover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.grants.credentials import GrantKeeper
    from ossferry_uploader.transfer.ports import Ports
    from ossferry_uploader.transfer.upload import Upload

TAB_LOCK = "page-"  # first part of the name of a tab's own lock


class Claims(Records):
    """The records of all tabs' uploads, and the locks with which this tab claims a record.

    A record is the saved state of an upload. To claim a record means to get the right to continue
    its upload.

    `on_change()` is called when the lists of records (`unfinished`, `in_other_tabs`) change, or
    when the storage fails.
    `on_abandoned(records)` is called with unclaimed records of uploads that were cancelled or
    discarded, or that are too old. The page does not offer these uploads to the person, and can
    remove their parts.

    Attributes:
        in_other_tabs: the records of multipart uploads that other tabs have claimed.
    """

    def __init__(
        self, ports: "Ports", keeper: "GrantKeeper", on_change: "Callable[[], None]"
    ) -> None:
        super().__init__(ports.storage, keeper, on_change)
        self.on_abandoned: Callable[[list[Checkpoint]], Any] = lambda records: None
        self.in_other_tabs: list[Checkpoint] = []
        self._tabs = ports.tabs
        self._unclaimed = RecordList()
        # the lock of all uploads of this tab that are not multipart
        self._tab_lock = f"{TAB_LOCK}{ports.random.hex(8)}"
        self._locks = {self._tab_lock}  # locks of records that this tab holds
        self._claimed: set[str] = set()  # keys of records
        self._claimed_elsewhere: set[tuple[str, str]] = set()  # (key, page) of records
        self._watched: set[str] = set()  # locks of other tabs
        self._followers: list[Follower] = []
        self._loading: asyncio.Event | None = None
        self._handover = Handover(ports.tabs, self.unlock)
        self._files = FileLocks(ports.tabs, self._release_place)

    @property
    def unfinished(self) -> "list[Checkpoint]":
        """The records of the uploads that no tab has claimed and that a person can continue."""
        return self._unclaimed.offered()

    def has_unclaimed(self, key: str) -> bool:
        """Return whether there is a record with this object key that no tab has claimed."""
        return key in [record.key for record in self._unclaimed.all()]

    async def load(self) -> None:
        """Read the person's records from the browser's storage, unless they were read before.

        Afterwards `unfinished` and `in_other_tabs` have the records. Malformed and old records are
        removed from the storage.

        Raises:
            GrantRefused: the server did not give the key prefix of the person.
        """
        owner = await self._keeper.prefix()
        if not self._loading:
            self._loading = asyncio.Event()
            asyncio.create_task(self._load(owner, self._loading))  # noqa: RUF006 - outlives callers
        await self._loading.wait()

    def record_of(self, upload: "Upload") -> "Checkpoint":
        """Return a new record that describes the present state of an upload of this tab."""
        self.upload_ids.add(upload.upload_id)
        at_s = self._keeper.server_now_s()
        return checkpoint_of(upload, owner=self.owner, page=self._tab_lock, at_s=at_s)

    def find_in_other_tabs(self, file: "File") -> "Checkpoint | None":
        """Return the record of another tab's multipart upload of this file; `None` without one."""
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
        """Claim a record for this tab, to get the right to continue its upload.

        The method takes the lock of the multipart upload or, if there is none, of the file.

        Returns:
            The record as it is in the storage now. `None` if the claim failed, because the record
            was claimed or removed before, or because another tab holds the lock. In the last case,
            the record of a multipart upload moves to `in_other_tabs`; any other record stays
            unclaimed.
        """
        if not self._remove(record):
            return None
        self._claimed.add(record.key)
        try:
            if record.upload_id:
                has_lock = record.key in self._locks or await self._take(record.key)
            else:
                has_lock = await self._files.reserve(record)
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
        current = await self.current(record)
        if self.broken:
            return record
        is_same = current and (current.page, current.upload_id) == (record.page, record.upload_id)
        return current if is_same else None

    def unclaim(self, record: "Checkpoint") -> None:
        """Undo `claim`: release the lock, and add the record to the unclaimed records again."""
        self.give_back(record)
        self._claimed.discard(record.key)
        self._unclaimed.add(record)
        self._on_change()

    def give_back(self, record: "Checkpoint") -> None:
        """Release the lock that `claim` has taken, but do not add the record to `unfinished`."""
        if record.upload_id:
            self.unlock(record.key)
        else:
            self._files.unreserve(record)

    def unlock(self, key: str) -> None:
        """Release this tab's lock of a multipart upload, so that another tab can continue it.

        Args:
            key: the object key of the upload.
        """
        self._locks.discard(key)
        self._tabs.drop(key)

    async def _load(self, owner: str, loaded: asyncio.Event) -> None:
        self._tabs.listen(self._hear)
        self.owner = self._files.owner = owner
        try:
            await self._read()
        finally:
            loaded.set()
        self._tell_abandoned()
        self._on_change()

    async def _read(self) -> None:
        """Read all records. Those with a free lock become unclaimed; others are of other tabs."""
        is_free: dict[str, bool] = {}
        for record in await self.stored():
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
        record = self.parse(text)
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
                records = await self.of_file(record)
            else:
                records = await self.stored()
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
        self._on_change()

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
        self._on_change()
        return was_there

    def _remove_all(self, fits: "Callable[[Checkpoint], bool]") -> None:
        for record in self._unclaimed.all():
            if fits(record):
                self._unclaimed.remove(record)
        self._on_change()

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


class RecordList:
    """The records of unfinished uploads, in the order in which they were added.

    The list stays fast with thousands of records.
    """

    def __init__(self) -> None:
        self._by_fingerprint: dict[str, list[Checkpoint]] = {}
        self._by_number: dict[int, Checkpoint] = {}
        self._added = 0

    def all(self) -> "list[Checkpoint]":
        """Return all records in the order in which they were added.

        The method does not sort, because MicroPython takes seconds to sort thousands of numbers
        that are already in order.
        """
        records = self._by_number
        return [records[number] for number in range(self._added) if number in records]

    def offered(self) -> "list[Checkpoint]":
        """Return the records of uploads that a person can continue, multipart uploads first."""
        records = [record for record in self.all() if not (record.is_abandoned or record.crc64)]
        begun = [record for record in records if record.upload_id]
        return begun + [record for record in records if not record.upload_id]

    def of(self, file: "Any") -> "list[Checkpoint]":
        """Return the records whose file has the same fingerprint as this file."""
        return self._by_fingerprint.get(fingerprint(file), []) if self._by_fingerprint else []

    def add(self, record: "Checkpoint") -> None:
        """Append a record; remove an older record of the same file with the same object key."""
        self.remove(record)
        record.number = self._added
        self._by_number[record.number] = record
        self._added += 1
        self._by_fingerprint.setdefault(fingerprint(record), []).append(record)

    def remove(self, record: "Checkpoint") -> bool:
        """Remove the record with the file and object key of `record`.

        Returns:
            Whether there was such a record.
        """
        wanted = fingerprint(record)
        before = self._by_fingerprint.pop(wanted, [])
        after = [other for other in before if other.key != record.key]
        if after:
            self._by_fingerprint[wanted] = after
        for other in before:
            if other.key == record.key:
                del self._by_number[other.number]
        return len(after) < len(before)
