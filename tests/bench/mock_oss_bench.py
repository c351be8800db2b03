"""The mock beside a bare Starlette app that only reads the body, and the mock's memory use.

Both run as separate programs on the same server (uvicorn, httptools, uvloop). The same client sends
requests to them alternately over one persistent connection. Every request to the mock has a V4
signature, computed before the clock starts. The mock checks signature, policy, MD5 and CRC-64 as
always.
"""

import http.client
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.table import Only, Row
from contract.mock_oss.clients import signed_headers
from mock_oss import Clock

__all__ = ["NAMES", "rows"]

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
ROUNDS = 5
PEER = "bare Starlette"
BARE = Path(__file__).parent / "peers" / "bare_starlette.py"
KEYS = 1000
MAX_RSS_MB = 150
PARTS, PART_BYTES = 10_000, 102_400
# name -> (method, size, requests per round, ratio to reach)
CASES: dict[str, tuple[str, int, int, float]] = {
    "mock OSS: PUT 64 MB": ("PUT", 64 * MB, 3, 0.6),
    "mock OSS: GET 64 MB": ("GET", 64 * MB, 3, 0.6),
    "mock OSS: PUT 4 KB": ("PUT", 4 * KB, 500, 0.35),
    "mock OSS: GET 4 KB": ("GET", 4 * KB, 500, 0.35),
}
LISTING = "mock OSS: list 1,000 keys"
LARGE_RSS = "mock OSS: peak memory, 5 GB object"
PARTS_RSS = "mock OSS: peak memory, 10,000 parts"
START = "mock OSS: `ossferry mock-oss` to its first answer"
NAMES = (*CASES, LISTING, LARGE_RSS, PARTS_RSS, START)


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


def rows(only: Only) -> Iterator[Row]:
    """Yield the requested rows."""
    speed = [name for name in (*CASES, LISTING) if only(name)]
    if speed:
        with (
            tempfile.TemporaryDirectory() as directory,
            program(str(BARE)) as (bare, _),
            program(*mock(directory)) as (port, _),
        ):
            for name in speed:
                yield _listing(bare, port) if name == LISTING else _speed(name, bare, port)
    if only(LARGE_RSS):
        yield _memory(LARGE_RSS, _store_5_gb)
    if only(PARTS_RSS):
        yield _memory(PARTS_RSS, _store_parts)
    if only(START):
        yield _start()


def _seconds(client: Client, requests: list[tuple[str, str, dict[str, str]]], body: bytes) -> float:
    started = time.perf_counter()
    for method, target, headers in requests:
        client.send(method, target, headers, body if method == "PUT" else None)
    return time.perf_counter() - started


def _speed(name: str, bare: int, port: int) -> Row:
    method, size, count, reach = CASES[name]
    body = bytes(size)
    ours, peer, address = Client(port), Client(bare), Address(port)
    if method == "GET":
        for index in range(count):
            ours.send("PUT", *signed_headers(address, "PUT", f"bench/{size}/{index}"), body)
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(ROUNDS):
        signed = [
            (method, *signed_headers(address, method, f"bench/{size}/{index}"))
            for index in range(count)
        ]
        wanted = f"?n={size}" if method == "GET" else ""
        plain = [(method, target + wanted, headers) for method, target, headers in signed]
        times["peer"].append(_seconds(peer, plain, body))
        times["ours"].append(_seconds(ours, signed, body))
    unit, scale = ("MB/s", count * size / MB) if size >= MB else ("requests/s", float(count))
    value, peer_value = (scale / median(times[who]) for who in ("ours", "peer"))
    ratio = value / peer_value
    return Row(
        name=name,
        value=value,
        unit=unit,
        peer=PEER,
        peer_value=peer_value,
        ratio=ratio,
        reach=f">= {reach} of the peer",
        met=ratio >= reach,
    )


def _listing(bare: int, port: int) -> Row:
    ours, peer, address = Client(port), Client(bare), Address(port)
    for index in range(KEYS):
        ours.send("PUT", *signed_headers(address, "PUT", f"list/{index:06d}.jpg"), b"x")
    query = {"list-type": "2", "max-keys": str(KEYS), "prefix": "list/", "encoding-type": "url"}
    target, headers = signed_headers(address, "GET", "", query=query)
    size = len(ours.send("GET", target, headers))
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    count = 40
    for _ in range(ROUNDS):
        times["peer"].append(_seconds(peer, [("GET", f"/x?n={size}", {})] * count, b""))
        times["ours"].append(_seconds(ours, [("GET", target, headers)] * count, b""))
    value, peer_value = (count / median(times[who]) for who in ("ours", "peer"))
    return Row(
        name=LISTING,
        value=value,
        unit="requests/s",
        peer=f"{PEER}, {size:,} B",
        peer_value=peer_value,
        ratio=value / peer_value,
    )


def _memory(name: str, work: Callable[[Client, Address], None]) -> Row:
    with (
        tempfile.TemporaryDirectory() as directory,
        program(*mock(directory)) as (port, process),
    ):
        work(Client(port), Address(port))
        status = Path(f"/proc/{process}/status").read_text()
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    value = peak_kb / KB
    return Row(
        name=name, value=value, unit="MB", reach=f"< {MAX_RSS_MB} MB", met=value < MAX_RSS_MB
    )


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


def _start() -> Row:
    times = []
    command = str(Path(sys.executable).with_name("ossferry"))
    for _ in range(ROUNDS):
        started = time.perf_counter()
        with program(command, "mock-oss", "--port") as (port, _):
            Client(port).send("GET", "/_mock/clock", {})
            times.append(time.perf_counter() - started)
    value = median(times)
    return Row(name=START, value=value, unit="s", reach="< 1 s", met=value < 1)
