"""Sending of responses: encodes the headers, and sends the body at once or in pieces."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import nullcontext
from typing import NamedTuple

from mock_oss.clock import Pace
from mock_oss.http.body import CutConnectionError
from mock_oss.http.request import CONTROL, Scope, Send
from mock_oss.http.response import Response
from mock_oss.segments import Segment
from mock_oss.store.blobs import Blobs

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
                body = b"" if head_only else self._whole(response)
                if self.scope["mock_oss.answer"](response.status, block, body):
                    return
            start = {"type": "http.response.start", "status": response.status}
            await self.send({**start, "headers": _pairs(block)})
            if not whole:
                await self._slowly(response, pace, cut)
            elif response.segments is None or head_only:
                await self.send({"type": "http.response.body", "body": response.body})
            else:
                await self._segments(response.segments, response.length or 0)

    def _whole(self, response: Response) -> bytes:
        if response.segments is None:
            return response.body
        return b"".join(self.blobs.read(response.segments, WHOLE))

    async def _segments(self, segments: list[Segment], length: int) -> None:
        send = self.send
        left = length
        for piece in self.blobs.read(segments, SEND_PIECE):
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
        if not length:
            await send({"type": "http.response.body", "body": b""})

    async def _slowly(self, response: Response, pace: Pace | None, cut: int | None) -> None:
        sent = 0
        async for piece in self._pieces(response):
            if cut is not None and sent + len(piece) > cut:
                await self._more(piece[: cut - sent])
                raise CutConnectionError
            sent += len(piece)
            await self._more(piece)
            if pace is not None:
                await pace.wait(sent)
        if cut is not None:
            raise CutConnectionError
        await self.send({"type": "http.response.body", "body": b""})

    async def _more(self, piece: bytes) -> None:
        await self.send({"type": "http.response.body", "body": piece, "more_body": True})

    async def _pieces(self, response: Response) -> AsyncIterator[bytes]:
        """Yield the body in small pieces, compressed if `response.is_gzip` is true."""
        if response.is_gzip:
            loop, packer = asyncio.get_running_loop(), zlib.compressobj(wbits=GZIP_WBITS)
            for piece in self.blobs.read(response.segments or [], SEND_PIECE):
                packed = await loop.run_in_executor(self.executor, packer.compress, piece)
                if packed:
                    yield packed
            yield packer.flush()
            return
        if response.segments:
            for piece in self.blobs.read(response.segments, SLOW_PIECE):
                yield piece
            return
        for start in range(0, len(response.body), SLOW_PIECE):
            yield response.body[start : start + SLOW_PIECE]
        while response.is_endless:
            yield _BLANKS
