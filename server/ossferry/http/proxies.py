"""Finds the address and scheme of a client that sends requests through trusted proxies.

Each trusted proxy adds one address at the end of `X-Forwarded-For`: the address from which the
proxy received the request. The server therefore reads this header from right to left. The first
address that is not a trusted proxy is the client's address. Addresses further left are ignored,
because the client can invent them. With the setting `OSSFERRY_BEHIND_TLS`, a plain HTTP request
from another machine is refused.
"""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ossferry.errors import InsecureError
from ossferry.http.hosts import PROBE_PATHS
from ossferry.mount import route_path
from ossferry.settings.addresses import is_loopback
from ossferry.settings.model import Settings

PEER = "ossferry.peer"


class Networks:
    """A set of IP networks; `address in networks` tests whether a network contains an address."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._networks = networks
        self._known = lru_cache(1000)(self._holds)

    def __contains__(self, address: str) -> bool:
        return self._known(address)

    def _holds(self, address: str) -> bool:
        try:
            ip = _plain(address)
        except ValueError:
            return False
        return any(ip in network for network in self._networks)


def peer_of(scope: Scope) -> str:
    """Return the IP address of the connected machine, a proxy or the client; empty if unknown."""
    peer: str = scope.get(PEER) or (scope["client"][0] if scope.get("client") else "")
    return peer


def address_of(request: Request) -> str:
    """Return the IP address of the client, also if the request came through trusted proxies.

    The result is empty if the server does not know the address of the connected machine, and
    `unknown` if a trusted proxy reports a client without an IP address.
    """
    return request.client.host if request.client else ""


class TrustedProxies:
    """ASGI middleware that takes the client's address and scheme from headers of trusted proxies.

    This middleware must run before all code that reads addresses or schemes.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._networks = Networks(settings.trusted_proxies)
        self._behind_tls = settings.behind_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the client's address and scheme.

        Raises:
            InsecureError: the request came over plain HTTP from another machine.
        """
        if scope["type"] == "http" and self._behind_tls:
            scope = self._seen_through(scope)
            if scope["scheme"] != "https" and not _is_local(scope):
                raise InsecureError("Ask over https.")
        await self._app(scope, receive, send)

    def _seen_through(self, scope: Scope) -> Scope:
        peer = peer_of(scope)
        if peer not in self._networks:
            return scope
        spoke_tls = _joined(scope, b"x-forwarded-proto") == "https"
        changes: dict[str, object] = {PEER: peer, "scheme": "https" if spoke_tls else "http"}
        hops = [hop.strip() for hop in _joined(scope, b"x-forwarded-for").split(",")]
        client = next((hop for hop in reversed(hops) if hop not in self._networks), "")
        if client:
            changes["client"] = (_address(client), 0)
        return {**scope, **changes}


def _is_local(scope: Scope) -> bool:
    forwarded = _joined(scope, b"x-forwarded-for") or _joined(scope, b"x-forwarded-proto")
    return route_path(scope) in PROBE_PATHS or (is_loopback(peer_of(scope)) and not forwarded)


def _joined(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def _address(hop: str) -> str:
    """Return the IP address in an entry of `X-Forwarded-For`, without the port.

    Return `unknown` if the entry is not an IP address.
    """
    bare = hop.partition("]")[0].lstrip("[") if hop.startswith("[") else hop
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(_plain(bare))
    except ValueError:
        return "unknown"


def _plain(text: str) -> IPv4Address | IPv6Address:
    """Return the IP address in a text; `::ffff:192.0.2.1` becomes the IPv4 address.

    Sockets that accept both IPv6 and IPv4 report IPv4 clients in this form.
    """
    ip = ipaddress.ip_address(text)
    return getattr(ip, "ipv4_mapped", None) or ip
