"""Throughput of the token API on one core, with 32 connections and STS at 20 ms, beside its peers.

`wrk` (a package of every distribution) generates the load on the other cores. All servers run on
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

from bench.peers import companion
from bench.peers.npm import PeerMissingError
from bench.table import Bench, Only, Peer, Row
from bench.token_server import HOST, StubSts, bench_settings, bench_sign_outs
from bench.wrk import wrk
from ossferry.app import create_app
from ossferry.authentication.sessions import Sessions
from ossferry.clock import utc_now
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings
from support.programs import free_port

__all__ = ["BENCHES"]

HERE = Path(__file__).parent
TURNS, SECONDS, WARM_UP_S = 3, 4, 1
CONNECTIONS = 32
KNOWN_USERS, NEW_USERS = 10_000, 20_000
CACHED, CACHED_P99 = "token API, cached: requests", "token API, cached: p99"
UNCACHED, UNCACHED_P99 = "token API, uncached: requests", "token API, uncached: p99"
CACHED_FLASK = "token API, cached: requests, beside Flask's own server"
UNCACHED_FLASK = "token API, uncached: requests, beside Flask's own server"
CACHED_COMPANION = "token API, cached: requests, beside Companion"
UNCACHED_COMPANION = "token API, uncached: requests, beside Companion"
ONE_FLIGHT = "token API: STS calls for 1,000 requests of one user at once"
QUOTA = "token API: most STS calls in a second, 5,000 users in 60 s"
MIN_CACHED, MAX_CACHED_P99_MS, MIN_RATIO = 3000, 30, 5
MIN_UNCACHED, MAX_UNCACHED_P99_MS = 200, 100  # twice the rate that STS allows an account
MAX_CALLS, ARRIVALS, SPREAD_S = 80, 5000, 60.0
FROM_PAGE = {"sec-fetch-site": "same-origin"}

MISSING = "no cache: calls STS each time; no sign-in, limits, session policy or audit"
GUNICORN = Peer(name="Flask, gunicorn", work=f"tutorial's app, 1 process, 32 threads; {MISSING}")
FLASK = Peer(name="Flask, own server", work=f"tutorial's app as its page starts it; {MISSING}")
COMPANION = Peer(name="Uppy Companion 6.2.2", work=f"Node.js, 1 process, /s3/sts; {MISSING}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server to load: what `bench.token_server` runs, and the request."""

    which: str
    route: str
    new_users: bool = False


OURS = Server(which="ours", route="POST /api/grant")
OURS_UNCACHED = Server(which="ours", route="POST /api/grant", new_users=True)
PEERS = {
    GUNICORN: Server(which="gunicorn", route="GET /get_sts_token"),
    FLASK: Server(which="tutorial", route="GET /get_sts_token"),
    COMPANION: Server(which="companion", route="GET /s3/sts"),
}


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
        self._settings = bench_settings(folder, port, calls_per_s=1)

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
            self._url,
            HERE / "wrk.lua",
            connections=CONNECTIONS,
            seconds=seconds,
            env=self._env,
        )
        requests, per_s, p99_ms, failed = said.rpartition("BENCH ")[2].split()
        if int(failed):
            raise RuntimeError(f"{failed} of {requests} requests to {self._url} failed")
        return Load(requests=int(requests), per_s=float(per_s), p99_ms=float(p99_ms))


def _loaded(only: Only) -> Iterator[Row]:
    peers, missing = dict(PEERS), None
    try:
        if only(CACHED_COMPANION) or only(UNCACHED_COMPANION):
            companion.prepare()
        else:
            del peers[COMPANION]
    except PeerMissingError as error:
        missing = error
        del peers[COMPANION]
    loads = _in_turns([OURS, OURS_UNCACHED, *peers.values()])
    cached, uncached, gunicorn, flask = (
        loads[server] for server in (OURS, OURS_UNCACHED, PEERS[GUNICORN], PEERS[FLASK])
    )
    yield _rate_row(CACHED, cached, GUNICORN, gunicorn, at_least=MIN_CACHED)
    yield _p99_row(CACHED_P99, cached, GUNICORN, gunicorn, at_most=MAX_CACHED_P99_MS)
    yield _rate_row(UNCACHED, uncached, GUNICORN, gunicorn, at_least=MIN_UNCACHED)
    yield _p99_row(UNCACHED_P99, uncached, GUNICORN, gunicorn, at_most=MAX_UNCACHED_P99_MS)
    yield _rate_row(CACHED_FLASK, cached, FLASK, flask, ratio_at_least=MIN_RATIO)
    yield _rate_row(UNCACHED_FLASK, uncached, FLASK, flask)
    if COMPANION in peers:
        uppy = loads[PEERS[COMPANION]]
        yield _rate_row(CACHED_COMPANION, cached, COMPANION, uppy)
        yield _rate_row(UNCACHED_COMPANION, uncached, COMPANION, uppy)
    if missing:
        raise missing  # the rows of Companion are skipped


def _rate_row(
    name: str,
    ours: Load,
    peer: Peer,
    peer_load: Load,
    *,
    at_least: float | None = None,
    ratio_at_least: float | None = None,
) -> Row:
    ratio = ours.per_s / peer_load.per_s
    reach: str | None = None
    met: bool | None = None
    if at_least is not None:
        reach, met = f">= {at_least:,}/s", ours.per_s >= at_least
    elif ratio_at_least is not None:
        reach, met = f">= {ratio_at_least} x peer", ratio >= ratio_at_least
    return Row(
        name=name,
        value=ours.per_s,
        unit="requests/s",
        peer=peer,
        peer_value=peer_load.per_s,
        ratio=ratio,
        reach=reach,
        met=met,
    )


def _p99_row(name: str, ours: Load, peer: Peer, peer_load: Load, *, at_most: float) -> Row:
    return Row(
        name=name,
        value=ours.p99_ms,
        unit="ms",
        peer=peer,
        peer_value=peer_load.p99_ms,
        ratio=ours.p99_ms / peer_load.p99_ms,
        reach=f"<= {at_most} ms",
        met=ours.p99_ms <= at_most,
    )


def _in_turns(servers: Sequence[Server]) -> dict[Server, Load]:
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
    return {server: _median(loads) for server, loads in turns.items()}


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


def _one_flight(_only: Only) -> Iterator[Row]:
    async def ask(folder: Path) -> int:
        sts = StubSts()
        settings = bench_settings(folder, 8000, calls_per_s=75)
        (cookie,) = await _cookies(settings, ["user"])
        async with _client(settings, sts) as client:
            headers = {**FROM_PAGE, "cookie": cookie}
            asked = [client.post("/api/grant", headers=headers) for _ in range(1000)]
            assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
        return len(sts.asked_at)

    with tempfile.TemporaryDirectory() as name:
        calls = asyncio.run(ask(Path(name)))
    yield Row(name=ONE_FLIGHT, value=calls, unit="calls", reach="1", met=calls == 1)


def _quota(_only: Only) -> Iterator[Row]:
    """Let 5,000 users arrive within a minute; refused users come back when the server told them
    to.
    """

    async def ask(folder: Path) -> list[float]:
        sts = StubSts()
        settings = bench_settings(folder, 8000, calls_per_s=75)
        async with _client(settings, sts) as client:

            async def visit(number: int, cookie: str) -> None:
                await asyncio.sleep(number * SPREAD_S / ARRIVALS)
                headers = {**FROM_PAGE, "cookie": cookie}
                answer = await client.post("/api/grant", headers=headers)
                while answer.is_error:
                    await asyncio.sleep(int(answer.headers["retry-after"]))
                    answer = await client.post("/api/grant", headers=headers)

            cookies = enumerate(await _cookies(settings, _names("user", ARRIVALS)))
            await asyncio.gather(*(visit(number, cookie) for number, cookie in cookies))
        return sts.asked_at

    with tempfile.TemporaryDirectory() as name:
        asked_at = asyncio.run(ask(Path(name)))
    assert len(asked_at) == ARRIVALS
    busiest = max(
        sum(1 for later in asked_at[at : at + 200] if later < moment + 1)
        for at, moment in enumerate(asked_at)
    )
    yield Row(
        name=QUOTA, value=busiest, unit="calls/s", reach=f"<= {MAX_CALLS}", met=busiest <= MAX_CALLS
    )


def _client(settings: Settings, sts: StubSts) -> httpx.AsyncClient:
    app = create_app(settings, assume_role=sts, sign_outs=bench_sign_outs())
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=f"http://{HOST}:8000", timeout=30
    )


LOADED = (
    *(CACHED, CACHED_P99, UNCACHED, UNCACHED_P99, CACHED_FLASK, UNCACHED_FLASK),
    *(CACHED_COMPANION, UNCACHED_COMPANION),
)
BENCHES = (
    Bench(names=LOADED, needs=("wrk",), rows=_loaded),
    Bench(names=(ONE_FLIGHT,), rows=_one_flight),
    Bench(names=(QUOTA,), rows=_quota),
)
