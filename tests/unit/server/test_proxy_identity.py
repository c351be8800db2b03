"""Authentication by a proxy: a configured network, a shared secret, one header, one value."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from ossferry.authentication.proxy import ProxyAuth
from ossferry.errors import InsecureError, NotIdentifiedError
from ossferry.http.proxies import TrustedProxies
from support.server_fakes import MakeClient, MakeSettings

SECRET = "what-only-the-proxy-and-we-know-about"
Ask: TypeAlias = Callable[..., httpx.Response]
"""Requests a grant with headers and settings."""

Headers: TypeAlias = "list[tuple[str, str]] | list[tuple[bytes, bytes]]"
GOOD = [
    ("x-forwarded-user", "carol"),
    ("x-proxy-secret", SECRET),
    ("sec-fetch-site", "same-origin"),
]
NOT_IDENTIFIED = "The reverse proxy did not identify the user."
REPEATED = "A header of the reverse proxy occurs more than once."
NO_ID = "The reverse proxy must send one user id, in Unicode form NFKC."
NO_UTF_8 = "The reverse proxy must send the user id in UTF-8."


@pytest.fixture
def ask(make_client: MakeClient) -> Ask:
    """Return a function that requests a grant with these headers; `changes` are settings."""

    def call(headers: Headers, **changes: object) -> httpx.Response:
        options = {"proxy_secret": SECRET, "trusted_proxies": ["192.0.2.0/24"], **changes}
        with make_client(auth="proxy", **options) as client:
            return client.post("/api/grant", headers=headers)

    return call


@pytest.mark.parametrize("name", ["Zo\u00e8", "\u6f22\u5b57", "\u00e0"])
def test_a_name_may_be_of_any_script(ask: Ask, name: str) -> None:
    headers = [("x-forwarded-user", name.encode().decode("latin-1")), *GOOD[1:]]
    sent = [(key.encode(), value.encode("latin-1")) for key, value in headers]

    assert ask(sent).json()["principal"] == {"name": name}


def test_the_header_can_be_another(ask: Ask) -> None:
    headers = [("x-remote-user", "carol"), *GOOD[1:]]

    assert ask(headers, proxy_user_header="X-Remote-User").status_code == 200
    assert ask(headers).status_code == 400


WRONG = {
    "no secret": ([GOOD[0], GOOD[2]], 401, NOT_IDENTIFIED),
    "short secret": ([GOOD[0], ("x-proxy-secret", SECRET[:-1]), GOOD[2]], 401, NOT_IDENTIFIED),
    "empty secret": ([GOOD[0], ("x-proxy-secret", ""), GOOD[2]], 401, NOT_IDENTIFIED),
    "two users": ([*GOOD, GOOD[0]], 400, REPEATED),
    "two secrets": ([*GOOD, GOOD[1]], 400, REPEATED),
    "underscores": ([("X_Forwarded_User", "root"), *GOOD[1:]], 400, REPEATED),
    "twin alone": ([("x_forwarded_user", "root"), *GOOD[1:]], 400, REPEATED),
    "half a twin": ([("x-forwarded_user", "root"), *GOOD[1:]], 400, REPEATED),
    "tab": ([("x-forwarded-user", "a\troot"), *GOOD[1:]], 400, NO_ID),
    "long": ([("x-forwarded-user", "a" * 300), *GOOD[1:]], 400, NO_ID),
    "list": ([("x-forwarded-user", "carol, root"), *GOOD[1:]], 400, NO_ID),
    "nobody": ([("x-forwarded-user", ""), *GOOD[1:]], 400, NO_ID),
    "encoding": ([("x-forwarded-user", "Zo\xe8"), *GOOD[1:]], 400, NO_UTF_8),
}


@pytest.mark.parametrize(("headers", "status", "told"), WRONG.values(), ids=WRONG)
def test_t50_an_operator_is_told_what_the_proxy_does_wrong(
    ask: Ask, headers: list[tuple[str, str]], status: int, told: str
) -> None:
    answer = ask([(name.encode(), value.encode("latin-1")) for name, value in headers])

    assert (answer.status_code, answer.json()["detail"]) == (status, told)


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 192.0.2.8", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 192.0.2.8", "203.0.113.9"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("203.0.113.9:1234", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:443", "203.0.113.9"),
        ("192.0.2.8", "192.0.2.7"),
        ("", "192.0.2.7"),
        ("nonsense", "unknown"),
        ("203.0.113.9, nonsense", "unknown"),
    ],
)
def test_t23_the_address_is_the_last_that_no_trusted_proxy_has(
    make_client: MakeClient, audit_lines: list[dict[str, str]], forwarded: str, expected: str
) -> None:
    headers = {"x-forwarded-for": forwarded, "x-forwarded-proto": "https"}
    with make_client(behind_tls=True, trusted_proxies=["192.0.2.0/24"]) as client:
        client.post("/api/grant", headers=headers)

    assert audit_lines[0]["address"] == expected


HTTPS, HTTP = ((b"x-forwarded-proto", each) for each in (b"https", b"http"))
FORWARDED = (b"x-forwarded-for", b"127.0.0.1")


@pytest.mark.parametrize(
    ("peer", "path", "headers", "is_let_in"),
    [
        ("127.0.0.1", "/", [], True),
        ("::1", "/", [], True),
        ("127.0.0.1", "/", [FORWARDED], False),
        ("127.0.0.1", "/", [HTTP], False),
        ("127.0.0.1", "/", [HTTPS], False),
        ("203.0.113.9", "/", [], False),
        ("203.0.113.9", "/", [HTTPS], False),
        ("203.0.113.9", "/", [FORWARDED], False),
        ("203.0.113.9", "/healthz", [], True),
        ("192.0.2.7", "/", [], False),
        ("192.0.2.7", "/", [FORWARDED], False),
        ("192.0.2.7", "/", [HTTP], False),
        ("192.0.2.7", "/", [HTTPS], True),
        ("192.0.2.7", "/", [HTTPS, HTTPS], False),
    ],
)
def test_t30_over_plain_http_only_this_machine_and_probes_are_let_in(
    make_settings: MakeSettings,
    peer: str,
    path: str,
    headers: list[tuple[bytes, bytes]],
    is_let_in: bool,
) -> None:
    settings = make_settings(behind_tls=True, trusted_proxies=["192.0.2.0/24"])
    passed: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(scope)

    async def ask() -> None:
        scope = {"type": "http", "scheme": "http", "path": path, "client": (peer, 1)}
        await TrustedProxies(app, settings)({**scope, "headers": headers}, receive, send)

    if is_let_in:
        asyncio.run(ask())
    else:
        with pytest.raises(InsecureError):
            asyncio.run(ask())
    assert len(passed) == is_let_in


async def receive() -> Message:
    raise AssertionError("no body is read")


async def send(_message: Message) -> None:
    raise AssertionError("no response is sent")


def test_t50_without_a_secret_nobody_is_the_proxy(make_settings: MakeSettings) -> None:
    settings = make_settings(auth="proxy", proxy_secret=SECRET, trusted_proxies=["192.0.2.0/24"])
    headers = [(b"x-forwarded-user", b"carol"), (b"x-proxy-secret", b"")]
    request = Request({"type": "http", "headers": headers, "client": ("192.0.2.7", 1)})
    without = ProxyAuth(settings.model_copy(update={"proxy_secret": None}))

    with pytest.raises(NotIdentifiedError):
        asyncio.run(without.identify(request))
