"""The shipped nginx configuration, with a real nginx in front of the real server."""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ossferry.access.audit import Audit
from ossferry.app import create_app
from ossferry.cli.processes.serving import BackgroundServer, bind
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.certificates import make_certificate
from support.nginx import NAME, configuration, https_client
from support.programs import free_port, program, running
from support.raw_http import raw_request, status_of
from support.server_fakes import OPTIONS, FakeClock, FakeSts
from support.serving import serve

GUIDE = Path(__file__).parents[3] / "docs/production.md"
PROXY_SECRET = "what-only-the-proxy-and-we-know-about"
PROGRAM = {"sec-fetch-site": "same-origin"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """nginx and the server behind it."""

    https_port: int
    http_port: int
    tls: ssl.SSLContext
    audit_lines: list[dict[str, str]]
    log: Path

    def client(self) -> httpx.Client:
        return https_client(self.https_port, self.tls)

    def raw(self, request: bytes) -> bytes:
        return raw_request(self.https_port, request, tls=self.tls, name=NAME)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, web_dir: Path) -> Iterator[Site]:
    yield from run_site(tmp_path_factory.mktemp("nginx"), web_dir, lambda: None, {})


def run_site(
    folder: Path, web_dir: Path, change: Callable[[], None], settings_too: dict[str, object]
) -> Iterator[Site]:
    """Run nginx and the server; `change` may change the configuration before nginx reads it."""
    nginx = program("nginx")
    folder.chmod(0o755)
    make_certificate(folder, NAME)
    options = {
        **OPTIONS,
        "web_dir": web_dir,
        "behind_tls": True,
        "public_url": f"https://{NAME}",
        "allowed_hosts": (NAME,),
        **settings_too,
    }
    settings, clock = load_settings(ExplicitSettings, **options), FakeClock()
    lines: list[dict[str, str]] = []
    audit = Audit(settings, clock=clock, sink=lines.append)
    app = create_app(settings, assume_role=FakeSts(clock), audit=audit, clock=clock)
    server = BackgroundServer(app, bind("127.0.0.1", 0, option="port"))
    server.start()
    https, http = free_port(), free_port()
    configuration(folder, https=https, http=http, upstreams=(server.port,))
    change()
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    tls = ssl.create_default_context(cafile=folder / "fullchain.pem")
    with running(command, folder, https):
        yield Site(
            https_port=https,
            http_port=http,
            tls=tls,
            audit_lines=lines,
            log=folder / "ossferry.log",
        )
    server.stop()


def signing_in() -> Starlette:
    """A service that signs users in: a request with the cookie `carol` comes from Carol."""

    async def answer(request: Request) -> Response:
        if "carol" not in request.cookies:
            return Response(status_code=401)
        return Response(status_code=202, headers={"x-auth-request-user": "carol"})

    return Starlette(routes=[Route("/oauth2/auth", answer)])


def with_sign_in(folder: Path, url: str) -> None:
    """Change the sample as the guide describes."""
    inside, beside = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    path = folder / "ossferry.conf"
    text, emptied = re.subn(
        r' +proxy_set_header +X-(Forwarded-User|Proxy-Secret) +"";\n', "", path.read_text()
    )
    assert emptied == 2
    text = text.replace("    location / {\n", f"{beside}    location / {{\n{inside}")
    text = text.replace("THE_SECRET_OF_OSSFERRY_PROXY_SECRET", PROXY_SECRET)
    path.write_text(text.replace("http://127.0.0.1:4180", url))


@pytest.fixture(scope="module")
def signed_in_site(tmp_path_factory: pytest.TempPathFactory, web_dir: Path) -> Iterator[Site]:
    with serve(signing_in()) as url:
        changes: dict[str, object] = {"auth": "proxy", "proxy_secret": PROXY_SECRET}
        folder = tmp_path_factory.mktemp("nginx")
        yield from run_site(folder, web_dir, lambda: with_sign_in(folder, url), changes)


def test_t50_nginx_says_who_is_asking_and_nobody_else_does(signed_in_site: Site) -> None:
    said = {**PROGRAM, "x-forwarded-user": "root", "x-proxy-secret": PROXY_SECRET}
    with signed_in_site.client() as client:
        stranger = client.post("/api/grant", headers=said)
        without_page = client.post("/api/grant", headers={"cookie": "carol=1"})
        carol = client.post("/api/grant", headers={**said, "cookie": "carol=1"})
        link = client.get(f"/s/{'0' * 32}")

    assert stranger.status_code == 401
    assert (without_page.status_code, without_page.json()["code"]) == (403, "cross-site")
    assert carol.status_code == 200
    assert carol.json()["prefix"].startswith("uploads/carol-")
    assert link.status_code == 404  # links need no sign-in, and this server makes none


def test_a_grant_comes_through(site: Site) -> None:
    page = {"sec-fetch-site": "same-origin", "origin": f"https://{NAME}"}
    with site.client() as client:
        answer = client.post("/api/grant", json={"refused_key_id": ""}, headers=page)

    assert answer.status_code == 200
    assert answer.json()["prefix"].startswith("uploads/alice-")
    assert answer.headers["cache-control"] == "no-store"


def test_only_a_batch_of_receipts_may_be_longer_than_16_kb(site: Site) -> None:
    body = {"reports": ["x" * 100_000]}
    with site.client() as client:
        batch = client.post("/api/receipts/batch", json=body)
        other = client.post("/api/receipts", json=body)

    assert (batch.status_code, "nginx" in batch.text) == (404, False)  # no role for objects
    assert (other.status_code, "nginx" in other.text) == (413, True)


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


@pytest.mark.parametrize("has_tls", [True, False], ids=["https", "http"])
@pytest.mark.parametrize("host", [b"evil.example", b"", b"uploads.example.com.evil.example"])
def test_t32_a_host_that_nobody_knows_gets_no_page_of_nginx(
    site: Site, host: bytes, has_tls: bool
) -> None:
    request = b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"

    answer = site.raw(request) if has_tls else raw_request(site.http_port, request)

    assert b"nginx!" not in answer
    assert status_of(answer) in (0, 400)


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


def test_t75_the_log_has_no_token_of_a_link(site: Site) -> None:
    with site.client() as client:
        for path in (f"/s/{'5' * 32}", f"/r/{'5' * 32}/about?a=b", "/readyz?a=b"):
            client.get(path)

    logged = site.log.read_text()
    assert "5555" not in logged
    assert '"GET /s/..." 404' in logged
    assert '"GET /readyz?a=b" ' in logged


def test_t49_metrics_are_not_shown_outside(site: Site) -> None:
    with site.client() as client:
        assert client.get("/metrics").status_code == 404


def test_a_server_behind_tls_believes_the_proxy_only(site: Site) -> None:
    with site.client() as client:
        assert client.get("/readyz").status_code in (200, 503)
        assert client.get("/").status_code == 200
