"""The audit file: one line per decision, and no decision without its line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ossferry.app import create_app
from ossferry.errors import SettingsError
from ossferry.settings import Settings
from support.app_client import app_client
from support.server_fakes import FakeClock, FakeSts


@pytest.fixture
def ask(
    make_settings: Callable[..., Settings], sts: FakeSts, clock: FakeClock
) -> Callable[[Path], int]:
    """Asks for a grant with the audit trail in this file; answers the status."""

    def call(path: Path) -> int:
        settings = make_settings(audit_file=path)
        with app_client(create_app(settings, assume_role=sts, clock=clock)) as client:
            return client.post("/api/grant").status_code

    return call


def test_t25_a_decision_is_one_line_in_the_file(ask: Callable[[Path], int], tmp_path: Path) -> None:
    path = tmp_path / "audit.log"

    assert ask(path) == 200
    assert ask(path) == 200

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["issued", "issued"]
    assert set(lines[0]) == {
        "at", "request_id", "principal", "address", "outcome",
        "scope", "session", "expires_at", "key_last4",
    }  # fmt: skip
    assert "fake-" not in path.read_text()


def test_a_decision_that_cannot_be_written_down_is_not_made(ask: Callable[[Path], int]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")

    assert ask(full) == 503


def test_a_file_that_cannot_be_opened_stops_the_start(
    ask: Callable[[Path], int], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="OSSFERRY_AUDIT_FILE"):
        ask(tmp_path / "nowhere" / "audit.log")
