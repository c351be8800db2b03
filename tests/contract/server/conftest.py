"""The demo, started once for all of these tests, with a minimal page."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ossferry.cli.demo import Demo
from support.fake_issuer import FakeIssuer
from support.postgres import Postgres, postgres
from support.programs import free_port
from support.replicas import redis
from support.serving import serve


@pytest.fixture(scope="session")
def web_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built page without any assets."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "manifest.json").write_text(json.dumps({"files": {}}))
    for runtime in ("micropython", "pyodide"):
        (folder / f"index.{runtime}.html").write_text(f"<html data-runtime={runtime}>")
    return folder


@pytest.fixture(scope="session")
def running_demo(web_dir: Path) -> Iterator[Demo]:
    """The demo on free ports."""
    with Demo(web_dir=web_dir) as demo:
        yield demo


@pytest.fixture
def demo(running_demo: Demo) -> Iterator[Demo]:
    """The running demo, without faults before and after the test."""
    running_demo.oss.faults.clear()
    yield running_demo
    running_demo.oss.faults.clear()


@pytest.fixture
def site(demo: Demo) -> Iterator[httpx.Client]:
    """A client of the demo's server, signed in as Alice at first."""
    with httpx.Client(base_url=demo.url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def running_issuer() -> Iterator[FakeIssuer]:
    """An OpenID provider, on a port of its own."""
    issuer = FakeIssuer()
    with serve(issuer.app()) as issuer.url:
        yield issuer


@pytest.fixture
def issuer(running_issuer: FakeIssuer) -> FakeIssuer:
    """The provider in its normal state; it has not been asked yet."""
    running_issuer.reset()
    return running_issuer


@pytest.fixture(scope="session")
def a_postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for these tests."""
    with postgres() as running:
        yield running


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis server for these tests, in memory only."""
    port = free_port()
    with redis(tmp_path_factory.mktemp("redis"), port):
        yield port


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty ledger, for each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: Postgres = request.getfixturevalue("a_postgres")
    return server.new_database()
