"""A simulated environment for the transfer engine: OSS, devices, pages and a network.

OSS stores everything that it receives. There are two devices with pages that can freeze. A request
in the network waits until the test decides its outcome.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ossferry_uploader.oss.encryption import Cipher, PublicKey
from ossferry_uploader.oss.errors import Corrupt, Lost
from ossferry_uploader.oss.replies import Reply, Stored
from ossferry_uploader.oss.requests import Request
from ossferry_uploader.transfer.checks.verdict import Verdict
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.journal.journal import Journal
from ossferry_uploader.transfer.queue import Queue
from ossferry_uploader.transfer.target import RefusedObject
from support.fake_browser import FakeBrowser, FakeNetwork, FakeStorage, FakeTabs
from support.fake_checks import FakeChecks
from support.fakes import (
    FakeClock,
    FakeEncryption,
    FakeGrants,
    FakePictures,
    FakePorts,
    FakeRandom,
    make_engine,
    refused,
)
from unit.model.content import MIB, Content, SimFile, content_of, crc64_of, encrypted, size_of

if TYPE_CHECKING:
    from ossferry_uploader.transfer.checks.claims import ReportFields

OK = "ok"
ANSWER_LOST = "answer lost"
NEVER_ARRIVED = "never arrived"
OFFLINE = "offline"
BUSY = "503"
DAMAGED = "damaged"
_NAMED_PART = re.compile(r"<PartNumber>(\d+)</PartNumber><ETag>\D*(\d+)\D*</ETag>")
PLAIN = "plain"
CHECKED = "checked"
ENCRYPTED = "encrypted"
KEY = PublicKey("ff" * 63 + "01", 3)
ANSWERS = (OK, OK, OK, OK, ANSWER_LOST, NEVER_ARRIVED, OFFLINE, BUSY, DAMAGED)


@dataclass
class Multipart:
    """An unfinished upload in OSS."""

    key: str
    parts: dict[int, Content] = field(default_factory=dict)


class SimOss:
    """Objects and multipart uploads, and a list of violations such as replaced objects."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.objects: dict[str, Content] = {}
        self.uploads: dict[str, Multipart] = {}
        self.violations: list[str] = []
        self.revoked: list[str] = []  # access key ids
        self._ids = 0

    def handle(self, request: Request, body: Any) -> Reply:
        """Execute a request, and return the response."""
        headers = {name.lower(): value for name, value in request.headers}
        if headers["authorization"].partition("Credential=")[2].partition("/")[0] in self.revoked:
            return refused("SecurityTokenExpired")
        query = request.url.partition("?")[2]
        given = dict(pair.split("=") for pair in query.split("&") if "=" in pair)
        key = key_of(request)
        is_taken = "x-oss-forbid-overwrite" in headers and key in self.objects
        if "uploadId" in given:
            return self._handle_begun(given, key, request, body, is_taken=is_taken)
        if is_taken:
            return refused("FileAlreadyExists", 409)
        if not query:
            return self._store(key, content_of(body))
        assert query == "uploads", query
        self._ids += 1
        self.uploads[f"U{self._ids}"] = Multipart(key)
        return Reply(200, lambda _name: "", f"<A><UploadId>U{self._ids}</UploadId></A>")

    def _handle_begun(
        self, given: dict[str, str], key: str, request: Request, body: Any, *, is_taken: bool
    ) -> Reply:
        upload = self.uploads.get(given["uploadId"])
        if upload is None or upload.key != key:
            return refused("NoSuchUpload", 404)
        if request.method == "PUT":
            upload.parts[int(given["partNumber"])] = content_of(body)
            return _stored(content_of(body))
        if request.method == "GET":
            return _list(upload)
        if request.method == "DELETE":
            del self.uploads[given["uploadId"]]
            return Reply(204, lambda _name: "", "")
        named = [(int(number), int(etag)) for number, etag in _NAMED_PART.findall(body)]
        if any(crc64_of(upload.parts.get(number, ())) != etag for number, etag in named):
            return refused("InvalidPart", 400)
        if is_taken:
            return refused("FileAlreadyExists", 409)
        del self.uploads[given["uploadId"]]
        return self._store(key, sum((upload.parts[number] for number, _ in named), ()))

    def has_part(self, part: tuple[str, int], piece: Piece) -> bool:
        """Return whether a part (upload id, number) exists with exactly these bytes."""
        upload = self.uploads.get(part[0])
        return upload is not None and upload.parts.get(part[1]) == content_of(piece)

    def begun(self) -> list[dict[str, Any]]:
        """Return the server's list of unfinished multipart uploads."""
        return [
            {
                "key": upload.key,
                "name": upload.key.rpartition("/")[2],
                "upload_id": upload_id,
                "size": sum(size_of(content) for content in upload.parts.values()),
                "part_size": size_of(upload.parts[1]) if 1 in upload.parts else None,
                "began_at": "2026-03-14T09:00:00Z",
                "last_at": "2026-03-14T09:00:00Z",
            }
            for upload_id, upload in self.uploads.items()
        ]

    def _store(self, key: str, content: Content) -> Reply:
        if key in self.objects and crc64_of(self.objects[key]) != crc64_of(content):
            before = self.objects[key]
            self.violations.append(f"{key} was {before}, and is now {content}")
        self.objects[key] = content
        return _stored(content)


def key_of(request: Request) -> str:
    """Return the object key in the URL of a request."""
    return request.url.partition("?")[0].split("/", 3)[3]


def _stored(content: Content) -> Reply:
    crc = str(crc64_of(content))
    known = {"etag": f'"{crc}"', "x-oss-hash-crc64ecma": crc, "x-oss-request-id": "R"}
    return Reply(200, lambda name: known.get(name.lower(), ""), "")


def _list(upload: Multipart) -> Reply:
    rows = [
        f'<Part><PartNumber>{number}</PartNumber><ETag>"{crc64_of(content)}"</ETag>'
        f"<Size>{size_of(content)}</Size><HashCrc64ecma>{crc64_of(content)}</HashCrc64ecma></Part>"
        for number, content in sorted(upload.parts.items())
    ]
    text = f"<ListPartsResult><IsTruncated>false</IsTruncated>{''.join(rows)}</ListPartsResult>"
    return Reply(200, lambda _name: "", text)


class Pending:
    """A request that a page has sent, and whose outcome is not yet decided."""

    def __init__(self, page: "Page", request: Request, body: Any) -> None:
        self.page = page
        self.request = request
        self.body = body
        self.answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()


def part_of(pending: Pending) -> tuple[str, int] | None:
    """Return the upload id and the part number of an UploadPart request; None for other
    requests.
    """
    if not isinstance(pending.body, Piece) or "partNumber=" not in pending.request.url:
        return None
    number = pending.request.url.partition("partNumber=")[2].partition("&")[0]
    return pending.request.url.partition("uploadId=")[2], int(number)


class SimHttp:
    """A page's connection to OSS."""

    def __init__(self, page: "Page") -> None:
        self._page = page

    async def send(self, request: Request, body: Any, on_progress: Callable[[int], None]) -> Reply:
        if self._page not in self._page.world.pages:
            await self._page.world.thaw.wait()
        if isinstance(body, Piece):
            on_progress(body.size // 2)
        pending = Pending(self._page, request, body)
        self._page.world.pending.append(pending)
        try:
            return await pending.answer
        finally:  # the page no longer waits for the response
            if pending in self._page.world.pending:
                self._page.world.pending.remove(pending)


class SimChecksum:
    """Computes checksums of `SimFile`s."""

    async def crc64(self, piece: Piece) -> int:
        await asyncio.sleep(0)
        return crc64_of(content_of(piece))

    async def sha256(self, file: Any) -> str:
        await asyncio.sleep(0)
        return f"{file.seed:064x}"


class SimEncryption(FakeEncryption):
    """Encrypts `SimFile`s: other bytes with each key."""

    async def encrypt(self, piece: Piece, cipher: Cipher) -> None:
        await asyncio.sleep(0)
        piece.cut = encrypted(piece.file.seed, cipher.key)
        piece.crc64 = "of the next line"
        piece.crc64 = str(crc64_of(content_of(piece)))

    async def crc64(self, piece: Piece, cipher: Cipher) -> int:
        copy = Piece(piece.file, piece.offset, piece.size)
        await self.encrypt(copy, cipher)
        return int(copy.crc64)


class SimChecks(FakeChecks):
    """Makes another file, with other bytes and a shorter size, of each file except `2.bin`.

    The small files get another name too.
    """

    async def run(
        self,
        file: Any,
        _name: str,
        on_progress: Callable[[str, float], None],
        *,
        keep_original: bool = False,
    ) -> Verdict:
        await asyncio.sleep(0)
        if file.name == "2.bin" or keep_original:
            return Verdict()
        name = file.name if file.size > MIB else file.name.replace(".bin", ".jpg")
        made = SimFile(file.seed + 100, max(0, file.size - 100), name=name)
        made.is_lasting = False
        return Verdict(file=made)


class SimReceipts:
    """The receipts port: the server's requests to the simulated OSS."""

    def __init__(self, oss: SimOss) -> None:
        self._oss = oss

    async def identical(self, path: str, size: int, crc64: str, details: dict[str, str]) -> str:
        return ""

    async def confirm_all(self, uploads: "list[ReportFields]") -> None:
        await asyncio.sleep(0)

    async def refuse(self, refused: RefusedObject) -> bool:
        await asyncio.sleep(0)
        return self._oss.objects.pop(refused.key, None) is not None

    async def begun_empty(self, key: str) -> list[str]:
        await asyncio.sleep(0)
        uploads = self._oss.uploads.items()
        return [each for each, begun in uploads if begun.key == key and not begun.parts]

    async def abort(self, key: str, upload_id: str) -> None:
        await asyncio.sleep(0)
        if self._oss.uploads.pop(upload_id, None) is None:
            raise ServerRefused(404, code="no-upload")

    async def confirm(self, upload: "ReportFields") -> Stored | None:
        key, size, crc64, _, _ = upload
        await asyncio.sleep(0)
        content = self._oss.objects.get(key)
        if content is None:
            return None
        if (size_of(content), str(crc64_of(content))) != (size, crc64):
            raise Corrupt("CRC-64", expected=crc64, actual=str(crc64_of(content)), is_mismatch=True)
        return Stored("", crc64, "R")


class SimGrants(FakeGrants):
    """Grants whose key ids are different on every page."""

    def __init__(self, page: int, clock: FakeClock) -> None:
        super().__init__(clock)
        self.fetched = 1000 * page


class Device:
    """A device with its own browser and its storage."""

    def __init__(self) -> None:
        self.storage = FakeStorage()
        self.storage.keeps_files = True
        self.browser = FakeBrowser()


class Page:
    """One page: its queue, its engine, and its browser ports."""

    def __init__(self, world: "World", number: int, device: Device) -> None:
        self.world = world
        self.device = device
        self.tabs = FakeTabs(device.browser)
        self.grants = SimGrants(number, world.clock)
        self.grants.encryption = KEY if world.kind == ENCRYPTED else None
        self.grants.features = ["checks"] if world.kind == CHECKED else []
        random = FakeRandom()
        random.count = 1000 * number
        ports = FakePorts(
            self.grants,
            http=SimHttp(self),
            checksum=SimChecksum(),
            clock=world.clock,
            random=random,
            network=FakeNetwork(),
            storage=device.storage,
            receipts=SimReceipts(world.oss),
            tabs=self.tabs,
            encryption=SimEncryption(),
            pictures=FakePictures(),
        )
        ports.checks = SimChecks("*") if world.kind == CHECKED else None
        self.engine = make_engine(ports, 3)
        self.queue = Queue(self.engine, on_change=lambda _upload: None, active=3)

    @property
    def journal(self) -> Journal:
        """The page's journal of unfinished uploads."""
        return self.engine.journal


class World:
    """OSS, two devices, and their pages.

    Args:
        kind: what is done to files before they are sent: `PLAIN`, `CHECKED` or `ENCRYPTED`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.clock = FakeClock()
        self.oss = SimOss(self.clock)
        self.devices = (Device(), Device())
        self.pages: list[Page] = []
        self.pending: list[Pending] = []
        self.frozen: list[Pending] = []
        self.thaw = asyncio.Event()  # awaited by frozen pages; never set
        self._opened = 0

    def open(self, device: int = 0) -> Page:
        """Open another page."""
        self._opened += 1
        page = Page(self, self._opened, self.devices[device])
        self.pages.append(page)
        return page

    def resolve(self, pending: Pending, fate: str) -> None:
        """Decide the outcome of a request."""
        self.pending.remove(pending)
        if fate in (OFFLINE, NEVER_ARRIVED):
            reason = Lost.UNREACHABLE if fate == OFFLINE else Lost.INTERRUPTED
            pending.answer.set_exception(Lost(reason))
            return
        if fate == BUSY:
            pending.answer.set_result(refused("ServiceUnavailable", 503, retry_after="2"))
            return
        reply = self.oss.handle(pending.request, pending.body)
        if fate == ANSWER_LOST:
            pending.answer.set_exception(Lost(Lost.INTERRUPTED))
        elif fate == DAMAGED and isinstance(pending.body, Piece) and reply.status == 200:
            pending.answer.set_result(
                Reply(200, lambda name: "7" if "crc64" in name.lower() else reply.header(name), "")
            )
        else:
            pending.answer.set_result(reply)

    def crash(self, page: Page, arrived: int) -> None:
        """Freeze a page for ever; its first `arrived` pending requests still reach OSS."""
        self.pages.remove(page)
        for pending in [each for each in self.pending if each.page is page]:
            self.pending.remove(pending)
            self.frozen.append(pending)
            if arrived > 0:
                self.oss.handle(pending.request, pending.body)
            arrived -= 1
        page.tabs.close()
