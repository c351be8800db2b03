"""`ossferry doctor` runs the start-up code of the server, without serving or writing anything."""

from pathlib import Path

import httpx
import pytest

from ossferry.app import create_app
from ossferry.clock import utc_now
from ossferry.diagnosis.findings import Finding, failed, passed
from ossferry.doctor.server import Server
from ossferry.doctor.start import probe_start
from ossferry.settings.model import Settings
from support.server_fakes import MakeSettings


async def start(settings: Settings) -> Finding:
    async with httpx.AsyncClient() as client:
        return await probe_start(Server(settings, client, utc_now, create_app))


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


async def test_a_server_that_starts_writes_nothing(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    settings = make_settings(audit_file=tmp_path / "audit.log")
    before = names(tmp_path)

    found = await start(settings)

    assert found == passed("The server starts with these settings.")
    assert names(tmp_path) == before


async def test_a_key_of_the_mock_stops_a_server_for_the_cloud(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tMockServer")

    for_the_cloud = settings.model_copy(update={"allow_mock": False})
    found = await start(for_the_cloud)

    assert found == failed(
        "The server refuses to start: ALIBABA_CLOUD_ACCESS_KEY_ID is a key of the mock; only"
        " OSSFERRY_ALLOW_MOCK=1 accepts one.",
        "Correct ALIBABA_CLOUD_ACCESS_KEY_ID.",
    )


async def test_an_application_that_identifies_people_itself_starts(
    make_settings: MakeSettings,
) -> None:
    found = await start(make_settings(auth="app"))

    assert found.outcome == "ok"
