"""The token API on one core, 32 connections, STS at 20 ms, beside the tutorial's Flask app.

The load comes from `wrk` (a package of every distribution) on another core.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.responses import Response

from bench.table import Only, Row
from bench.token_server import HOST, StubSts, bench_settings
from ossferry.app import create_app
from ossferry.auth import Principal
from ossferry.auth.sessions import Sessions
from ossferry.clock import utc_now
from ossferry.settings import Settings
from ossferry.storage import MemoryStorage
from support.programs import free_port

__all__ = ["NAMES", "rows"]

HERE = Path(__file__).parent
SECONDS = 8
CONNECTIONS = 32
PEER = "tutorial's Flask app"
CACHED, CACHED_P99 = "token API, cached: requests", "token API, cached: p99"
UNCACHED, UNCACHED_P99 = "token API, uncached: requests", "token API, uncached: p99"
ONE_FLIGHT = "token API: STS calls for 1,000 requests of one user at once"
QUOTA = "token API: most STS calls in a second, 5,000 users in 60 s"
NAMES = (CACHED, CACHED_P99, UNCACHED, UNCACHED_P99, ONE_FLIGHT, QUOTA)
MIN_RATE, MAX_P99_MS, MIN_RATIO, MAX_CALLS = 3000, 30, 5, 80
USERS, SPREAD_S = 5000, 60.0
FROM_PAGE = {"sec-fetch-site": "same-origin"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What `wrk` saw."""

    requests_per_s: float
    p99_ms: float
    failed: int


def rows(only: Only) -> Iterator[Row]:
    """Yield the wanted rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if any(map(only, NAMES[:4])):
            yield from _loaded(folder)
        if only(ONE_FLIGHT):
            yield _one_flight(folder)
        if only(QUOTA):
            yield _quota(folder)


def _loaded(folder: Path) -> Iterator[Row]:
    peer = _load(folder, "tutorial", "GET", "/get_sts_token", users=1)
    cached = _load(folder, "ours", "POST", "/api/grant", users=100)
    uncached = _load(folder, "ours", "POST", "/api/grant", users=40_000)
    yield _rate_row(CACHED, cached, peer, reach=True)
    yield _p99_row(CACHED_P99, cached, peer, reach=True)
    yield _rate_row(UNCACHED, uncached, peer, reach=False)
    yield _p99_row(UNCACHED_P99, uncached, peer, reach=False)


def _rate_row(name: str, ours: Load, peer: Load, *, reach: bool) -> Row:
    ratio = ours.requests_per_s / peer.requests_per_s
    met = ours.requests_per_s >= MIN_RATE and ratio >= MIN_RATIO and not ours.failed
    return Row(
        name=name,
        value=ours.requests_per_s,
        unit="requests/s",
        peer=PEER,
        peer_value=peer.requests_per_s,
        ratio=ratio,
        reach=f">= {MIN_RATE:,} and >= {MIN_RATIO} x" if reach else None,
        met=met if reach else None,
    )


def _p99_row(name: str, ours: Load, peer: Load, *, reach: bool) -> Row:
    return Row(
        name=name,
        value=ours.p99_ms,
        unit="ms",
        peer=PEER,
        peer_value=peer.p99_ms,
        ratio=ours.p99_ms / peer.p99_ms,
        reach=f"<= {MAX_P99_MS} ms" if reach else None,
        met=ours.p99_ms <= MAX_P99_MS if reach else None,
    )


def _load(folder: Path, which: str, method: str, path: str, *, users: int) -> Load:
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("the token bench needs wrk (apt-get install wrk)")
    port, sts_port = free_port(), free_port()
    settings = bench_settings(folder, port, calls_per_s=1)
    (folder / "cookies").write_text("\n".join(_cookies(settings, users)) + "\n")
    wanted = {"WRK_METHOD": method, "WRK_PATH": path, "WRK_COOKIES": str(folder / "cookies")}
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(HERE / "wrk.lua")]
    with _serving("sts", port, sts_port, folder), _serving(which, port, sts_port, folder):
        said = subprocess.run(  # noqa: S603 - the distribution's program
            [*command, f"http://{HOST}:{port}"],
            env={**os.environ, **wanted},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    rate, p99, failed = said.rpartition("BENCH ")[2].split()
    return Load(requests_per_s=float(rate), p99_ms=float(p99), failed=int(failed))


@contextmanager
def _serving(which: str, port: int, sts_port: int, folder: Path) -> Iterator[None]:
    paths = os.pathsep.join(str(HERE.parents[1] / name) for name in ("tests", "server"))
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "bench.token_server", which, str(port), str(sts_port), str(folder)],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_up(sts_port if which == "sts" else port, process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_up(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
            continue
        return
    raise RuntimeError("the server did not start")


def _cookies(settings: Settings, users: int) -> Iterator[str]:
    sessions = Sessions(settings, MemoryStorage(), clock=utc_now)
    for number in range(users):
        response = Response()
        sessions.begin(Principal(id=f"user-{number}", name="User"), response)
        yield response.headers["set-cookie"].partition(";")[0]


def _one_flight(folder: Path) -> Row:
    async def ask() -> int:
        sts = StubSts()
        settings = bench_settings(folder, 8000, calls_per_s=75)
        (cookie,) = _cookies(settings, 1)
        async with _client(settings, sts) as client:
            headers = {**FROM_PAGE, "cookie": cookie}
            asked = [client.post("/api/grant", headers=headers) for _ in range(1000)]
            assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
        return len(sts.asked_at)

    calls = asyncio.run(ask())
    return Row(name=ONE_FLIGHT, value=calls, unit="calls", reach="1", met=calls == 1)


def _quota(folder: Path) -> Row:
    """Let 5,000 users come within a minute; those who are sent away come back when told to."""

    async def ask() -> list[float]:
        sts = StubSts()
        settings = bench_settings(folder, 8000, calls_per_s=75)
        async with _client(settings, sts) as client:

            async def visit(number: int, cookie: str) -> None:
                await asyncio.sleep(number * SPREAD_S / USERS)
                headers = {**FROM_PAGE, "cookie": cookie}
                answer = await client.post("/api/grant", headers=headers)
                while answer.is_error:
                    await asyncio.sleep(int(answer.headers["retry-after"]))
                    answer = await client.post("/api/grant", headers=headers)

            cookies = enumerate(_cookies(settings, USERS))
            await asyncio.gather(*(visit(number, cookie) for number, cookie in cookies))
        return sts.asked_at

    asked_at = asyncio.run(ask())
    assert len(asked_at) == USERS
    busiest = max(
        sum(1 for later in asked_at[at : at + 200] if later < moment + 1)
        for at, moment in enumerate(asked_at)
    )
    return Row(
        name=QUOTA, value=busiest, unit="calls/s", reach=f"<= {MAX_CALLS}", met=busiest <= MAX_CALLS
    )


def _client(settings: Settings, sts: StubSts) -> httpx.AsyncClient:
    app = create_app(settings, assume_role=sts)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=f"http://{HOST}:8000", timeout=30
    )
