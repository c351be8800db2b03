"""Limits of headers, bodies and paths, which apply before any other code reads the request.

Some requests are refused because a proxy might interpret them differently: requests with two body
lengths, with a length and chunked encoding, or with unnecessary percent-encoding in the path. A
zero byte in the query is refused, because some databases cannot store zero bytes. The limits do
not depend on the HTTP parser.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from starlette.types import ASGIApp, Receive, Scope, Send

from ossferry.errors import BadRequestError, BodyTooLargeError, HeadersTooLargeError, NowhereError
from ossferry.mount import route_path

MAX_HEADER_BYTES = 16 * 1024
MAX_BODY_BYTES = 16 * 1024
LONG_BODIES: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(("/api/receipts/batch", "/api/objects/taken", "/api/share"), 1024 * 1024)
)
"""The longest bodies of the routes that accept more than `MAX_BODY_BYTES`.

They have up to 200 reports, paths or keys. Each has up to 3.3 KB, because JSON may write each
character of a key as an escape sequence.
"""
_GUEST = re.compile(r"\A/r/[^/]+(?=/api/)")  # guests have some of the routes below an address
KEYS = "/api/objects/"
"""The beginning of paths that end in an object key, which may need percent-encoding."""


class RequestLimits:
    """ASGI middleware that refuses requests with too long headers or bodies, or an unclear length.

    The length of the body is unclear if there are two Content-Length headers, or one together with
    chunked encoding. The middleware also refuses zero bytes in the query, and percent-encoding in
    the path outside of an object key. It must run before all code that reads headers or bodies.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it.

        Raises:
            BadRequestError: the query has a zero byte, or the length of the body is ambiguous or
                invalid.
            HeadersTooLargeError: headers and query together are longer than 16 KB.
            BodyTooLargeError: the header Content-Length is more than the route accepts.
            NowhereError: the path has unnecessary percent-encoding.
        """
        if scope["type"] == "http":
            query = scope.get("query_string", b"")
            _refuse_too_long(scope["headers"], len(query), max_body_bytes(scope))
            if b"%00" in query or b"\0" in query:
                raise BadRequestError("The address holds what is no text.")
            if b"%" in (scope.get("raw_path") or b"") and not _needs_percent(scope):
                raise NowhereError("There is nothing at this address.")
        await self._app(scope, receive, send)


def max_body_bytes(scope: Scope) -> int:
    """Return the maximum length in bytes of the body of a request, which depends on its route.

    Most routes accept 16 KB.
    """
    return LONG_BODIES.get(_GUEST.sub("", route_path(scope)), MAX_BODY_BYTES)


def _needs_percent(scope: Scope) -> bool:
    """Return whether the percent-encoding of a path is necessary.

    Percent-encoding is necessary only in an object key, or in the mount path of this application.
    """
    raw: bytes = scope["raw_path"]
    own = route_path(scope)
    if own.startswith(KEYS) and scope["method"] != "POST":
        return KEYS.encode() in raw
    return raw.endswith(own.encode())


def _refuse_too_long(headers: list[tuple[bytes, bytes]], query_length: int, most: int) -> None:
    size = query_length
    lengths = []
    chunked = False
    for name, value in headers:
        size += len(name) + len(value) + 4
        if name == b"content-length":
            lengths.append(value)
        elif name == b"transfer-encoding":
            chunked = True
    if size > MAX_HEADER_BYTES:
        raise HeadersTooLargeError("The headers are longer than 16 KB.")
    if len(lengths) > 1 or (lengths and chunked):
        raise BadRequestError("The request says its length twice.")
    if lengths and not (lengths[0].isdigit() and lengths[0].isascii()):
        raise BadRequestError("The request's length is not a number.")
    if lengths and int(lengths[0][:12]) > most:
        raise BodyTooLargeError(f"The body is longer than {most // 1024} KB.")
