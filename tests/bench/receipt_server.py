"""The server for the benchmark of receipts, and a stub of OSS in which every key exists.

The stub answers after 5 ms. The server calls it through `oss2`, as it calls OSS, with all features
on: authentication, rate limits, audit file, ledger.
"""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from starlette.requests import Request

from bench.token_server import HOST, MUCH, STS_S, serve
from ossferry.access import rate_limits
from ossferry.app import create_app
from ossferry.clock import utc_now
from ossferry.identity.principal import Principal
from ossferry.oss.bucket import OssBucket
from ossferry.oss.sts import StsCredentials
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings

OSS_S = 0.005
SIZE, CRC64 = 5, "4041730234"
ANSWER = (
    "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nContent-Type: text/plain\r\n"
    'ETag: "5D41402ABC4B2A76B9719D911017C592"\r\nx-oss-hash-crc64ecma: {crc64}\r\n'
    "Last-Modified: Sat, 14 Mar 2026 09:26:53 GMT\r\nx-oss-request-id: 5C06A3B67B8B5A3DA4\r\n\r\n"
)


async def serve_oss(port: int) -> None:
    """Answer every request with the metadata of a small object."""
    head = ANSWER.format(size=SIZE, crc64=CRC64).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(OSS_S)
                writer.write(head)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, HOST, port, backlog=1024)
    await server.serve_forever()


def receipt_settings(folder: Path, oss_port: int, ledger_url: str) -> Settings:
    """Return settings with all features on, and limits that are never reached."""
    (folder / "manifest.json").write_text('{"files": {}}')
    for runtime in ("micropython", "pyodide"):
        (folder / f"index.{runtime}.html").write_text("<html>")
    return load_settings(
        ExplicitSettings,
        bucket="web-direct-upload",
        region="cn-hangzhou",
        endpoint="http://localhost:9",
        sts_endpoint=f"http://{HOST}:{oss_port}",
        objects_endpoint=f"http://{HOST}:{oss_port}",
        role_arn="acs:ram::1000000000000000:role/oss-web-upload",
        objects_role_arn="acs:ram::1000000000000000:role/oss-web-objects",
        secret="a-text-of-more-than-32-characters",
        allow_mock=True,
        web_dir=folder,
        database_url=ledger_url,
        audit_file=folder / "audit.log",
        quota_objects_total=1_000_000_000,
    )


async def identify(request: Request) -> Principal:
    """Return the principal named in a header, as an application's own authenticator might."""
    name = request.headers["x-user"]
    return Principal(id=name, name=name)


async def assume_role(*, session_name: str, policy: str) -> StsCredentials:
    """Return credentials; the stub of OSS does not check them."""
    await asyncio.sleep(STS_S)
    return StsCredentials(
        access_key_id="STS.bench",
        access_key_secret="s" * 44,
        security_token="t" * 700,
        expires_at=utc_now() + timedelta(hours=1),
    )


def main(which: str, port: int, oss_port: int, folder: Path, ledger_url: str) -> None:
    """Serve until a signal ends the process."""
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or {first} if which == "oss" else {first})
    if which == "oss":
        asyncio.run(serve_oss(oss_port))
    settings = receipt_settings(folder, oss_port, ledger_url)
    store = OssBucket(settings, assume_role, clock=utc_now)
    with patch.multiple(rate_limits, OBJECTS=MUCH, GLOBAL=MUCH):
        app = create_app(settings, identify=identify, assume_role=assume_role, store=store)
    serve(app, port)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])
