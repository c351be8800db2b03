"""Which page of this browser sends a small file that several of them have.

A page locks a file before it sends it, or before it goes on with what a closed page has left of it.
The others wait for the lock, and then ask what has become of the file. A page that is closed does
not answer, although the file may have arrived: the next page goes on under the key that is in the
record of the closed one.
"""

import json

from uploader.transfer import states
from uploader.transfer.journal.checkpoint import fingerprint
from uploader.transfer.plan import MAX_SINGLE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from uploader.transfer.journal.checkpoint import Checkpoint
    from uploader.transfer.ports import Clock, Tabs
    from uploader.transfer.upload import Upload

__all__ = ["LOOKS", "RESULT_S", "SmallFileLocks"]

RESULT_S, LOOKS = 1.0, 20  # of a page that may be gone
RECENT_S, REMEMBERED = 5.0, 200  # results, for a page that asks after the end


class Answer:
    """What other pages tell of a file that was theirs to send."""

    def __init__(self, lock: str, policy: str) -> None:
        self.lock = lock
        self.policy = policy  # for names that are taken
        self.is_told = False
        self.result: tuple[str, str] | None = None  # key and CRC-64 of the object, if there is one


class SmallFileLocks:
    """The small files that this page sends, by the locks that keep other pages from them.

    `unplace(upload)` takes back the place of one that follows; `find_place(upload)` gives it the
    one that a closed page has left of its file.
    """

    def __init__(
        self,
        tabs: "Tabs",
        clock: "Clock",
        *,
        unplace: "Callable[[Upload], Awaitable[None]]",
        find_place: "Callable[[Upload], Awaitable[None]]",
    ) -> None:
        self._unplace = unplace
        self._find_place = find_place
        self._tabs = tabs
        self._clock = clock
        self._sending: dict[int, str] = {}  # locks by the numbers of their uploads
        self._reserved: set[str] = set()  # locks of records that this page has claimed
        self._ended: list[tuple[str, Upload, float]] = []  # and when
        self._asking: list[Answer] = []
        self._followers = 0

    def followers(self) -> int:
        """Return how many uploads wait for another page's turn."""
        return self._followers

    async def take(self, upload: "Upload", owner: str) -> "tuple[str, str] | None":
        """Take the turn for a small file of a person, which ends with `end`.

        While another page has it, wait and follow.

        Returns:
            Key and CRC-64 of the object, if another page has just made it.
        """
        if upload.is_stream or upload.upload_id or upload.file.size > MAX_SINGLE_BYTES:
            return None
        lock = _lock(owner, upload.file)
        self._sending[upload.number] = lock
        follows = False
        while not await self._tabs.take(lock):
            del self._sending[upload.number]
            follows = True
            await self._follow(upload, lock)
            self._sending[upload.number] = lock
        if self._reserved:
            self._reserved.discard(lock)
        if follows:
            result = await self._ask(lock, upload.options.same_name)
            if result:
                return result
        await self._find_place(upload)
        return None

    def end(self, upload: "Upload") -> None:
        """Let other pages have their turn."""
        lock = self._sending.pop(upload.number, "")
        if not lock or lock in self._sending.values():
            return
        if len(self._ended) >= REMEMBERED:
            self._ended = self._ended[REMEMBERED // 2 :]
        self._ended.append((lock, upload, self._clock.elapsed_s()))
        self._tabs.drop(lock)

    async def reserve(self, record: "Checkpoint") -> bool:
        """Keep other pages from the file of a record, unless one has its turn; `take` goes on."""
        lock = _lock(record.owner, record)
        self._reserved.add(lock)  # before it is sure: whoever is cancelled meanwhile gives it back
        is_free = await self._tabs.take(lock)
        if not is_free:
            self._reserved.discard(lock)
        return is_free

    def release(self, owner: str, file: "Any") -> None:
        """Undo `reserve` for a file, if nobody has taken the turn."""
        if not self._reserved:
            return
        lock = _lock(owner, file)
        if lock in self._reserved and lock not in self._sending.values():
            self._reserved.discard(lock)
            self._tabs.drop(lock)

    def hear(self, found: "dict[str, Any]") -> None:
        """Take in what another page tells."""
        wants, sent = found.get("wants"), found.get("sent")
        key, crc64 = found.get("key"), found.get("crc64")
        if isinstance(wants, str):
            self._tell(wants)
        elif isinstance(key, str) and isinstance(crc64, str):
            for answer in self._asking:
                if answer.lock == sent:
                    answer.is_told = True
                    if crc64 and found.get("policy") == answer.policy:
                        answer.result = (key, crc64)

    def _tell(self, lock: str) -> None:
        """Tell another page, which has its turn now, what became of the file here."""
        since_s = self._clock.elapsed_s() - RECENT_S
        for ended, upload, at_s in self._ended:
            if ended == lock and at_s > since_s:
                crc64 = upload.crc64 if upload.state == states.DONE else ""
                policy = upload.options.same_name
                result = {"sent": lock, "key": upload.key, "crc64": crc64, "policy": policy}
                self._tabs.tell(json.dumps(result))

    async def _follow(self, upload: "Upload", lock: str) -> None:
        """Wait for the end of another page's turn."""
        self._followers += 1
        upload.hold(states.FOR_TAB)
        try:
            if not upload.has_begun():
                upload.record.lose()
                await self._unplace(upload)
            await self._tabs.free(lock)
        finally:
            self._followers -= 1
            upload.release(states.FOR_TAB)

    async def _ask(self, lock: str, policy: str) -> "tuple[str, str] | None":
        """Ask who has had the turn what became of the file; a page that is closed does not answer.

        Other pages cannot have their turn meanwhile.
        """
        answer = Answer(lock, policy)
        self._asking.append(answer)
        self._tabs.tell(json.dumps({"wants": lock}))
        try:
            for _ in range(LOOKS):
                if answer.is_told:
                    break
                await self._clock.sleep(RESULT_S / LOOKS)
        finally:
            self._asking.remove(answer)
        return answer.result


def _lock(owner: str, file: "Any") -> str:
    return f"send {owner} {fingerprint(file)}"
