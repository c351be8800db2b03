"""Refuses requests that no page of ours would send: foreign hosts, foreign sites, odd bodies.

Identity is not decided here. Other origins get nothing unless they are configured one by one.
"""

import json
import math
from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ossferry.errors import BadRequestError, BodyTooLargeError, CrossSiteError, UnknownHostError
from ossferry.http.request_checks import MAX_BODY_BYTES
from ossferry.settings.model import Settings

__all__ = [
    "FOR_PROBES",
    "Ambient",
    "Guard",
    "HostGuard",
    "always",
    "never",
    "read_json",
    "read_small",
    "with_cookie",
]

OWN_SITES = ("same-origin", "none")
FOR_PROBES = ("/healthz", "/readyz")
"""Answered by any name, and over plain http too."""

Ambient: TypeAlias = Callable[[Request], bool]


class HostGuard:
    """ASGI middleware: exactly one Host header, and a name that the settings list.

    Probes of load balancers and clusters ask by address; what they get depends on no name.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._allowed = frozenset(settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or raise `UnknownHostError`."""
        if scope["type"] == "http":
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            if len(hosts) != 1 or not (
                _host_name(hosts[0]) in self._allowed or scope["path"] in FOR_PROBES
            ):
                raise UnknownHostError("Ask for this server by one of its own names.")
        await self._app(scope, receive, send)


class Guard:
    """Refuses what another site made a browser send.

    Browsers say so in `Sec-Fetch-Site` and in `Origin`. Programs send neither, and pass unless the
    proof of who they are is one that browsers send by themselves.

    Args:
        ambient: whether a request carries such a proof, a cookie for instance.
    """

    def __init__(self, settings: Settings, *, ambient: Ambient) -> None:
        self._public_url = settings.public_url
        self._cors = frozenset(settings.cors_origins)
        self._ambient = ambient

    def refuse_other_sites(self, request: Request) -> None:
        """Return if the request may be answered.

        Raises:
            CrossSiteError: the request comes from somewhere else.
        """
        sites = request.headers.getlist("sec-fetch-site")
        origins = request.headers.getlist("origin")
        ambient = self._ambient(request)
        if not ambient and len(origins) == 1 and origins[0] in self._cors:
            return
        own = f"{request.url.scheme}://{request.headers.get('host', '')}"
        from_here = bool(origins) and all(each in (own, self._public_url) for each in origins)
        if (origins and not from_here) or _is_from_elsewhere(request):
            raise CrossSiteError("Only this server's own page may ask for this.")
        if ambient and not from_here and sites != ["same-origin"]:
            raise CrossSiteError("Only this server's own page may ask for this.")

    def refuse_links_from_elsewhere(self, request: Request) -> None:
        """Return unless the browser says that another site opened this page.

        For pages, which the other site cannot read. Browsers that do not say it pass: old ones,
        which need such a page most.

        Raises:
            CrossSiteError: another site opened it.
        """
        if _is_from_elsewhere(request):
            raise CrossSiteError("Please open this page by a link of this server's own.")


def _is_from_elsewhere(request: Request) -> bool:
    """Whether the browser says that another site made it send this."""
    return any(site not in OWN_SITES for site in request.headers.getlist("sec-fetch-site"))


def always(_request: Request) -> bool:
    """Say that browsers send the proof by themselves."""
    return True


def never(_request: Request) -> bool:
    """Say that somebody has to put the proof into each request."""
    return False


def with_cookie(request: Request) -> bool:
    """Say that a request with a cookie, or a browser's own sign-in, may not be its page's will."""
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    return "cookie" in request.headers or scheme in ("basic", "digest", "negotiate", "ntlm")


async def read_json(request: Request) -> dict[str, object]:
    """Read a small JSON object, whose numbers are numbers and whose text any database holds.

    Raises:
        BadRequestError: another content type, or no such object.
        BodyTooLargeError: longer than 16 KB.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise BadRequestError("The body must be application/json.")
    try:
        value = _without_odd_text(_DECODER.decode((await read_small(request)).decode()))
    except ClientDisconnect as error:
        raise BadRequestError("The body is incomplete.") from error
    except (ValueError, RecursionError) as error:
        raise BadRequestError("The body is not JSON.") from error
    if not isinstance(value, dict):
        raise BadRequestError("The body must be a JSON object.")
    return value


async def read_small(request: Request) -> bytes:
    """Read a small body.

    Raises:
        BodyTooLargeError: longer than 16 KB.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLargeError("The body is longer than 16 KB.")
    return body


def _number(text: str) -> float:
    """Return a number; JSON of Python's would know infinity and what is no number."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("no number")
    return value


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_number)


ODD = object()
"""Stands where a body had text that not every database can hold; it is no text to any route."""


def _without_odd_text(value: object) -> object:
    if isinstance(value, str):
        return value if _is_sound(value) else ODD
    if isinstance(value, dict):
        return {name: _without_odd_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_odd_text(each) for each in value]
    return value


def _is_sound(text: str) -> bool:
    """Whether text has no zero byte, and no half of a surrogate pair."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _host_name(host: bytes) -> str:
    name, _, port = host.decode("latin-1").lower().partition(":")
    return name if not port or (port.isascii() and port.isdigit()) else ""
