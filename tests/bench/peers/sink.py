"""A fake OSS that stores nothing: reads bodies as fast as they arrive, and answers like OSS.

All bodies must consist of zeros: the sink computes their CRC-64 from their length and inspects no
byte. It checks no signature. `GET /_sink` returns the number of requests.

Usage: python -m bench.peers.sink PORT
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import cast
from urllib.parse import parse_qsl, urlsplit

import uvloop

from mock_oss.http import crc64

HOST = "127.0.0.1"
WINDOW = 1 << 20
HEAD_END = b"\r\n\r\n"
FILE = b'name="file"'
CORS = (
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Expose-Headers: ETag, x-oss-hash-crc64ecma, x-oss-request-id\r\n"
)
PREFLIGHT = (
    "Access-Control-Allow-Methods: PUT, POST, GET, HEAD, DELETE\r\n"
    "Access-Control-Allow-Headers: {asked}\r\nAccess-Control-Max-Age: 600\r\n"
)
NO_UPLOAD = '<?xml version="1.0"?>\n<Error><Code>NoSuchUpload</Code></Error>'
RESULT = '<?xml version="1.0" encoding="UTF-8"?>\n<{name}>{content}</{name}>'


@cache
def crc64_of_zeros(size: int) -> int:
    """Return the CRC-64 of `size` zero bytes."""
    if size <= WINDOW:
        return crc64.update(bytes(size))
    half = size // 2
    return crc64.combine(crc64_of_zeros(size - half), crc64_of_zeros(half), half)


class Counts:
    """The number of requests, and the parts of each upload (part number to size)."""

    def __init__(self) -> None:
        self.requests = 0
        self.uploads: dict[str, dict[int, int]] = {}


class Form:
    """Finds the size of the file in the body of a PostObject request.

    The file is the last field. `size` is correct once the header of the file has arrived.
    """

    def __init__(self, content_type: str, length: int) -> None:
        boundary = content_type.partition("boundary=")[2]
        self.size = length - len(f"\r\n--{boundary}--\r\n")
        self._head: bytes | None = b""

    def feed(self, data: bytes) -> None:
        """Read the next bytes of the body."""
        if self._head is None:
            return
        self._head += data
        begin = self._head.find(FILE)
        end = self._head.find(HEAD_END, begin)
        if begin >= 0 <= end:
            self.size -= end + len(HEAD_END)
            self._head = None


class Connection(asyncio.BufferedProtocol):
    """One keep-alive connection: reads a request head, then counts and discards the body."""

    transport: asyncio.Transport

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._window = memoryview(bytearray(WINDOW))
        self._head = b""
        self._left = 0  # bytes of the body that have not arrived
        self._answer: Callable[[], bytes] = bytes  # called once the body has arrived
        self._form: Form | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._window

    def buffer_updated(self, nbytes: int) -> None:
        at = 0
        while at < nbytes:
            if self._left:
                took = min(self._left, nbytes - at)
                if self._form:
                    self._form.feed(bytes(self._window[at : at + took]))
                self._left -= took
                at += took
            else:
                self._head += self._window[at:nbytes]
                at = nbytes
                if HEAD_END not in self._head:
                    return
                head, _, rest = self._head.partition(HEAD_END)
                self._head = b""
                at -= len(rest)
                self._take(head.decode("latin-1"))
            if not self._left:
                self.transport.write(self._answer())

    def _take(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        self._left = int(headers.get("content-length", "0"))
        self._form = None
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if url.path == "/_sink":
            self._answer = lambda: _answer(str(self._counts.requests))
            return
        self._counts.requests += 1
        if method == "OPTIONS":
            asked = headers.get("access-control-request-headers", "")
            self._answer = partial(_answer, "", more=PREFLIGHT.format(asked=asked))
        elif headers.get("content-type", "").startswith("multipart/form-data"):
            self._form = form = Form(headers["content-type"], self._left)
            self._answer = lambda: _answer("", stored=(form.size,))
        else:
            self._answer = partial(self._operate, method, url.path, query, self._left)

    def _operate(self, method: str, path: str, query: dict[str, str], size: int) -> bytes:
        uploads, upload_id = self._counts.uploads, query.get("uploadId", "")
        if "uploads" in query:
            upload_id = f"{len(uploads):032X}"
            uploads[upload_id] = {}
            return _answer(
                _xml("InitiateMultipartUploadResult", f"<UploadId>{upload_id}</UploadId>")
            )
        if method == "PUT":
            if upload_id:
                uploads.setdefault(upload_id, {})[int(query["partNumber"])] = size
            return _answer("", stored=(size,))
        parts = sorted(uploads.get(upload_id, {}).items())
        if method == "POST":
            text = f"<Key>{path[1:]}</Key><ETag>&quot;{len(parts):032X}&quot;</ETag>"
            text = _xml("CompleteMultipartUploadResult", text)
            return _answer(text, stored=tuple(size for _, size in parts))
        if method == "GET" and upload_id not in uploads:
            return _answer(NO_UPLOAD, status="404 Not Found")
        if method == "GET":
            return _answer(_xml("ListPartsResult", "".join(_listed(parts))))
        uploads.pop(upload_id, None)
        return _answer("", status="204 No Content")


def _listed(parts: list[tuple[int, int]]) -> Iterator[str]:
    yield "<IsTruncated>false</IsTruncated>"
    for number, size in parts:
        crc = crc64_of_zeros(size)
        yield (
            f"<Part><PartNumber>{number}</PartNumber><ETag>&quot;{size:032X}&quot;</ETag>"
            f"<HashCrc64ecma>{crc}</HashCrc64ecma><Size>{size}</Size></Part>"
        )


def _xml(name: str, content: str) -> str:
    return RESULT.format(name=name, content=content)


@cache
def _proof(sizes: tuple[int, ...]) -> str:
    """Return the ETag and CRC-64 headers of an object with parts of these sizes."""
    whole = 0
    for size in sizes:
        whole = crc64.combine(whole, crc64_of_zeros(size), size)
    return f'ETag: "{sum(sizes):032X}"\r\nx-oss-hash-crc64ecma: {whole}\r\n'


def _answer(
    text: str, *, status: str = "200 OK", more: str = "", stored: tuple[int, ...] | None = None
) -> bytes:
    """Return a response; `stored` are the part sizes of the stored object or part."""
    if stored is not None:
        more += _proof(stored)
    head = (
        f"HTTP/1.1 {status}\r\nContent-Length: {len(text.encode())}\r\n{CORS}{more}"
        "Content-Type: application/xml\r\nServer: AliyunOSS\r\n"
        "x-oss-request-id: 5C1B138A109F4E405B2D0000\r\n"
    )
    return f"{head}\r\n{text}".encode()


async def serve(port: int) -> None:
    """Serve until the process ends."""
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(counts), HOST, port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
