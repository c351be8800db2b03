"""Outgoing requests: no private addresses, no redirects, no long responses."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeAlias

import httpx
import pytest

from ossferry.errors import IssuerLostError
from ossferry.http.client import MAX_ANSWER, GuardedTransport, fetch_json, outbound_client
from ossferry.settings.model import Settings
from support.server_fakes import MakeSettings

URL = "https://issuer.example.com/jwks"
METADATA = "169.254.169.254"
Fetch: TypeAlias = Callable[..., tuple[object, list[str]]]


@pytest.fixture
def fetch(make_settings: MakeSettings) -> Fetch:
    """Return a function that fetches a URL with a fake name resolution.

    It returns the JSON and the requested hosts.
    """

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
        settings = settings.model_copy(update={"allow_mock": False})

        async def ask() -> object:
            async with outbound_client(
                settings, resolve=resolve, connect=lambda: httpx.MockTransport(respond)
            ) as client:
                return await fetch_json(client, URL)

        return asyncio.run(ask()), asked

    return call


def test_a_public_address_is_asked_by_its_number(fetch: Fetch) -> None:
    assert fetch("93.184.215.14") == ({"keys": []}, ["93.184.215.14"])


@pytest.mark.parametrize(
    "address",
    [
        METADATA, "100.100.100.200", "10.0.0.1", "172.16.0.1", "192.168.1.1", "0.0.0.0",  # noqa: S104
        "::ffff:169.254.169.254", "::ffff:10.0.0.1", "fe80::1", "fc00::1", "::", "224.0.0.1",
        "2002:0a00:0001::1", "ff02::1", "198.18.0.1", "255.255.255.255", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "::127.0.0.1", "::169.254.169.254",
        "::93.184.215.14", "fec0::1", "192.0.0.192", "168.63.129.16", "fd00:ec2::254",
        "2001:0:a9fe:a9fe::1", "100::1",
    ],
)  # fmt: skip
def test_t28_no_other_address_is_asked(fetch: Fetch, address: str) -> None:
    with pytest.raises(IssuerLostError) as caught:
        fetch(address)

    assert caught.value.reason == "address-not-allowed"


def test_t28_one_bad_address_among_good_ones_is_enough(fetch: Fetch) -> None:
    with pytest.raises(IssuerLostError):
        fetch("93.184.215.14", METADATA)


def test_t28_a_name_that_changes_its_mind_is_asked_once(fetch: Fetch) -> None:
    assert fetch("93.184.215.14", METADATA, rebinds=True)[1] == ["93.184.215.14"]


def test_t28_private_addresses_may_be_allowed(fetch: Fetch) -> None:
    for address in ("10.0.0.1", "::ffff:10.0.0.1", "fd12:3456::1", "100.64.0.1"):
        assert fetch(address, allow_private_issuer=True)[1] == [address]


@pytest.mark.parametrize(
    "address",
    [
        METADATA, "100.100.100.200", "fe80::1", "febf::1", f"::ffff:{METADATA}",
        "::ffff:100.100.100.200", "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe",
        "127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "224.0.0.1",  # noqa: S104
        "64:ff9b:1::a9fe:a9fe", "::127.0.0.1", "::169.254.169.254", "fec0::1", "192.0.0.192",
        "168.63.129.16", "fd00:ec2::254", "fd20:ce::254", "2001:0:a9fe:a9fe::1", "240.0.0.1",
        "fd00:c1::a9fe:a9fe", "fd00:42::42", "fd00:a9fe:a9fe::1",
    ],
)  # fmt: skip
def test_t28_private_ones_never_mean_metadata_or_this_machine(fetch: Fetch, address: str) -> None:
    with pytest.raises(IssuerLostError) as caught:
        fetch(address, allow_private_issuer=True)

    assert caught.value.reason == "address-not-allowed"


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
    fetch: Fetch, answer: httpx.Response, reason: str
) -> None:
    with pytest.raises(IssuerLostError) as caught:
        fetch("93.184.215.14", answer=answer)

    assert caught.value.reason == reason


async def test_hosts_of_one_address_share_no_connection(settings: Settings) -> None:
    opened: list[list[object]] = []
    closed = []

    class Connections(httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            self.asked: list[object] = []
            opened.append(self.asked)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.asked.append(request.extensions["sni_hostname"])
            return httpx.Response(200, json={})

        async def aclose(self) -> None:
            closed.append(self)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.215.14"]

    transport = GuardedTransport(settings, resolve=resolve, connect=Connections)
    async with httpx.AsyncClient(transport=transport) as client:
        for host in ("one.example.com", "two.example.com", "one.example.com"):
            await fetch_json(client, f"https://{host}/")

    one, two = ["one.example.com"] * 2, ["two.example.com"]
    assert (opened, len(closed)) == ([one, two], 2)


def test_a_name_without_an_address_is_lost(fetch: Fetch) -> None:
    with pytest.raises(IssuerLostError, match="does not answer"):
        fetch()


class Drip(httpx.AsyncByteStream):
    """A response body that never ends and never pauses for long."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)


def test_t28_an_answer_that_comes_in_drips_is_not_waited_for() -> None:
    async def ask() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Drip()))
        async with httpx.AsyncClient(transport=transport, timeout=0.1) as client:
            await fetch_json(client, URL)

    with pytest.raises(IssuerLostError) as caught:
        asyncio.run(ask())

    assert caught.value.reason == "no-answer"
