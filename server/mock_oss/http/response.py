"""Responses of the mock: status, headers, and a body from memory or from the store; how to send it.

`Sender` sends the body at once or in pieces.
"""

import asyncio
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import nullcontext
from typing import NamedTuple

from mock_oss.clock import Pace
from mock_oss.errors import RefusedError
from mock_oss.http.body import CutConnectionError
from mock_oss.http.documents import Content, document, printable
from mock_oss.http.request import CONTROL, Scope, Send
from mock_oss.store.blobs import Blobs
from mock_oss.store.records import Segment


class Response:
    """A response that has not been sent yet.

    `headers` are (name, value) pairs, without Content-Length, and without the headers that `App`
    adds to every response: Server, Date, Connection, x-oss-request-id, x-oss-server-time and
    x-oss-mock. The content is `body`, unless `segments`, a list of slices of stored data, is given.
    If `is_gzip` is true, the segments are compressed while they are sent. `length` is the value of
    Content-Length; by default the size of `body`, and None for a response without Content-Length.
    If `is_endless` is true, blanks follow the body until the client closes the connection.
    """

    __slots__ = ("body", "headers", "is_endless", "is_gzip", "length", "segments", "status")

    def __init__(
        self,
        status: int = 200,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        segments: list[Segment] | None = None,
        length: int | None = -1,
        is_gzip: bool = False,
    ) -> None:
        self.status = status
        self.headers = list(headers)
        self.body = body
        self.segments = segments
        self.is_gzip = is_gzip
        self.is_endless = False
        self.length = len(body) if length == -1 else length

    @property
    def size(self) -> int:
        """The number of bytes in `body`, or in `segments` if they are given, before compression."""
        return len(self.body) if self.segments is None else sum([s.size for s in self.segments])

    @property
    def is_xml(self) -> bool:
        """Whether the Content-Type is exactly `application/xml`, as in responses of OSS."""
        return any(n.lower() == "content-type" and v == "application/xml" for n, v in self.headers)


def document_response(
    body: bytes, headers: Iterable[tuple[str, str]] = (), *, status: int = 200
) -> Response:
    """Return a response whose body is an XML document.

    Args:
        body: the XML document.
        headers: additional response headers as (name, value) pairs.
        status: the HTTP status.
    """
    return Response(status, [("Content-Type", "application/xml"), *headers], body)


def xml_response(
    root: str, content: Content, headers: Iterable[tuple[str, str]] = (), *, status: int = 200
) -> Response:
    """Write an XML document, and return a response with this document as its body.

    Args:
        root: the name of the root element.
        content: the content of the root element, see `mock_oss.http.documents.tag`.
        headers: additional response headers as (name, value) pairs.
        status: the HTTP status.
    """
    return document_response(document(root, content), headers, status=status)


def error_response(refused: RefusedError, *, request_id: str, host: str, head: bool) -> Response:
    """Return an error response with a well-formed XML document as its body.

    The response to a HEAD request has no body; the header `x-oss-err` contains the document in
    base64. A response with the status 304 has no document.

    Args:
        refused: the error.
        request_id: the id of the request.
        host: the Host header of the request.
        head: whether the method of the request is HEAD.
    """
    headers = [("x-oss-ec", refused.ec), *refused.headers.items()]
    if refused.status == 304:
        return Response(304, headers[1:], length=None)
    contents = {
        "Code": refused.code,
        "Message": refused.message,
        "RequestId": request_id,
        "HostId": host,
        **refused.extras,
        "EC": refused.ec,
        "RecommendDoc": f"https://api.aliyun.com/troubleshoot?q={refused.ec}",
    }
    body = document("Error", printable(contents))
    if head:
        headers.append(("x-oss-err", b64encode(body).decode()))
        return Response(refused.status, headers)
    return document_response(body, headers, status=refused.status)


WHOLE = 64 << 10
SEND_PIECE = 256 << 10
SLOW_PIECE = 16 << 10
GZIP_WBITS = 31
_BLANKS = b" " * SLOW_PIECE
_NOTHING = nullcontext()  # for responses whose body does not come from the store


def header_block(response: Response) -> bytes:
    """Return the header lines for `response.headers` and Content-Length as bytes.

    The status line and the empty line after the headers are not included, nor are the headers that
    `App` adds to every response (Server, Date, Connection, x-oss-request-id, x-oss-server-time and
    x-oss-mock).

    Raises:
        ValueError: a header value contains control characters.
    """
    text = "".join([value for _, value in response.headers])
    # The first test is faster, and sufficient for most responses.
    if not (text.isascii() and text.isprintable()) and CONTROL.search(text):
        raise ValueError("a header holds control characters")
    lines = [f"{name}: {value}\r\n" for name, value in response.headers]
    length = response.length
    if length is not None and response.status != 204:
        lines.append(f"Content-Length: {length}\r\n")
    return "".join(lines).encode("latin-1")


def _pairs(block: bytes) -> list[tuple[bytes, ...]]:
    """Split encoded header lines into ASGI (name, value) pairs."""
    return [tuple(line.split(b": ", 1)) for line in block.split(b"\r\n")[:-1]]


class Sender(NamedTuple):
    """Sends the response to one request.

    A body of at most `WHOLE` bytes (64 KiB) is written to the socket together with the headers. A
    larger body, and a body that is compressed, slowed down or cut off, is sent with `send`.

    `scope` and `send` are the ASGI arguments of the request. `blobs` is the storage of the data in
    segments. `executor` is the thread pool for compression.
    """

    scope: Scope
    send: Send
    blobs: Blobs
    executor: Executor

    async def answer(
        self, response: Response, block: bytes, *, pace: Pace | None, cut: int | None
    ) -> None:
        """Send a response to the client.

        Args:
            response: the response.
            block: all header lines as bytes: the result of `header_block`, and the lines of the
                headers that every response has, such as Date.
            pace: the rate limit of the body; None for no limit.
            cut: the number of body bytes after which the connection must be cut; None for no cut.

        Raises:
            ClientGoneError: the client closed the connection.
            CutConnectionError: `cut` bytes were sent, and the caller must cut the connection.
        """
        head_only = self.scope["method"] == "HEAD"
        whole = not (response.is_gzip or response.is_endless or cut is not None or pace is not None)
        with self.blobs.reading(response.segments) if response.segments else _NOTHING:
            if whole and response.size <= WHOLE:
                body = b"" if head_only else b"".join(self._data(response, WHOLE))
                if self.scope["mock_oss.answer"](response.status, block, body):
                    return
            start = {"type": "http.response.start", "status": response.status}
            await self.send({**start, "headers": _pairs(block)})
            if not (whole and head_only):
                await self._body(response, pace, cut, SEND_PIECE if whole else SLOW_PIECE)
            await self.send({"type": "http.response.body", "body": b""})

    def _data(self, response: Response, size: int) -> Iterator[bytes]:
        """Return the body in pieces of at most `size` bytes, without compression."""
        if response.segments is not None:
            return self.blobs.read(response.segments, size)
        body = response.body
        return (body[start : start + size] for start in range(0, len(body), size))

    async def _body(
        self, response: Response, pace: Pace | None, cut: int | None, size: int
    ) -> None:
        sent = 0
        async for piece in self._pieces(response, size):
            kept = piece if cut is None else piece[: cut - sent]
            await self.send({"type": "http.response.body", "body": kept, "more_body": True})
            if len(kept) < len(piece):
                raise CutConnectionError
            sent += len(piece)
            if pace is not None:
                await pace.wait(sent)
        if cut is not None:
            raise CutConnectionError

    async def _pieces(self, response: Response, size: int) -> AsyncIterator[bytes]:
        """Yield the body in pieces, compressed if `response.is_gzip` is true."""
        if response.is_gzip:
            loop, packer = asyncio.get_running_loop(), zlib.compressobj(wbits=GZIP_WBITS)
            for piece in self._data(response, SEND_PIECE):
                packed = await loop.run_in_executor(self.executor, packer.compress, piece)
                if packed:
                    yield packed
            yield packer.flush()
            return
        for piece in self._data(response, size):
            yield piece
        while response.is_endless:
            yield _BLANKS
