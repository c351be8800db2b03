"""Two servers behind nginx with Redis and PostgreSQL, while each of these ends and comes back.

For a minute, clients request 50 grants per second, and two people upload files with the page.
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
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, Response

from e2e.pages.uploader import UploaderPage
from e2e.storage_side import MIB, noise, pending
from ossferry.authentication.demo import DEMO_COOKIE, DEMO_USERS
from ossferry.cli.demo import Demo, prepare_bucket
from ossferry.identity.owner import Owner, owner_of
from support.browser_page import BUILT
from support.config import load
from support.expecting import expect
from support.nginx import NAME, https_client
from support.postgres import Postgres, postgres
from support.programs import free_port
from support.replicas import PAGE, Replicas, redis, replicas
from support.serve_command import SECRET

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.only_browser("chromium")]

ASKING = 10
GRANTS_PER_S = 50
OUTAGE_S = 8
BETWEEN_S = 8
QUOTA = 100_000_000_000
SITE = f"https://{NAME}"
SMALL_FILES = 4
LARGE = 17 * MIB  # is sent in parts
LARGE_EVERY = 5
ROWS = """() => [...document.querySelectorAll("[data-testid=upload]")].map((row) =>
  [row.dataset.state, row.dataset.key ?? "", row.dataset.crc64 ?? "", row.innerText])"""


@dataclass
class Seen:
    """The answers that a client or a page has seen.

    Attributes:
        broken: requests without a whole answer, because the server was killed.
        lost: requests that got neither the wanted answer nor 503 with `Retry-After`.
    """

    answered: int = 0
    postponed: int = 0
    broken: int = 0
    lost: list[str] = field(default_factory=list)

    def note(self, path: str, status: int, retry_after: str | None) -> None:
        if 200 <= status < 300:
            self.answered += 1
        elif status == 503 and (retry_after or "").isdigit():
            self.postponed += 1
        else:
            self.lost.append(f"{path}: {status}")


class Clients:
    """Clients that request grants until `stop` is called."""

    def __init__(self, servers: Replicas) -> None:
        self._servers = servers
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(ASKING)
        users = list(DEMO_USERS)
        self._running = [
            self._pool.submit(self._ask, users[number % len(users)]) for number in range(ASKING)
        ]

    def stop(self) -> list[Seen]:
        """Stop, and return what the clients have seen; raise an error if a connection failed."""
        self._ended.set()
        self._pool.shutdown()
        return [each.result() for each in self._running]

    def _ask(self, user: str) -> Seen:
        """Request a grant in regular intervals; again if the answer breaks off."""
        seen = Seen()
        due = time.monotonic()
        with https_client(self._servers.https_port, self._servers.tls) as client:
            client.headers.update({**PAGE, "cookie": f"{DEMO_COOKIE}={user}"})
            client.timeout = httpx.Timeout(30)
            while not self._ended.is_set():
                try:
                    answer = client.post("/api/grant")
                except httpx.RemoteProtocolError:
                    seen.broken += 1
                    continue
                seen.note("/api/grant", answer.status_code, answer.headers.get("retry-after"))
                due += ASKING / GRANTS_PER_S
                self._ended.wait(max(0.0, due - time.monotonic()))
        return seen


class Person:
    """A person who uploads files with the page, some at a time.

    Attributes:
        arrived: size and CRC-64 of each upload that the page shows as done, by key.
    """

    def __init__(self, page: Page, user: str, folder: Path) -> None:
        self.seen = Seen()
        self.arrived: dict[str, tuple[int, str]] = {}
        self.owner: Owner = owner_of(DEMO_USERS[user], secret=SECRET.encode())
        self._folder = folder
        self._sizes: dict[str, int] = {}
        self._batches = 0
        self._uploader = UploaderPage(page, SITE)
        page.on("response", self._answered)
        page.on("requestfailed", self._broke_off)
        page.context.add_cookies([{"name": DEMO_COOKIE, "value": user, "url": SITE}])
        self._uploader.open()
        self._uploader.expect_ready()

    def choose(self) -> None:
        """Choose some files; each fifth time, also one that is sent in parts."""
        self._batches += 1
        sizes = [1000 * self._batches + number for number in range(SMALL_FILES)]
        if self._batches % LARGE_EVERY == 0:
            sizes.append(LARGE + self._batches)
        paths = []
        for number, size in enumerate(sizes):
            paths.append(self._folder / f"{self._batches}-{number}.bin")
            paths[-1].write_bytes(noise(size, seed=size))
            self._sizes[paths[-1].name] = size
        self._uploader.choose(*paths)

    def take_off(self) -> bool:
        """If all chosen files have arrived, note and clear them; return whether they have."""
        rows = self._uploader.page.evaluate(ROWS)
        failed = [text for state, _, _, text in rows if state == "failed"]
        assert failed == []
        if len(self.arrived) + len(rows) < len(self._sizes):
            return False  # some have no row yet
        if any(state != "done" for state, *_ in rows):
            return False
        for _, key, crc64, _ in rows:
            self.arrived[key] = (self._sizes[key.rpartition("/")[2]], crc64)
        self._uploader.total.get_by_role("button", name="Clear finished").click()
        expect(self._uploader.rows).to_have_count(0)
        return True

    def wait(self, milliseconds: int) -> None:
        """Wait while the page runs."""
        self._uploader.page.wait_for_timeout(milliseconds)

    def _answered(self, answer: Response) -> None:
        path = answer.url.removeprefix(SITE)
        if path.startswith("/api/"):
            self.seen.note(path, answer.status, answer.headers.get("retry-after"))

    def _broke_off(self, request: Request) -> None:
        if request.url.startswith(f"{SITE}/api/"):
            self.seen.broken += 1


@dataclass(frozen=True, kw_only=True)
class Site:
    """Two servers and what they use.

    Attributes:
        outages: functions that end and start a server, Redis and PostgreSQL.
        ask: runs a statement in the ledger, and returns the rows.
    """

    demo: Demo
    servers: Replicas
    outages: list[tuple[Callable[[], None], Callable[[], None]]]
    ask: Callable[[str], list[list[str]]]

    def receipts(self) -> dict[str, tuple[int, str]]:
        """Return size and CRC-64 of each receipt by key."""
        rows = self.ask("SELECT key, size, crc64 FROM receipts WHERE deleted_at IS NULL")
        return {key: (int(size), crc64) for key, size, crc64 in rows}

    def usage(self) -> dict[str, tuple[int, int]]:
        """Return each person's number of bytes and of objects by the hash."""
        rows = self.ask("SELECT principal, bytes, objects FROM usage WHERE day = 'total'")
        return {hash_: (int(size), int(count)) for hash_, size, count in rows}

    def bytes_left(self, user: str) -> int:
        """Return the quota that the server gives to a person."""
        with https_client(self.servers.https_port, self.servers.tls) as client:
            headers = {**PAGE, "cookie": f"{DEMO_COOKIE}={user}"}
            left: int = client.post("/api/grant", headers=headers).json()["limits"]["quota"][
                "bytes_left"
            ]
        return left


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        demo = stack.enter_context(Demo())
        prepare_bucket(demo.settings, f"http://127.0.0.1:{demo.oss.port}", [SITE])
        database = stack.enter_context(postgres())
        yield _site(stack, demo, database, tmp_path)


def _site(stack: ExitStack, demo: Demo, database: Postgres, folder: Path) -> Site:
    redis_port, url = free_port(), database.new_database()
    running_redis = stack.enter_context(ExitStack())

    def start_redis() -> None:
        running_redis.enter_context(redis(folder / "redis", redis_port))

    def ask(statement: str) -> list[list[str]]:
        rows = database.ask(statement, url.rpartition("/")[2]).splitlines()
        return [row.split("|") for row in rows]

    start_redis()
    servers = stack.enter_context(
        replicas(
            demo,
            BUILT,
            folder,
            redis_port,
            DATABASE_URL=url,
            OBJECTS_ROLE_ARN=str(demo.settings.objects_role_arn),
            QUOTA_BYTES_TOTAL=str(QUOTA),
        )
    )
    first = servers.ports[0]
    return Site(
        demo=demo,
        servers=servers,
        outages=[
            (lambda: servers.end(first, signal.SIGKILL), lambda: servers.start(first)),
            (running_redis.close, start_redis),
            (database.kill, database.start),
        ],
        ask=ask,
    )


@pytest.fixture
def people(
    site: Site,
    launch_browser: Callable[..., Browser],
    browser_context_args: dict[str, Any],
    tmp_path: Path,
) -> Iterator[dict[str, Person]]:
    """Two people, each with a page in a browser profile of its own."""
    rule = f"--host-resolver-rules=MAP {NAME}:443 127.0.0.1:{site.servers.https_port}"
    browser = launch_browser(args=[*load().use.args, rule])
    made = {}
    for user in DEMO_USERS:
        folder = tmp_path / user
        folder.mkdir()
        context = browser.new_context(ignore_https_errors=True, **browser_context_args)
        made[user] = Person(context.new_page(), user, folder)
    yield made
    browser.close()


def _one_after_the_other(site: Site) -> None:
    for end, start in site.outages:
        time.sleep(BETWEEN_S)
        end()
        time.sleep(OUTAGE_S)
        start()
    time.sleep(BETWEEN_S)


def _upload_during(outages: Future[None], people: list[Person]) -> None:
    """Upload with all pages until the outages are over and the last files have arrived."""
    sending = set(people)
    for person in people:
        person.choose()
    while sending:
        for person in list(sending):
            if not person.take_off():
                person.wait(50)
            elif outages.done():
                sending.remove(person)
            else:
                person.choose()
    outages.result()


def _wait_for_reports(site: Site, person: Person, number: int) -> None:
    """Wait until so many uploads are reported; pages report the last ones after the uploads."""
    for _ in range(40):
        if len(site.receipts()) >= number:
            return
        person.wait(1000)


def test_nothing_is_lost_while_a_server_redis_and_postgresql_end_and_come_back(
    site: Site, people: dict[str, Person], record_property: Callable[[str, object], None]
) -> None:
    pages = list(people.values())
    clients = Clients(site.servers)
    try:
        with ThreadPoolExecutor(1) as pool:
            _upload_during(pool.submit(_one_after_the_other, site), pages)
    finally:
        asked = clients.stop()

    arrived = {key: each for person in pages for key, each in person.arrived.items()}
    _wait_for_reports(site, pages[0], len(arrived))
    seen = [*asked, *(person.seen for person in pages)]
    for name in ("answered", "postponed", "broken"):
        record_property(name, sum(getattr(each, name) for each in seen))
    record_property("grants", sum(each.answered for each in asked))
    record_property("receipts", len(arrived))
    assert site.servers.logged("unexpected") == []
    assert [words for each in seen for words in each.lost] == []
    assert all(each.broken <= 1 for each in seen)  # one server is killed, once
    assert site.receipts() == arrived
    objects = site.demo.oss.bucket(site.demo.bucket).objects
    assert {key: (each.size, str(each.crc64)) for key, each in objects.items()} == arrived
    assert pending(site.demo) == []
    time.sleep(2.1)  # a server caches a person's usage for two seconds
    for user, person in people.items():
        sizes = [size for size, _ in person.arrived.values()]
        assert max(sizes) > LARGE
        assert site.usage()[person.owner.hash] == (sum(sizes), len(sizes))
        assert site.bytes_left(user) == QUOTA - sum(sizes)
