"""In-memory fakes of the engine's ports; they run on every interpreter."""

import asyncio

from ossferry_uploader.oss.crc64 import combine, shift_of
from ossferry_uploader.oss.encryption import counter_at
from ossferry_uploader.oss.errors import Corrupt, Lost
from ossferry_uploader.oss.replies import Reply, Stored
from ossferry_uploader.oss.requests import Bucket
from ossferry_uploader.oss.signing import Credentials
from ossferry_uploader.transfer.engine import Engine
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.grants.credentials import GrantKeeper
from ossferry_uploader.transfer.grants.grant import Grant
from ossferry_uploader.transfer.grants.limits import Limits
from ossferry_uploader.transfer.grants.quota import Left
from ossferry_uploader.transfer.journal.journal import Journal
from ossferry_uploader.transfer.pacing.connections import ConnectionPool
from ossferry_uploader.transfer.ports import Ports
from ossferry_uploader.transfer.target import RefusedObject
from support.fake_browser import FakeBrowser, FakeNetwork, FakeStorage, FakeTabs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ossferry_uploader.oss.encryption import Cipher, PublicKey
    from ossferry_uploader.oss.requests import Request
    from ossferry_uploader.transfer.checks.claims import ReportFields
    from ossferry_uploader.transfer.files import File

START_S = 1773480413.0  # 2026-03-14T09:26:53Z
ZERO_BYTE_CRC64 = 2282658103124508505
ANSWER_LOST = "answer lost"
DAMAGED = "damaged"
FAST_BYTES_PER_S = 10**7


class FakeClock:
    """A clock that advances only by the test or by sleeping; `error_s` is its error in seconds."""

    def __init__(self, now_s: float = START_S, *, error_s: float = 0) -> None:
        self.true_s = now_s
        self.error_s = error_s
        self.slept_s: list[float] = []

    def now_s(self) -> float:
        return self.true_s + self.error_s

    def elapsed_s(self) -> float:
        return self.true_s - START_S

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.true_s += seconds
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self.true_s += seconds


class FakeFile:
    """A file of zero bytes with correct checksums."""

    def __init__(
        self,
        name: str = "a.txt",
        size: int = 10,
        *,
        path: str = "",
        content_type: str = "text/plain",
        modified: int = 1773480000000,
    ) -> None:
        self.name = name
        self.modified = modified
        self.path = path
        self.size = size
        self.content_type = content_type
        self.first = b""
        self.crc64 = ""
        self.is_lasting = True

    async def head(self) -> bytes:
        return self.first


_crc64_of_zeros: dict[int, int] = {}


def crc64_of_zeros(size: int) -> int:
    """Return the CRC-64 of `size` zero bytes; cached, because MicroPython computes it slowly."""
    if size in _crc64_of_zeros:
        return _crc64_of_zeros[size]
    crc, power, length, rest = 0, ZERO_BYTE_CRC64, 1, size
    while rest:
        shift = shift_of(length)
        if rest & 1:
            crc = combine(crc, power, shift)
        power = combine(power, power, shift)
        length *= 2
        rest >>= 1
    _crc64_of_zeros[size] = crc
    return crc


def stored(crc64: str, request_id: str = "5C3D9175B6FC201293AD0001") -> Reply:
    """Return OSS's response to a successful upload."""
    known = {"etag": '"AB"', "x-oss-hash-crc64ecma": crc64, "x-oss-request-id": request_id}
    return Reply(200, lambda name: known.get(name.lower(), ""), "")


def refused(code: str, status: int = 403, extra: str = "", retry_after: str = "") -> Reply:
    """Return an error response of OSS."""
    text = f"<Error><Code>{code}</Code><RequestId>R1</RequestId>{extra}</Error>"
    return Reply(status, lambda name: retry_after if name == "Retry-After" else "", text)


class FakeHttp:
    """An in-memory OSS. `plan` has one entry per request that changes its behaviour.

    An entry is a `Reply`, an exception to raise, `ANSWER_LOST` to execute the request and lose the
    response, `DAMAGED` to store one byte more, or `None` for normal behaviour. `hold()` blocks
    requests until `release()`. A request whose method is in `refuses` is refused once.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.plan: list[Reply | Exception | str | None] = []
        self.refuses: list[str] = []
        self.objects: dict[str, int] = {}  # key: size
        self.multiparts: dict[str, dict[int, int]] = {}  # upload id: {part number: size}
        self.begun: dict[str, str] = {}  # upload id: key
        self.parts_sent: list[int] = []
        self.sent_plain = 0  # pieces of files that were not encrypted
        self.running = 0
        self.most_running = 0
        self.page_size = 1000
        self.hold_after: int | None = None  # hold after this many parts
        self._gate = asyncio.Event()
        self._gate.set()
        self.crc64_of = crc64_of_zeros  # CRC-64 of a part of this size in ListParts
        self._ids = 0

    def hold(self) -> None:
        self._gate.clear()

    def release(self) -> None:
        self._gate.set()

    async def send(
        self, request: "Request", body: "Piece | str | None", on_progress: "Callable[[int], None]"
    ) -> Reply:
        self.requests.append(request)
        if request.method in self.refuses:
            self.refuses.remove(request.method)
            return refused("AccessDenied")
        planned = self.plan.pop(0) if self.plan else None
        size = body.size if isinstance(body, Piece) else 0
        self.sent_plain += isinstance(body, Piece) and not body.crc64
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            on_progress(size // 2)
            await asyncio.sleep(0)
            if self.hold_after is not None and len(self.parts_sent) >= self.hold_after:
                self.hold_after = None
                self.hold()
            await self._gate.wait()
            if isinstance(planned, Exception):
                raise planned
            if isinstance(planned, Reply):
                return planned
            on_progress(size)
            reply = self._handle(request, body, size + 1 if planned == DAMAGED else size)
            if planned == ANSWER_LOST:
                raise lost()
            return reply
        finally:
            self.running -= 1

    def _handle(self, request: "Request", body: "Piece | str | None", size: int) -> Reply:
        path, _, query = request.url.partition("?")
        given = dict([pair.split("=") for pair in query.split("&") if "=" in pair])
        key = dict(request.headers)["key"] if request.is_form else path.split("/", 3)[3]
        parts = self.multiparts.get(given.get("uploadId", ""))
        is_unknown = "uploadId" in given and parts is None  # OSS reports this error first
        forbids = ("x-oss-forbid-overwrite", "true") in request.headers
        if key in self.objects and forbids and not is_unknown:
            return refused("FileAlreadyExists", 409)
        if query == "uploads":
            self._ids += 1
            self.multiparts[f"U{self._ids}"] = {}
            self.begun[f"U{self._ids}"] = key
            return Reply(200, lambda _name: "", f"<A><UploadId>U{self._ids}</UploadId></A>")
        if "uploadId" not in given:
            self.objects[key] = size
            return stored(str(crc64_of_zeros(size)))
        if parts is None:
            return refused("NoSuchUpload", 404)
        if request.method == "PUT":
            self.parts_sent.append(int(given["partNumber"]))
            parts[int(given["partNumber"])] = size
            return stored(str(crc64_of_zeros(size)))
        if request.method == "GET":
            return self._list(parts, int(given.get("part-number-marker", "0")))
        if request.method == "POST":
            assert isinstance(body, str)
            named = [int(piece.split("<")[0]) for piece in body.split("<PartNumber>")[1:]]
            if any(number not in parts for number in named):
                return refused("InvalidPart", 400)
            self.objects[key] = sum(parts[number] for number in named)
        del self.multiparts[given["uploadId"]]
        if request.method == "DELETE":
            return Reply(204, lambda _name: "", "")
        return stored(str(crc64_of_zeros(self.objects[key])))

    def _list(self, parts: "dict[int, int]", after: int) -> Reply:
        numbers = sorted([number for number in parts if number > after])
        page = numbers[: self.page_size]
        rows = [
            f'<Part><PartNumber>{n}</PartNumber><ETag>"AB"</ETag><Size>{parts[n]}</Size>'
            f"<HashCrc64ecma>{self.crc64_of(parts[n])}</HashCrc64ecma></Part>"
            for n in page
        ]
        more = "true" if len(page) < len(numbers) else "false"
        marker = page[-1] if page else 0
        text = (
            f"<ListPartsResult><IsTruncated>{more}</IsTruncated>"
            f"<NextPartNumberMarker>{marker}</NextPartNumberMarker>"
            f"{''.join(rows)}</ListPartsResult>"
        )
        return Reply(200, lambda _name: "", text)

    def header(self, index: int, name: str) -> str:
        """Return a header of the request with this index."""
        return next(value for key, value in self.requests[index].headers if key.lower() == name)


class Failing:
    """Base class of fakes that raise `errors` first, one per call."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    async def _answer(self) -> None:
        """Let other tasks run, and raise the next error."""
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)


class FakeChecksum(Failing):
    """Computes the CRC-64 of zeros, or raises `error`; `pieces` records `(offset, size)`.

    With `has_changed`, the file has other bytes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.has_changed = False
        self.pieces: list[tuple[int, int]] = []

    async def crc64(self, piece: Piece) -> int:
        assert not getattr(piece.file, "is_stream", False), "what came out of it is gone"
        self.pieces.append((piece.offset, piece.size))
        await self._answer()
        if self.error:
            raise self.error
        return crc64_of_zeros(piece.size) + self.has_changed

    async def sha256(self, file: "File") -> str:
        await self._answer()
        return f"{file.size:064x}"


class FakePictures(Failing):
    """Makes a file that is 3 bytes smaller; `edits` records the edits."""

    def __init__(self) -> None:
        super().__init__()
        self.edits: list[list[int]] = []

    async def edit(self, file: "File", edit: "list[int]") -> FakeFile:
        self.edits.append(edit)
        await self._answer()
        made = FakeFile(file.name, file.size - 3, path=file.path, modified=0)
        made.is_lasting = False
        return made


class FakeEncryption:
    """Marks pieces as encrypted; `pieces` records `(offset in the object, size, key)`.

    The CRC-64 is that of zeros, as `FakeHttp` computes it. `held` counts the pieces in memory.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.pieces: list[tuple[int, int, bytes]] = []
        self.held = 0
        self.most_held = 0
        self.kept_secret = b"s" * 32  # of the browser

    async def secret(self) -> bytes:
        await asyncio.sleep(0)
        return self.kept_secret

    async def encrypt(self, piece: Piece, cipher: "Cipher") -> None:
        counter_at(cipher.start, piece.at)
        self.pieces.append((piece.at, piece.size, cipher.key))
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        piece.cut = "encrypted"
        piece.crc64 = str(crc64_of_zeros(piece.size))
        self.held += 1
        self.most_held = max(self.most_held, self.held)

    async def crc64(self, piece: Piece, cipher: "Cipher") -> int:
        counter_at(cipher.start, piece.at)
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return crc64_of_zeros(piece.size)

    def free(self, piece: Piece) -> None:
        piece.cut = None
        piece.crc64 = ""
        self.held -= 1


class FakeReceipts(Failing):
    """Answers receipts from the objects of a `FakeHttp`."""

    def __init__(self, http: FakeHttp) -> None:
        super().__init__()
        self._http = http
        self.asked: list[str] = []
        self.identical_to: dict[tuple[str, int, str], str] = {}
        self.looked_for: list[str] = []
        self.refused: list[RefusedObject] = []

    async def confirm_all(self, uploads: "list[ReportFields]") -> None:
        self.asked += [upload[0] for upload in uploads]
        await self._answer()

    async def refuse(self, refused: RefusedObject) -> bool:
        self.refused.append(refused)
        await self._answer()
        return self._http.objects.pop(refused.key, None) is not None

    async def identical(self, path: str, size: int, crc64: str, details: "dict[str, str]") -> str:
        self.looked_for.append(path)
        await self._answer()
        return self.identical_to.get((path, size, crc64), "")

    async def begun_empty(self, key: str) -> "list[str]":
        await asyncio.sleep(0)
        begun = self._http.begun
        return [
            each for each in begun if begun[each] == key and self._http.multiparts.get(each) == {}
        ]

    async def abort(self, key: str, upload_id: str) -> None:
        await asyncio.sleep(0)
        if self._http.multiparts.pop(upload_id, None) is None:
            raise ServerRefused(404, code="no-upload")

    async def confirm(self, upload: "ReportFields") -> "Stored | None":
        key, size, crc64, _, _ = upload
        self.asked.append(key)
        await self._answer()
        stored_size = self._http.objects.get(key)
        if stored_size is None:
            return None
        actual = str(crc64_of_zeros(stored_size))
        if (stored_size, actual) != (size, crc64):
            raise Corrupt("CRC-64", expected=crc64, actual=actual, is_mismatch=True)
        return Stored('"AB"', crc64, "5C3D9175B6FC201293AD0002")


class FakeGrants(Failing):
    """Grants that expire after `life_s` of true time."""

    def __init__(self, clock: FakeClock, *, life_s: float = 900) -> None:
        super().__init__()
        self._clock = clock
        self.life_s = life_s
        self.fetched = 0
        self.refused: list[str] = []
        self.max_file_size = 10**14
        self.max_files = 10_000
        self.types: list[str] = []
        self.left: Left | None = None
        self.prefix = "uploads/alice-1/"
        self.features: list[str] = []
        self.bucket, self.region = "bucket", "cn-hangzhou"
        self.replaced: list[str] = []
        self.origins: Sequence[str] = ()
        self.form: list[tuple[str, str]] = []
        self.encryption: PublicKey | None = None

    async def fetch(self, *, refused_key_id: str = "") -> Grant:
        self.fetched += 1
        self.refused.append(refused_key_id)
        number = self.fetched
        await self._answer()
        return Grant(
            credentials=Credentials(f"STS.{number}", "" if self.form else "secret", "token"),
            bucket=Bucket(self.bucket, self.region, "http://oss.example", origins=self.origins),
            prefix=self.prefix,
            expires_at_s=self._clock.true_s + self.life_s,
            server_time_s=self._clock.true_s,
            limits=Limits(
                max_file_size=self.max_file_size,
                max_files=self.max_files,
                types=self.types,
                replaced=self.replaced,
            ),
            principal="Alice",
            left=self.left,
            features=self.features,
            form=list(self.form),
            encryption=self.encryption,
        )


class FakeRandom:
    """A deterministic replacement for random numbers: a counter."""

    def __init__(self) -> None:
        self.count = 0

    def hex(self, size: int) -> str:
        self.count += 1
        return f"{self.count:0{2 * size}x}"

    def unit(self) -> float:
        return 0.5


class FakePorts(Ports):
    """All ports, and the `FakeGrants` of the server."""

    def __init__(self, grants: "FakeGrants", **ports: "Any") -> None:
        super().__init__(**ports)
        self.grants = grants


def make_ports(
    clock: "FakeClock | None" = None,
    *,
    http: "FakeHttp | None" = None,
    storage: "FakeStorage | None" = None,
    browser: "FakeBrowser | None" = None,
) -> FakePorts:
    """Return ports without failures; the given fakes are shared with other pages."""
    clock = clock or FakeClock()
    http = http or FakeHttp()
    browser = browser or FakeBrowser()
    random = FakeRandom()
    random.count = 100_000 * browser.opened  # different keys than other pages
    return FakePorts(
        FakeGrants(clock),
        http=http,
        checksum=FakeChecksum(),
        encryption=FakeEncryption(),
        clock=clock,
        random=random,
        network=FakeNetwork(),
        storage=storage or FakeStorage(),
        receipts=FakeReceipts(http),
        tabs=FakeTabs(browser),
        pictures=FakePictures(),
    )


def make_engine(ports: FakePorts, connections: int = 6, *, has_forms: bool = False) -> Engine:
    """Return an engine with these ports, a fast connection and parts of 8 MiB.

    Args:
        has_forms: whether small files are sent with forms.
    """
    keeper = GrantKeeper(ports.grants, ports.clock)
    pool, journal = ConnectionPool(connections), Journal(ports, keeper)
    engine = Engine(ports, keeper, pool, journal)
    engine.forms.refusal = None if has_forms else lost()
    engine.rate_bytes_per_s = FAST_BYTES_PER_S
    return engine


async def until(condition: "Callable[[], object]", *, turns: int = 5000) -> None:
    """Let other tasks run until `condition()` is true.

    Raises:
        AssertionError: the condition did not become true.
    """
    for _ in range(turns):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition never held")


def lost(reason: str = Lost.INTERRUPTED) -> Lost:
    """Return the error of an interrupted connection."""
    return Lost(reason)
