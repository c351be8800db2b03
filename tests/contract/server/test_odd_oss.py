"""Answers that are not from OSS, such as a proxy's page or a truncated list, are not trusted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from contract.server.test_oss_sdk import ASKS, assume_role
from ossferry.clock import utc_now
from ossferry.errors import OssLostError
from ossferry.oss.bucket import OssBucket
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.server_fakes import OBJECTS, OPTIONS

HTML = b"<!doctype html><p>Welcome to the hotel's network"
CUT = b'<?xml version="1.0"?><ListBucketResult><Name>web'
OTHER = b'<?xml version="1.0"?><Other/>'
REQUEST_ID = "x-oss-request-id: 5C06A3B67B8B5A3DA422299D"


@asynccontextmanager
async def bucket_at(body: bytes, head: str, *, missing: int = 0) -> AsyncIterator[OssBucket]:
    """Yield a bucket whose server answers every request with these bytes.

    `missing` bytes of the body are announced but not sent.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readuntil(b"\r\n\r\n")
        size = len(body) + missing
        writer.write(f"HTTP/1.1 {head}\r\ncontent-length: {size}\r\n".encode())
        writer.write(b"connection: close\r\n\r\n")
        writer.write(b"" if first.startswith(b"HEAD") else body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    options = {**OPTIONS, **OBJECTS, "objects_endpoint": f"http://127.0.0.1:{port}"}
    settings = load_settings(ExplicitSettings, **options)
    bucket = OssBucket(settings, assume_role, clock=utc_now)
    try:
        yield bucket
    finally:
        await bucket.close()
        server.close()


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("body", [HTML, CUT, OTHER, b""], ids=["html", "cut", "other", "empty"])
@pytest.mark.parametrize(
    "head",
    [
        "200 OK\r\ncontent-type: text/html",
        "200 OK\r\nlast-modified: Sat, 14 Mar 2026 09:26:53 GMT\r\netag: x",
        "302 Found\r\nlocation: /welcome",
        "404 Not Found\r\ncontent-type: text/html",
        "502 Bad Gateway\r\ncontent-type: text/html",
    ],
    ids=["page", "page with a date", "elsewhere", "missing", "bad gateway"],
)
async def test_what_is_no_answer_of_oss_is_no_answer(ask: str, body: bytes, head: str) -> None:
    async with bucket_at(body, head) as bucket:
        with pytest.raises(OssLostError):
            await ASKS[ask](bucket)


@pytest.mark.parametrize("ask", ["ListObjects", "ListMultipartUploads", "ListParts"])
@pytest.mark.parametrize(
    ("body", "missing"), [(HTML, 0), (CUT, 0), (OTHER, 0), (b"", 0), (CUT, 100)]
)
async def test_half_a_list_is_no_answer_even_if_oss_sends_it(
    ask: str, body: bytes, missing: int
) -> None:
    async with bucket_at(body, f"200 OK\r\n{REQUEST_ID}", missing=missing) as bucket:
        with pytest.raises(OssLostError):
            await ASKS[ask](bucket)
