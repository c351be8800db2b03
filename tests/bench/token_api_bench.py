"""Throughput of the token API on one core, with 32 connections and STS at 20 ms, beside a peer.

`wrk` (a package of every distribution) generates the load on the other cores. Both servers run on
the first core, and are loaded one after the other. "Cached" means 10,000 users who already have a
grant. The caches of sessions and owners hold fewer users, so each request also verifies the
signature of its cookie. "Uncached" means another user for each request, and so a call to STS.
One-time costs, such as starting threads, fall into a warm-up that does not count.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
from starlette.responses import Response

from bench.api_load import CONNECTIONS, Load, load, serving
from bench.api_server import HOST, bench_sign_outs, grant_settings
from bench.table import Bench, Only, Peer, Row, Value
from ossferry.authentication.sessions import Sessions
from ossferry.clock import utc_now
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings
from support.programs import free_port

SECONDS, WARM_UP_S = 12, 1
KNOWN_USERS, NEW_USERS = 10_000, 40_000
GRANT = "POST /api/grant"
CACHED, UNCACHED = "token API, cached", "token API, uncached"

PEER = Peer(
    name="Flask, gunicorn",
    work="tutorial's app, 1 process, 32 threads; no cache: calls STS each time; "
    "no sign-in, limits, session policy or audit",
)


def _measure(_only: Only) -> Iterator[Value]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sts_port = free_port()
        stack.enter_context(serving("sts", sts_port, 0, folder / "sts"))
        ports = {}
        for which in ("cached", "uncached", "gunicorn"):
            ports[which] = port = free_port()
            server = which if which == "gunicorn" else "grants"
            stack.enter_context(serving(server, port, sts_port, folder / which))
        settings = {which: grant_settings(folder / which, port) for which, port in ports.items()}
        known = asyncio.run(_cookies(settings["cached"], "known", KNOWN_USERS))
        asyncio.run(_grant_all(ports["cached"], known))
        cached = _load(ports["cached"], folder, GRANT, known, known)
        early, new = (
            asyncio.run(_cookies(settings["uncached"], start, NEW_USERS))
            for start in ("early", "new")
        )
        uncached = _load(ports["uncached"], folder, GRANT, early, new)
        theirs = _load(ports["gunicorn"], folder, "GET /get_sts_token", known, known)
    if uncached.requests > NEW_USERS:
        raise RuntimeError(f"{uncached.requests:,} requests need more than {NEW_USERS:,} new users")
    for name, ours in ((CACHED, cached), (UNCACHED, uncached)):
        yield f"{name}: requests", ours.per_s, theirs.per_s
        yield f"{name}: p99", ours.p99_ms, theirs.p99_ms


def _load(port: int, folder: Path, route: str, early: list[str], cookies: list[str]) -> Load:
    """Load a server for some seconds, after a warm-up with other cookies."""
    load(port, folder, (f"{route} Cookie {cookie}" for cookie in early), WARM_UP_S)
    return load(port, folder, (f"{route} Cookie {cookie}" for cookie in cookies), SECONDS)


async def _grant_all(port: int, cookies: list[str]) -> None:
    """Request a grant for each of the known users."""
    left = iter(cookies)
    url = f"http://{HOST}:{port}/api/grant"
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:

        async def ask() -> None:
            for cookie in left:
                headers = {"sec-fetch-site": "same-origin", "cookie": cookie}
                (await client.post(url, headers=headers)).raise_for_status()

        await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))


async def _cookies(settings: Settings, start: str, users: int) -> list[str]:
    cookies = []
    sessions = Sessions(settings, bench_sign_outs(), clock=utc_now)
    for number in range(users):
        response = Response()
        await sessions.begin(Principal(id=f"{start}-{number}", name="User"), response)
        cookies.append(response.headers["set-cookie"].partition(";")[0])
    return cookies


def _rows(name: str, per_s: str, p99: str) -> tuple[Row, Row]:
    return (
        Row(f"{name}: requests", "requests/s", peer=PEER, reach=f">= {per_s} requests/s"),
        Row(f"{name}: p99", "ms", peer=PEER, reach=f"<= {p99} ms"),
    )


BENCHES = (
    # 200 requests/s are twice the rate that STS allows an account
    Bench(
        rows=(*_rows(CACHED, "3,000", "30"), *_rows(UNCACHED, "200", "100")),
        needs=("wrk",),
        measure=_measure,
    ),
)
