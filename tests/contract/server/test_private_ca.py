"""An OpenID provider whose certificate comes from a private certificate authority."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn

from contract.server.test_oidc import BASE, SESSION, openid_options
from ossferry.app import create_app
from ossferry.cli.processes.serving import bind
from ossferry.errors import SettingsError
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from support.app_client import app_client
from support.certificates import make_certificate
from support.fake_issuer import FakeIssuer
from support.server_fakes import OPTIONS, FakeClock, FakeSts


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificate of the provider, which is its own authority."""
    folder = tmp_path_factory.mktemp("authority")
    make_certificate(folder, "127.0.0.1")
    return folder


@pytest.fixture(scope="module")
def provider(folder: Path) -> Iterator[FakeIssuer]:
    """A provider that answers over TLS."""
    issuer, sock = FakeIssuer(), bind("127.0.0.1", 0, option="port")
    issuer.url = f"https://127.0.0.1:{sock.getsockname()[1]}"
    config = uvicorn.Config(
        issuer.app(),
        ssl_certfile=folder / "fullchain.pem",
        ssl_keyfile=folder / "privkey.pem",
        log_config=None,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([sock],))
    thread.start()
    while not server.started:
        assert thread.is_alive()
    yield issuer
    server.should_exit = True
    thread.join()


@pytest.fixture
def client_with(
    provider: FakeIssuer, web_dir: Path
) -> Iterator[Callable[[Path | None], httpx.Client]]:
    """Return a function that creates a client of a server with this value of `ca_file`."""
    made = []

    def make(ca_file: Path | None) -> httpx.Client:
        clock = FakeClock()
        clock.catch_up()
        app = create_app(
            _settings(provider, web_dir, ca_file), assume_role=FakeSts(clock), clock=clock
        )
        made.append(app_client(app, BASE))
        return made[-1]

    yield make
    for client in made:
        client.close()


def _settings(provider: FakeIssuer, web_dir: Path, ca_file: Path | None) -> Settings:
    options = {**OPTIONS, **openid_options(provider), "web_dir": web_dir, "ca_file": ca_file}
    return load_settings(ExplicitSettings, **options)


def test_a_person_signs_in_at_a_provider_with_a_private_authority(
    client_with: Callable[[Path | None], httpx.Client], folder: Path
) -> None:
    client = client_with(folder / "fullchain.pem")
    there = client.get("/login/start").headers["location"]
    tls = ssl.create_default_context(cafile=folder / "fullchain.pem")
    back = httpx.get(there, verify=tls, trust_env=False).headers["location"]

    client.get(back)

    assert parse_qs(urlsplit(back).query)["code"]
    assert SESSION in client.cookies


def test_the_log_says_that_a_certificate_is_not_trusted(
    client_with: Callable[[Path | None], httpx.Client],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "fullchain.pem"))  # not an option of ours

    answer = client_with(None).get("/login/start")

    (line,) = (json.loads(each) for each in caplog.messages if '"problem"' in each)
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer-unavailable")
    assert "certificate" not in answer.text
    assert line["reason"] == "no-answer"
    assert line["cause"] == "the certificate is not trusted: self-signed certificate"


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "malformed"])
def test_a_file_without_certificates_stops_the_start(
    provider: FakeIssuer, web_dir: Path, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SettingsError) as caught:
        create_app(_settings(provider, web_dir, file), assume_role=FakeSts(FakeClock()))

    assert str(caught.value) == (
        f"OSSFERRY_CA_FILE: {file} is no readable file of certificates (PEM)."
    )
