"""The shipped nginx configuration, with a real nginx and the real server behind it."""

import datetime as dt
import re
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ossferry.app import create_app
from ossferry.audit import Audit
from ossferry.clock import utc_now
from ossferry.serving import BackgroundServer, listen
from ossferry.settings import ExplicitSettings, load_settings
from support.programs import free_port, program, running
from support.raw_http import raw_request, status_of
from support.server_fakes import OPTIONS, FakeClock, FakeSts

SAMPLE = Path(__file__).parents[3] / "deploy/nginx/ossferry.conf"
NAME = "uploads.example.com"
MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/ossferry.conf;
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """nginx and the server behind it."""

    https_port: int
    http_port: int
    tls: ssl.SSLContext
    audit_lines: list[dict[str, str]]

    def client(self) -> httpx.Client:
        base_url = f"https://127.0.0.1:{self.https_port}"
        transport = httpx.HTTPTransport(verify=self.tls, trust_env=False)
        return httpx.Client(base_url=base_url, transport=_Named(transport))

    def raw(self, request: bytes) -> bytes:
        return raw_request(self.https_port, request, tls=self.tls, name=NAME)


class _Named(httpx.BaseTransport):
    """Asks for the site's name at the address where the test runs it."""

    def __init__(self, inner: httpx.HTTPTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.headers["host"].startswith("127."):
            request.headers["host"] = NAME
        request.extensions = {**request.extensions, "sni_hostname": NAME}
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def make_certificate(folder: Path) -> None:
    """Write a certificate for the site's name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = utc_now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def configuration(folder: Path, *, https: int, http: int, upstream: int) -> None:
    """Write the sample with this test's ports, paths and shorter patience."""
    text = SAMPLE.read_text()
    for pattern, replacement in (
        (r"listen 443 ", f"listen 127.0.0.1:{https} "),
        (r"listen 80;", f"listen 127.0.0.1:{http};"),
        (r"127\.0\.0\.1:8000", f"127.0.0.1:{upstream}"),
        (r"/etc/ssl/ossferry", str(folder)),
        (r"(client_header_timeout|client_body_timeout) +10s", r"\1 1s"),
    ):
        text, count = re.subn(pattern, replacement, text)
        assert count, f"the sample has no {pattern}"
    (folder / "ossferry.conf").write_text(text)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, web_dir: Path) -> Iterator[Site]:
    nginx, folder = program("nginx"), tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    make_certificate(folder)
    options = {
        **OPTIONS,
        "web_dir": web_dir,
        "behind_tls": True,
        "public_url": f"https://{NAME}",
        "allowed_hosts": (NAME,),
    }
    settings, clock = load_settings(ExplicitSettings, **options), FakeClock()
    lines: list[dict[str, str]] = []
    audit = Audit(settings, clock=clock, sink=lines.append)
    app = create_app(settings, assume_role=FakeSts(clock), audit=audit, clock=clock)
    server = BackgroundServer(app, listen("127.0.0.1", 0, option="port"))
    server.start()
    https, http = free_port(), free_port()
    configuration(folder, https=https, http=http, upstream=server.port)
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    tls = ssl.create_default_context(cafile=folder / "fullchain.pem")
    with running(command, folder, https):
        yield Site(https_port=https, http_port=http, tls=tls, audit_lines=lines)
    server.stop()


def test_a_grant_comes_through(site: Site) -> None:
    page = {"sec-fetch-site": "same-origin", "origin": f"https://{NAME}"}
    with site.client() as client:
        answer = client.post("/api/grant", json={"refused_key_id": ""}, headers=page)

    assert answer.status_code == 200
    assert answer.json()["prefix"].startswith("uploads/alice-")
    assert answer.headers["cache-control"] == "no-store"


def test_t30_browsers_are_kept_on_https(site: Site) -> None:
    plain = httpx.get(
        f"http://127.0.0.1:{site.http_port}/x?y=1", headers={"host": NAME}, trust_env=False
    )
    with site.client() as client:
        secure = client.get("/healthz")

    assert (plain.status_code, plain.headers["location"]) == (308, f"https://{NAME}/x?y=1")
    assert secure.headers["strict-transport-security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-forwarded-for": "1.2.3.4"},
        {"x-forwarded-for": "1.2.3.4, 5.6.7.8"},
        {"x-real-ip": "1.2.3.4"},
        {"forwarded": "for=1.2.3.4"},
        {"x-forwarded-proto": "http"},
        {"x-forwarded-host": "evil.example"},
    ],
    ids=lambda headers: " ".join(headers) or "none",
)
def test_t23_t32_what_a_client_says_about_itself_changes_nothing(
    site: Site, headers: dict[str, str]
) -> None:
    site.audit_lines.clear()
    with site.client() as client:
        answer = client.post("/api/grant", headers=headers)

    assert answer.status_code == 200
    assert [line["address"] for line in site.audit_lines] == ["127.0.0.1"]
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /healthz HTTP/1.1\r\nHost: uploads.example.com\r\nHost: evil.example\r\n",
        b"GET /healthz HTTP/1.1\r\n",
        b"POST /api/grant HTTP/1.1\r\nHost: uploads.example.com\r\nContent-Length: 3\r\n"
        b"Transfer-Encoding: chunked\r\n",
        b"POST /api/grant HTTP/1.1\r\nHost: uploads.example.com\r\nContent-Length: 1\r\n"
        b"Content-Length: 2\r\n",
        b"POST /api/grant HTTP/1.1\r\nHost: uploads.example.com\r\nContent-Length: 20000\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: uploads.example.com\r\nX: " + b"a" * 70_000 + b"\r\n",
    ],
    ids=["two hosts", "no host", "CL and TE", "two lengths", "long body", "long header"],
)
def test_t32_t33_an_odd_frame_is_refused_on_the_way(site: Site, request_bytes: bytes) -> None:
    answer = site.raw(request_bytes + b"Connection: close\r\n\r\n")

    assert 400 <= status_of(answer) < 500
    assert b"access_key" not in answer


def test_t32_another_name_gets_no_answer(site: Site) -> None:
    with (
        socket.create_connection(("127.0.0.1", site.https_port)) as plain,
        pytest.raises(ssl.SSLError),
    ):
        site.tls.wrap_socket(plain, server_hostname="evil.example")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.1\r\nHost: uploads.example.com\r\n",
        b"POST /api/grant HTTP/1.1\r\nHost: uploads.example.com\r\nContent-Length: 9\r\n"
        b"Content-Type: application/json\r\n\r\n{",
    ],
    ids=["headers", "body"],
)
def test_t33_a_slow_client_is_let_go(site: Site, sent: bytes) -> None:
    started = time.monotonic()

    answer = site.raw(sent)

    assert time.monotonic() - started < 5
    assert status_of(answer) in (0, 408)


def test_t50_identity_headers_of_clients_are_dropped(site: Site) -> None:
    headers = {"x-forwarded-user": "root", "X_Forwarded_User": "root", "x-proxy-secret": "x"}
    with site.client() as client:
        answer = client.post("/api/grant", headers=headers)

    assert answer.json()["principal"] == {"name": "Alice"}


def test_t49_metrics_are_not_shown_outside(site: Site) -> None:
    with site.client() as client:
        assert client.get("/metrics").status_code == 404


def test_a_server_behind_tls_believes_the_proxy_only(site: Site) -> None:
    with site.client() as client:
        assert client.get("/readyz").status_code in (200, 503)
        assert client.get("/").status_code == 200
