"""Whose turn it is, among the pages of one browser that have the same small file.

One of them sends it, the others follow. Such files are many and short, so no file is locked before
another page has said that it sends some too, and a result is told only to who waits for it.

A page that has heard of others says so before it sends, once a minute, and waits for their answer.
Who hears it locks what is under way, answers, and locks what it sends in the next two minutes.

A page that is closed tells no result, although the file may have arrived. Who followed it goes on
under the key that its record has.
"""

import asyncio
import json

from uploader.transfer import states
from uploader.transfer.checkpoint import looks_of
from uploader.transfer.plan import MAX_SINGLE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from uploader.transfer.ports import Clock, Tabs
    from uploader.transfer.upload import Upload

__all__ = ["LOOKS", "RESULT_S", "SmallTurns"]

SAY_AGAIN_S, BELIEVED_S = 60.0, 120.0
ANSWER_S, LOOK_S = 0.1, 0.01
RESULT_S, LOOKS = 1.0, 20  # of a page that may be gone
RECENT_S = 5.0  # a page that began to wait too late to be told may ask for so long
LONG_AGO_S = -1e9

HELLO, HERE, SENDING, HEARD = "hello", "here", "sending", "heard"  # what pages say of themselves


class Follower:
    """An upload of this page that waits for another page to end its own of the same file."""

    def __init__(self, lock: str) -> None:
        self.lock = lock
        self.result: tuple[str, str] | None = None  # key and CRC-64 of the object, if there is one


class SmallTurns:
    """The small files that this page sends, by the locks that keep other pages from them.

    `unplace(upload)` takes back the place of one that follows; `take_over(upload)` gives it the one
    that a page which is gone has left of its file.
    """

    def __init__(
        self,
        tabs: "Tabs",
        clock: "Clock",
        *,
        unplace: "Callable[[Upload], Awaitable[None]]",
        take_over: "Callable[[Upload], Awaitable[None]]",
    ) -> None:
        self._unplace = unplace
        self._take_over = take_over
        self._tabs = tabs
        self._clock = clock
        self._has_peers = False
        self._said_at_s = self._heard_at_s = LONG_AGO_S
        self._is_answered = False
        self._sending: dict[int, str] = {}  # locks by the numbers of their uploads
        self._locked: set[str] = set()
        self._wanted: set[str] = set()  # locks
        self._ended: list[tuple[str, str, float]] = []  # lock, what is to be told of it, and when
        self._followers: list[Follower] = []

    def followers(self) -> int:
        """Return how many uploads wait for another page's turn."""
        return len(self._followers)

    def greet(self) -> None:
        """Tell other pages that there is a new one, and learn whether there are some."""
        self._tell({"page": HELLO})

    async def take(self, upload: "Upload", owner: str) -> "tuple[str, str] | None":
        """Take the turn for a small file of a person, which ends with `end`.

        While another page has it, wait and follow.

        Returns:
            Key and CRC-64 of the object, if another page has just made it.
        """
        is_large = upload.is_stream or upload.upload_id or upload.file.size > MAX_SINGLE_BYTES
        if is_large or upload.all_left or upload.careful:  # it may be stored under its own key
            return None
        lock = f"send {owner} {upload.options.same_name} {looks_of(upload.file)}"
        is_gone = False
        while True:
            self._sending[upload.number] = lock
            if not self._has_peers:
                return None
            await self._say()
            if not (upload.followed or self._has_company()) or await self._lock(lock):
                break
            del self._sending[upload.number]
            result = await self._follow(upload, lock)
            if result and result[1]:
                return result
            is_gone = result is None
        if is_gone:
            await self._take_over(upload)
        return None

    def end(self, upload: "Upload") -> None:
        """Let other pages have their turn, and tell those who wait what became of the file."""
        lock = self._sending.pop(upload.number, "")
        if lock not in self._locked or lock in self._sending.values():
            return
        self._locked.discard(lock)
        crc64 = upload.crc64 if upload.state == states.DONE else ""
        result = json.dumps({"sent": lock, "key": upload.key, "crc64": crc64})
        now_s = self._clock.elapsed_s()
        recent = [each for each in self._ended if now_s - each[2] < RECENT_S and each[0] != lock]
        self._ended = recent + [(lock, result, now_s)]
        if lock in self._wanted:
            self._wanted.discard(lock)
            self._tabs.tell(result)
        self._tabs.drop(lock)

    def hear(self, found: "dict[str, Any]") -> None:
        """Take in what another page tells."""
        page, wants, sent = found.get("page"), found.get("wants"), found.get("sent")
        key, crc64 = found.get("key"), found.get("crc64")
        self._has_peers = self._has_peers or isinstance(page, str)
        if page == HELLO:
            self._tell({"page": HERE})
        elif page == SENDING:
            self._heard_at_s = self._clock.elapsed_s()
            asyncio.create_task(self._answer())  # noqa: RUF006 - it ends by itself
        elif page == HEARD:
            self._is_answered = True
            if found.get("sends"):
                self._heard_at_s = self._clock.elapsed_s()
        elif isinstance(wants, str):
            self._tell_result(wants)
        elif isinstance(key, str) and isinstance(crc64, str):
            for follower in self._followers:
                if follower.lock == sent:
                    follower.result = (key, crc64)

    def _has_company(self) -> bool:
        return self._clock.elapsed_s() - self._heard_at_s < BELIEVED_S

    async def _say(self) -> None:
        """Tell other pages that this one sends, and wait until they know it."""
        if self._clock.elapsed_s() - self._said_at_s >= SAY_AGAIN_S:
            self._said_at_s = self._clock.elapsed_s()
            self._is_answered = False
            self._tell({"page": SENDING})
        while not self._is_answered and self._clock.elapsed_s() - self._said_at_s < ANSWER_S:
            await self._clock.sleep(LOOK_S)

    async def _answer(self) -> None:
        """Keep a page that has begun to send from what is under way here, and tell it so."""
        for lock in list(self._sending.values()):
            await self._lock(lock)
            if lock not in self._sending.values():
                self._locked.discard(lock)
                self._tabs.drop(lock)
        has_said = self._clock.elapsed_s() - self._said_at_s < SAY_AGAIN_S
        sends = has_said or len(self._sending) > 0
        self._tabs.tell(json.dumps({"page": HEARD, "sends": sends}))

    async def _lock(self, lock: str) -> bool:
        self._locked.add(lock)  # before it is sure: whoever is cancelled meanwhile gives it back
        is_free = await self._tabs.take(lock)
        if not is_free:
            self._locked.discard(lock)
        return is_free

    def _tell_result(self, lock: str) -> None:
        if lock in self._sending.values():
            self._wanted.add(lock)
            return
        now_s = self._clock.elapsed_s()
        for ended, result, at_s in self._ended:
            if ended == lock and now_s - at_s < RECENT_S:
                self._tabs.tell(result)

    async def _follow(self, upload: "Upload", lock: str) -> "tuple[str, str] | None":
        """Wait for the end of another page's turn; return what it told, if it did."""
        follower = Follower(lock)
        self._followers.append(follower)
        upload.followed = True
        upload.hold(states.FOR_TAB)
        self._tell({"wants": lock})
        try:
            await self._unplace(upload)
            await self._tabs.free(lock)
            for _ in range(LOOKS):
                if follower.result:
                    break
                await self._clock.sleep(RESULT_S / LOOKS)
        finally:
            self._followers.remove(follower)
            upload.release(states.FOR_TAB)
        return follower.result

    def _tell(self, words: "dict[str, str]") -> None:
        self._tabs.tell(json.dumps(words))
