"""Refuses requests that no page of ours would send: foreign hosts, foreign sites, odd bodies.

Identity is not decided here. There is no CORS anywhere: other origins get nothing.
"""

import json

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ossferry.errors import BadRequestError, BodyTooLargeError, CrossSiteError, UnknownHostError
from ossferry.settings import Settings

__all__ = ["HostGuard", "read_json", "refuse_other_sites"]

MAX_BODY_SIZE = 16 * 1024
OWN_SITES = ("same-origin", "none")


class HostGuard:
    """ASGI middleware: exactly one Host header, and a name that the settings list."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._allowed = frozenset(settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or raise `UnknownHostError`."""
        if scope["type"] == "http":
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            if len(hosts) != 1 or _host_name(hosts[0]) not in self._allowed:
                raise UnknownHostError("Ask for this server by one of its own names.")
        await self._app(scope, receive, send)


def refuse_other_sites(request: Request) -> None:
    """Refuse what another site made the browser send.

    Browsers say so in `Sec-Fetch-Site` and in `Origin`; programs that send neither pass.

    Raises:
        CrossSiteError: the request comes from somewhere else.
    """
    site = request.headers.get("sec-fetch-site", "none")
    origins = request.headers.getlist("origin")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if site not in OWN_SITES or any(origin != own for origin in origins):
        raise CrossSiteError("Only this server's own page may ask for this.")


async def read_json(request: Request) -> dict[str, object]:
    """Read a small JSON object.

    Raises:
        BadRequestError: another content type, or no JSON object.
        BodyTooLargeError: longer than 16 KB.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise BadRequestError("The body must be application/json.")
    try:
        value = json.loads(await _read_small(request))
    except ClientDisconnect as error:
        raise BadRequestError("The body broke off.") from error
    except (ValueError, RecursionError) as error:
        raise BadRequestError("The body is not JSON.") from error
    if not isinstance(value, dict):
        raise BadRequestError("The body must be a JSON object.")
    return value


async def _read_small(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_SIZE:
            raise BodyTooLargeError("The body is longer than 16 KB.")
    return body


def _host_name(host: bytes) -> str:
    name, _, port = host.decode("latin-1").lower().partition(":")
    return name if not port or (port.isascii() and port.isdigit()) else ""
