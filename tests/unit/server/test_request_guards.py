"""Request checks that need an incomplete request: a client that disconnects during its body."""

import asyncio
from unittest.mock import AsyncMock, patch

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from ossferry.errors import BadRequestError, BodyTooLargeError
from ossferry.http.body import read_json, read_small
from ossferry.http.concurrency import ConcurrencyLimit
from support.server_fakes import UnexpectedError


@patch("ossferry.http.concurrency.MAX_REQUESTS", 1)
async def test_a_request_that_fails_leaves_its_place() -> None:
    async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise UnexpectedError

    limited = ConcurrencyLimit(failing)
    for _ in range(2):
        with pytest.raises(UnexpectedError):
            await limited({"type": "http", "path": "/"}, AsyncMock(), AsyncMock())


def test_a_body_that_breaks_off_is_a_bad_request() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"user":', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    scope = {"type": "http", "headers": [(b"content-type", b"application/json")]}
    with pytest.raises(BadRequestError, match="incomplete"):
        asyncio.run(read_json(Request(scope, receive)))


@pytest.mark.parametrize(("size", "is_read"), [(16 * 1024, True), (16 * 1024 + 1, False)])
def test_t33_a_body_in_pieces_is_read_up_to_16_kb(size: int, is_read: bool) -> None:
    pieces = [b"a" * 10_000, b"a" * (size - 10_000)]
    messages: list[Message] = [
        {"type": "http.request", "body": pieces[0], "more_body": True},
        {"type": "http.request", "body": pieces[1]},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    request = Request({"type": "http", "headers": []}, receive)
    if is_read:
        assert len(asyncio.run(read_small(request))) == size
    else:
        with pytest.raises(BodyTooLargeError):
            asyncio.run(read_small(request))


@pytest.mark.parametrize(("length", "status"), [(16 * 1024, 200), (16 * 1024 + 1, 413)])
def test_t33_a_longer_body_is_refused_before_it_is_read(
    client: httpx.Client, length: int, status: int
) -> None:
    answer = client.get("/healthz", headers={"content-length": str(length)})

    assert answer.status_code == status


def test_t33_headers_and_query_are_read_up_to_16_kb_together(client: httpx.Client) -> None:
    def status(query: str, header: str) -> int:
        return client.get(f"/healthz?{query}", headers={"x-a": header}).status_code

    sent = client.build_request("GET", "/healthz", headers={"x-a": ""}).headers.raw
    rest = 16 * 1024 - sum(len(name) + len(value) + 4 for name, value in sent)

    assert status("a" * 100, "a" * (rest - 100)) == 200
    assert status("a" * 101, "a" * (rest - 100)) == 431
    assert status("a" * 100, "a" * (rest - 99)) == 431


@pytest.mark.parametrize(
    "headers",
    [
        [("content-length", "0"), ("content-length", "0")],
        [("content-length", "0"), ("transfer-encoding", "chunked")],
        [("content-length", "+1")],
        [("content-length", "\u00b2")],
    ],
    ids=["two lengths", "length and chunks", "sign", "superscript"],
)
def test_t33_a_length_that_two_may_read_differently_is_refused_under_any_server(
    client: httpx.Client, headers: list[tuple[str, str]]
) -> None:
    fields = [(name.encode(), value.encode("latin-1")) for name, value in headers]

    answer = client.get("/healthz", headers=fields)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["10.0.0.5:8000", "127.0.0.1", "[fd00::5]:8000", "node-3"])
def test_a_probe_may_ask_by_any_name(client: httpx.Client, path: str, host: str) -> None:
    assert client.get(path, headers={"host": host}).json()["status"] in ("ok", "not-ready")


@pytest.mark.parametrize("path", ["/healthz/", "/", "/metrics/", "/api/grant", "/x/healthz"])
def test_t32_what_is_no_probe_may_not(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"host": "10.0.0.5:8000"})

    assert (answer.status_code, answer.json()["code"]) == (421, "unknown-host")


def test_t32_a_probe_has_one_host(client: httpx.Client) -> None:
    answer = client.get("/healthz", headers=[("host", "127.0.0.1"), ("host", "127.0.0.1")])

    assert answer.status_code == 421
