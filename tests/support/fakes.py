"""Fakes of the engine's ports, made of lists and dicts; they run on every interpreter."""

import asyncio

from uploader.oss.crc64 import combine, shift_of
from uploader.oss.errors import Lost
from uploader.oss.replies import Reply
from uploader.oss.requests import Bucket
from uploader.oss.signing import Credentials
from uploader.transfer.budget import Budget
from uploader.transfer.credentials import GrantKeeper
from uploader.transfer.engine import Engine
from uploader.transfer.grant import Grant
from uploader.transfer.journal import Journal
from uploader.transfer.ports import Piece, Ports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.oss.requests import Request

__all__ = ["FakeChecksum", "FakeClock", "FakeFile", "FakeGrants", "FakeHttp", "make_ports"]

START_S = 1773480413.0  # 2026-03-14T09:26:53Z
ZERO_BYTE_CRC64 = 2282658103124508505
ANSWER_LOST = "answer lost"


class FakeClock:
    """A clock that a test moves, and that sleeping moves; `error_s` is how wrong it is."""

    def __init__(self, now_s: float = START_S, *, error_s: float = 0) -> None:
        self.true_s = now_s
        self.error_s = error_s
        self.slept_s: list[float] = []

    def now_s(self) -> float:
        return self.true_s + self.error_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.true_s += seconds
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self.true_s += seconds


class FakeFile:
    """A file of zeros, whose checksums are real."""

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


def crc64_of_zeros(size: int) -> int:
    """Return the CRC-64 of `size` zero bytes."""
    crc, power, length = 0, ZERO_BYTE_CRC64, 1
    while size:
        if size & 1:
            crc = combine(crc, power, shift_of(length))
        power = combine(power, power, shift_of(length))
        length *= 2
        size >>= 1
    return crc


def stored(crc64: str, request_id: str = "5C3D9175B6FC201293AD0001") -> Reply:
    """Return what OSS answers when it has stored something."""
    known = {"etag": '"AB"', "x-oss-hash-crc64ecma": crc64, "x-oss-request-id": request_id}
    return Reply(200, lambda name: known.get(name.lower(), ""))


def refused(code: str, status: int = 403, extra: str = "", retry_after: str = "") -> Reply:
    """Return an error document of OSS."""
    text = f"<Error><Code>{code}</Code><RequestId>R1</RequestId>{extra}</Error>"
    return Reply(status, lambda name: retry_after if name == "Retry-After" else "", text)


class FakeHttp:
    """An OSS made of dicts. `plan` holds what to do instead, one entry a request.

    An entry is a `Reply`, an exception to raise, `ANSWER_LOST` to do the work and lose the answer,
    or `None` for nothing special. `hold()` keeps requests until `release()`.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.plan: list[Reply | Exception | str | None] = []
        self.objects: dict[str, int] = {}  # key: size
        self.multiparts: dict[str, dict[int, int]] = {}  # upload id: {part number: size}
        self.parts_sent: list[int] = []
        self.running = 0
        self.most_running = 0
        self.page_size = 1000
        self.hold_after: int | None = None  # so many parts have arrived
        self._gate = asyncio.Event()
        self._gate.set()
        self.crc64_of = crc64_of_zeros  # of a part of this size, as ListParts tells it
        self._ids = 0

    def hold(self) -> None:
        self._gate.clear()

    def release(self) -> None:
        self._gate.set()

    async def send(
        self, request: "Request", body: "Piece | str | None", on_progress: "Callable[[int], None]"
    ) -> Reply:
        self.requests.append(request)
        planned = self.plan.pop(0) if self.plan else None
        size = body.size if isinstance(body, Piece) else 0
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
            reply = self._handle(request, body, size)
            if planned == ANSWER_LOST:
                raise lost()
            return reply
        finally:
            self.running -= 1

    def _handle(self, request: "Request", body: "Piece | str | None", size: int) -> Reply:
        path, _, query = request.url.partition("?")
        given = dict([pair.split("=") for pair in query.split("&") if "=" in pair])
        key = path.split("/", 3)[3]
        if query == "uploads":
            self._ids += 1
            self.multiparts[f"U{self._ids}"] = {}
            return Reply(200, lambda _name: "", f"<A><UploadId>U{self._ids}</UploadId></A>")
        if "uploadId" not in given:
            self.objects[key] = size
            return stored(str(crc64_of_zeros(size)))
        parts = self.multiparts.get(given["uploadId"])
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
            if named != sorted(parts):
                return refused("InvalidPart", 400)
            self.objects[key] = sum(parts.values())
        del self.multiparts[given["uploadId"]]
        if request.method == "DELETE":
            return Reply(204, lambda _name: "")
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
        """Return a header of the request number `index`."""
        return next(value for key, value in self.requests[index].headers if key.lower() == name)


class FakeChecksum:
    """Computes the CRC-64 of zeros, or raises `error`; `pieces` are `(offset, size)`."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.pieces: list[tuple[int, int]] = []

    async def crc64(self, piece: Piece) -> int:
        self.pieces.append((piece.offset, piece.size))
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return crc64_of_zeros(piece.size)


class FakeNetwork:
    """A network that is back as soon as somebody waits for it; remembers how long they would."""

    def __init__(self) -> None:
        self.waited_s: list[float] = []

    async def may_be_back(self, timeout_s: float) -> None:
        self.waited_s.append(timeout_s)
        await asyncio.sleep(0)


class FakeStorage:
    """Texts in a dict; `error` is raised instead, if there is one."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.error: Exception | None = None

    async def load(self) -> list[tuple[str, str]]:
        self._check()
        return list(self.texts.items())

    async def save(self, name: str, text: str) -> None:
        self._check()
        self.texts[name] = text

    async def delete(self, name: str) -> None:
        self._check()
        self.texts.pop(name, None)

    def _check(self) -> None:
        if self.error:
            raise self.error


class FakeGrants:
    """Grants by a clock that is right; `errors` are raised first, one each."""

    def __init__(self, clock: FakeClock, *, life_s: float = 900) -> None:
        self._clock = clock
        self.life_s = life_s
        self.fetched = 0
        self.refused: list[str] = []
        self.errors: list[Exception] = []
        self.max_file_size = 10**14
        self.max_files = 10_000

    async def fetch(self, *, refused_key_id: str = "") -> Grant:
        self.fetched += 1
        self.refused.append(refused_key_id)
        number = self.fetched
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)
        return Grant(
            credentials=Credentials(f"STS.{number}", "secret", "token"),
            bucket=Bucket("bucket", "cn-hangzhou", "http://oss.example"),
            prefix="uploads/alice-1/",
            expires_at_s=self._clock.true_s + self.life_s,
            server_time_s=self._clock.true_s,
            max_file_size=self.max_file_size,
            max_files=self.max_files,
            principal="Alice",
        )


class FakeRandom:
    """Counts instead of throwing dice."""

    def __init__(self) -> None:
        self.count = 0

    def hex(self, size: int) -> str:
        self.count += 1
        return f"{self.count:0{2 * size}x}"

    def unit(self) -> float:
        return 0.5


def make_ports(clock: "FakeClock | None" = None) -> Ports:
    """Return a set of ports where everything goes well."""
    clock = clock or FakeClock()
    return Ports(
        http=FakeHttp(),
        checksum=FakeChecksum(),
        clock=clock,
        grants=FakeGrants(clock),
        random=FakeRandom(),
        network=FakeNetwork(),
        storage=FakeStorage(),
    )


def make_engine(ports: Ports, connections: int = 6) -> Engine:
    """Return an engine over these ports."""
    keeper = GrantKeeper(ports.grants, ports.clock)
    return Engine(ports, keeper, Budget(connections), Journal(ports.storage, keeper))


async def until(condition: "Callable[[], object]", *, turns: int = 5000) -> None:
    """Let others run until `condition()` holds.

    Raises:
        AssertionError: it did not come to that.
    """
    for _ in range(turns):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition never held")


def lost(reason: str = Lost.INTERRUPTED) -> Lost:
    """Return the error of a connection that broke."""
    return Lost(reason)
