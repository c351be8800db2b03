"""Locks that let one tab of this browser at a time send a file that several tabs have.

A tab takes the lock of a file before it sends the file, and other tabs wait. The locks end with
their tab. A large file has a lock until its multipart upload has begun; from then on the lock of
its record keeps other tabs away (`journal`).

A small file leaves no record when it arrives, so the tab that had the lock tells the next one what
became of the file: `{"wants": lock}` asks, `{"sent": lock, "key", "crc64", "policy"}` answers.
Without this answer each waiting tab would store the file once more:
`test_a_small_file_in_two_pages_is_sent_once` in `test_small_files.py` fails. A closed tab does not
answer, although its file may have arrived; then the next tab continues under the key in its record.
"""

import asyncio
import json

from uploader.transfer import states
from uploader.transfer.journal.checkpoint import fingerprint
from uploader.transfer.plan import MAX_SINGLE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from uploader.transfer.ports import Clock, Tabs
    from uploader.transfer.upload import Upload

__all__ = ["ANSWER_S", "POLLS", "Follower", "LargeFileLocks", "SmallFileLocks", "begin_lock"]

ANSWER_S, POLLS = 1.0, 20  # how long, and how often, to look for the answer of another tab
RECENT_S, REMEMBERED = 5.0, 200  # results that are kept for tabs that ask


def begin_lock(upload: "Upload") -> str:
    """Return the lock that a tab needs to begin a large file; empty for a small file."""
    if upload.file.size <= MAX_SINGLE_BYTES:
        return ""
    return f"begin {fingerprint(upload.file)}"


def _send_lock(owner: str, file: "Any") -> str:
    """Return the lock that a tab needs to send a small file of the person with this prefix."""
    return f"send {owner} {fingerprint(file)}"


class Follower:
    """An upload of this tab that waits until another tab has sent the same file.

    `ended` is set at the end of the other upload; `crc64` is then that of the object, or empty.
    """

    def __init__(self, upload: "Upload", key: str) -> None:
        self.upload = upload
        self.key = key
        self.ended = asyncio.Event()
        self.crc64 = ""


class LargeFileLocks:
    """The large files that this tab begins, and those that it pauses while another tab waits.

    `let_go(key)` lets another tab continue the upload with this key.
    """

    def __init__(self, tabs: "Tabs", let_go: "Callable[[str], None]") -> None:
        self._tabs = tabs
        self._let_go = let_go
        self._locks: set[str] = set()
        self._wanted: set[str] = set()  # keys that another tab waits for
        self._stopped: set[str] = set()  # keys

    async def take(self, upload: "Upload") -> bool:
        """Take the lock to begin a file; `False` if another tab has it."""
        lock = begin_lock(upload)
        if not lock:
            return True
        self._locks.add(lock)  # before the answer, so that a cancelled caller releases it
        is_free = await self._tabs.take(lock)
        if not is_free:
            self._locks.discard(lock)
        return is_free

    def release(self, upload: "Upload") -> None:
        """Release that lock: the upload has begun and other tabs can see it, or it will not."""
        lock = begin_lock(upload)
        if lock in self._locks:
            self._locks.discard(lock)
            self._tabs.drop(lock)

    def want(self, key: str) -> None:
        """Tell the tab that has this upload that an upload here waits for it."""
        self._tabs.tell(json.dumps({"wanted": key}))

    def hear_wanted(self, key: str) -> None:
        """Note that another tab waits for an upload of this tab."""
        self._wanted.add(key)
        self._give()

    def stopped(self, upload: "Upload") -> None:
        """Note that no request of an upload is in flight; if a tab waits for it, that one goes on.

        Only an upload that failed or that a person paused is given away.
        """
        self.release(upload)
        by_person = upload.paused_for == states.BY_PERSON
        is_idle = by_person or upload.state == states.FAILED
        if is_idle and upload.upload_id and not upload.record.is_abandoned:
            self._stopped.add(upload.key)
            self._give()

    def continued(self, key: str) -> None:
        """Note that this tab sends the upload again."""
        self._stopped.discard(key)

    def _give(self) -> None:
        for key in [key for key in self._stopped if key in self._wanted]:
            self._stopped.discard(key)
            self._wanted.discard(key)
            self._let_go(key)


class _Question:
    """What became of a small file whose lock another tab had.

    `result` is key and CRC-64 of the object, if the other tab stored one by the same `policy` for
    names that are taken.
    """

    def __init__(self, lock: str, policy: str) -> None:
        self.lock = lock
        self.policy = policy
        self.is_answered = False
        self.result: tuple[str, str] | None = None


class SmallFileLocks:
    """The small files that this tab sends, by their locks.

    `drop_place(upload)` takes the key and the record from an upload that waits for another tab;
    `find_place(upload)` gives it the key of a closed tab's upload of the same file.
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
        self._results: list[tuple[str, Upload, float]] = []  # lock, upload, and when it ended
        self._questions: list[_Question] = []
        self._followers = 0

    def followers(self) -> int:
        """Return how many uploads wait for another tab."""
        return self._followers

    async def take(self, upload: "Upload", owner: str) -> "tuple[str, str] | None":
        """Take the lock of a small file until `end`; wait while another tab has it.

        Args:
            owner: the prefix of the person.

        Returns:
            Key and CRC-64 of the object, if another tab has just stored the file.
        """
        if upload.is_stream or upload.upload_id or upload.file.size > MAX_SINGLE_BYTES:
            return None
        lock = _send_lock(owner, upload.file)
        self._sending[upload.number] = lock
        has_waited = False
        while not await self._tabs.take(lock):
            del self._sending[upload.number]
            has_waited = True
            await self._wait(upload, lock)
            self._sending[upload.number] = lock
        if self._reserved:
            self._reserved.discard(lock)
        if has_waited:
            result = await self._ask(lock, upload.options.same_name)
            if result:
                return result
        await self._find_place(upload)
        return None

    def end(self, upload: "Upload") -> None:
        """Release the lock, and remember the result for tabs that ask."""
        lock = self._sending.pop(upload.number, "")
        if not lock or lock in self._sending.values():
            return
        if len(self._results) >= REMEMBERED:
            self._results = self._results[REMEMBERED // 2 :]
        self._results.append((lock, upload, self._clock.elapsed_s()))
        self._tabs.drop(lock)

    async def reserve(self, owner: str, file: "Any") -> bool:
        """Take the lock of a file before its upload asks for it; `False` if another tab has it."""
        lock = _send_lock(owner, file)
        self._reserved.add(lock)  # before the answer, so that a cancelled caller releases it
        is_free = await self._tabs.take(lock)
        if not is_free:
            self._reserved.discard(lock)
        return is_free

    def release(self, owner: str, file: "Any") -> None:
        """Undo `reserve`, unless an upload has taken the lock since."""
        if not self._reserved:
            return
        lock = _send_lock(owner, file)
        if lock in self._reserved and lock not in self._sending.values():
            self._reserved.discard(lock)
            self._tabs.drop(lock)

    def hear(self, message: "dict[str, Any]") -> None:
        """Read a message of another tab: a question, or the answer to one of this tab."""
        wants, sent = message.get("wants"), message.get("sent")
        key, crc64 = message.get("key"), message.get("crc64")
        if isinstance(wants, str):
            self._answer(wants)
        elif isinstance(key, str) and isinstance(crc64, str):
            for question in self._questions:
                if question.lock == sent:
                    question.is_answered = True
                    if crc64 and message.get("policy") == question.policy:
                        question.result = (key, crc64)

    def _answer(self, lock: str) -> None:
        """Tell the tab that has the lock now what became of the file here."""
        since_s = self._clock.elapsed_s() - RECENT_S
        for ended, upload, at_s in self._results:
            if ended == lock and at_s > since_s:
                crc64 = upload.crc64 if upload.state == states.DONE else ""
                policy = upload.options.same_name
                result = {"sent": lock, "key": upload.key, "crc64": crc64, "policy": policy}
                self._tabs.tell(json.dumps(result))

    async def _wait(self, upload: "Upload", lock: str) -> None:
        """Wait until the other tab releases the lock."""
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

    async def _ask(self, lock: str, policy: str) -> "tuple[str, str] | None":
        """Ask the tab that had the lock what became of the file, and wait up to `ANSWER_S`.

        This tab has the lock meanwhile, so no other tab can send the file.
        """
        question = _Question(lock, policy)
        self._questions.append(question)
        self._tabs.tell(json.dumps({"wants": lock}))
        try:
            for _ in range(POLLS):
                if question.is_answered:
                    break
                await self._clock.sleep(ANSWER_S / POLLS)
        finally:
            self._questions.remove(question)
        return question.result
