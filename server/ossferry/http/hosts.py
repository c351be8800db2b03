"""Check of the Host header: requests for an unknown host name are refused."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ossferry.errors import UnknownHostError
from ossferry.mount import route_path
from ossferry.settings.model import Settings

PROBE_PATHS = ("/healthz", "/readyz", "/metrics")
"""Paths that are allowed with any host name and over plain HTTP: probes and Prometheus use the IP
addresses of the servers.
"""


class HostGuard:
    """ASGI middleware that refuses a request unless its Host header has a name from the settings.

    A request must have exactly one Host header. On the paths in `PROBE_PATHS`, such as `/healthz`,
    the header may have any name.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._allowed = frozenset(settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to the application.

        Raises:
            UnknownHostError: the Host header is missing, repeated, or not one of the server's
                names.
        """
        if scope["type"] == "http":
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            if len(hosts) != 1 or not (
                _host_name(hosts[0]) in self._allowed or route_path(scope) in PROBE_PATHS
            ):
                raise UnknownHostError("Ask for this server by one of its own names.")
        await self._app(scope, receive, send)


def own_origin(request: Request, public_url: str | None) -> str:
    """Return the server's public origin, such as `https://uploads.example.com`.

    Without a public URL, the origin is built from the Host header, which `HostGuard` has checked.
    """
    return public_url or f"{request.url.scheme}://{request.headers['host']}"


def _host_name(host: bytes) -> str:
    """Return the lower-case host name of a Host header; empty if the port is not a number."""
    name, _, port = host.decode("latin-1").lower().partition(":")
    return name if not port or (port.isascii() and port.isdigit()) else ""
