"""Finds the client's address and scheme behind proxies that the settings trust.

`X-Forwarded-For` is read from the right: each trusted hop names the one before it, and the first
that is not trusted is the client. What clients wrote further left decides nothing. A request that
came over plain http from beyond this machine is refused when a proxy is meant to speak TLS.
"""

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from starlette.types import ASGIApp, Receive, Scope, Send

from ossferry.errors import InsecureError
from ossferry.http.same_site import FOR_PROBES
from ossferry.settings.model import Settings
from ossferry.settings.rules import is_loopback

__all__ = ["Networks", "TrustedProxies", "peer_of"]

PEER = "ossferry.peer"


class Networks:
    """A set of networks; `in` says whether an address is inside."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._networks = networks
        self._known: dict[str, bool] = {}

    def __contains__(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            known = self._holds(address)
            if len(self._known) > 1000:
                self._known.clear()
            self._known[address] = known
        return known

    def _holds(self, address: str) -> bool:
        try:
            ip = _plain(address)
        except ValueError:
            return False
        return any(ip in network for network in self._networks)


def peer_of(scope: Scope) -> str:
    """Return the address that the connection itself came from."""
    peer: str = scope.get(PEER) or (scope["client"][0] if scope.get("client") else "")
    return peer


class TrustedProxies:
    """ASGI middleware; goes outside of everything that looks at addresses or schemes."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._networks = Networks(settings.trusted_proxies)
        self._behind_tls = settings.behind_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the client's own address, or raise `InsecureError`."""
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
    return scope["path"] in FOR_PROBES or (is_loopback(peer_of(scope)) and not forwarded)


def _joined(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def _address(hop: str) -> str:
    """Return an address without port, IPv4 as such; ``unknown``, one for all, if it is none."""
    bare = hop.partition("]")[0].lstrip("[") if hop.startswith("[") else hop
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(_plain(bare))
    except ValueError:
        return "unknown"


def _plain(text: str) -> IPv4Address | IPv6Address:
    """Return an IP address; what listens on IPv6 for both writes IPv4 as ``::ffff:192.0.2.1``."""
    ip = ipaddress.ip_address(text)
    return getattr(ip, "ipv4_mapped", None) or ip
