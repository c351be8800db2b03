"""The ledger's database goes away and comes back, behind a relay in front of PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from ossferry.app import create_app
from ossferry.authentication.demo import DEMO_USERS
from ossferry.identity.owner import owner_of
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from support.app_client import app_client
from support.postgres import Postgres
from support.relay import Relay
from support.server_fakes import OBJECTS, OPTIONS, FakeClock, FakeStore, FakeSts

QUOTA = 100


@dataclass
class Server:
    """The server, and everything that it uses."""

    settings: Settings
    relay: Relay
    database_port: int
    clock: FakeClock = field(default_factory=FakeClock)
    store: FakeStore = field(default_factory=FakeStore)
    seconds: float = 0.0

    def app(self) -> Starlette:
        self.sts = FakeSts(self.clock)
        return create_app(
            self.settings,
            assume_role=self.sts,
            clock=self.clock,
            monotonic=lambda: self.seconds,
            store=self.store,
        )

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.clock.advance(seconds)

    def lose_ledger(self) -> None:
        self.relay.stop()
        self.wait(2.1)  # the usage of a principal is cached for two seconds

    def upload(self, client: httpx.Client, name: str, size: int) -> httpx.Response:
        alice = owner_of(DEMO_USERS["alice"], secret=self.settings.secret_bytes)
        stored = self.store.put(f"{alice.prefix}2026-03-14/r/{name}", size=size)
        report = {"key": stored.key, "size": size, "crc64": stored.crc64, "request_id": None}
        return client.post("/api/receipts", json=report)


@pytest.fixture
def server(a_postgres: Postgres, web_dir: Path) -> Iterator[Server]:
    url, relay = a_postgres.new_database(), Relay()
    port = urlsplit(url).port or 0
    relay.start(port)
    options = {
        **OPTIONS,
        **OBJECTS,
        "web_dir": web_dir,
        "database_url": url.replace(f":{port}/", f":{relay.port}/"),
        "quota_bytes_total": QUOTA,
    }
    settings = load_settings(ExplicitSettings, **options)
    yield Server(settings=settings, relay=relay, database_port=port)
    relay.stop()


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with app_client(server.app()) as client:
        yield client


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


def test_r61_a_known_person_gets_the_same_grant_while_the_ledger_is_away(
    server: Server, client: httpx.Client
) -> None:
    before = client.post("/api/grant").json()
    assert server.upload(client, "a", 30).status_code == 200
    server.lose_ledger()

    away = client.post("/api/grant")

    assert away.status_code == 200
    assert away.json()["access_key_id"] == before["access_key_id"]
    assert away.json()["limits"]["quota"] == {"bytes_left": QUOTA - 30, "objects_left": None}
    assert len(server.sts.calls) == 1


def test_r61_nobody_gets_new_credentials_while_the_ledger_is_away(
    server: Server, client: httpx.Client
) -> None:
    known = client.post("/api/grant").json()["access_key_id"]
    server.lose_ledger()

    renewed = client.post("/api/grant", json={"refused_key_id": known})
    client.post("/demo/user", json={"user": "bob"})
    stranger = client.post("/api/grant")

    for answer in (renewed, stranger):
        assert (answer.status_code, code_of(answer)) == (503, "ledger-unavailable")
        assert answer.headers["retry-after"] == "2"
        assert "access_key_id" not in answer.text


def test_a_quota_that_is_used_up_stays_so_while_the_ledger_is_away(
    server: Server, client: httpx.Client
) -> None:
    client.post("/api/grant")
    server.upload(client, "a", QUOTA)
    server.lose_ledger()

    answer = client.post("/api/grant")

    assert (answer.status_code, code_of(answer)) == (429, "quota-exceeded")


def test_the_usage_is_right_when_the_ledger_is_back(server: Server, client: httpx.Client) -> None:
    client.post("/api/grant")
    server.lose_ledger()
    lost = server.upload(client, "a", 40)
    server.relay.start(server.database_port)
    while server.upload(client, "a", 40).status_code == 503:  # connections of before are replaced
        pass

    again = client.post("/api/grant")

    assert (lost.status_code, code_of(lost)) == (503, "ledger-unavailable")
    assert again.json()["limits"]["quota"]["bytes_left"] == QUOTA - 40
