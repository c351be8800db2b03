"""Reads the bearer token of a request; callers must verify the token."""

from starlette.requests import Request

from ossferry.errors import NoProofError, NotIdentifiedError

MAX_TOKEN_LENGTH = 8192
"""Maximum length in characters; a longer token is refused before it is verified."""


def has_bearer(request: Request, prefix: str = "") -> bool:
    """Return whether a request has a bearer token, valid or not, that begins with `prefix`."""
    for header in request.headers.getlist("authorization"):
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer" and token.startswith(prefix):
            return True
    return False


def bearer_token(request: Request) -> str:
    """Return the token in the `Authorization: Bearer` header of a request, without verifying it.

    Raises:
        NoProofError: the request has no Authorization header.
        NotIdentifiedError: the request has several such headers, or the header has no bearer token
            of at most `MAX_TOKEN_LENGTH` characters.
    """
    headers = request.headers.getlist("authorization")
    if not headers:
        raise NoProofError("Send one Authorization header with a bearer token.")
    if len(headers) != 1:
        raise NotIdentifiedError("Send one Authorization header with a bearer token.")
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_LENGTH:
        raise NotIdentifiedError("Send one Authorization header with a bearer token.")
    return token
