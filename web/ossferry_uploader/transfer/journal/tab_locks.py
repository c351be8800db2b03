"""Locks for files: if several tabs of this browser add the same file, only one tab sends it.

A tab takes the lock of a file before the tab sends the file. Other tabs with the same file wait. If
a tab is closed, the browser releases all locks of the tab. A tab that has got the lock reads from
the records what other tabs have done with the file (see `journal`).

A file that is sent in one request keeps its lock until its record says how the upload ended. The
lock of a file that is sent in parts is free as soon as the multipart upload has a record. From then
on, its tab holds the lock of the multipart upload.
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

    The event `ended` is set when the other tab's upload ends.
    """

    def __init__(self, upload: "Upload", key: str) -> None:
        self.upload = upload
        self.key = key
        self.ended = asyncio.Event()


class FileLocks:
    """Takes and releases the locks of files.

    `release_place(upload)` removes the key and the record of an upload.
    """

    def __init__(self, tabs: "Tabs", release_place: "Callable[[Upload], Awaitable[None]]") -> None:
        self._release_place = release_place
        self._tabs = tabs
        self._taken: dict[int, str] = {}  # locks by the numbers of their uploads
        self._reserved: set[str] = set()  # locks of records that this tab has claimed
        self.owner = ""  # the key prefix that identifies the person
        self._followers = 0

    def followers(self) -> int:
        """Return how many uploads of this tab wait for a lock that another tab holds."""
        return self._followers

    async def take(self, upload: "Upload") -> None:
        """Take the lock of a file, and wait while another tab holds the lock.

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
        """Release the lock of an upload, unless this tab sends the same file once more."""
        lock = self._taken.pop(upload.number, "")
        if lock and lock not in self._taken.values():
            self._tabs.drop(lock)

    async def reserve(self, file: "Any") -> bool:
        """Take the lock of a file before its upload calls `take`.

        Returns:
            `False` if another tab holds the lock.
        """
        lock = _lock_of(self.owner, file)
        self._reserved.add(lock)  # before the answer, so that a cancelled caller releases it
        is_free = await self._tabs.take(lock)
        if not is_free:
            self._reserved.discard(lock)
        return is_free

    def unreserve(self, file: "Any") -> None:
        """Undo `reserve`, unless an upload has called `take` for the same file since then."""
        if not self._reserved:
            return
        lock = _lock_of(self.owner, file)
        if lock in self._reserved and lock not in self._taken.values():
            self._reserved.discard(lock)
            self._tabs.drop(lock)

    async def _wait(self, upload: "Upload", lock: str) -> None:
        """Pause an upload until the other tab releases the lock."""
        self._followers += 1
        upload.hold(states.FOR_TAB)
        try:
            if not upload.has_begun():
                upload.record.is_due = True
                await self._release_place(upload)
            await self._tabs.free(lock)
        finally:
            self._followers -= 1
            upload.end_hold(states.FOR_TAB)


class Handover:
    """Lets a waiting tab continue a multipart upload that rests in this tab.

    `let_go(key)` releases the lock of the multipart upload with this object key.
    """

    def __init__(self, tabs: "Tabs", let_go: "Callable[[str], None]") -> None:
        self._tabs = tabs
        self._let_go = let_go
        self._wanted: set[str] = set()  # keys that another tab waits for
        self._stopped: set[str] = set()  # keys

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
        """Let a waiting tab continue an upload that has failed, or that a person has paused."""
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
