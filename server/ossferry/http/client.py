"""An HTTP client for requests to other servers, protected against server-side request forgery.

The client resolves a host name once per request. All addresses of the host must be public, and the
client connects to the first address. A later change of the DNS record (DNS rebinding) has no
effect. The client follows no redirects, ignores proxy variables in the environment, and stops
reading responses that are too long or too slow.
"""

import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import anyio
import anyio.to_thread
import httpx

from ossferry.errors import IssuerLostError, SettingsError
from ossferry.observability.log_format import cause_of
from ossferry.settings.model import Settings

MAX_ANSWER = 256 * 1024
TIMEOUT_S = 5.0

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
"""All public IPv6 addresses; other ranges are private, translated or obsolete."""

PRIVATE = tuple(
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
METADATA = tuple(
    ipaddress.ip_network(each)
    for each in (
        "100.100.0.0/16",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure
        "192.0.0.0/24",  # Oracle, and other addresses that the IETF reserves
        "fd00:ec2::/32",  # AWS
        "fd00:c1::/32",  # Oracle
        "fd20:ce::/32",  # Google
        "fd00:42::/32",  # Scaleway
        "fd00:a9fe:a9fe::/48",  # Akamai
    )
)
"""Metadata services of clouds; most clouds also have one at a link-local address."""

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""A function that returns the IP addresses of a host name; the second argument is the port."""

Connect: TypeAlias = Callable[[], httpx.AsyncBaseTransport]
"""A function that returns a transport for the connections to one host."""


async def resolve(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host, for connections to this port.

    The operating system resolves the name.

    Raises:
        OSError: the name cannot be resolved.
    """
    found = await anyio.to_thread.run_sync(
        lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), abandon_on_cancel=True
    )
    return [str(entry[4][0]) for entry in found]


def trusting(settings: Settings) -> Connect:
    """Return a function that creates httpx transports.

    The transports also trust the certificates in `settings.ca_file`, reuse connections, and ignore
    environment variables.

    Raises:
        SettingsError: the file cannot be read, or contains no certificate.
    """
    context = httpx.create_ssl_context(trust_env=False)
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(settings.ca_file)
        except OSError as error:
            raise SettingsError(
                f"OSSFERRY_CA_FILE: {settings.ca_file} is no readable file of certificates (PEM)."
            ) from error
    return lambda: httpx.AsyncHTTPTransport(verify=context, trust_env=False)


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport that by default connects to public addresses only.

    The setting `allow_private_issuer` also allows private addresses, and `allow_mock` also allows
    loopback addresses. Two hosts with the same address do not share a connection, because a TLS
    connection has verified the certificate of one host only.

    Args:
        resolve: returns the IP addresses of a host name.
        connect: returns the transport for one host; by default a transport that also trusts the
            certificates in `settings.ca_file`.

    Raises:
        SettingsError: the file `settings.ca_file` cannot be read, or contains no certificate.
    """

    def __init__(
        self, settings: Settings, *, resolve: Resolve = resolve, connect: Connect | None = None
    ) -> None:
        self._resolve = resolve
        self._connect = connect or trusting(settings)
        self._inner: dict[str, httpx.AsyncBaseTransport] = {}  # by host
        self._allow_private = settings.allow_private_issuer
        self._allow_local = settings.allow_mock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Resolve the host name, check its addresses, and send the request to the first address.

        Raises:
            IssuerLostError: the host name has no address, or an address that is not allowed.
        """
        host = request.url.host
        try:
            addresses = await self._resolve(host, request.url.port or 443)
        except OSError as error:
            raise IssuerLostError("unresolved", cause=cause_of(error)) from error
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
        is_private = any(address in each for each in PRIVATE) and not _is_metadata(address)
        return _is_public(address) or (self._allow_private and is_private)

    async def aclose(self) -> None:
        """Close the connections to all hosts."""
        for inner in self._inner.values():
            await inner.aclose()


def _plain(text: str) -> Address:
    """Return the IP address in a text.

    If an IPv6 address embeds an IPv4 address, return the IPv4 address.
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: Address) -> bool:
    """Return whether an address is public; False for addresses of clouds' metadata services."""
    if isinstance(address, ipaddress.IPv6Address) and address not in PUBLIC_V6:
        return False
    return address.is_global and not address.is_multicast and not _is_metadata(address)


def _is_metadata(address: Address) -> bool:
    return any(address in each for each in METADATA)


def outbound_client(
    settings: Settings, *, resolve: Resolve = resolve, connect: Connect | None = None
) -> httpx.AsyncClient:
    """Return an HTTP client that connects only to addresses that `GuardedTransport` allows.

    Args:
        resolve: returns the IP addresses of a host name.
        connect: returns the transport for one host; by default a transport that also trusts the
            certificates in `settings.ca_file`.

    Raises:
        SettingsError: the file `settings.ca_file` cannot be read, or contains no certificate.
    """
    transport = GuardedTransport(settings, resolve=resolve, connect=connect)
    return httpx.AsyncClient(transport=transport, timeout=TIMEOUT_S, follow_redirects=False)


async def fetch_json(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """Return the JSON object at a URL.

    Raises:
        IssuerLostError: there is no response, its status is not 200, or its body is longer than
            `MAX_ANSWER` bytes or not a JSON object.
    """
    status, value = await request_json(client, client.build_request("GET", url))
    if status != 200:
        raise IssuerLostError(f"status-{status}")
    return value


async def request_json(
    client: httpx.AsyncClient, request: httpx.Request, auth: tuple[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Send a request, and return the status and the JSON object of the response.

    Args:
        auth: user name and password for HTTP Basic authentication.

    Raises:
        IssuerLostError: there is no response, or its body is longer than `MAX_ANSWER` bytes or not
            a JSON object.
    """
    request.headers["accept"] = "application/json"
    status, body = await request_bytes(client, request, auth)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise IssuerLostError("unreadable") from error
    if not isinstance(value, dict):
        raise IssuerLostError("unreadable")
    return status, value


async def request_bytes(
    client: httpx.AsyncClient, request: httpx.Request, auth: tuple[str, str] | None = None
) -> tuple[int, bytes]:
    """Send a request, and return the status and the body of the response.

    Args:
        auth: user name and password for HTTP Basic authentication.

    Raises:
        IssuerLostError: there is no response, or the response is longer than `MAX_ANSWER` bytes or
            does not end within the client's read timeout.
    """
    try:
        with anyio.fail_after(client.timeout.read):
            answer = await client.send(request, auth=auth, stream=True)
            try:
                return answer.status_code, await _body(answer)
            finally:
                await answer.aclose()
    except (httpx.HTTPError, TimeoutError) as error:
        raise IssuerLostError("no-answer", cause=cause_of(error)) from error


async def _body(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER:
            raise IssuerLostError("too-long")
    return body
