"""Reads the bearer token of a request; whether it is any good is for others to say."""

from starlette.requests import Request

from ossferry.errors import NoProofError, NotIdentifiedError

__all__ = ["MAX_TOKEN_LENGTH", "bearer_token"]

MAX_TOKEN_LENGTH = 8192
"""Characters; longer ones are refused before anything is computed."""


def bearer_token(request: Request) -> str:
    """Return the token of the one `Authorization: Bearer` header.

    Raises:
        NoProofError: there is none.
        NotIdentifiedError: there are several, or it is too long.
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
