"""Finds the record of an earlier upload that fits a file, and tells other pages of those here.

Each record belongs to one page at a time. How far a multipart upload is, the other pages of this
browser hear; what merely waits is nothing to them. With all that a page has left when it is gone
they may go on.
"""

import asyncio
import json

from uploader.transfer import states
from uploader.transfer.journal.checkpoint import fingerprint, restore
from uploader.transfer.journal.record_list import RecordList
from uploader.transfer.journal.records import Records
from uploader.transfer.journal.small_files import LOOKS, RESULT_S, SmallFileLocks
from uploader.transfer.journal.tab_locks import Follower, LargeFileLocks, begin_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uploader.transfer.files import File
    from uploader.transfer.grants.credentials import GrantKeeper
    from uploader.transfer.journal.checkpoint import Checkpoint
    from uploader.transfer.ports import Ports
    from uploader.transfer.upload import Upload

__all__ = ["Journal"]

PAGE = "page-"  # begins the lock of a page
WRITTEN_AT_ONCE = 10  # records, before the browser has a turn


class Journal:
    """The unfinished uploads of this person in this browser.

    `elsewhere` are the multipart uploads of other pages, as far as these have told.
    `small` settles who sends small files.
    `on_given_up(records)` is called with what nobody wants to be offered, and somebody may remove.
    """

    def __init__(
        self,
        ports: "Ports",
        keeper: "GrantKeeper",
        *,
        on_change: "Callable[[Journal], None]" = lambda journal: None,
    ) -> None:
        self._on_change = on_change
        self.on_given_up: Callable[[list[Checkpoint]], Any] = lambda records: None
        self.elsewhere: list[Checkpoint] = []
        self._left = RecordList()
        self._records = Records(ports.storage, keeper, lambda: on_change(self))
        self._page = ""  # the lock of all records of this page that have none of their own
        self._ours: set[str] = set()  # locks
        self._claimed: set[str] = set()  # keys of records
        self._watched: set[str] = set()  # locks of other pages
        self._waiting: list[Follower] = []
        self._placing = asyncio.Lock()
        self._loading: asyncio.Event | None = None
        self._turns = LargeFileLocks(ports.tabs, self.leave)
        self.small = SmallFileLocks(
            ports.tabs, ports.clock, unplace=self._unplace, find_place=self._find_place
        )
        self._clock = ports.clock
        self._random = ports.random
        self._tabs = ports.tabs
        self._keeper = keeper

    @property
    def owner(self) -> str:
        """The prefix of this person, once it is known."""
        return self._records.owner

    @property
    def upload_ids(self) -> "set[str]":
        """Those of all uploads that this browser knows."""
        return self._records.upload_ids

    @property
    def broken(self) -> str:
        """Why the browser keeps nothing, or empty."""
        return self._records.broken

    @property
    def unfinished(self) -> "list[Checkpoint]":
        """What earlier pages left, nobody works on and nobody has given up."""
        return self._left.offered()

    def has_left(self, key: str) -> bool:
        """Tell whether an earlier page has left this key, and nobody works on it."""
        return key in [record.key for record in self._left.all()]

    def followers(self) -> int:
        """Return how many uploads of this page wait for one of another page."""
        return len(self._waiting) + self.small.followers()

    async def load(self) -> None:
        """Read, once, what earlier pages of this person left; what is broken or old is removed.

        Raises:
            GrantRefused: nobody knows yet whose records these are.
        """
        owner = await self._keeper.prefix()
        if not self._loading:
            self._loading = asyncio.Event()
            asyncio.create_task(self._load(owner, self._loading))  # noqa: RUF006 - outlives callers
        await self._loading.wait()

    async def adopt(self, upload: "Upload") -> str:
        """Give an upload the place of an unfinished one of the same file, if there is one.

        While another page sends that file, wait and follow.

        Returns:
            The CRC-64 of the object under `upload.key` if the other page has finished it.
        """
        while True:
            await self.take_place(upload)
            is_placed = upload.key and upload.has_begun()
            other = None if is_placed else self.find_elsewhere(upload.file)
            if other:
                await self._unplace(upload)
                crc64 = await self._follow(upload, other)
                if crc64:
                    upload.target.assign(other.key)
                    return crc64
            elif is_placed or await self._turns.may_begin(upload):
                return ""
            else:
                await self._let_begin(upload)

    async def take_place(self, upload: "Upload") -> None:
        """Do the same, but do not wait for other pages."""
        async with self._placing:  # or an upload that starts meanwhile would go its own way
            while not upload.key:
                left = self._left.of(upload.file)
                if not left:
                    return
                record = max(left, key=lambda each: each.sent)
                if not await self.claim(record):
                    if self.has_left(record.key):
                        return  # another page has its turn with this file
                    continue
                if upload.state in states.ENDED:
                    self.put_back(record)  # a person was quicker
                    return
                restore(upload, record)

    def find_elsewhere(self, file: "File") -> "Checkpoint | None":
        """Return the upload with which another page sends such a file."""
        if not self.elsewhere:
            return None
        looks = fingerprint(file)
        return next((each for each in self.elsewhere if fingerprint(each) == looks), None)

    async def is_free(self, lock: str) -> bool:
        """Tell whether no page of this browser has a lock."""
        return lock not in self._ours and await self._tabs.is_free(lock)

    async def claim(self, record: "Checkpoint") -> bool:
        """Take an unfinished upload for this page and off the list, if it is still there.

        With one that only waited, no other page may take the others of its page. It stays on the
        list while another page has its turn with the same file.
        """
        if not self._drop(record):
            return False
        lock = record.lock
        try:
            is_turn = bool(record.upload_id) or await self.small.reserve(record)
            take = self._take if is_turn else self._tabs.is_free
            is_free = lock in self._ours or await take(lock)
        except asyncio.CancelledError:
            self._left.add(record)
            self.release(record)
            raise
        if is_turn and is_free:
            self._ours.add(lock)
            self._claimed.add(record.key)
            self._tabs.tell(record.text())
            return True
        self.release(record)
        if is_free:
            self._left.add(record)
        else:
            self._is_elsewhere(record)
        return False

    async def take_back(self, upload: "Upload") -> None:
        """Go on with a large file that may have been another page's while it rested.

        If it still is, the upload has no place any more, and follows that page. So it is if its
        parts have been removed: the other page may have begun anew under the same key.
        """
        key = upload.key
        self._turns.goes_on(key)
        if key in self._ours or not begin_lock(upload):
            return
        if await self._tabs.take(key):
            self._ours.add(key)
            self._drop_all(lambda other: other.key == key)
            upload.progress.doubt()
        else:
            if upload.upload_id:
                self._is_elsewhere(self._records.of(upload, self._page))
            upload.forget_parts()
            upload.target.assign("")
            upload.record.save_as("")

    def rests(self, upload: "Upload") -> None:
        """Note that nothing of an upload is under way any more; another page may want it."""
        self._turns.rests(upload)
        self.small.end(upload)
        self.will_not_go(upload)

    def will_not_go(self, upload: "Upload") -> None:
        """Note that an upload will not be sent now, although it may have a record's place."""
        self.small.release(self.owner, upload.file)

    def put_back(self, record: "Checkpoint") -> None:
        """Undo `claim`."""
        self.release(record)
        self._claimed.discard(record.key)
        self._left.add(record)
        self._on_change(self)

    def release(self, record: "Checkpoint") -> None:
        """Let other pages go on with the file of a record that this page has claimed."""
        if record.upload_id:
            self.leave(record.key)
        else:
            self.small.release(record.owner, record)

    async def open_files(self, records: "list[Checkpoint]") -> "list[Any]":
        """Open the files of unfinished uploads without a file chooser; call it from a click.

        Raises:
            StorageBroken: the browser does not know them any more.
        """
        return await self._records.open_files(records)

    async def begin(self, upload: "Upload") -> None:
        """Write the first checkpoint of a multipart upload, and claim it for this page."""
        await self._tabs.take(upload.key)
        self._ours.add(upload.key)
        await self.keep(upload, file=upload.file)
        self._turns.begun(upload)

    async def keep(self, upload: "Upload", *, file: "File | None" = None) -> None:
        """Write the checkpoint of a multipart upload, and tell the other pages."""
        if upload.is_stream:
            self._records.know(upload.upload_id)
            return  # no later page can go on with it
        record = self._records.of(upload, self._page)
        upload.record.save_parts(upload.progress.arrived)
        upload.record.save_as(record.key)
        self._tabs.tell(record.text())
        await self._records.save([(record.key, record.text(), file)])
        upload.record.save_id(record.upload_id)

    async def keep_waiting(self, uploads: "list[Upload]") -> None:
        """Write records of uploads that have a key and no upload id, all at once."""
        if not self._page:
            self._page = f"{PAGE}{self._random.hex(8)}"
            await self._tabs.take(self._page)
            self._ours.add(self._page)
        records: list[tuple[str, str, File | None]] = []
        for index, upload in enumerate(uploads):
            if index and index % WRITTEN_AT_ONCE == 0:
                await self._clock.sleep(0)
            if upload.record.name:  # it may have lost its place meanwhile
                record = self._records.of(upload, self._page)
                records.append((record.key, record.text(), upload.file))
        if records:
            self._tabs.tell(records[0][1])  # who is there now reads no records later
            await self._records.save(records)

    async def forget(self, key: str, crc64: str = "") -> None:
        """Remove the checkpoint of an object that is whole (`crc64`), or that nobody wants."""
        await self.erase([key])
        self.tell_end(key, crc64)
        self.leave(key)

    def tell_end(self, key: str, crc64: str) -> None:
        """Tell other pages that an object is whole (`crc64`), or that nobody wants it."""
        self._tabs.tell(json.dumps({"ended": key, "crc64": crc64}))

    async def give_up(self, records: "list[Checkpoint]") -> None:
        """Note that nobody is to be offered these: a later page ends what this one may not."""
        for record in records:
            record.given_up = True
        await self._records.save([(record.key, record.text(), None) for record in records])

    async def erase(self, keys: "list[str]") -> None:
        """Remove records."""
        await self._records.erase(keys)

    def leave(self, key: str) -> None:
        """Let other pages go on with an upload."""
        self._ours.discard(key)
        self._tabs.drop(key)

    async def _load(self, owner: str, loaded: asyncio.Event) -> None:
        self._tabs.listen(self._hear)
        self._records.owner = owner
        try:
            await self._read(lambda record: True)
        finally:
            loaded.set()
        self._tell_given_up()
        self._on_change(self)

    async def _read(self, fits: "Callable[[Checkpoint], bool]") -> None:
        is_free: dict[str, bool] = {}
        for record in await self._records.all():
            lock = record.lock
            if not fits(record):
                continue
            if lock not in is_free:
                is_free[lock] = await self.is_free(lock)
            if is_free[lock]:
                self._left.add(record)
            else:
                self._is_elsewhere(record)

    def _hear(self, text: str) -> None:
        """Take in what another page tells; of another version it may be, so nothing is sure."""
        try:
            found = json.loads(text)
            key, crc64, wanted = found.get("ended"), found.get("crc64"), found.get("wanted")
        except (ValueError, AttributeError):
            return
        if isinstance(key, str) and isinstance(crc64, str):
            self._drop_all(lambda other: other.key == key)
            self._not_elsewhere(key, crc64)
            return
        if isinstance(wanted, str):
            if wanted in self._ours:
                self._turns.hear(wanted)
            return
        self.small.hear(found)
        record = self._records.parse(text)
        if record and record.lock not in self._ours:
            self._is_elsewhere(record)

    def _is_elsewhere(self, record: "Checkpoint") -> None:
        if record.upload_id:
            others = [other for other in self.elsewhere if other.key != record.key]
            self.elsewhere = others + [record]
            for waiting in self._waiting:
                if waiting.key == record.key:
                    waiting.upload.progress.fly(0, record.sent)
            self._drop(record)
        if record.lock not in self._watched:
            self._watched.add(record.lock)
            self._drop_all(lambda other: other.lock == record.lock)
            asyncio.create_task(self._until_free(record))  # noqa: RUF006 - it ends by itself

    async def _until_free(self, record: "Checkpoint") -> None:
        """Wait for the end of the page that has a record; what it has left, anyone may go on with.

        If it only waited, that is true of all others of that page.
        """
        while True:
            await self._tabs.free(record.lock)
            await self._hear_the_end(record.key)
            if record.upload_id and record.key not in [other.key for other in self.elsewhere]:
                self._watched.discard(record.lock)
                return
            found = await self._records.all()
            if record.lock in self._ours or await self._tabs.is_free(record.lock):
                break  # else another page was quicker
        self._watched.discard(record.lock)
        for left in found:
            if left.lock == record.lock and left.key not in self._claimed:
                self._left.add(left)
        if record.upload_id:
            self._not_elsewhere(record.key, "")
        self._tell_given_up()
        self._on_change(self)

    async def _hear_the_end(self, key: str) -> None:
        """Give another page's word of its end time to come after its lock is free."""
        for _ in range(LOOKS):
            if key not in [waiting.key for waiting in self._waiting]:
                return
            await self._clock.sleep(RESULT_S / LOOKS)

    def _tell_given_up(self) -> None:
        given_up = [record for record in self._left.all() if record.given_up]
        if given_up:
            self.on_given_up(given_up)

    def _drop(self, record: "Checkpoint") -> bool:
        """Take a record off the list; tell whether it was there."""
        was_there = self._left.drop(record)
        self._on_change(self)
        return was_there

    def _drop_all(self, fits: "Callable[[Checkpoint], bool]") -> None:
        for record in self._left.all():
            if fits(record):
                self._left.drop(record)
        self._on_change(self)

    def _not_elsewhere(self, key: str, crc64: str) -> None:
        self.elsewhere = [other for other in self.elsewhere if other.key != key]
        for waiting in self._waiting:
            if waiting.key == key:
                waiting.crc64 = crc64
                waiting.ended.set()
        self._on_change(self)

    async def _find_place(self, upload: "Upload") -> None:
        """Give a small file the place that a closed page has left of it, if one has.

        It may be stored there already.
        """
        if upload.has_begun():
            return
        if await self._is_page_gone():
            async with self._placing:
                await self._read(lambda each: not (each.upload_id or each.lock in self._ours))
        if self._left.of(upload.file):
            upload.record.lose()
            await self._unplace(upload)
            await self.take_place(upload)

    async def _is_page_gone(self) -> bool:
        """Tell whether a page with waiting uploads has been closed, before `_until_free` does."""
        for lock in list(self._watched):
            if lock.startswith(PAGE) and await self.is_free(lock):
                return True
        return False

    async def _take(self, lock: str) -> bool:
        """Take a lock; that another page just looks whether it is free does not count."""
        while not await self._tabs.take(lock):
            if not await self._tabs.is_free(lock):
                return False
        return True

    async def _unplace(self, upload: "Upload") -> None:
        """Take back the key that an upload was given while it waited, and the record of it."""
        upload.target.assign("")
        name = upload.record.name
        if name:
            upload.record.save_as("")
            await self.erase([name])

    async def _let_begin(self, upload: "Upload") -> None:
        """Wait until the page that is about to begin the same file has done so, or has not."""
        upload.hold(states.FOR_TAB)
        try:
            await self._tabs.free(begin_lock(upload))
            for record in await self._records.all():
                known = [other.key for other in self.elsewhere]
                if record.upload_id and not (record.lock in self._ours or record.key in known):
                    self._is_elsewhere(record)  # until it is seen whether its page is still there
        finally:
            upload.release(states.FOR_TAB)

    async def _follow(self, upload: "Upload", other: "Checkpoint") -> str:
        """Wait for the end of another page's upload; return its CRC-64 if it arrived."""
        waiting = Follower(upload, other.key)
        self._waiting.append(waiting)
        upload.hold(states.FOR_TAB)
        upload.progress.fly(0, other.sent)
        self._turns.want(other.key)
        try:
            await waiting.ended.wait()
        finally:
            self._waiting.remove(waiting)
            upload.progress.land(0)
            upload.release(states.FOR_TAB)
        return waiting.crc64
