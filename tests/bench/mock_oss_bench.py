"""The mock beside a bare Starlette app that stores or returns the same bytes, and its memory use.

Both run as separate programs on the same server (uvicorn, httptools, uvloop). The same client sends
requests to them alternately over one persistent connection. Every request to the mock has a V4
signature, computed before the clock starts. The mock checks signature, policy, MD5 and CRC-64 as
always. For a body of 64 MB it uses two threads: one computes MD5 and CRC-64, one writes. Neither
program syncs to the disk.
"""

import http.client
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from bench.table import Bench, Only, Peer, Row
from contract.mock_oss.clients import signed_headers
from mock_oss import Clock

__all__ = ["BENCHES"]

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
ROUNDS = 5
BARE = Path(__file__).parent / "peers" / "bare_starlette.py"
KEYS = 1000
MAX_RSS_MB = 150
PARTS, PART_BYTES = 10_000, 102_400
SENDER = Peer(name="bare Starlette", work="returns zeros from memory; no signature, no database")
READER = Peer(name="bare Starlette", work="reads the body, stores nothing; no signature")
WRITER = Peer(name="bare Starlette", work="streams the body to a file; no checksum, no signature")
DIGESTER = Peer(
    name="bare Starlette",
    work="streams the body to a file, MD5 and CRC-64 in its event loop; no signature",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Requests to send; `reach` is the required ratio of our speed to the peer's."""

    name: str
    method: str
    size: int
    count: int
    peer: Peer
    reach: float | None = None

    @property
    def query(self) -> str:
        """The query string of the requests to the peer."""
        if self.method == "GET":
            return f"?n={self.size}"
        return {WRITER: "?file=1", DIGESTER: "?file=1&digest=1"}.get(self.peer, "")


CASES = (
    Case(name="PUT 64 MB", method="PUT", size=64 * MB, count=3, peer=WRITER, reach=0.6),
    Case(
        name="PUT 64 MB, beside the same checksums",
        method="PUT",
        size=64 * MB,
        count=3,
        peer=DIGESTER,
    ),
    Case(name="GET 64 MB", method="GET", size=64 * MB, count=3, peer=SENDER, reach=0.6),
    Case(name="PUT 4 KB", method="PUT", size=4 * KB, count=500, peer=READER, reach=0.35),
    Case(name="GET 4 KB", method="GET", size=4 * KB, count=500, peer=SENDER, reach=0.35),
)
LISTING = "mock OSS: list 1,000 keys"
LARGE_RSS = "mock OSS: peak memory, 5 GB object"
PARTS_RSS = "mock OSS: peak memory, 10,000 parts"
START = "mock OSS: `ossferry mock-oss` to its first answer"


class Address:
    """The attributes of a remote mock that signing needs."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.clock = Clock()


class Client:
    """A client with one persistent connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)

    def send(self, method: str, target: str, headers: dict[str, str], body: object = None) -> bytes:
        """Send a request and return the body of the response."""
        self._connection.request(method, target, body, headers)  # type: ignore[arg-type]  # bytes, iterables
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {target[:80]}: {answer.status} {data[:300]!r}")
        return data


@contextmanager
def program(*command: str) -> Iterator[tuple[int, int]]:
    """Run a server on a free port, passed as its last argument; yield (port, process id)."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, *command, str(port)], stdout=subprocess.DEVNULL)  # noqa: S603 - ours
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError(f"{command} ended") from None
                time.sleep(0.01)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def mock(directory: str) -> tuple[str, ...]:
    """Return the command of the mock; the port is appended."""
    return ("-m", "mock_oss.cli", "--data-dir", directory, "--port")


@contextmanager
def _both() -> Iterator[tuple[int, int]]:
    """Run the bare app and the mock, each with a new folder; yield their ports."""
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as directory,
        program(str(BARE), folder) as (bare, _),
        program(*mock(directory)) as (port, _),
    ):
        yield bare, port


def _seconds(client: Client, requests: list[tuple[str, str, dict[str, str]]], body: bytes) -> float:
    started = time.perf_counter()
    for method, target, headers in requests:
        client.send(method, target, headers, body if method == "PUT" else None)
    return time.perf_counter() - started


def _speed(case: Case, _only: Only) -> Iterator[Row]:
    method, size, count = case.method, case.size, case.count
    body = bytes(size)
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    with _both() as (bare, port):
        ours, peer, address = Client(port), Client(bare), Address(port)
        if method == "GET":
            for index in range(count):
                ours.send("PUT", *signed_headers(address, "PUT", f"bench/{size}/{index}"), body)
        for _ in range(ROUNDS):
            signed = [
                (method, *signed_headers(address, method, f"bench/{size}/{index}"))
                for index in range(count)
            ]
            plain = [(method, target + case.query, headers) for method, target, headers in signed]
            times["peer"].append(_seconds(peer, plain, body))
            times["ours"].append(_seconds(ours, signed, body))
    unit, scale = ("MB/s", count * size / MB) if size >= MB else ("requests/s", float(count))
    value, peer_value = (scale / median(times[who]) for who in ("ours", "peer"))
    ratio = value / peer_value
    yield Row(
        name=f"mock OSS: {case.name}",
        value=value,
        unit=unit,
        peer=case.peer,
        peer_value=peer_value,
        ratio=ratio,
        reach=f">= {case.reach} of the peer" if case.reach else None,
        met=ratio >= case.reach if case.reach else None,
    )


def _listing(_only: Only) -> Iterator[Row]:
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    count = 40
    with _both() as (bare, port):
        ours, peer, address = Client(port), Client(bare), Address(port)
        for index in range(KEYS):
            ours.send("PUT", *signed_headers(address, "PUT", f"list/{index:06d}.jpg"), b"x")
        query = {"list-type": "2", "max-keys": str(KEYS), "prefix": "list/", "encoding-type": "url"}
        target, headers = signed_headers(address, "GET", "", query=query)
        size = len(ours.send("GET", target, headers))
        for _ in range(ROUNDS):
            times["peer"].append(_seconds(peer, [("GET", f"/x?n={size}", {})] * count, b""))
            times["ours"].append(_seconds(ours, [("GET", target, headers)] * count, b""))
    value, peer_value = (count / median(times[who]) for who in ("ours", "peer"))
    yield Row(
        name=LISTING,
        value=value,
        unit="requests/s",
        peer=SENDER,
        peer_value=peer_value,
        ratio=value / peer_value,
    )


def _memory(name: str, work: Callable[[Client, Address], None], _only: Only) -> Iterator[Row]:
    with (
        tempfile.TemporaryDirectory() as directory,
        program(*mock(directory)) as (port, process),
    ):
        work(Client(port), Address(port))
        status = Path(f"/proc/{process}/status").read_text()
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    value = peak_kb / KB
    yield Row(name=name, value=value, unit="MB", reach=f"< {MAX_RSS_MB} MB", met=value < MAX_RSS_MB)


def _store_5_gb(client: Client, address: Address) -> None:
    """Store 5 GB without ever holding them in memory, and read the last bytes."""
    piece = bytes(4 * MB)
    size = 5 * GB
    target, headers = signed_headers(address, "PUT", "bench/large")
    pieces = (piece for _ in range(size // len(piece)))
    client.send("PUT", target, {**headers, "Content-Length": str(size)}, pieces)
    target, headers = signed_headers(address, "GET", "bench/large")
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=300)
    connection.request("GET", target, headers=headers)
    answer = connection.getresponse()
    left = size
    while data := answer.read(4 * MB):
        left -= len(data)
    connection.close()
    if left:
        raise RuntimeError(f"{left} bytes are missing")


def _store_parts(client: Client, address: Address) -> None:
    """Upload 10,000 parts, complete the upload, and read the object's metadata."""
    key = "bench/parts"
    target, headers = signed_headers(address, "POST", key, query={"uploads": ""})
    answer = client.send("POST", target, headers)
    upload_id = answer.partition(b"<UploadId>")[2].partition(b"<")[0].decode()
    part = bytes(PART_BYTES)
    for number in range(1, PARTS + 1):
        query = {"uploadId": upload_id, "partNumber": str(number)}
        target, headers = signed_headers(address, "PUT", key, query=query)
        client.send("PUT", target, headers, part)
    query = {"uploadId": upload_id}
    wanted = {"x-oss-complete-all": "yes"}
    target, headers = signed_headers(address, "POST", key, query=query, headers=wanted)
    client.send("POST", target, headers, b"")
    target, headers = signed_headers(address, "GET", key)
    if len(client.send("GET", target, headers)) != PARTS * PART_BYTES:
        raise RuntimeError("bytes are missing")


def _start(_only: Only) -> Iterator[Row]:
    times = []
    command = str(Path(sys.executable).with_name("ossferry"))
    for _ in range(ROUNDS):
        started = time.perf_counter()
        with program(command, "mock-oss", "--port") as (port, _):
            Client(port).send("GET", "/_mock/clock", {})
            times.append(time.perf_counter() - started)
    value = median(times)
    yield Row(name=START, value=value, unit="s", reach="< 1 s", met=value < 1)


BENCHES = (
    *(Bench(names=(f"mock OSS: {case.name}",), rows=partial(_speed, case)) for case in CASES),
    Bench(names=(LISTING,), rows=_listing),
    Bench(names=(LARGE_RSS,), rows=partial(_memory, LARGE_RSS, _store_5_gb)),
    Bench(names=(PARTS_RSS,), rows=partial(_memory, PARTS_RSS, _store_parts)),
    Bench(names=(START,), rows=_start),
)
