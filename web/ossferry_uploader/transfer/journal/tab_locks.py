"""Locks for files: if several tabs of this browser add the same file, only one tab sends it.

A tab takes the lock of a file before the tab sends the file. Other tabs with the same file wait. If
a tab is closed, the browser releases all locks of the tab.

The lock of a large file is called the begin lock. A tab holds the begin lock until the multipart
upload is created. From then on, the tab holds the lock of the upload's record (see `journal`).

The record of a small file may be removed when the file is stored. So the next tab asks the earlier
tab whether the file is stored. The question is `{"wants": lock}`, and the answer is
`{"sent": lock, "key", "crc64", "salt", "policy"}`. Without it, each waiting tab would store the
file once more (see `test_a_small_file_in_two_pages_is_sent_once` in `test_small_files.py`).

A closed tab does not answer, but may have stored the file. In this case the next tab uses the key
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

    from ossferry_uploader.transfer.ports import Clock, Tabs
    from ossferry_uploader.transfer.upload import Upload

__all__ = ["ANSWER_S", "POLLS", "Follower", "LargeFileLocks", "SmallFileLocks", "begin_lock"]

ANSWER_S, POLLS = 1.0, 20  # wait for another tab's answer, and checks during the wait
RECENT_S, REMEMBERED = 5.0, 200  # results that are kept for tabs that ask


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


class _Question:
    """A question to the tab that had the lock of a small file: has that tab stored the file?

    `policy` is the option `same_name` of this tab's upload. `result` is the key, the CRC-64 and the
    salt of the stored object. `result` is `None` if no tab has answered, if the file is not stored,
    or if the other tab's upload had another policy.
    """

    def __init__(self, lock: str, policy: str) -> None:
        self.lock = lock
        self.policy = policy
        self.is_answered = False
        self.result: tuple[str, str, str] | None = None


class SmallFileLocks:
    """Takes and releases the locks of small files, and asks other tabs whether a file is stored.

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
        self._results: list[tuple[str, Upload, float]] = []  # lock, upload, and time of its end
        self._questions: list[_Question] = []
        self._followers = 0

    def followers(self) -> int:
        """Return how many uploads of this tab wait while another tab sends the same file."""
        return self._followers

    async def take(self, upload: "Upload", owner: str) -> "tuple[str, str, str] | None":
        """Take the lock of a small file, and wait while another tab holds the lock.

        This tab holds the lock until `end` is called.

        Args:
            owner: the key prefix that identifies the person.

        Returns:
            The key, the CRC-64 and the salt of the object, if another tab has just stored the file;
            otherwise `None`.
        """
        if not upload.is_lasting or upload.upload_id or not upload.is_single:
            return None
        lock = _send_lock(owner, upload.source)
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
        """Release the lock of an upload that has stopped.

        The result of the upload is kept, because other tabs may ask for the result.
        """
        lock = self._sending.pop(upload.number, "")
        if not lock or lock in self._sending.values():
            return
        if len(self._results) >= REMEMBERED:
            self._results = self._results[REMEMBERED // 2 :]
        self._results.append((lock, upload, self._clock.elapsed_s()))
        self._tabs.drop(lock)

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
        """Process a message from another tab: a question, or an answer to this tab's question."""
        wants, sent = message.get("wants"), message.get("sent")
        key, crc64 = message.get("key"), message.get("crc64")
        salt = message.get("salt", "")
        if isinstance(wants, str):
            self._answer(wants)
        elif isinstance(key, str) and isinstance(crc64, str) and isinstance(salt, str):
            for question in self._questions:
                if question.lock == sent:
                    question.is_answered = True
                    if crc64 and message.get("policy") == question.policy:
                        question.result = (key, crc64, salt)

    def _answer(self, lock: str) -> None:
        """Answer another tab that asks whether this tab has stored a file.

        Only a result of the last `RECENT_S` seconds is sent.

        Args:
            lock: the name of the file's lock.
        """
        since_s = self._clock.elapsed_s() - RECENT_S
        for ended, upload, at_s in self._results:
            if ended == lock and at_s > since_s:
                crc64 = upload.crc64 if upload.state == states.DONE else ""
                result = {
                    "sent": lock,
                    "key": upload.key,
                    "crc64": crc64,
                    "salt": upload.target.salt,
                    "policy": upload.options.same_name,
                }
                self._tabs.tell(json.dumps(result))

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

    async def _ask(self, lock: str, policy: str) -> "tuple[str, str, str] | None":
        """Ask the tab that previously held the lock: has that tab stored the file?

        The method waits up to `ANSWER_S` seconds for an answer. This tab holds the lock during the
        wait, so no other tab can send the file.

        Args:
            lock: the name of the lock.
            policy: the option `same_name` of this tab's upload.

        Returns:
            The key, the CRC-64 and the salt of the stored object; `None` if there is no stored
            object, or if no tab answers.
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
