"""Throughput of the token API on one core, with 32 connections and STS at 20 ms, beside two peers.

`wrk` (a package of every distribution) generates the load on the other cores. One-time costs, such
as starting threads and, for the cached rows, each user's first grant, fall into a warm-up of one
second that does not count.
"""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.responses import Response

from bench.peers import companion
from bench.table import Only, Row
from bench.token_server import HOST, StubSts, bench_settings, bench_sign_outs
from bench.wrk import wrk
from ossferry.app import create_app
from ossferry.authentication.sessions import Sessions
from ossferry.clock import utc_now
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings
from support.programs import free_port

__all__ = ["NAMES", "rows"]

HERE = Path(__file__).parent
SECONDS = 8
WARM_UP_S = 1
CONNECTIONS = 32
FLASK, COMPANION = "tutorial's Flask app", "Uppy Companion 6.2.2"
CACHED, CACHED_P99 = "token API, cached: requests", "token API, cached: p99"
UNCACHED, UNCACHED_P99 = "token API, uncached: requests", "token API, uncached: p99"
CACHED_BESIDE = "token API, cached: requests, beside Companion"
UNCACHED_BESIDE = "token API, uncached: requests, beside Companion"
ONE_FLIGHT = "token API: STS calls for 1,000 requests of one user at once"
QUOTA = "token API: most STS calls in a second, 5,000 users in 60 s"
LOADED = (CACHED, CACHED_P99, CACHED_BESIDE, UNCACHED, UNCACHED_P99, UNCACHED_BESIDE)
NAMES = (*LOADED, ONE_FLIGHT, QUOTA)
MIN_RATE, MAX_P99_MS, MIN_RATIO, MAX_CALLS = 3000, 30, 5, 80
USERS, SPREAD_S = 5000, 60.0
FROM_PAGE = {"sec-fetch-site": "same-origin"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The results of `wrk` for one server."""

    server: str
    requests_per_s: float
    p99_ms: float
    failed: int


def rows(only: Only) -> Iterator[Row]:
    """Yield the requested rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if any(map(only, LOADED)):
            yield from _loaded(folder, only)
        if only(ONE_FLIGHT):
            yield _one_flight(folder)
        if only(QUOTA):
            yield _quota(folder)


def _loaded(folder: Path, only: Only) -> Iterator[Row]:
    few, many = _names("user", 100), _names("user", 40_000)
    flask = _load(folder, FLASK, "tutorial", "GET /get_sts_token", few, few)
    cached = _load(folder, "ours", "ours", "POST /api/grant", few, few)
    uncached = _load(folder, "ours", "ours", "POST /api/grant", _names("early", 100), many)
    yield _rate_row(CACHED, cached, flask, reach=True)
    yield _p99_row(CACHED_P99, cached, flask, reach=True)
    yield _rate_row(UNCACHED, uncached, flask)
    yield _p99_row(UNCACHED_P99, uncached, flask)
    if only(CACHED_BESIDE) or only(UNCACHED_BESIDE):
        companion.prepare()
        uppy = _load(folder, COMPANION, "companion", "GET /s3/sts", few, few)
        yield _rate_row(CACHED_BESIDE, cached, uppy)
        yield _rate_row(UNCACHED_BESIDE, uncached, uppy)


def _rate_row(name: str, ours: Load, peer: Load, *, reach: bool = False) -> Row:
    ratio = ours.requests_per_s / peer.requests_per_s
    met = ours.requests_per_s >= MIN_RATE and ratio >= MIN_RATIO and not ours.failed
    return Row(
        name=name,
        value=ours.requests_per_s,
        unit="requests/s",
        peer=peer.server,
        peer_value=peer.requests_per_s,
        ratio=ratio,
        reach=f">= {MIN_RATE:,} and >= {MIN_RATIO} x" if reach else None,
        met=met if reach else None,
    )


def _p99_row(name: str, ours: Load, peer: Load, *, reach: bool = False) -> Row:
    return Row(
        name=name,
        value=ours.p99_ms,
        unit="ms",
        peer=peer.server,
        peer_value=peer.p99_ms,
        ratio=ours.p99_ms / peer.p99_ms,
        reach=f"<= {MAX_P99_MS} ms" if reach else None,
        met=ours.p99_ms <= MAX_P99_MS if reach else None,
    )


def _load(
    folder: Path, server: str, which: str, route: str, first: Sequence[str], users: Sequence[str]
) -> Load:
    """Load a server with these users, after a warm-up with the first ones."""
    port, sts_port = free_port(), free_port()
    settings = bench_settings(folder, port, calls_per_s=1)
    with _serving("sts", port, sts_port, folder), _serving(which, port, sts_port, folder):
        _, said = (
            _sent(f"http://{HOST}:{port}", route, _written(folder, settings, names), seconds)
            for names, seconds in ((first, WARM_UP_S), (users, SECONDS))
        )
    rate, p99, failed = said.rpartition("BENCH ")[2].split()
    return Load(server=server, requests_per_s=float(rate), p99_ms=float(p99), failed=int(failed))


def _written(folder: Path, settings: Settings, users: Sequence[str]) -> Path:
    path = folder / "cookies"
    path.write_text("\n".join(asyncio.run(_cookies(settings, users))) + "\n")
    return path


def _sent(url: str, route: str, cookies: Path, seconds: int) -> str:
    method, path = route.split()
    return wrk(
        url,
        HERE / "wrk.lua",
        connections=CONNECTIONS,
        seconds=seconds,
        env={"WRK_METHOD": method, "WRK_PATH": path, "WRK_COOKIES": str(cookies)},
    )


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


def _names(start: str, count: int) -> list[str]:
    return [f"{start}-{number}" for number in range(count)]


async def _cookies(settings: Settings, users: Iterable[str]) -> list[str]:
    cookies = []
    sessions = Sessions(settings, bench_sign_outs(), clock=utc_now)
    for user in users:
        response = Response()
        await sessions.begin(Principal(id=user, name="User"), response)
        cookies.append(response.headers["set-cookie"].partition(";")[0])
    return cookies


def _one_flight(folder: Path) -> Row:
    async def ask() -> int:
        sts = StubSts()
        settings = bench_settings(folder, 8000, calls_per_s=75)
        (cookie,) = await _cookies(settings, ["user"])
        async with _client(settings, sts) as client:
            headers = {**FROM_PAGE, "cookie": cookie}
            asked = [client.post("/api/grant", headers=headers) for _ in range(1000)]
            assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
        return len(sts.asked_at)

    calls = asyncio.run(ask())
    return Row(name=ONE_FLIGHT, value=calls, unit="calls", reach="1", met=calls == 1)


def _quota(folder: Path) -> Row:
    """Let 5,000 users arrive within a minute; refused users come back when the server told them
    to.
    """

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

            cookies = enumerate(await _cookies(settings, _names("user", USERS)))
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
    app = create_app(settings, assume_role=sts, sign_outs=bench_sign_outs())
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=f"http://{HOST}:8000", timeout=30
    )
