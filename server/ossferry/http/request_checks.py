"""Checks of header sizes, body lengths and paths, before any other code reads the request.

Some requests are refused because a proxy might interpret them differently: requests with two body
lengths, with a length and chunked encoding, or with unnecessary percent-encoding in the path. A
zero byte in the query is refused, because some databases cannot store zero bytes. The checks do not
depend on the HTTP parser.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from ossferry.errors import (
    BadRequestError,
    BodyTooLargeError,
    HeadersTooLargeError,
    NowhereError,
)

__all__ = ["MAX_BODY_BYTES", "MAX_HEADER_BYTES", "RequestChecks"]

MAX_HEADER_BYTES = 16 * 1024
MAX_BODY_BYTES = 16 * 1024
KEYS = "/api/objects/"
"""The beginning of paths that end in an object key, which may need percent-encoding."""


class RequestChecks:
    """ASGI middleware that refuses requests with ambiguous or too long headers and bodies.

    This middleware must run before all code that reads headers or bodies.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it.

        Raises:
            BadRequestError: the query has a zero byte, or the length of the body is ambiguous or
                invalid.
            HeadersTooLargeError: headers and query together are longer than 16 KB.
            BodyTooLargeError: the header Content-Length is more than 16 KB.
            NowhereError: the path has unnecessary percent-encoding.
        """
        if scope["type"] == "http":
            query = scope.get("query_string", b"")
            _check(scope["headers"], len(query))
            if b"%00" in query or b"\0" in query:
                raise BadRequestError("The address holds what is no text.")
            if b"%" in (scope.get("raw_path") or b"") and not _needs_percent(scope):
                raise NowhereError("There is nothing at this address.")
        await self._app(scope, receive, send)


def _needs_percent(scope: Scope) -> bool:
    """Return whether the percent-encoding of a path is necessary.

    Percent-encoding is necessary only in an object key, or in the mount path of this application.
    """
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
