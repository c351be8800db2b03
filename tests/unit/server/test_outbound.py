"""Going out to configured addresses only: no private ones, no redirects, no long answers."""

import asyncio
from collections.abc import Callable, Sequence

import httpx
import pytest

from ossferry.errors import IssuerLostError
from ossferry.outbound import MAX_ANSWER, GuardedTransport, fetch_json
from ossferry.settings import Settings

URL = "https://issuer.example.com/jwks"
METADATA = "169.254.169.254"


@pytest.fixture
def fetch(make_settings: Callable[..., Settings]) -> Callable[..., tuple[object, list[str]]]:
    """Fetches the address while the name resolves so; answers the JSON and the hosts asked."""

    def call(
        *addresses: str, answer: httpx.Response | None = None, **changes: object
    ) -> tuple[object, list[str]]:
        asked: list[str] = []
        pending = list(addresses)

        async def resolve(_host: str, _port: int) -> Sequence[str]:
            if not pending:
                raise OSError("no such name")
            return [pending.pop(0)] if changes.get("rebinds") else pending

        def respond(request: httpx.Request) -> httpx.Response:
            asked.append(request.url.host)
            assert request.headers["host"] == "issuer.example.com"
            assert request.extensions["sni_hostname"] == "issuer.example.com"
            return answer or httpx.Response(200, json={"keys": []})

        settings = make_settings(**{k: v for k, v in changes.items() if k != "rebinds"})
        transport = GuardedTransport(settings, resolve=resolve, inner=httpx.MockTransport(respond))

        async def ask() -> object:
            async with httpx.AsyncClient(transport=transport, follow_redirects=False) as client:
                return await fetch_json(client, URL)

        return asyncio.run(ask()), asked

    return call


def test_a_public_address_is_asked_by_its_number(
    fetch: Callable[..., tuple[object, list[str]]],
) -> None:
    assert fetch("93.184.215.14") == ({"keys": []}, ["93.184.215.14"])


@pytest.mark.parametrize(
    "address",
    [
        METADATA, "100.100.100.200", "10.0.0.1", "172.16.0.1", "192.168.1.1", "0.0.0.0",  # noqa: S104
        "::ffff:169.254.169.254", "::ffff:10.0.0.1", "fe80::1", "fc00::1", "::", "224.0.0.1",
        "2002:0a00:0001::1", "ff02::1", "198.18.0.1", "255.255.255.255",
    ],
)  # fmt: skip
def test_t28_no_other_address_is_asked(
    fetch: Callable[..., tuple[object, list[str]]], address: str
) -> None:
    with pytest.raises(IssuerLostError) as caught:
        fetch(address)

    assert caught.value.reason == "address-not-allowed"


def test_t28_one_bad_address_among_good_ones_is_enough(
    fetch: Callable[..., tuple[object, list[str]]],
) -> None:
    with pytest.raises(IssuerLostError):
        fetch("93.184.215.14", METADATA)


def test_t28_a_name_that_changes_its_mind_is_asked_once(
    fetch: Callable[..., tuple[object, list[str]]],
) -> None:
    assert fetch("93.184.215.14", METADATA, rebinds=True)[1] == ["93.184.215.14"]


@pytest.mark.parametrize(
    ("address", "allowed"), [("10.0.0.1", True), (METADATA, False), ("100.100.100.200", False)]
)
def test_t28_private_addresses_may_be_allowed_but_never_metadata(
    fetch: Callable[..., tuple[object, list[str]]], address: str, allowed: bool
) -> None:
    if allowed:
        assert fetch(address, allow_private_issuer=True)[1] == [address]
        return
    with pytest.raises(IssuerLostError):
        fetch(address, allow_private_issuer=True)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.Response(302, headers={"location": "http://169.254.169.254/"}), "unreadable"),
        (httpx.Response(302, json={}, headers={"location": "http://x/"}), "status-302"),
        (httpx.Response(500, json={}), "status-500"),
        (httpx.Response(200, text="<html>"), "unreadable"),
        (httpx.Response(200, json=[1]), "unreadable"),
        (httpx.Response(200, content=b"[" * 100_000), "unreadable"),
        (httpx.Response(200, content=b" " * (MAX_ANSWER + 1)), "too-long"),
    ],
    ids=["redirect", "redirect with JSON", "500", "page", "list", "deep", "long"],
)
def test_t28_an_answer_that_is_not_what_we_asked_for_is_lost(
    fetch: Callable[..., tuple[object, list[str]]], answer: httpx.Response, reason: str
) -> None:
    with pytest.raises(IssuerLostError) as caught:
        fetch("93.184.215.14", answer=answer)

    assert caught.value.reason == reason


def test_a_name_without_an_address_is_lost(
    fetch: Callable[..., tuple[object, list[str]]],
) -> None:
    with pytest.raises(IssuerLostError, match="does not answer"):
        fetch()
