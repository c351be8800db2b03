"""Runs a token server on one core for the benchmark: ours, the peer's, or the stub of STS.

All servers call the same stub over HTTP with their vendor's client; it answers after 20 ms. Our
server has all features on: session cookie, authentication, limits, policy, audit file, metrics.
"""

import asyncio
import json
import os
import re
import sys
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from starlette.applications import Starlette

from bench.peers.tutorial_flask import run_gunicorn
from ossferry.app import create_app
from ossferry.authentication.sign_outs import SignOuts
from ossferry.cli.processes.serving import BackgroundServer, StopSignals, bind
from ossferry.cli.processes.workers import settle
from ossferry.clock import utc_now
from ossferry.oss.sts import StsClient, access_key
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from ossferry.state.key_value import MemoryStorage

HOST = "127.0.0.1"
SECRET = "a-text-of-more-than-32-characters"
STS_S = 0.02
MUCH = "100000000/minute"


def sts_answer() -> bytes:
    """Return an answer of STS, with credentials of realistic length."""
    ends = (utc_now() + timedelta(seconds=900)).strftime("%Y-%m-%dT%H:%M:%SZ")
    credentials = {
        "AccessKeyId": f"STS.{'k' * 26}",
        "AccessKeySecret": "s" * 44,
        "SecurityToken": "t" * 700,
        "Expiration": ends,
    }
    body = json.dumps({"RequestId": "R", "Credentials": credentials})
    lines = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return f"HTTP/1.1 200 OK\r\n{lines}{body}".encode()


async def serve_sts(port: int) -> None:
    """Answer every request after 20 ms."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await _request_read(reader):
            await asyncio.sleep(STS_S)
            writer.write(sts_answer())
        writer.close()

    server = await asyncio.start_server(answer, HOST, port, backlog=1024)
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


def bench_settings(folder: Path, port: int, *, sts_port: int = 9) -> Settings:
    """Return settings with sign-in and all features on, and limits that are never reached."""
    (folder / "manifest.json").write_text('{"files": {}}')
    for runtime in ("micropython", "pyodide"):
        (folder / f"index.{runtime}.html").write_text("<html>")
    settings = load_settings(
        ExplicitSettings,
        auth="oidc",
        oidc_issuer="http://127.0.0.1:9",
        oidc_client_id="bench",
        oidc_client_secret="bench-client-secret",
        public_url=f"http://{HOST}:{port}",
        bucket="web-direct-upload",
        region="cn-hangzhou",
        endpoint="http://localhost:9",
        sts_endpoint=f"http://{HOST}:{sts_port}",
        role_arn="acs:ram::1000000000000000:role/oss-web-upload",
        secret=SECRET,
        allow_mock=True,
        web_dir=folder,
        audit_file=folder / "audit.log",
        rate_per_principal=MUCH,
        rate_per_address=MUCH,
    )
    return settings.model_copy(update={"sts_calls_per_s": 1_000_000})


def main(which: str, port: int, sts_port: int, folder: Path) -> None:
    """Serve until a signal ends the process."""
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or {first} if which == "sts" else {first})
    if which == "sts":
        asyncio.run(serve_sts(sts_port))
    if which == "gunicorn":
        run_gunicorn(HOST, port, f"{HOST}:{sts_port}")
    settings = bench_settings(folder, port, sts_port=sts_port)
    with patch("ossferry.access.rate_limits.GLOBAL", MUCH):
        app = create_app(
            settings,
            assume_role=StsClient(settings, access_key("LTAI5tBench", "secret")),
            sign_outs=bench_sign_outs(),
        )
    serve(app, port)


def serve(app: Starlette, port: int) -> None:
    """Serve until a signal ends the process."""
    settle()
    with StopSignals() as signals:
        server = BackgroundServer(app, bind(HOST, port, option="port"), on_exit=signals.set)
        server.start()
        signals.wait()
        server.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
