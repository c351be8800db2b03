"""Locks for files: if several tabs of this browser add the same file, only one tab sends it.

A tab takes the lock of a file before it sends the file. Other tabs with the same file wait. If a
tab is closed, the browser releases all its locks. A tab that gets the lock reads from the records
how other tabs have dealt with the file (see `journal`).

If a file is sent in one request, its tab keeps the lock of the file until the record says how the
upload ended. If a file is sent in parts, its tab takes a lock of the multipart upload, and releases
the lock of the file as soon as the multipart upload has a record.
"""

import asyncio
import json

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.journal.checkpoint import fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from ossferry_uploader.transfer.ports import Tabs
    from ossferry_uploader.transfer.upload import Upload


def _lock_of(owner: str, file: "Any") -> str:
    """Return the name of the lock of a file.

    Args:
        owner: the key prefix that identifies the person.
    """
    return f"file {owner} {fingerprint(file)}"


class Follower:
    """An upload of this tab that waits while another tab sends the same file in parts.

    `key` is the object key of the other tab's upload. The `asyncio.Event` `ended` is set when the
    other tab's upload has ended.
    """

    def __init__(self, upload: "Upload", key: str) -> None:
        self.upload = upload
        self.key = key
        self.ended = asyncio.Event()


class FileLocks:
    """Takes and releases the locks of files, so that only one tab sends a file at a time.

    `release_place(upload)` is called before an upload that has sent no bytes waits for a lock. It
    removes the object key and the record of the upload.

    Attributes:
        owner: the key prefix that identifies the person.
        waiting: the number of uploads of this tab that wait for a lock that another tab holds.
    """

    def __init__(self, tabs: "Tabs", release_place: "Callable[[Upload], Awaitable[None]]") -> None:
        self._release_place = release_place
        self._tabs = tabs
        self._taken: dict[int, str] = {}  # locks by the numbers of their uploads
        self._reserved: set[str] = set()  # locks of records that this tab has claimed
        self.owner = ""
        self.waiting = 0

    async def take(self, upload: "Upload") -> None:
        """Take the lock of an upload's file, and wait while another tab holds the lock.

        This tab holds the lock until `end` is called.
        """
        lock = _lock_of(self.owner, upload.source)
        self._taken[upload.number] = lock
        while not await self._tabs.take(lock):
            del self._taken[upload.number]
            await self._wait(upload, lock)
            self._taken[upload.number] = lock
        if self._reserved:
            self._reserved.discard(lock)

    def end(self, upload: "Upload") -> None:
        """Release the lock of an upload's file, unless another upload of this tab uses the lock."""
        lock = self._taken.pop(upload.number, "")
        if lock and lock not in self._taken.values():
            self._tabs.drop(lock)

    async def reserve(self, file: "Any") -> bool:
        """Take the lock of a file that this tab will upload later.

        Returns:
            Whether this tab holds the lock now; `False` if another tab holds it.
        """
        lock = _lock_of(self.owner, file)
        self._reserved.add(lock)  # before the answer, so that a cancelled caller releases it
        is_free = await self._tabs.take(lock)
        if not is_free:
            self._reserved.discard(lock)
        return is_free

    def unreserve(self, file: "Any") -> None:
        """Release the lock that `reserve` took, unless an upload has taken it with `take` since."""
        if not self._reserved:
            return
        lock = _lock_of(self.owner, file)
        if lock in self._reserved and lock not in self._taken.values():
            self._reserved.discard(lock)
            self._tabs.drop(lock)

    async def _wait(self, upload: "Upload", lock: str) -> None:
        """Pause an upload until the other tab releases the lock."""
        self.waiting += 1
        upload.hold(states.FOR_TAB)
        try:
            if not upload.has_begun():
                upload.record.is_due = True
                await self._release_place(upload)
            await self._tabs.free(lock)
        finally:
            self.waiting -= 1
            upload.end_hold(states.FOR_TAB)


class Handover:
    """Lets other tabs continue this tab's multipart uploads that are paused or have failed.

    A tab asks for this if it waits to send the same file. `let_go(key)` must release this tab's
    lock of the multipart upload with this object key.
    """

    def __init__(self, tabs: "Tabs", let_go: "Callable[[str], None]") -> None:
        self._tabs = tabs
        self._let_go = let_go
        self._wanted: set[str] = set()  # keys that another tab waits for
        self._stopped: set[str] = set()  # keys

    def want(self, key: str) -> None:
        """Ask the other tabs to release a multipart upload as soon as it is paused or has failed.

        Args:
            key: the object key of the other tab's upload.
        """
        self._tabs.tell(json.dumps({"wanted": key}))

    def hear_wanted(self, key: str) -> None:
        """Record that another tab waits for a multipart upload of this tab.

        Args:
            key: the object key of this tab's upload.
        """
        self._wanted.add(key)
        self._give()

    def stopped(self, upload: "Upload") -> None:
        """Let another tab continue this paused or failed upload, as soon as a tab waits for it."""
        by_person = upload.paused_for == states.BY_PERSON
        is_idle = by_person or upload.state == states.FAILED
        if is_idle and upload.upload_id and not upload.record.is_abandoned:
            self._stopped.add(upload.key)
            self._give()

    def continued(self, key: str) -> None:
        """Record that this tab continues a multipart upload, so that it is not handed over.

        Args:
            key: the object key of the upload.
        """
        self._stopped.discard(key)

    def _give(self) -> None:
        for key in [key for key in self._stopped if key in self._wanted]:
            self._stopped.discard(key)
            self._wanted.discard(key)
            self._let_go(key)
