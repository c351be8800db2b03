"""The memory of the mock's program: an object of 5 GB, and an upload in 10,000 parts."""

import http.client
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.table import Bench, Only, Row
from contract.mock_oss.clients import signed_headers
from mock_oss import Clock
from support.programs import free_port, running

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
MAX_MB = 150
PARTS, PART_BYTES = 10_000, 102_400
LARGE, MANY = "mock OSS: peak memory, 5 GB object", "mock OSS: peak memory, 10,000 parts"


class Client:
    """A client with one persistent connection, and what signing reads of a mock."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.clock = Clock()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)

    def send(
        self, method: str, target: str, headers: dict[str, str], body: object = None
    ) -> http.client.HTTPResponse:
        """Send a request and return the response.

        Raises:
            RuntimeError: the mock refused it.
        """
        self._connection.request(method, target, body, headers)  # type: ignore[arg-type]  # bytes, iterables
        answer = self._connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{method} {target[:80]}: {answer.status} {answer.read()[:300]!r}")
        return answer


def _rows(name: str, work: Callable[[Client], None], _only: Only) -> Iterator[Row]:
    port = free_port()
    command = [sys.executable, "-m", "mock_oss.cli", "--data-dir", "data", "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder, running(command, Path(folder), port) as process:
        work(Client(port))
        status = Path(f"/proc/{process.pid}/status").read_text()
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    value = peak_kb / KB
    yield Row(name=name, value=value, unit="MB", reach=f"< {MAX_MB} MB", met=value < MAX_MB)


def _store_5_gb(client: Client) -> None:
    """Store 5 GB without ever holding them in memory, and read them."""
    piece = bytes(4 * MB)
    size = 5 * GB
    target, headers = signed_headers(client, "PUT", "bench/large")
    pieces = (piece for _ in range(size // len(piece)))
    client.send("PUT", target, {**headers, "Content-Length": str(size)}, pieces).read()
    target, headers = signed_headers(client, "GET", "bench/large")
    answer, left = client.send("GET", target, headers), size
    while data := answer.read(4 * MB):
        left -= len(data)
    if left:
        raise RuntimeError(f"{left} bytes are missing")


def _store_parts(client: Client) -> None:
    """Upload 10,000 parts, complete the upload, and read the object."""
    key = "bench/parts"
    target, headers = signed_headers(client, "POST", key, query={"uploads": ""})
    answer = client.send("POST", target, headers).read()
    upload_id = answer.partition(b"<UploadId>")[2].partition(b"<")[0].decode()
    part = bytes(PART_BYTES)
    for number in range(1, PARTS + 1):
        query = {"uploadId": upload_id, "partNumber": str(number)}
        target, headers = signed_headers(client, "PUT", key, query=query)
        client.send("PUT", target, headers, part).read()
    query = {"uploadId": upload_id}
    wanted = {"x-oss-complete-all": "yes"}
    target, headers = signed_headers(client, "POST", key, query=query, headers=wanted)
    client.send("POST", target, headers, b"").read()
    target, headers = signed_headers(client, "GET", key)
    if len(client.send("GET", target, headers).read()) != PARTS * PART_BYTES:
        raise RuntimeError("bytes are missing")


BENCHES = (
    Bench(names=(LARGE,), rows=partial(_rows, LARGE, _store_5_gb)),
    Bench(names=(MANY,), rows=partial(_rows, MANY, _store_parts)),
)
