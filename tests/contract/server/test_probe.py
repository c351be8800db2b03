"""A mock is not mistaken for the cloud: the server checks for its marker before the start."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ossferry.errors import SettingsError
from ossferry.oss.mock_check import MOCK_MARKER, refuse_mock
from ossferry.settings.model import Settings


class Stub(BaseHTTPRequestHandler):
    """Identifies itself as a mock, if requested under `/`."""

    def do_HEAD(self) -> None:
        """Answer as the mock does."""
        self.send_response(403)
        self.send_header(MOCK_MARKER, "1")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Do not log."""


@pytest.fixture
def mock_url() -> Iterator[str]:
    """The URL of a server that identifies itself as a mock."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def unchecked(**values: str | bool | tuple[str, ...]) -> Settings:
    """Return settings without validation, which would require HTTPS."""
    defaults: dict[str, Any] = {
        "region": "cn-hangzhou",
        "endpoint": "http://127.0.0.1:1",
        "allow_mock": False,
    }
    return Settings.model_construct(**{**defaults, "sts_endpoint": "http://127.0.0.1:1", **values})


@pytest.mark.parametrize("option", ["endpoint", "sts_endpoint", "upload_hosts"])
def test_t47_a_mock_endpoint_is_refused(mock_url: str, option: str) -> None:
    value = (mock_url,) if option == "upload_hosts" else mock_url
    with pytest.raises(SettingsError) as caught:
        refuse_mock(unchecked(**{option: value}))

    assert str(caught.value) == (
        f"OSSFERRY_{option.upper()} is a mock; only OSSFERRY_ALLOW_MOCK=1 accepts one."
    )


def test_an_allowed_mock_passes(mock_url: str) -> None:
    refuse_mock(unchecked(endpoint=mock_url, allow_mock=True))


def test_an_endpoint_out_of_reach_is_logged_and_passes(caplog: pytest.LogCaptureFixture) -> None:
    refuse_mock(unchecked())

    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "OSSFERRY_ENDPOINT" in caplog.text
