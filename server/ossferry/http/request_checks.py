"""Refuses requests whose frame is odd, whichever parser has read them, and too many at one time.

What a proxy and a server may read differently is refused: two lengths, a length next to chunks,
an address that is spelled with percent signs where none are needed.
Headers and bodies have caps; no route of ours needs more. No address asks
for a zero byte, which not every database can hold.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from ossferry.errors import (
    BadRequestError,
    BodyTooLargeError,
    BusyError,
    HeadersTooLargeError,
    NowhereError,
)
from ossferry.settings.model import Settings

__all__ = ["MAX_BODY_BYTES", "MAX_HEADER_BYTES", "Crowd", "ShapeGuard"]

MAX_HEADER_BYTES = 16 * 1024
MAX_BODY_BYTES = 16 * 1024
KEYS = "/api/objects/"
"""Below it are keys of objects, which may need percent signs."""


class ShapeGuard:
    """ASGI middleware; goes outside of everything that reads headers or bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or raise an error."""
        if scope["type"] == "http":
            query = scope.get("query_string", b"")
            _check(scope["headers"], len(query))
            if b"%00" in query or b"\0" in query:
                raise BadRequestError("The address holds what is no text.")
            if b"%" in (scope.get("raw_path") or b"") and not _needs_percent(scope):
                raise NowhereError("There is nothing at this address.")
        await self._app(scope, receive, send)


class Crowd:
    """ASGI middleware; lets so many requests in at one time."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._limit = settings.limit_concurrency
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or raise `BusyError`."""
        if scope["type"] != "http" or scope["path"] == "/healthz":
            await self._app(scope, receive, send)
            return
        if self._inside >= self._limit:
            raise BusyError("crowd")
        self._inside += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._inside -= 1


def _needs_percent(scope: Scope) -> bool:
    """Whether the percent signs are in the key of an object, or above what is mounted here."""
    raw: bytes = scope["raw_path"]
    own: str = scope["path"].removeprefix(scope.get("root_path", ""))
    if own.startswith(KEYS) and scope["method"] != "POST":
        return KEYS.encode() in raw
    return raw.endswith(own.encode())


def _check(headers: list[tuple[bytes, bytes]], query_length: int) -> None:
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
    if lengths and int(lengths[0][:12]) > MAX_BODY_BYTES:
        raise BodyTooLargeError("The body is longer than 16 KB.")
