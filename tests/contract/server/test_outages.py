"""Two servers behind nginx with Redis and PostgreSQL, while each of these ends and comes back.

For a minute, clients request 50 grants per second, and two programs upload files and report them.
Meanwhile a server, Redis and PostgreSQL are killed, one after the other.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import oss2
import pytest

from ossferry.authentication.demo import DEMO_COOKIE, DEMO_USERS
from ossferry.cli.demo import Demo
from ossferry.identity.owner import owner_of
from support.nginx import https_client
from support.postgres import postgres
from support.programs import free_port
from support.replicas import PAGE, Replicas, redis, replicas
from support.serve_command import SECRET

pytestmark = pytest.mark.slow

ASKING = 10
GRANTS_PER_S = 50
OUTAGE_S = 8
BETWEEN_S = 8
QUOTA = 1_000_000_000


@dataclass
class Seen:
    """What one client has seen.

    Attributes:
        broken: answers that broke off after their headers, because the server was killed.
        lost: requests that got neither the wanted answer nor 503 with `Retry-After`.
        receipts: sizes of the confirmed uploads, by key.
    """

    answered: int = 0
    postponed: int = 0
    broken: int = 0
    lost: list[str] = field(default_factory=list)
    receipts: dict[str, int] = field(default_factory=dict)

    def send(self, client: httpx.Client, path: str, report: object = None) -> httpx.Response:
        """Send a request, again if its answer breaks off, and return the answer."""
        while True:
            try:
                return client.post(path, json=report)
            except httpx.RemoteProtocolError:
                self.broken += 1

    def note(self, answer: httpx.Response) -> bool:
        """Note an answer, and return whether it is the wanted one."""
        if answer.status_code == 200:
            self.answered += 1
            return True
        if answer.status_code == 503 and answer.headers.get("retry-after", "").isdigit():
            self.postponed += 1
            return False
        self.lost.append(f"{answer.request.url.path}: {answer.status_code} {answer.text[:200]}")
        return False


class Clients:
    """All clients; they work until `stop` is called."""

    def __init__(self, servers: Replicas, demo: Demo) -> None:
        self._servers = servers
        self._demo = demo
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(ASKING + len(DEMO_USERS))
        self._running: list[Future[Seen]] = []

    def start(self) -> None:
        """Start to ask and to upload."""
        users = list(DEMO_USERS)
        for number in range(ASKING):
            self._run(self._ask, users[number % len(users)])
        for user in users:
            self._run(self._upload, user)

    def stop(self) -> list[Seen]:
        """Stop, and return what the clients have seen; raise an error if a connection failed."""
        self._ended.set()
        self._pool.shutdown()
        return [each.result() for each in self._running]

    def _run(self, work: Callable[[httpx.Client, Seen], None], user: str) -> None:
        def run() -> Seen:
            seen = Seen()
            with https_client(self._servers.https_port, self._servers.tls) as client:
                client.headers.update({**PAGE, "cookie": f"{DEMO_COOKIE}={user}"})
                client.timeout = httpx.Timeout(30)
                work(client, seen)
            return seen

        self._running.append(self._pool.submit(run))

    def _ask(self, client: httpx.Client, seen: Seen) -> None:
        """Request a grant in regular intervals."""
        due = time.monotonic()
        while not self._ended.is_set():
            seen.note(seen.send(client, "/api/grant"))
            due += ASKING / GRANTS_PER_S
            self._ended.wait(max(0.0, due - time.monotonic()))

    def _upload(self, client: httpx.Client, seen: Seen) -> None:
        """Upload files, one after the other, and report each until the report is confirmed."""
        number = 0
        while not self._ended.is_set():
            grant = seen.send(client, "/api/grant")
            if not seen.note(grant):
                self._wait_as_told(grant)
                continue
            number += 1
            self._upload_one(client, seen, grant.json(), number)

    def _upload_one(
        self, client: httpx.Client, seen: Seen, grant: dict[str, str], number: int
    ) -> None:
        auth = oss2.StsAuth(
            grant["access_key_id"],
            grant["access_key_secret"],
            grant["security_token"],
            auth_version=oss2.AUTH_VERSION_4,
        )
        endpoint = f"http://127.0.0.1:{self._demo.oss.port}"
        bucket = oss2.Bucket(auth, endpoint, grant["bucket"], region=grant["region"])
        key, content = f"{grant['prefix']}2026-03-14/r/{number}.bin", b"x" * (1000 + number)
        put = bucket.put_object(key, content)
        report = {
            "key": key,
            "size": len(content),
            "crc64": str(put.crc),
            "request_id": put.request_id,
        }
        while not seen.note(answer := seen.send(client, "/api/receipts", report)):
            if answer.status_code != 503:
                return
            self._wait_as_told(answer)
        seen.receipts[key] = len(content)

    def _wait_as_told(self, answer: httpx.Response) -> None:
        time.sleep(int(answer.headers.get("retry-after", "1")))


@dataclass
class Site:
    """The servers and the services that they use; an outage ends and starts one of them."""

    servers: Replicas
    outages: dict[str, tuple[Callable[[], None], Callable[[], None]]]
    usage: Callable[[], dict[str, tuple[int, int]]]


@pytest.fixture
def site(demo: Demo, web_dir: Path, tmp_path: Path) -> Iterator[Site]:
    redis_port = free_port()
    with ExitStack() as stack, postgres() as database:
        url = database.new_database()
        running_redis = stack.enter_context(ExitStack())

        def start_redis() -> None:
            running_redis.enter_context(redis(tmp_path / "redis", redis_port))

        start_redis()
        servers = stack.enter_context(
            replicas(
                demo,
                web_dir,
                tmp_path,
                redis_port,
                DATABASE_URL=url,
                OBJECTS_ROLE_ARN=str(demo.settings.objects_role_arn),
                QUOTA_BYTES_TOTAL=str(QUOTA),
            )
        )
        first = servers.ports[0]

        def usage() -> dict[str, tuple[int, int]]:
            asked = "SELECT principal, bytes, objects FROM usage WHERE day = 'total'"
            rows = database.ask(asked, url.rpartition("/")[2]).split()
            found = (row.split("|") for row in rows)
            return {hash_: (int(size), int(count)) for hash_, size, count in found}

        yield Site(
            servers=servers,
            outages={
                "server": (
                    lambda: servers.end(first, signal.SIGKILL),
                    lambda: servers.start(first),
                ),
                "Redis": (running_redis.close, start_redis),
                "PostgreSQL": (database.kill, database.start),
            },
            usage=usage,
        )


def test_nothing_is_lost_while_a_server_redis_and_postgresql_end_and_come_back(
    site: Site, demo: Demo, record_property: Callable[[str, object], None]
) -> None:
    clients = Clients(site.servers, demo)
    clients.start()
    for end, start in site.outages.values():
        time.sleep(BETWEEN_S)
        end()
        time.sleep(OUTAGE_S)
        start()
    time.sleep(BETWEEN_S)
    seen = clients.stop()

    receipts = {key: size for each in seen for key, size in each.receipts.items()}
    record_property("answered", sum(each.answered for each in seen))
    record_property("postponed", sum(each.postponed for each in seen))
    record_property("receipts", len(receipts))
    assert site.servers.logged("unexpected") == []
    assert [words for each in seen for words in each.lost] == []
    assert all(each.broken <= 1 for each in seen)  # one server is killed, once
    assert set(demo.oss.bucket(demo.bucket).objects) == set(receipts)
    expected = {}
    for user in DEMO_USERS.values():
        owner = owner_of(user, secret=SECRET.encode())
        sizes = [size for key, size in receipts.items() if key.startswith(owner.prefix)]
        assert sizes
        expected[owner.hash] = (sum(sizes), len(sizes))
    assert site.usage() == expected
    time.sleep(2.1)  # a server caches a principal's usage for two seconds
    for name, user in DEMO_USERS.items():
        with https_client(site.servers.https_port, site.servers.tls) as client:
            headers = {**PAGE, "cookie": f"{DEMO_COOKIE}={name}"}
            quota = client.post("/api/grant", headers=headers).json()["limits"]["quota"]
        owner = owner_of(user, secret=SECRET.encode())
        assert quota["bytes_left"] == QUOTA - expected[owner.hash][0]
