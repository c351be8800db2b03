"""An OpenID provider whose certificate comes from a private certificate authority."""

import json
import ssl
import threading
from collections.abc import Iterator
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


def server_with(ca_file: Path | None, provider: FakeIssuer, web_dir: Path) -> httpx.Client:
    """Return a client of a server with this value of `ca_file`."""
    clock = FakeClock()
    clock.catch_up()
    options = {**OPTIONS, **openid_options(provider), "web_dir": web_dir, "ca_file": ca_file}
    settings = load_settings(ExplicitSettings, **options)
    return app_client(create_app(settings, assume_role=FakeSts(clock), clock=clock), BASE)


def test_a_person_signs_in_at_a_provider_with_a_private_authority(
    provider: FakeIssuer, web_dir: Path, folder: Path
) -> None:
    tls = ssl.create_default_context(cafile=folder / "fullchain.pem")
    with server_with(folder / "fullchain.pem", provider, web_dir) as client:
        there = client.get("/login/start").headers["location"]
        back = httpx.get(there, verify=tls, trust_env=False).headers["location"]
        client.get(back)

    assert parse_qs(urlsplit(back).query)["code"]
    assert SESSION in client.cookies


def test_the_log_says_that_a_certificate_is_not_trusted(
    provider: FakeIssuer,
    web_dir: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "fullchain.pem"))  # not an option of ours

    with server_with(None, provider, web_dir) as client:
        answer = client.get("/login/start")

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
        server_with(file, provider, web_dir)

    assert str(caught.value) == (
        f"OSSFERRY_CA_FILE: {file} is no readable file of certificates (PEM)."
    )
