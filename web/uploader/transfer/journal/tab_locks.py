"""Whose turn it is, among the pages of one browser that have the same large file.

Only one of them begins it. Whoever has begun it and then rests, because it failed or a person
paused it, lets another page go on that wants to.
"""

import asyncio
import json

from uploader.transfer import states
from uploader.transfer.journal.checkpoint import fingerprint
from uploader.transfer.plan import MAX_SINGLE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.transfer.ports import Tabs
    from uploader.transfer.upload import Upload

__all__ = ["Follower", "LargeFileLocks", "begin_lock"]


def begin_lock(upload: "Upload") -> str:
    """Return what a page has to take before it begins a large file; empty for a small one."""
    if upload.file.size <= MAX_SINGLE_BYTES:
        return ""
    return f"begin {fingerprint(upload.file)}"


class Follower:
    """An upload of this page that waits for another page to end its own of the same file."""

    def __init__(self, upload: "Upload", key: str) -> None:
        self.upload = upload
        self.key = key
        self.ended = asyncio.Event()
        self.crc64 = ""  # of the object, if the other page has finished it


class LargeFileLocks:
    """`let_go(key)` lets other pages go on with an upload of this page."""

    def __init__(self, tabs: "Tabs", let_go: "Callable[[str], None]") -> None:
        self._tabs = tabs
        self._let_go = let_go
        self._begins: set[str] = set()  # locks
        self._wanted: set[str] = set()  # keys that another page waits for
        self._resting: set[str] = set()  # keys

    async def may_begin(self, upload: "Upload") -> bool:
        """Tell whether no other page is about to begin this file; none can until `begun`."""
        lock = begin_lock(upload)
        if not lock:
            return True
        self._begins.add(lock)  # before it is sure: whoever is cancelled meanwhile gives it back
        is_free = await self._tabs.take(lock)
        if not is_free:
            self._begins.discard(lock)
        return is_free

    def begun(self, upload: "Upload") -> None:
        """Note that the file has begun, and others can see that; or that it will not."""
        lock = begin_lock(upload)
        if lock in self._begins:
            self._begins.discard(lock)
            self._tabs.drop(lock)

    def want(self, key: str) -> None:
        """Tell the page that has an upload that this one waits for it."""
        self._tabs.tell(json.dumps({"wanted": key}))

    def hear(self, key: str) -> None:
        """Note that another page waits for an upload of this page."""
        self._wanted.add(key)
        self._give()

    def rests(self, upload: "Upload") -> None:
        """Note that nothing of an upload is under way any more."""
        self.begun(upload)
        by_person = upload.paused_for == states.BY_PERSON
        rests = by_person or upload.state == states.FAILED
        if rests and upload.upload_id and not upload.record.is_abandoned:
            self._resting.add(upload.key)
            self._give()

    def goes_on(self, key: str) -> None:
        """Note that an upload does not rest any more."""
        self._resting.discard(key)

    def _give(self) -> None:
        for key in [key for key in self._resting if key in self._wanted]:
            self._resting.discard(key)
            self._wanted.discard(key)
            self._let_go(key)
