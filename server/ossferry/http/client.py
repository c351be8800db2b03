"""Fetches JSON from configured addresses without being led elsewhere.

A name is resolved once, every address it has must be a public one, and the connection goes to
exactly that address, so that a name which changes its mind in between leads nowhere. Redirects
are not followed, proxies of the environment not used, long and slow answers not read.
"""

import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import anyio
import anyio.to_thread
import httpx

from ossferry.errors import IssuerLostError
from ossferry.settings.model import Settings

__all__ = [
    "GuardedTransport",
    "Resolve",
    "fetch_json",
    "outbound_client",
    "read_json",
    "read_short",
]

MAX_ANSWER = 256 * 1024
TIMEOUT_S = 5.0

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
"""All that is handed out of IPv6; beyond are private networks, translators and old ideas."""

PRIVATE = tuple(
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
METADATA = tuple(
    ipaddress.ip_network(each)
    for each in (
        "100.100.0.0/16",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure
        "192.0.0.0/24",  # Oracle, and what else the IETF keeps for protocols
        "fd00:ec2::/32",  # AWS
        "fd00:c1::/32",  # Oracle
        "fd20:ce::/32",  # Google
        "fd00:42::/32",  # Scaleway
        "fd00:a9fe:a9fe::/48",  # Akamai
    )
)
"""Where machines of a cloud ask about themselves; most have a link-local address besides."""

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Answers the IP addresses of a host name."""

Connect: TypeAlias = Callable[[], httpx.AsyncBaseTransport]
"""Answers connections to one host."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a name."""
    found = await anyio.to_thread.run_sync(
        lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), abandon_on_cancel=True
    )
    return [str(entry[4][0]) for entry in found]


def connections() -> httpx.AsyncBaseTransport:
    """Return what keeps connections open for the next request."""
    return httpx.AsyncHTTPTransport(trust_env=False)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Connects to public addresses only, or to this machine where a mock is allowed.

    Each host has connections of its own: one address may have several, and a connection to the one
    has not proven to be the other.
    """

    def __init__(
        self, settings: Settings, *, resolve: Resolve = resolve, connect: Connect = connections
    ) -> None:
        self._resolve = resolve
        self._connect = connect
        self._inner: dict[str, httpx.AsyncBaseTransport] = {}  # by host
        self._allow_private = settings.allow_private_issuer
        self._allow_local = settings.allow_mock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to an address that was looked at.

        Raises:
            IssuerLostError: the name has no address, or one that is not allowed.
        """
        host = request.url.host
        try:
            addresses = await self._resolve(host, request.url.port or 443)
        except OSError as error:
            raise IssuerLostError("unresolved") from error
        if not addresses or not all(self._is_allowed(each) for each in addresses):
            raise IssuerLostError("address-not-allowed")
        request.url = request.url.copy_with(host=addresses[0])
        request.extensions = {**request.extensions, "sni_hostname": host}
        if host not in self._inner:
            self._inner[host] = self._connect()
        return await self._inner[host].handle_async_request(request)

    def _is_allowed(self, text: str) -> bool:
        address = _plain(text)
        if address.is_loopback:
            return self._allow_local
        return _is_public(address) or (self._allow_private and _is_private(address))

    async def aclose(self) -> None:
        """Close the HTTP connections."""
        for inner in self._inner.values():
            await inner.aclose()


def _plain(text: str) -> Address:
    """Return an IP address, and IPv4 where it is inside IPv6."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet."""
    if isinstance(address, ipaddress.IPv6Address) and address not in PUBLIC_V6:
        return False
    return address.is_global and not address.is_multicast and not _is_metadata(address)


def _is_private(address: Address) -> bool:
    """Whether an address may be another machine's of one's own network."""
    return any(address in each for each in PRIVATE) and not _is_metadata(address)


def _is_metadata(address: Address) -> bool:
    return any(address in each for each in METADATA)


def outbound_client(settings: Settings) -> httpx.AsyncClient:
    """Return a client that goes to allowed addresses only."""
    return httpx.AsyncClient(
        transport=GuardedTransport(settings), timeout=TIMEOUT_S, follow_redirects=False
    )


async def fetch_json(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """Return the JSON object at an address.

    Raises:
        IssuerLostError: no answer, no success, too long, or no JSON object.
    """
    status, value = await read_json(client, client.build_request("GET", url))
    if status != 200:
        raise IssuerLostError(f"status-{status}")
    return value


async def read_json(
    client: httpx.AsyncClient, request: httpx.Request, auth: tuple[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Send a request, and return status and JSON object of the answer.

    Raises:
        IssuerLostError: no answer, too long, or no JSON object.
    """
    request.headers["accept"] = "application/json"
    status, body = await read_short(client, request, auth)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise IssuerLostError("unreadable") from error
    if not isinstance(value, dict):
        raise IssuerLostError("unreadable")
    return status, value


async def read_short(
    client: httpx.AsyncClient, request: httpx.Request, auth: tuple[str, str] | None = None
) -> tuple[int, bytes]:
    """Send a request, and return status and body of an answer that must not be long.

    Raises:
        IssuerLostError: it is, or is not complete within the client's read timeout.
    """
    try:
        with anyio.fail_after(client.timeout.read):
            answer = await client.send(request, auth=auth, stream=True)
            try:
                return answer.status_code, await _body(answer)
            finally:
                await answer.aclose()
    except (httpx.HTTPError, TimeoutError) as error:
        raise IssuerLostError("no-answer") from error


async def _body(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER:
            raise IssuerLostError("too-long")
    return body
