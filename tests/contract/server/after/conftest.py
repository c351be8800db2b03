"""A demo with frequent reconciliation, for each kind of ledger."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from ossferry.cli.demo import Demo
from support.after_upload import address, become, impatient_ledgers
from support.postgres import Postgres


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
)
def after(
    request: pytest.FixtureRequest, web_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    """A demo that reconciles uploads every second."""
    url = f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db"
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("a_postgres")
        url = server.new_database()
    with (
        patch("ossferry.background.RECONCILE_S", 1),
        patch("ossferry.uploads.refused.SETTLE", timedelta()),
        impatient_ledgers(),
        Demo(web_dir=web_dir, database_url=url, quota_bytes_total=1000) as demo,
    ):
        yield demo


@pytest.fixture
def site(after: Demo) -> Iterator[httpx.Client]:
    """A client of the demo's server, signed in as Alice at first."""
    with httpx.Client(base_url=after.url, trust_env=False) as client:
        yield client
        after.oss.faults.clear()
        after.oss.clock.reset()
        become(client, "alice")
        for each in client.get("/api/objects", params={"limit": 1000}).json()["objects"]:
            client.delete(address(each["key"]))
