"""Bearer tokens of an issuer, whose keys the server fetches over loopback."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ossferry.app import create_app
from ossferry.identity.owner import principal_prefix
from ossferry.identity.principal import Principal
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from support.app_client import app_client
from support.fake_issuer import CLIENT_ID, FakeIssuer
from support.server_fakes import OPTIONS, FakeClock, FakeSts


@pytest.fixture
def clock() -> FakeClock:
    """A clock that starts at the real time, as the issuer's tokens do."""
    clock = FakeClock()
    clock.catch_up()
    return clock


@pytest.fixture
def settings(issuer: FakeIssuer, web_dir: Path) -> Settings:
    options = {
        "auth": "jwt",
        "jwt_issuer": issuer.url,
        "jwt_audience": CLIENT_ID,
        "jwt_jwks_url": f"{issuer.url}/jwks",
        "web_dir": web_dir,
    }
    return load_settings(ExplicitSettings, **{**OPTIONS, **options})


@pytest.fixture
def ticks() -> list[float]:
    """The time of the monotonic clock in seconds, as the only element."""
    return [1000.0]


@pytest.fixture
def client(settings: Settings, clock: FakeClock, ticks: list[float]) -> Iterator[httpx.Client]:
    app = create_app(settings, assume_role=FakeSts(clock), clock=clock, monotonic=lambda: ticks[0])
    with app_client(app) as client:
        yield client


def grant(client: httpx.Client, token: str) -> httpx.Response:
    return client.post("/api/grant", headers={"authorization": f"Bearer {token}"})


def test_a_token_of_the_issuer_gets_a_grant_for_its_subject(
    client: httpx.Client, issuer: FakeIssuer, settings: Settings
) -> None:
    answer = grant(client, issuer.token())

    carol = Principal(id="carol-1", name="Carol")
    assert answer.status_code == 200
    assert answer.json()["principal"] == {"name": "Carol"}
    assert answer.json()["prefix"] == principal_prefix(carol, secret=settings.secret_bytes)
    assert issuer.asked == ["/jwks"]


def test_a_token_without_a_name_shows_its_subject(client: httpx.Client, issuer: FakeIssuer) -> None:
    answer = grant(client, issuer.token(name=None))

    assert answer.json()["principal"] == {"name": "carol-1"}


def test_a_token_ends_by_the_clock_of_the_server(
    client: httpx.Client, issuer: FakeIssuer, clock: FakeClock
) -> None:
    token = issuer.token()
    assert grant(client, token).status_code == 200

    clock.advance(600)

    assert grant(client, token).status_code == 401


def test_keys_are_fetched_again_by_the_monotonic_clock(
    client: httpx.Client, issuer: FakeIssuer, ticks: list[float]
) -> None:
    for wait_s in (0, 60, 3600):
        ticks[0] += wait_s
        assert grant(client, issuer.token()).status_code == 200

    assert issuer.asked == ["/jwks"] * 2
