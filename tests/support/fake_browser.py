"""Fakes of browser features other than files and network; they run on every interpreter."""

import asyncio

from ossferry_uploader.transfer.errors import FileUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.transfer.files import File


class FakeBrowser:
    """State shared by all pages of a browser: holders of locks, and listeners of broadcasts.

    A broadcast arrives `heard_after` event-loop turns later, because browsers do not order it
    relative to the release of a lock.
    """

    def __init__(self, heard_after: int = 0) -> None:
        self.heard_after = heard_after
        self.pages: list[FakeTabs] = []
        self.opened = 0
        self.waiting: list[tuple[str, asyncio.Event]] = []

    def freed(self) -> None:
        """Wake the waiters for locks that nobody holds any more."""
        for name, event in self.waiting:
            if self.holder(name) is None:
                event.set()

    def holder(self, name: str) -> "FakeTabs | None":
        return next((page for page in self.pages if name in page.names), None)


class FakeTabs:
    """The locks and broadcasts of one page of a `FakeBrowser`; `close` simulates closing the
    page.
    """

    def __init__(self, browser: FakeBrowser) -> None:
        self.names: list[str] = []
        self.told: list[str] = []
        self._handler: Callable[[str], None] = lambda text: None
        self._browser = browser
        browser.pages.append(self)
        browser.opened += 1

    async def take(self, name: str) -> bool:
        await asyncio.sleep(0)
        holder = self._browser.holder(name)
        if holder is None:
            self.names.append(name)
        return holder in (None, self)

    def drop(self, name: str) -> None:
        self.names = [other for other in self.names if other != name]
        self._browser.freed()

    async def is_free(self, name: str) -> bool:
        await asyncio.sleep(0)
        return self._browser.holder(name) is None

    async def held(self, start: str) -> list[str]:
        await asyncio.sleep(0)
        others = [page for page in self._browser.pages if page is not self]
        return [name for page in others for name in page.names if name.startswith(start)]

    async def free(self, name: str) -> None:
        event = asyncio.Event()
        self._browser.waiting.append((name, event))
        self._browser.freed()
        await event.wait()

    def tell(self, text: str) -> None:
        self.told.append(text)
        if self._browser.heard_after:
            asyncio.create_task(self._tell_later(text))  # noqa: RUF006 - it ends by itself
        else:
            self._tell(text)

    def listen(self, handler: "Callable[[str], None]") -> None:
        self._handler = handler

    def close(self) -> None:
        self._browser.pages.remove(self)
        self._browser.freed()

    async def _tell_later(self, text: str) -> None:
        for _ in range(self._browser.heard_after):
            await asyncio.sleep(0)
        self._tell(text)

    def _tell(self, text: str) -> None:
        for page in self._browser.pages:
            if page is not self:
                page._handler(text)


class FakeNetwork:
    """A network that is back as soon as an upload waits for it; it records the timeouts."""

    def __init__(self) -> None:
        self.waited_s: list[float] = []
        self.server_is_there = True
        self.asked = 0
        self._gate = asyncio.Event()
        self._gate.set()

    def hold(self) -> None:
        """Block all waiters until `release`."""
        self._gate.clear()

    def release(self) -> None:
        self._gate.set()

    async def may_be_back(self, timeout_s: float) -> None:
        self.waited_s.append(timeout_s)
        await asyncio.sleep(0)
        await self._gate.wait()

    async def server_answers(self) -> bool:
        self.asked += 1
        await asyncio.sleep(0)
        return self.server_is_there


class FakeStorage:
    """A key-value storage of texts; raises `error` instead if it is set.

    `named` are the texts by name; `texts` are the same, by the object key at the end of the name.
    `saved` and `deleted` record the keys of each call.
    """

    def __init__(self) -> None:
        self.saved: list[list[str]] = []
        self.deleted: list[list[str]] = []
        self.named: dict[str, str] = {}
        self.files: dict[str, File] = {}
        self.error: Exception | None = None
        self.keeps_files = False

    @property
    def texts(self) -> dict[str, str]:
        return {_key(name): text for name, text in self.named.items()}

    async def load(self, owner: str) -> list[tuple[str, str, bool]]:
        self._check()
        return [
            (name, text, name in self.files)
            for name, text in self.named.items()
            if name.startswith(owner)
        ]

    async def find(self, start: str, without: str = "") -> list[tuple[str, str]]:
        await asyncio.sleep(0)
        self._check()
        return [
            (name, text)
            for name, text in self.named.items()
            if name.startswith(start) and not (without and without in text)
        ]

    async def save(
        self, records: "list[tuple[str, str, File | None]]", gone: "list[str] | None" = None
    ) -> None:
        await asyncio.sleep(0)
        self._check()
        self.saved.append([_key(name) for name, _, _ in records])
        for name, text, file in records:
            self.named[name] = text
            if file and self.keeps_files:
                self.files[name] = file
        for name in gone or []:
            self._remove(name)

    async def open_files(self, wanted: "list[tuple[str, str]]") -> "list[File | FileUnreadable]":
        self._check()
        return [self.files.get(name) or FileUnreadable("NotFoundError") for name, _ in wanted]

    async def delete(self, names: list[str]) -> None:
        await asyncio.sleep(0)
        self._check()
        self.deleted.append([_key(name) for name in names])
        for name in names:
            self._remove(name)

    def _remove(self, name: str) -> None:
        self.named.pop(name, None)
        self.files.pop(name, None)

    def _check(self) -> None:
        if self.error:
            raise self.error


def _key(name: str) -> str:
    return name.split("\n")[-1]
