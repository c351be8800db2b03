"""Several pages of one browser that upload to one fake OSS."""

import asyncio

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.plan import MIB
from ossferry_uploader.transfer.queue import Queue
from support.fake_browser import FakeBrowser, FakeStorage
from support.fakes import FakeClock, FakeFile, FakeHttp, make_engine, make_ports, until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.journal.journal import Journal
    from ossferry_uploader.transfer.options import Options
    from ossferry_uploader.transfer.upload import Upload

SIZE = 64 * MIB  # a file that is uploaded in parts


class World:
    """A fake OSS, a fake browser, and any number of its pages."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.http = FakeHttp()
        self.storage = FakeStorage()
        self.browser = FakeBrowser()

    def page(self, *, connections: int = 2, **more: "Any") -> "tuple[Queue, Journal, Any]":
        """Return a new page: its queue, its journal and its ports.

        Args:
            more: arguments of the queue.
        """
        ports = make_ports(self.clock, http=self.http, storage=self.storage, browser=self.browser)
        engine = make_engine(ports, connections)
        return Queue(engine, **more), engine.journal, ports

    async def next_page(self, **more: "Any") -> "tuple[Queue, Journal, Any]":
        """Return a new page that has read the records."""
        queue, journal, ports = self.page(**more)
        await journal.load()
        return queue, journal, ports

    async def close(self, queue: Queue, ports: "Any") -> None:
        """Close a page whose requests have ended."""
        await close(queue, ports)

    async def half_sent(self) -> "tuple[Queue, Upload, Any]":
        """Return a page in the middle of an upload: its queue, the upload, and its ports."""
        self.http.hold_after = 4
        queue, _, ports = self.page()
        upload = queue.add(FakeFile("a.bin", SIZE))
        await until(lambda: self.http.hold_after is None and self.http.running == 2)
        return queue, upload, ports


def listened(parallel: int = 3, ahead: int = 0) -> "tuple[Queue, Any, list[tuple[Upload, str]]]":
    """Return a queue, its ports, and what it tells: each changed upload with its state."""
    ports = make_ports()
    changes: list[tuple[Upload, str]] = []
    queue = Queue(
        make_engine(ports, parallel),
        on_change=lambda upload: changes.append((upload, upload.state)),
        active=parallel,
        ahead=ahead,
    )
    return queue, ports, changes


async def half_sent(
    queue: Queue, ports: "Any", file: "File", parts: int, options: "Options | None" = None
) -> "Upload":
    """Return an upload of which OSS has some parts; further parts are held until `release`."""
    ports.http.hold_after = len(ports.http.parts_sent) + parts
    upload = queue.add(file, options)
    await until(lambda: upload.progress.arrived == parts * 8 * MIB and ports.http.running)
    return upload


async def close(queue: Queue, ports: "Any") -> None:
    """Close a page whose requests have ended."""
    queue.pause_all()
    await until(lambda: not ports.http.running)
    ports.tabs.close()
    ports.http.release()


async def send(queue: Queue, file: "File", options: "Options | None" = None) -> "Upload":
    """Add a file, and return its upload when it has ended."""
    upload = queue.add(file, options)
    await ended(upload)
    return upload


async def store(queue: Queue, file: "File", options: "Options | None" = None) -> "Upload":
    """Add a file, and return its upload when the file is stored."""
    upload = queue.add(file, options)
    await done(upload)
    return upload


async def follow(queue: Queue, file: "File", options: "Options | None" = None) -> "Upload":
    """Add a file, and return its upload when it waits for another tab."""
    upload = queue.add(file, options)
    await until(lambda: upload.paused_for == states.FOR_TAB)
    return upload


async def ended(*uploads: "Upload") -> None:
    """Wait until all these uploads have ended."""
    await until(lambda: all(upload.state in states.ENDED for upload in uploads))


async def done(*uploads: "Upload") -> None:
    """Wait until all these uploads have ended, and check that their files are stored."""
    await ended(*uploads)
    for upload in uploads:
        assert upload.state == states.DONE, repr(upload.error)


async def turns(count: int = 60) -> None:
    """Let other tasks run for a while."""
    for _ in range(count):
        await asyncio.sleep(0)
