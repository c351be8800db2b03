"""Upload callbacks: only OSS's own key is accepted, and a valid callback is only a hint. Threat
T29.
"""

import json
from base64 import b64decode, b64encode
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import MD5

from ossferry.errors import ForgedCallbackError, IssuerLostError
from ossferry.uploads.callbacks import MAX_KEYS, CallbackKeys, key_address, signed_text
from support.callbacks import GOOD_KEY_URL, HOSTILE_KEY_URLS, Caller, KeyServer, pem_of, signing_key
from support.server_fakes import ALICE, OBJECTS, FakeStore, MakeClient
from support.vectors import load


@pytest.mark.parametrize("url", HOSTILE_KEY_URLS)
def test_t29_keys_from_elsewhere_are_refused_unfetched(url: str) -> None:
    with pytest.raises(ForgedCallbackError):
        key_address(b64encode(url.encode()).decode())


@pytest.mark.parametrize("encoded", ["", "%%%", "aHR0cHM6", "é"])
def test_t29_an_unreadable_address_is_refused(encoded: str) -> None:
    with pytest.raises(ForgedCallbackError):
        key_address(encoded)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_t29_the_key_is_always_fetched_over_https(scheme: str) -> None:
    named = f"{scheme}://gosspublic.alicdn.com/callback_pub_key_v1.pem"

    assert key_address(b64encode(named.encode()).decode()) == GOOD_KEY_URL


def test_a_mocks_key_counts_only_where_it_is_the_one() -> None:
    named = b64encode(b"http://127.0.0.1:9000/_mock/callback_pub_key.pem").decode()

    assert key_address(named, mock="127.0.0.1:9000").startswith("http://127.0.0.1:9000/")
    for mock in ("", "127.0.0.1:9001"):
        with pytest.raises(ForgedCallbackError):
            key_address(named, mock=mock)


KEY = f"{ALICE.prefix}2026-03-14/r/x"


def keys_of(server: KeyServer, seconds: list[float]) -> CallbackKeys:
    client = httpx.AsyncClient(transport=server)
    return CallbackKeys(client, monotonic=lambda: seconds[0])


@pytest.mark.parametrize("vector", load("callback_signature")["vectors"], ids=lambda v: v["id"])
async def test_the_golden_signatures_verify_or_do_not(vector: dict[str, Any]) -> None:
    key = await keys_of(KeyServer(vector["public_key_pem"].encode()), [0.0]).get(GOOD_KEY_URL)
    path, _, query = vector["request_target"].partition("?")
    text = signed_text(unquote(path), query.encode(), vector["body"].encode())

    verified = True
    try:
        key.verify(b64decode(vector["authorization"]), text, PKCS1v15(), MD5())  # noqa: S303 - as OSS signs
    except InvalidSignature:
        verified = False

    assert verified is vector["valid"]


async def test_a_key_is_fetched_once_an_hour_and_a_failure_is_remembered() -> None:
    pem = pem_of(signing_key())
    server, seconds = KeyServer(pem), [0.0]
    keys = keys_of(server, seconds)

    await keys.get(GOOD_KEY_URL)
    await keys.get(GOOD_KEY_URL)
    seconds[0] = 3601
    server.status = 500
    for _ in range(3):
        with pytest.raises(IssuerLostError):
            await keys.get(GOOD_KEY_URL)
    seconds[0] = 3640
    server.status = 200
    await keys.get(GOOD_KEY_URL)

    assert len(server.asked) == 3


async def test_of_too_many_keys_the_latest_stays() -> None:
    server = KeyServer(pem_of(signing_key()))
    keys = keys_of(server, [0.0])
    addresses = [f"https://gosspublic.alicdn.com/{number}.pem" for number in range(MAX_KEYS + 2)]

    for address in (*addresses, addresses[-1]):
        await keys.get(address)

    assert server.asked == addresses


@pytest.mark.parametrize("pem", [b"", b"<html>", b"x" * 300_000])
async def test_what_is_no_key_is_not_taken_for_one(pem: bytes) -> None:
    with pytest.raises(IssuerLostError):
        await keys_of(KeyServer(pem), [0.0]).get(GOOD_KEY_URL)


@pytest.fixture
def oss(make_client: MakeClient) -> Caller:
    """A server that accepts callbacks; Alice has a grant."""
    key = signing_key()
    outbound = httpx.AsyncClient(transport=KeyServer(pem_of(key)))
    page = make_client(**OBJECTS, callback=True, outbound=outbound)
    page.post("/api/grant")
    return Caller(page, key)


def about(key: object, **changes: object) -> dict[str, object]:
    return {"bucket": "web-direct-upload", "object": key, "reqId": "5C06", **changes}


BODY = json.dumps(about(KEY)).encode()


def test_what_oss_signed_and_has_is_recorded_however_often_it_comes(
    oss: Caller, store: FakeStore
) -> None:
    store.put(KEY)

    answers = [oss.call(about(KEY)) for _ in range(3)]
    asked = oss.call(about(KEY), query=b"a=1&b=%2F")

    assert [each.status_code for each in (*answers, asked)] == [200] * 4
    assert answers[0].json() == {"status": "ok", "key": KEY}


def test_t29_a_replayed_callback_records_nothing_that_is_gone(
    oss: Caller, store: FakeStore
) -> None:
    store.put(KEY)
    assert oss.call(about(KEY)).status_code == 200
    del store.objects[KEY]

    assert oss.call(about(KEY)).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"signed": signed_text("/api/callback", b"a=2", BODY)},
        {"signed": signed_text("/api/callback/", b"a=1", BODY)},
        {"signed": signed_text("/api/callback", b"a=1", BODY + b" ")},
        {"authorization": b64encode(b"x" * 256).decode()},
        {"authorization": "%%%"},
        {"authorization": ""},
        {"x_oss_pub_key_url": b64encode(b"https://evil.com/x.pem").decode()},
        {"x_oss_pub_key_url": ""},
    ],
    ids=str,
)
def test_t29_a_forged_callback_is_refused_before_anything_is_asked(
    oss: Caller, store: FakeStore, change: dict[str, Any]
) -> None:
    store.put(KEY)

    answer = oss.call(about(KEY), query=b"a=1", **change)

    assert (answer.status_code, answer.json()["code"]) == (403, "forged-callback")
    assert store.asked == []


@patch("ossferry.access.rate_limits.FAILURES", "2/minute")
def test_t29_who_forges_too_often_makes_the_server_fetch_no_key(make_client: MakeClient) -> None:
    key = signing_key()
    server = KeyServer(pem_of(key), status=500)
    outbound = httpx.AsyncClient(transport=server)
    with make_client(**OBJECTS, callback=True, outbound=outbound) as client:
        oss = Caller(client, key)
        forged = [oss.call({}, authorization="%%%").status_code for _ in range(2)]
        honest = oss.call(about("x")).status_code

    assert (forged, honest, server.asked) == ([403, 403], 429, [])


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (about("uploads/nobody-x/2026/x"), 404),
        (about(""), 404),
        (about(5), 400),
        (about("x", bucket="another"), 400),
        (about("x", reqId=5), 400),
        ([], 400),
        ("x", 400),
    ],
)
def test_a_signed_callback_about_nothing_of_ours_is_refused(
    oss: Caller, store: FakeStore, document: object, status: int
) -> None:
    assert oss.call(document).status_code == status
    assert store.asked == []


def test_without_the_option_there_is_no_such_route(client: httpx.Client) -> None:
    assert client.post("/api/callback").status_code == 404
