"""Connections of attackers: malformed requests, endless headers, silent and too many
connections.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from ossferry.app import create_app
from ossferry.cli.processes.serving import BackgroundServer, bind
from ossferry.http.protocol import WireLimits
from ossferry.settings.loading import ExplicitSettings, load_settings
from support.raw_http import raw_request, status_of
from support.server_fakes import OPTIONS, FakeClock, FakeSts

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/grant HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CLOSE = b"Connection: close\r\n\r\n"
READ_TIMEOUT_S = 0.6


@pytest.fixture(scope="module")
def make_server(web_dir: Path) -> Iterator[Callable[..., BackgroundServer]]:
    """Return a function that starts servers; `changes` are settings, `limits` are for
    connections.
    """
    with contextlib.ExitStack() as stack:

        def start(limits: WireLimits | None = None, **changes: object) -> BackgroundServer:
            options = {**OPTIONS, "web_dir": web_dir, **changes}
            settings = load_settings(ExplicitSettings, **options)
            clock = FakeClock()
            app = create_app(settings, assume_role=FakeSts(clock), clock=clock)
            sock = bind("127.0.0.1", 0, option="port")
            limits = limits or WireLimits(read_timeout_s=READ_TIMEOUT_S)
            server = BackgroundServer(app, sock, limits=limits)
            server.start()
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="module")
def make_port(make_server: Callable[..., BackgroundServer]) -> Callable[..., int]:
    """Return a function that starts a server and returns its port."""
    return lambda *given, **changes: make_server(*given, **changes).port


@pytest.fixture(scope="module")
def port(make_port: Callable[..., int]) -> int:
    return make_port()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (GET + b"Host: localhost\r\nConnection: close\r\n\r\n", 421),
        (b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", 421),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE, 400),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n" + CLOSE, 400),
        (b"GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n" + CLOSE, 400),
        (b"GET /healthz#x HTTP/1.1\r\nHost: localhost\r\n" + CLOSE, 400),
        (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}", 400),
        (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
        (POST + b"Content-Length: +2\r\nConnection: close\r\n\r\n{}", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
        (POST + b"Content-Length: 99999999\r\nConnection: close\r\n\r\n", 413),
        (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        (GET + b"X:" + b"a" * 200_000 + b"\r\nConnection: close\r\n\r\n", 431),
        (GET + b"X: a\r\n" * 5000, 431),
        (b"GET /" + b"a" * 40_000, 431),
        (b"GET /?" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: localhost\r\n" + CLOSE, 431),
        (GET + b"X\0Y: a\r\n\r\n", 400),
        (GET + b" folded: a\r\n\r\n", 400),
        (b"GET /healthz HTTP/9.9\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ],
    ids=[
        "two hosts", "no host", "absolute form", "absolute form of another host",
        "absolute form of another scheme", "fragment", "CL then TE", "TE then CL", "two lengths",
        "signed length", "negative length", "chunked, identity", "xchunked", "bad chunk",
        "long body", "space before colon", "one long header", "endless headers", "endless line",
        "long query", "zero in a name", "folded", "HTTP/9.9", "TLS hello", "HTTP/2",
    ],
)  # fmt: skip
def test_t32_t33_an_odd_frame_is_refused(port: int, request_bytes: bytes, status: int) -> None:
    answer = raw_request(port, request_bytes)

    assert status_of(answer) == status
    assert b"access_key" not in answer
    assert b"application/problem+json" in answer
    assert b"\r\ncache-control: no-store\r\n" in answer.lower()


@pytest.mark.parametrize(
    "head",
    [
        POST,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n",
        GET + b"\r\n" + GET + b"\r\n" + POST,
    ],
    ids=["grant", "page", "nowhere", "third in a row"],
)
@pytest.mark.parametrize("rest", [b"zz\r\n", b"2\r\n{}zz\r\n"], ids=["at once", "later"])
def test_t33_a_client_that_breaks_off_into_nonsense_is_no_error_of_ours(
    port: int, caplog: pytest.LogCaptureFixture, head: bytes, rest: bytes
) -> None:
    answer = raw_request(port, head + b"Transfer-Encoding: chunked\r\n\r\n" + rest)

    assert b"HTTP/1.1 400 " in answer
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_t33_a_trailer_is_no_header(port: int) -> None:
    sent = (
        POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n"
        b"Host: evil.example\r\nSec-Fetch-Site: cross-site\r\n\r\n"
    )

    assert status_of(raw_request(port, sent)) == 200


def test_headers_and_body_of_an_answer_arrive_together(port: int) -> None:
    pieces = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(200):
            connection.sendall(GET + b"\r\n")
            pieces.append(connection.recv(65536))

    assert all(each.endswith(b'{"status":"ok"}') for each in pieces)


def test_t33_nothing_is_smuggled_behind_a_refused_frame(port: int) -> None:
    inner = b"GET /get_sts_token HTTP/1.1\r\nHost: localhost\r\n\r\n"
    lengths = b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % len(inner)

    answer = raw_request(port, POST + lengths + inner)

    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"SecurityToken" not in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"", 0), (b"GET / HT", 408), (GET, 408), (POST + b"Content-Length: 9\r\n\r\n{", 408)],
    ids=["nothing", "half a line", "half of the headers", "half of a body"],
)
def test_t33_a_client_that_stops_is_let_go(port: int, sent: bytes, status: int) -> None:
    assert status_of(raw_request(port, sent)) == status


def test_t33_a_client_that_drips_is_let_go(port: int) -> None:
    def drip(sock: socket.socket) -> None:
        for byte in GET + b"X: y\r\n" * 100:
            sock.sendall(bytes([byte]))
            time.sleep(0.02)

    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
        pytest.raises(ConnectionError),
    ):
        drip(sock)


def test_t33_the_clock_starts_anew_with_each_request(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        for _ in range(4):
            assert client.get("/healthz").status_code == 200
            time.sleep(READ_TIMEOUT_S / 2)


def test_t33_a_client_that_takes_nothing_is_let_go(
    make_port: Callable[..., int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("large")
    (folder / "manifest.json").write_text('{"files": {}}')
    for runtime in ("micropython", "pyodide"):
        (folder / f"index.{runtime}.html").write_bytes(b"x" * 8_000_000)
    port = make_port(WireLimits(write_timeout_s=0.3), web_dir=folder)

    def received_after(wait_s: float) -> int:
        received = 0
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(wait_s)
            with contextlib.suppress(ConnectionError):
                while chunk := sock.recv(65536):
                    received += len(chunk)
        return received

    # on a busy machine, the server may notice late
    assert any(received_after(wait_s) < 8_000_000 for wait_s in (1, 4, 16))


def test_t33_a_connection_too_many_is_refused(make_port: Callable[..., int]) -> None:
    port = make_port(WireLimits(max_connections=3))
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        answer = raw_request(port, b"")

    assert status_of(answer) == 503
    assert b"retry-after: 2" in answer


def test_t33_clients_are_served_beside_five_hundred_slow_ones(
    make_port: Callable[..., int],
) -> None:
    much = "100000/minute"
    limits = WireLimits(read_timeout_s=20)
    port = make_port(limits, rate_per_principal=much, rate_per_address=much)

    with contextlib.ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(500)
        ]
        for sock in slow:
            sock.sendall(b"GET / HTTP/1.1\r\nX-A: ")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            statuses = {client.post("/api/grant").status_code for _ in range(200)}

    assert statuses == {200}


@patch("ossferry.http.concurrency.MAX_REQUESTS", 2)
def test_requests_too_many_at_one_time_are_told_to_come_back(make_port: Callable[..., int]) -> None:
    port = make_port(WireLimits(read_timeout_s=2))
    half = POST + b"Content-Length: 9\r\n\r\n{"
    answers: list[bytes] = []
    slow = [
        threading.Thread(target=lambda: answers.append(raw_request(port, half))) for _ in range(2)
    ]
    for thread in slow:
        thread.start()
    time.sleep(0.3)

    crowded = httpx.post(f"http://127.0.0.1:{port}/api/grant", trust_env=False)
    alive = httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
    for thread in slow:
        thread.join()
    later = httpx.post(f"http://127.0.0.1:{port}/api/grant", trust_env=False)

    assert (crowded.status_code, crowded.json()["code"]) == (503, "busy")
    assert crowded.headers["retry-after"] == "2"
    assert (alive.status_code, later.status_code) == (200, 200)


@pytest.mark.parametrize("half", [b"GET /hea", GET], ids=["half a line", "half of the headers"])
def test_a_server_that_stops_tells_who_is_half_through_to_come_back(
    make_server: Callable[..., BackgroundServer], half: bytes
) -> None:
    server = make_server(WireLimits(read_timeout_s=20))
    address = ("127.0.0.1", server.port)
    with (
        socket.create_connection(address, timeout=5) as busy,
        socket.create_connection(address, timeout=5) as idle,
    ):
        busy.sendall(half)
        time.sleep(0.2)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        answer = busy.recv(65536)
        said_to_idle = idle.recv(65536)
    stopping.join(timeout=5)

    assert status_of(answer) == 503
    assert b"retry-after: 2" in answer
    assert said_to_idle == b""
    assert not stopping.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)
