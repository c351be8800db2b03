"""Runs a server of the API benchmarks on one core: ours, the peer's, or a stub on the other cores.

The stub of STS answers after 20 ms, the stub of OSS after 5 ms; in the stub of OSS, every key
exists. The servers call the stubs over HTTP with their vendor's client. Our server has all features
on: authentication, limits, policy, audit file, metrics, and for receipts the ledger.

Usage: python -m bench.api_server {sts,oss,gunicorn,grants,receipts} PORT STUB_PORT FOLDER [LEDGER]
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from starlette.applications import Starlette
from starlette.requests import Request

from bench.peers.tutorial_flask import run_gunicorn
from ossferry.access import rate_limits
from ossferry.app import create_app
from ossferry.authentication.sessions import SignOuts
from ossferry.cli.processes.serving import BackgroundServer, bind, stop_signals
from ossferry.cli.processes.workers import settle
from ossferry.clock import utc_now
from ossferry.identity.principal import Principal
from ossferry.oss.bucket import OssBucket
from ossferry.oss.sts import StsClient, StsCredentials, access_key
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from ossferry.state.key_value import MemoryStorage

HOST = "127.0.0.1"
STS_S, OSS_S = 0.02, 0.005
MUCH = "100000000/minute"
SIZE, CRC64 = 5, "4041730234"
OBJECT = (
    f"Content-Length: {SIZE}\r\nContent-Type: text/plain\r\n"
    f'ETag: "5D41402ABC4B2A76B9719D911017C592"\r\nx-oss-hash-crc64ecma: {CRC64}\r\n'
    "Last-Modified: Sat, 14 Mar 2026 09:26:53 GMT\r\nx-oss-request-id: 5C06A3B67B8B5A3DA4\r\n\r\n"
)


def credentials() -> StsCredentials:
    """Return credentials of realistic length, which no stub checks."""
    return StsCredentials(
        access_key_id=f"STS.{'k' * 26}",
        access_key_secret="s" * 44,
        security_token="t" * 700,
        expires_at=utc_now() + timedelta(hours=1),
    )


def sts_answer() -> str:
    """Return headers and body of an answer of STS."""
    made = credentials()
    found = {
        "AccessKeyId": made.access_key_id,
        "AccessKeySecret": made.access_key_secret,
        "SecurityToken": made.security_token,
        "Expiration": made.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    body = json.dumps({"RequestId": "R", "Credentials": found})
    return f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"


async def serve_stub(port: int, delay_s: float, answer: Callable[[], str]) -> None:
    """Answer every request after a delay, with the same headers and body."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await _request_read(reader):
            await asyncio.sleep(delay_s)
            writer.write(f"HTTP/1.1 200 OK\r\n{answer()}".encode())
        writer.close()

    server = await asyncio.start_server(respond, HOST, port, backlog=1024)
    await server.serve_forever()


async def _request_read(reader: asyncio.StreamReader) -> bool:
    """Read a request, and return False at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    return True


class SessionsOfOthers(SignOuts):
    """Accepts sessions that began in another process."""

    async def has(self, session_id: str) -> bool:
        """Return False, after the same lookup as in the server."""
        await super().has(session_id)
        return False


def bench_sign_outs() -> SignOuts:
    """Return a store that accepts sessions that began in another process."""
    return SessionsOfOthers(MemoryStorage(), None, clock=utc_now)


def _settings(folder: Path, stub_port: int, **more: object) -> Settings:
    (folder / "manifest.json").write_text('{"files": {}}')
    for runtime in ("micropython", "pyodide"):
        (folder / f"index.{runtime}.html").write_text("<html>")
    return load_settings(
        ExplicitSettings,
        bucket="web-direct-upload",
        region="cn-hangzhou",
        endpoint="http://localhost:9",
        sts_endpoint=f"http://{HOST}:{stub_port}",
        role_arn="acs:ram::1000000000000000:role/oss-web-upload",
        secret="a-text-of-more-than-32-characters",
        allow_mock=True,
        web_dir=folder,
        audit_file=folder / "audit.log",
        **more,
    )


def grant_settings(folder: Path, port: int, *, stub_port: int = 9) -> Settings:
    """Return settings with sign-in and all features on, and limits that are never reached."""
    settings = _settings(
        folder,
        stub_port,
        auth="oidc",
        oidc_issuer="http://127.0.0.1:9",
        oidc_client_id="bench",
        oidc_client_secret="bench-client-secret",
        public_url=f"http://{HOST}:{port}",
        rate_per_principal=MUCH,
        rate_per_address=MUCH,
    )
    return settings.model_copy(update={"sts_calls_per_s": 1_000_000})


def receipt_settings(folder: Path, stub_port: int, ledger_url: str) -> Settings:
    """Return settings with all features on, and limits that are never reached."""
    return _settings(
        folder,
        stub_port,
        objects_endpoint=f"http://{HOST}:{stub_port}",
        objects_role_arn="acs:ram::1000000000000000:role/oss-web-objects",
        database_url=ledger_url,
        quota_objects_total=1_000_000_000,
    )


async def identify(request: Request) -> Principal:
    """Return the principal named in a header, as an application's own authenticator might."""
    name = request.headers["x-user"]
    return Principal(id=name, name=name)


async def assume_role(*, session_name: str, policy: str) -> StsCredentials:
    """Return credentials as late as STS."""
    await asyncio.sleep(STS_S)
    return credentials()


def grants_app(settings: Settings) -> Starlette:
    """Return our server, which calls the stub of STS."""
    sts = StsClient(settings, access_key("LTAI5tBench", "secret"))
    return create_app(settings, assume_role=sts, sign_outs=bench_sign_outs())


def receipts_app(settings: Settings) -> Starlette:
    """Return our server, which calls the stub of OSS."""
    store = OssBucket(settings, assume_role, clock=utc_now)
    return create_app(settings, identify=identify, assume_role=assume_role, store=store)


def main(which: str, port: int, stub_port: int, folder: Path, ledger_url: str = "") -> None:
    """Serve until a signal ends the process."""
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or {first} if which in ("sts", "oss") else {first})
    if which == "sts":
        asyncio.run(serve_stub(port, STS_S, sts_answer))
    elif which == "oss":
        asyncio.run(serve_stub(port, OSS_S, lambda: OBJECT))
    elif which == "gunicorn":
        run_gunicorn(HOST, port, f"{HOST}:{stub_port}")
    with patch.multiple(rate_limits, OBJECTS=MUCH, GLOBAL=MUCH):
        if which == "grants":
            app = grants_app(grant_settings(folder, port, stub_port=stub_port))
        else:
            app = receipts_app(receipt_settings(folder, stub_port, ledger_url))
    settle()
    with stop_signals() as stop:
        server = BackgroundServer(app, bind(HOST, port, option="port"), on_exit=stop.set)
        server.start()
        stop.wait()
        server.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), *sys.argv[5:])
