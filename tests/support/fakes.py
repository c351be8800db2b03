"""Fakes of the engine's ports, made of lists and dicts; they run on every interpreter."""

import asyncio

from uploader.oss.errors import Lost
from uploader.oss.replies import Reply
from uploader.oss.requests import Bucket
from uploader.oss.signing import Credentials
from uploader.transfer.grant import Grant
from uploader.transfer.ports import Ports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.oss.requests import Request

__all__ = ["FakeChecksum", "FakeClock", "FakeFile", "FakeGrants", "FakeHttp", "make_ports"]

START_S = 1773480413.0  # 2026-03-14T09:26:53Z


class FakeClock:
    """A clock that a test moves; `error_s` is how wrong it is."""

    def __init__(self, now_s: float = START_S, *, error_s: float = 0) -> None:
        self.true_s = now_s
        self.error_s = error_s

    def now_s(self) -> float:
        return self.true_s + self.error_s

    def advance(self, seconds: float) -> None:
        self.true_s += seconds


class FakeFile:
    """A file of `size` bytes whose CRC-64 is said to be `crc64`."""

    def __init__(
        self,
        name: str = "a.txt",
        size: int = 10,
        *,
        crc64: str = "7",
        path: str = "",
        content_type: str = "text/plain",
    ) -> None:
        self.name = name
        self.path = path
        self.size = size
        self.content_type = content_type
        self.crc64 = crc64


def stored(crc64: str, request_id: str = "5C3D9175B6FC201293AD0001") -> Reply:
    """Return what OSS answers to a PutObject that succeeded."""
    known = {"etag": '"AB"', "x-oss-hash-crc64ecma": crc64, "x-oss-request-id": request_id}
    return Reply(200, lambda name: known.get(name.lower(), ""))


def refused(code: str, status: int = 403, extra: str = "") -> Reply:
    """Return an error document of OSS."""
    text = f"<Error><Code>{code}</Code><RequestId>R1</RequestId>{extra}</Error>"
    return Reply(status, lambda _name: "", text)


class FakeHttp:
    """Answers PutObject; `plan` holds what to do instead, one entry a request, `None` for nothing.

    An entry is a `Reply`, or an exception to raise. `hold()` keeps requests until `release()`.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.plan: list[Reply | Exception | None] = []
        self.running = 0
        self.most_running = 0
        self._gate = asyncio.Event()
        self._gate.set()

    def hold(self) -> None:
        self._gate.clear()

    def release(self) -> None:
        self._gate.set()

    async def send(
        self, request: "Request", file: FakeFile, on_progress: "Callable[[int], None]"
    ) -> Reply:
        self.requests.append(request)
        planned = self.plan.pop(0) if self.plan else None
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            on_progress(file.size // 2)
            await asyncio.sleep(0)
            await self._gate.wait()
            if isinstance(planned, Exception):
                raise planned
            on_progress(file.size)
            return planned or stored(file.crc64)
        finally:
            self.running -= 1

    def header(self, index: int, name: str) -> str:
        """Return a header of the request number `index`."""
        return next(value for key, value in self.requests[index].headers if key.lower() == name)


class FakeChecksum:
    """Says the CRC-64 that the file was made with, or raises `error`."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    async def crc64(self, file: FakeFile) -> str:
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return file.crc64


class FakeGrants:
    """Grants by a clock that is right; `errors` are raised first, one each."""

    def __init__(self, clock: FakeClock, *, life_s: float = 900) -> None:
        self._clock = clock
        self.life_s = life_s
        self.fetched = 0
        self.refused: list[str] = []
        self.errors: list[Exception] = []
        self.max_file_size = 10**12

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
            principal="Alice",
        )


class FakeRandom:
    """Counts instead of throwing dice."""

    def __init__(self) -> None:
        self.count = 0

    def hex(self, size: int) -> str:
        self.count += 1
        return f"{self.count:0{2 * size}x}"


def make_ports(clock: "FakeClock | None" = None) -> Ports:
    """Return a set of ports where everything goes well."""
    clock = clock or FakeClock()
    return Ports(
        http=FakeHttp(),
        checksum=FakeChecksum(),
        clock=clock,
        grants=FakeGrants(clock),
        random=FakeRandom(),
    )


def lost() -> Lost:
    """Return the error of a connection that broke."""
    return Lost(Lost.INTERRUPTED)
