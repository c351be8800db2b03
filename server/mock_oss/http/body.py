"""Request bodies: reads a body, stores the data, and computes MD5 and CRC-64.

For a large body, one thread computes the digests and another thread writes the data, while the
event loop receives more data. MD5 and file I/O do not block the event loop, because both release
the global interpreter lock.
"""

import asyncio
import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor

from mock_oss.clock import Pace
from mock_oss.errors import RefusedError
from mock_oss.http import crc64
from mock_oss.http.documents import malformed_xml
from mock_oss.http.request import Message, Receive, Request

PIECE = 256 << 10
INLINE = 64 << 10
MAX_OBJECT_BYTES = 5 << 30
_MD5_BASE64 = re.compile(r"[A-Za-z0-9+/]{22}==")


class ClientGoneError(Exception):
    """Raised if the client closes the connection before the end of the request or response."""


class CutConnectionError(Exception):
    """Raised if a planned fault requires the mock to cut the connection."""


class Digest:
    """Size, MD5 and CRC-64 of a sequence of bytes, computed incrementally."""

    __slots__ = ("_md5", "crc64", "size")

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.crc64 = 0
        self.size = 0

    def update(self, pieces: list[bytes]) -> None:
        """Add more bytes to the digest.

        Args:
            pieces: the bytes, as a list of consecutive pieces.
        """
        for piece in pieces:
            self._md5.update(piece)
            self.crc64 = crc64.update(piece, self.crc64)
            self.size += len(piece)

    @property
    def etag(self) -> str:
        """The MD5 in upper-case hex, which is the ETag of a PutObject, without quotes."""
        return self._md5.hexdigest().upper()

    @property
    def content_md5(self) -> str:
        """The MD5 in base64, as in the Content-MD5 header."""
        return b64encode(self._md5.digest()).decode()


class Body:
    """The body of one request, read from the ASGI server.

    Args:
        receive: the ASGI callable that returns the next message.
        request: the request line and headers.
        executor: the thread pool that computes checksums of large bodies and stores their data.
        idle_timeout_s: seconds without data after which the mock responds with RequestTimeout.
    """

    def __init__(
        self, receive: Receive, request: Request, executor: Executor, idle_timeout_s: float
    ) -> None:
        self._receive = receive
        self._request = request
        self._executor = executor
        self._idle_timeout_s = idle_timeout_s
        self.received = 0
        self.complete = False
        self.pace: Pace | None = None
        self.cut_after: int | None = None
        self._silent = False
        self._unread: list[bytes] = []

    @property
    def announced(self) -> int | None:
        """The value of the Content-Length header, or None if the header is missing or not valid.

        The value is also None for a chunked body, because Content-Length is then ignored.
        """
        if self.is_chunked:
            return None
        value = self._request.headers.get("content-length", "")
        return int(value) if value.isascii() and value.isdigit() else None

    @property
    def is_chunked(self) -> bool:
        """Whether the client sends the body in chunks, without announcing the total length."""
        return "transfer-encoding" in self._request.headers

    async def limit(self, bytes_per_s: float) -> None:
        """Limit the rate at which this body is received, unless a fault has already set a limit.

        If the body was received too fast until now, the call waits.

        Args:
            bytes_per_s: the highest rate, in bytes per second.
        """
        self.pace = self.pace or Pace(bytes_per_s)
        await self.pace.wait(self.received)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces as they arrive.

        Raises:
            RefusedError: RequestTimeout if no data arrives during the idle timeout, IncompleteBody
                if the client stops sending before the end of the body.
            ClientGoneError: the client closed the connection.
            CutConnectionError: a planned fault requires cutting the connection.
        """
        while self._unread or not self.complete:
            data = self._unread.pop(0) if self._unread else await self._receive_piece()
            self.received += len(data)
            if self.cut_after is not None and self.received >= self.cut_after:
                raise CutConnectionError
            if self.pace is not None:
                await self.pace.wait(self.received)
            yield data

    def unread(self, pieces: list[bytes]) -> None:
        """Put pieces of the body back; the method `pieces` yields them again before any other data.

        Args:
            pieces: the pieces, in their order in the body.
        """
        self._unread = pieces
        self.received -= sum(map(len, pieces))

    async def _receive_piece(self) -> bytes:
        message = await self._next()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        self.complete = not message.get("more_body", False)
        if not self.complete and self._request.scope.get("mock_oss.eof"):
            raise RefusedError("IncompleteBody", headers={"Connection": "close"})
        data: bytes = message.get("body", b"")
        return data

    async def _next(self) -> Message:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._idle_timeout_s, self._give_up)
        try:
            message = await self._receive()
        finally:
            timer.cancel()
        if self._silent and message["type"] != "http.disconnect":
            raise RefusedError("RequestTimeout", headers={"Connection": "close"})
        return message

    def _give_up(self) -> None:
        self._silent = True
        self._request.scope["mock_oss.wake"]()

    async def wait_for_the_end(self) -> None:
        """Discard the body until the client closes the connection, then raise an exception.

        Raises:
            ClientGoneError: the client closed the connection completely.
            CutConnectionError: the client closed only the sending direction of the connection.
        """
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            if self._request.scope.get("mock_oss.eof"):
                raise CutConnectionError

    async def read(self, limit: int) -> bytes:
        """Receive the whole body, check the checksums in the request headers, and return the body.

        Args:
            limit: the largest allowed length of the body in bytes.

        Raises:
            RefusedError: MalformedXML if the body is longer than `limit`, InvalidDigest or
                InvalidCRC64 if a checksum differs; also an error that `pieces` raises.
        """
        if (self.announced or 0) > limit:
            raise malformed_xml(f"{self.announced} bytes, at most {limit}")
        digest = Digest()
        data = bytearray()
        async for piece in self.pieces():
            data += piece
            if len(data) > limit:
                raise malformed_xml(f"more than {limit} bytes")
        digest.update([bytes(data)])
        self.check(digest)
        return bytes(data)

    async def store(self, write: Callable[[list[bytes]], None]) -> Digest:
        """Receive the body, pass its pieces to `write`, and return its size and checksums.

        The checksums are compared with those in the request headers.

        Args:
            write: a function that takes the next pieces; called in another thread for a large body.

        Raises:
            RefusedError: MissingContentLength for a request that is not chunked and has no
                Content-Length, EntityTooLarge if the body exceeds 5 GiB, InvalidDigest or
                InvalidCRC64 if a checksum differs; also an error that `pieces` raises.
        """
        announced = self.announced
        if announced is None and not self.is_chunked:
            raise RefusedError("MissingContentLength")
        if announced is not None and announced > MAX_OBJECT_BYTES:
            raise RefusedError("EntityTooLarge", headers={"Connection": "close"})
        wanted = self._request.headers.get("content-md5")
        if wanted is not None and not _MD5_BASE64.fullmatch(wanted):
            raise RefusedError("InvalidDigest", ContentMD5=wanted)
        digest = Digest()
        if (whole := self._whole(INLINE)) is not None:
            digest.update([whole])
            write([whole])
        else:
            await self._stream(write, digest)
        self.check(digest)
        return digest

    def _whole(self, limit: int) -> bytes | None:
        """Return the whole body without waiting, or None if a part has not arrived yet.

        The result is also None if the body is longer than `limit` bytes, or if a fault limits the
        rate or cuts the connection.
        """
        if self.complete or self.pace is not None or self.cut_after is not None:
            return None
        whole: bytes | None = self._request.scope["mock_oss.take_body"](limit)
        if whole is not None:
            self.received, self.complete = len(whole), True
        return whole

    async def _stream(self, write: Callable[[list[bytes]], None], digest: Digest) -> None:
        loop = asyncio.get_running_loop()
        jobs: list[asyncio.Future[None]] = []
        waiting: list[bytes] = []
        size = 0
        try:
            async for piece in self.pieces():
                waiting.append(piece)
                size += len(piece)
                if not jobs and self.complete and size <= INLINE:
                    digest.update(waiting)
                    write(waiting)
                elif size >= PIECE or self.complete:
                    if self.received > MAX_OBJECT_BYTES:
                        raise RefusedError("EntityTooLarge", headers={"Connection": "close"})
                    await _finish(jobs)
                    jobs = [
                        loop.run_in_executor(self._executor, job, waiting)
                        for job in (digest.update, write)
                    ]
                    waiting, size = [], 0
            await _finish(jobs)
        finally:
            if jobs:
                await asyncio.wait(jobs)

    def check(self, digest: Digest) -> None:
        """Compare the checksums of a body with those in the request headers, if there are any.

        Raises:
            RefusedError: InvalidDigest if Content-MD5 differs from `digest`, InvalidCRC64 if
                `x-oss-hash-crc64ecma` differs.
        """
        headers = self._request.headers
        wanted = headers.get("content-md5")
        if wanted is not None and (
            not _MD5_BASE64.fullmatch(wanted) or b64decode(wanted) != b64decode(digest.content_md5)
        ):
            raise RefusedError("InvalidDigest", ContentMD5=wanted, CalculatedMD5=digest.content_md5)
        crc = headers.get("x-oss-hash-crc64ecma")
        if crc is not None and crc != str(digest.crc64):
            raise RefusedError("InvalidCRC64", ClientCRC64=crc, ServerCRC64=str(digest.crc64))


async def _finish(jobs: list[asyncio.Future[None]]) -> None:
    """Wait for jobs in other threads, and raise the exception of a failed job.

    Unlike `asyncio.gather`, a cancelled call does not forget jobs that a thread still runs.
    """
    if jobs:
        await asyncio.wait(jobs)
    for job in jobs:
        job.result()
