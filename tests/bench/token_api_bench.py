"""Throughput of the token API on one core, with 32 connections and STS at 20 ms, beside a peer.

`wrk` (a package of every distribution) generates the load on the other cores. Both servers run on
the first core and are loaded in turns; a figure is the median of the turns. "Cached" means 10,000
users who already have a grant. The caches of sessions and owners hold fewer users, so each request
also verifies the signature of its cookie. "Uncached" means another user for each request, and so a
call to STS. One-time costs, such as starting threads, fall into a warm-up that does not count.
"""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
from starlette.responses import Response

from bench.table import Bench, Only, Peer, Row
from bench.token_server import HOST, bench_settings, bench_sign_outs
from bench.wrk import wrk
from ossferry.authentication.sessions import Sessions
from ossferry.clock import utc_now
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings
from support.programs import free_port

HERE = Path(__file__).parent
TURNS, SECONDS, WARM_UP_S = 3, 4, 1
CONNECTIONS = 32
KNOWN_USERS, NEW_USERS = 10_000, 20_000
CACHED, CACHED_P99 = "token API, cached: requests", "token API, cached: p99"
UNCACHED, UNCACHED_P99 = "token API, uncached: requests", "token API, uncached: p99"
MIN_CACHED, MAX_CACHED_P99_MS = 3000, 30
MIN_UNCACHED, MAX_UNCACHED_P99_MS = 200, 100  # twice the rate that STS allows an account
FROM_PAGE = {"sec-fetch-site": "same-origin"}

PEER = Peer(
    name="Flask, gunicorn",
    work="tutorial's app, 1 process, 32 threads; no cache: calls STS each time; "
    "no sign-in, limits, session policy or audit",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server to load: what `bench.token_server` runs, and the request."""

    which: str
    route: str
    new_users: bool = False


OURS = Server(which="ours", route="POST /api/grant")
OURS_UNCACHED = Server(which="ours", route="POST /api/grant", new_users=True)
THEIRS = Server(which="gunicorn", route="GET /get_sts_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The results of `wrk` for one server."""

    requests: int
    per_s: float
    p99_ms: float


class Loader:
    """Sends requests to a running server.

    Raises:
        RuntimeError: some requests failed.
    """

    def __init__(self, server: Server, port: int, folder: Path) -> None:
        self._new_users = server.new_users
        self._url = f"http://{HOST}:{port}"
        self._method, self._path = server.route.split()
        self._cookies = folder / "cookies"
        self._env = {
            "WRK_METHOD": self._method,
            "WRK_PATH": self._path,
            "WRK_COOKIES": str(self._cookies),
        }
        self._settings = bench_settings(folder, port)

    async def grant_all(self) -> None:
        """Request a grant for each of the known users."""
        left = iter(await _cookies(self._settings, _names("known", KNOWN_USERS)))
        async with httpx.AsyncClient(base_url=self._url, timeout=30, trust_env=False) as client:

            async def ask() -> None:
                for cookie in left:
                    headers = {**FROM_PAGE, "cookie": cookie}
                    answer = await client.request(self._method, self._path, headers=headers)
                    answer.raise_for_status()

            await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))

    def take_turn(self, turn: int) -> Load:
        """Load the server for some seconds, after a warm-up."""
        if not self._new_users:
            self._send("known", KNOWN_USERS, WARM_UP_S)
            return self._send("known", KNOWN_USERS, SECONDS)
        self._send(f"early-{turn}", NEW_USERS, WARM_UP_S)
        load = self._send(f"new-{turn}", NEW_USERS, SECONDS)
        if load.requests > NEW_USERS:
            raise RuntimeError(f"{load.requests:,} requests need more than {NEW_USERS:,} new users")
        return load

    def _send(self, start: str, users: int, seconds: int) -> Load:
        """Load the server with one user after the other."""
        cookies = asyncio.run(_cookies(self._settings, _names(start, users)))
        self._cookies.write_text("\n".join(cookies) + "\n")
        said = wrk(
            self._url, HERE / "wrk.lua", connections=CONNECTIONS, seconds=seconds, env=self._env
        )
        requests, per_s, p99_ms, failed = said.rpartition("BENCH ")[2].split()
        if int(failed):
            raise RuntimeError(f"{failed} of {requests} requests to {self._url} failed")
        return Load(requests=int(requests), per_s=float(per_s), p99_ms=float(p99_ms))


def _rows(_only: Only) -> Iterator[Row]:
    cached, uncached, theirs = _in_turns([OURS, OURS_UNCACHED, THEIRS])
    for name, p99_name, ours, at_least, at_most in (
        (CACHED, CACHED_P99, cached, MIN_CACHED, MAX_CACHED_P99_MS),
        (UNCACHED, UNCACHED_P99, uncached, MIN_UNCACHED, MAX_UNCACHED_P99_MS),
    ):
        yield Row(
            name=name,
            value=ours.per_s,
            unit="requests/s",
            peer=PEER,
            peer_value=theirs.per_s,
            reach=f">= {at_least:,} requests/s",
        )
        yield Row(
            name=p99_name,
            value=ours.p99_ms,
            unit="ms",
            peer=PEER,
            peer_value=theirs.p99_ms,
            reach=f"<= {at_most} ms",
        )


def _in_turns(servers: Sequence[Server]) -> list[Load]:
    """Load the servers in turns; return the median of the turns of each."""
    turns: dict[Server, list[Load]] = {server: [] for server in servers}
    with ExitStack() as running:
        sts_port = free_port()
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        running.enter_context(_serving("sts", sts_port, sts_port, folder))
        loaders: dict[Server, Loader] = {}
        for server in servers:
            own = Path(running.enter_context(tempfile.TemporaryDirectory()))
            port = free_port()
            loaders[server] = Loader(server, port, own)
            running.enter_context(_serving(server.which, port, sts_port, own))
        asyncio.run(loaders[OURS].grant_all())
        for turn in range(TURNS):
            for server, loader in loaders.items():
                turns[server].append(loader.take_turn(turn))
    return [_median(turns[server]) for server in servers]


def _median(loads: list[Load]) -> Load:
    return Load(
        requests=sum(each.requests for each in loads),
        per_s=median(each.per_s for each in loads),
        p99_ms=median(each.p99_ms for each in loads),
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
        _wait_until_up(port, process)
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


BENCHES = (Bench(names=(CACHED, CACHED_P99, UNCACHED, UNCACHED_P99), needs=("wrk",), rows=_rows),)
