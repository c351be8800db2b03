"""Locks for files: if several tabs of this browser add the same file, only one tab sends it.

A tab takes the lock of a file before the tab sends the file. Other tabs with the same file wait. If
a tab is closed, the browser releases all locks of the tab.

The lock of a large file is called the begin lock. A tab holds the begin lock until the multipart
upload is created. From then on, the tab holds the lock of the upload's record (see `journal`).

When a file has ended, its tab tells the others what became of it, before the lock is free:
`{"told": [[lock, key, crc64, salt, policy, page]]}`. Other tabs with the same file need not
send it, as long as files of that tab are unfinished: the message `{"over": page}` ends this time.
Without these messages each tab would store the file once more (see
`test_a_small_file_in_two_pages_is_sent_once` in `test_small_files.py`).

A closed tab tells nothing, but may have stored the file. In this case the next tab uses the key
in the closed tab's record.
"""

import asyncio
import json

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.journal.checkpoint import fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from ossferry_uploader.transfer.journal.checkpoint import Checkpoint
    from ossferry_uploader.transfer.ports import Clock, Tabs
    from ossferry_uploader.transfer.upload import Upload

__all__ = ["ANSWER_S", "POLLS", "Follower", "LargeFileLocks", "SmallFileLocks", "begin_lock"]

ANSWER_S, POLLS = 1.0, 20  # wait for another tab's message, and checks during the wait


def begin_lock(upload: "Upload") -> str:
    """Return the name of the begin lock of a large file.

    The name is empty for a small file, which has no begin lock.
    """
    if upload.is_single:
        return ""
    return f"begin {fingerprint(upload.source)}"


def _send_lock(owner: str, file: "Any") -> str:
    """Return the name of the lock that a tab needs to send a small file.

    Args:
        owner: the key prefix that identifies the person.
    """
    return f"send {owner} {fingerprint(file)}"


class Follower:
    """An upload of this tab that waits while another tab sends the same file.

    The event `ended` is set when the other tab's upload ends. `crc64` is the CRC-64 of the complete
    object; empty if the other tab's upload was not completed.
    """

    def __init__(self, upload: "Upload", key: str) -> None:
        self.upload = upload
        self.key = key
        self.ended = asyncio.Event()
        self.crc64 = ""


class LargeFileLocks:
    """Takes and releases the begin locks of large files, and exchanges messages with waiting tabs.

    `let_go(key)` releases the lock of the multipart upload with this object key. Another tab can
    then continue the upload.
    """

    def __init__(self, tabs: "Tabs", let_go: "Callable[[str], None]") -> None:
        self._tabs = tabs
        self._let_go = let_go
        self._locks: set[str] = set()
        self._wanted: set[str] = set()  # keys that another tab waits for
        self._stopped: set[str] = set()  # keys

    async def take(self, upload: "Upload") -> bool:
        """Take the begin lock of a large file; return `False` if another tab holds the lock."""
        lock = begin_lock(upload)
        if not lock:
            return True
        self._locks.add(lock)  # before the answer, so that a cancelled caller releases it
        is_free = await self._tabs.take(lock)
        if not is_free:
            self._locks.discard(lock)
        return is_free

    def release(self, upload: "Upload") -> None:
        """Release the begin lock of a large file.

        Call this method when other tabs can see the record of the upload, or when the upload stops.
        """
        lock = begin_lock(upload)
        if lock in self._locks:
            self._locks.discard(lock)
            self._tabs.drop(lock)

    def want(self, key: str) -> None:
        """Send a message that an upload of this tab waits for another tab's upload.

        Args:
            key: the object key of the other tab's upload.
        """
        self._tabs.tell(json.dumps({"wanted": key}))

    def hear_wanted(self, key: str) -> None:
        """Process the message that another tab waits for an upload of this tab.

        Args:
            key: the object key of this tab's upload.
        """
        self._wanted.add(key)
        self._give()

    def stopped(self, upload: "Upload") -> None:
        """Release the begin lock of a stopped upload.

        If the upload has failed, or a person has paused the upload, a waiting tab can now continue
        the upload.
        """
        self.release(upload)
        by_person = upload.paused_for == states.BY_PERSON
        is_idle = by_person or upload.state == states.FAILED
        if is_idle and upload.upload_id and not upload.record.is_abandoned:
            self._stopped.add(upload.key)
            self._give()

    def continued(self, key: str) -> None:
        """Record that this tab continues the upload, so that no other tab continues the upload.

        Args:
            key: the object key of the upload.
        """
        self._stopped.discard(key)

    def _give(self) -> None:
        for key in [key for key in self._stopped if key in self._wanted]:
            self._stopped.discard(key)
            self._wanted.discard(key)
            self._let_go(key)


class _Told:
    """What another tab has told about a file; `crc64` is empty if the tab has not stored it."""

    def __init__(self, key: str, crc64: str, salt: str, policy: str, page: str) -> None:
        self.key = key
        self.crc64 = crc64
        self.salt = salt
        self.policy = policy
        self.page = page


class SmallFileLocks:
    """Takes and releases the locks of small files, and knows which files other tabs have stored.

    `drop_place(upload)` removes the key and the record of an upload.
    `find_place(upload)` gives an upload the key that a closed tab used for the same file.
    """

    def __init__(
        self,
        tabs: "Tabs",
        clock: "Clock",
        *,
        drop_place: "Callable[[Upload], Awaitable[None]]",
        find_place: "Callable[[Upload], Awaitable[None]]",
    ) -> None:
        self._drop_place = drop_place
        self._find_place = find_place
        self._tabs = tabs
        self._clock = clock
        self._sending: dict[int, str] = {}  # locks by the numbers of their uploads
        self._reserved: set[str] = set()  # locks of records that this tab has claimed
        self._told: dict[str, _Told] = {}  # what became of the files of other tabs, by lock
        self.owner = ""  # the key prefix that identifies the person
        self.page = ""  # this tab, by the name of the tab's lock
        self.unfinished: Callable[[], list[Upload]] = lambda: []  # of this tab
        self._followers = 0

    def followers(self) -> int:
        """Return how many uploads of this tab wait while another tab sends the same file."""
        return self._followers

    async def take(self, upload: "Upload") -> "tuple[str, str, str] | None":
        """Take the lock of a small file, and wait while another tab holds the lock.

        This tab holds the lock until `end` is called.

        Returns:
            The key, the CRC-64 and the salt of the object, if another tab has just stored the file;
            otherwise `None`.
        """
        if not upload.is_lasting or upload.upload_id or not upload.is_single:
            return None
        lock = _send_lock(self.owner, upload.source)
        self._sending[upload.number] = lock
        has_waited = False
        while not await self._tabs.take(lock):
            del self._sending[upload.number]
            has_waited = True
            if lock in self._told and not self._told[lock].crc64:
                del self._told[lock]  # of an earlier failure
            await self._wait(upload, lock)
            self._sending[upload.number] = lock
        if self._reserved:
            self._reserved.discard(lock)
        if has_waited:
            await self._hear_of(lock)
            sent = self.sent_elsewhere(upload)
            if sent:
                return sent
        await self._find_place(upload)
        return None

    def end(self, upload: "Upload") -> None:
        """Tell the other tabs what became of an upload that has stopped, and release its lock."""
        lock = self._sending.pop(upload.number, "")
        if upload.is_lasting and (lock or upload.state == states.DONE):
            self._tell_end(upload)
        if lock and lock not in self._sending.values():
            self._tabs.drop(lock)

    def tell_over(self) -> None:
        """Tell the other tabs that all files of this tab have ended."""
        self._tabs.tell(json.dumps({"over": self.page}))

    def sent_elsewhere(self, upload: "Upload") -> "tuple[str, str, str] | None":
        """Return the key, the CRC-64 and the salt of the object, if another tab has stored it.

        The other tab stored it with the same option `same_name`, and has unfinished files.
        """
        told = self._told.get(_send_lock(self.owner, upload.source)) if self._told else None
        if not told or not told.crc64 or told.policy != upload.options.same_name:
            return None
        return (told.key, told.crc64, told.salt)

    def know(self, record: "Checkpoint") -> None:
        """Remember the record of a file that another tab has stored."""
        self._told[_send_lock(record.owner, record)] = _Told(
            record.key, record.crc64, record.salt, record.options.same_name, record.page
        )

    def complete(self, record: "Checkpoint") -> bool:
        """Set the CRC-64 of a record, if its tab has told that the file is stored; else `False`."""
        told = self._told.get(_send_lock(record.owner, record))
        if not told or told.key != record.key or not told.crc64 or record.crc64:
            return False
        record.crc64 = told.crc64
        return True

    def forget_page(self, page: str) -> None:
        """Forget what a tab has told that has no unfinished files any more, or was closed.

        Files that are unfinished in this tab were added before that, and need not be sent.
        """
        ours = {_send_lock(self.owner, upload.source) for upload in self.unfinished()}
        for lock, told in list(self._told.items()):
            if told.page == page and lock not in ours:
                del self._told[lock]

    def tell_saved(self, records: "list[Checkpoint]") -> None:
        """Tell the other tabs again about files whose records were written.

        A tab that has read the records before that did not listen yet when the files were stored.
        """
        told = [
            [_send_lock(self.owner, each), each.key, each.crc64, each.salt, each.options.same_name]
            for each in records
            if each.crc64
        ]
        if told:
            self._tell(*told)

    def _tell(self, *told: "list[str]") -> None:
        self._tabs.tell(json.dumps({"told": [each + [self.page] for each in told]}))

    def _tell_end(self, upload: "Upload") -> None:
        lock = _send_lock(self.owner, upload.source)
        crc64 = upload.crc64 if upload.state == states.DONE else ""
        self._tell([lock, upload.key, crc64, upload.target.salt, upload.options.same_name])

    async def reserve(self, owner: str, file: "Any") -> bool:
        """Take the lock of a small file before its upload calls `take`.

        Returns:
            `False` if another tab holds the lock.
        """
        lock = _send_lock(owner, file)
        self._reserved.add(lock)  # before the answer, so that a cancelled caller releases it
        is_free = await self._tabs.take(lock)
        if not is_free:
            self._reserved.discard(lock)
        return is_free

    def release(self, owner: str, file: "Any") -> None:
        """Undo `reserve`, unless an upload has called `take` for the same file since then."""
        if not self._reserved:
            return
        lock = _send_lock(owner, file)
        if lock in self._reserved and lock not in self._sending.values():
            self._reserved.discard(lock)
            self._tabs.drop(lock)

    def hear(self, message: "dict[str, Any]") -> None:
        """Process a message from another tab: what became of files, or of all its files."""
        told, over = message.get("told"), message.get("over")
        if isinstance(over, str):
            self.forget_page(over)
        for each in told if isinstance(told, list) else []:
            if isinstance(each, list) and [type(value) for value in each] == [str] * 6:
                self._told[each[0]] = _Told(*each[1:])

    async def _wait(self, upload: "Upload", lock: str) -> None:
        """Pause an upload until the other tab releases the lock."""
        self._followers += 1
        upload.hold(states.FOR_TAB)
        try:
            if not upload.has_begun():
                upload.record.lose()
                await self._drop_place(upload)
            await self._tabs.free(lock)
        finally:
            self._followers -= 1
            upload.release(states.FOR_TAB)

    async def _hear_of(self, lock: str) -> None:
        """Wait until the tab that had a lock has told what became of the file, or has been closed.

        The wait ends after `ANSWER_S` seconds. This tab holds the lock meanwhile, so no other tab
        can send the file.
        """
        for _ in range(POLLS):
            if lock in self._told:
                return
            await self._clock.sleep(ANSWER_S / POLLS)
