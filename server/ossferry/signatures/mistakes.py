"""Common mistakes of clients: texts that a client may have signed instead of its own request.

A request contains a signature, but not the text that the client signed. With the secret, this
module finds the text: it changes the request as each mistake would, until the signature fits.
"""

import mimetypes
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, combinations
from typing import TypeAlias
from urllib.parse import quote, unquote

from ossferry.signatures.signed import SignedRequest

__all__ = ["find_mistake"]

METHODS = ("GET", "PUT", "POST", "HEAD", "DELETE")
CONTENT_TYPES = (
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "application/json",
    "text/plain",
    "text/plain;charset=UTF-8",
)
OF_THE_SIGNATURE = (
    "x-oss-additional-headers",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-signature-version",
)
"""Query parameters that every client signs."""

Change: TypeAlias = Callable[[SignedRequest], SignedRequest]
Mistake: TypeAlias = tuple[str, Change]


def find_mistake(request: SignedRequest, secret: str) -> str:
    """Return a sentence about the mistake, or the two mistakes, that explain a wrong signature.

    Returns:
        The sentence; empty if no common mistake explains the signature.
    """
    for each in ("\n", "\r\n", " "):
        if request.signature(secret + each) == request.provided:
            return "The client's secret ends in a space or a line break; remove it."
    singles = list(_mistakes(request))
    for found in chain(((each,) for each in singles), combinations(singles, 2)):
        changed = request
        for _, change in found:
            changed = change(changed)
        if changed.signature(secret) == request.provided:
            return f"The client {' and '.join(words for words, _ in found)}."
    return ""


def _mistakes(request: SignedRequest) -> Iterator[Mistake]:
    for name in request.signed_headers():
        yield f"did not sign the header {name}", _with_header(name, None)
    for name in request.query:
        if name not in OF_THE_SIGNATURE:
            yield f"did not sign the query parameter {name}", _without_parameter(name)
    sent = request.headers.get("content-type", "")
    guesses = (sent.partition(";")[0], mimetypes.guess_type(request.key)[0], *CONTENT_TYPES)
    for guess in dict.fromkeys(guesses):
        if guess and guess != sent:
            words = f"signed the Content-Type {guess!r} and sent {sent or 'none'!r}"
            yield words, _with_header("content-type", guess)
    for method in METHODS:
        if method != request.method:
            yield f"signed the method {method} and sent {request.method}", _with(method=method)
    yield from _keys(request)
    yield from _regions(request)


def _keys(request: SignedRequest) -> Iterator[Mistake]:
    key = request.key
    others = {
        "signed a path that is encoded once more than the path it sent": quote(key),
        "signed a decoded key, and sent a path that is encoded twice": unquote(key),
        "signed the key with a slash before it": f"/{key}",
        "signed the bucket twice": f"{request.bucket}/{key}",
    }
    for words, other in others.items():
        if other != key:
            yield words, _with(key=other)


def _regions(request: SignedRequest) -> Iterator[Mistake]:
    if request.version == "V1":
        return
    names = (request.endpoint_region, f"oss-{request.region}", request.region.removeprefix("oss-"))
    for name in dict.fromkeys(names):
        if name and name != request.region:
            yield f"signed for the region {name} and named {request.region}", _with(region=name)


def _with(**changes: str) -> Change:
    return lambda request: replace(request, **changes)  # type: ignore[arg-type] # all are text


def _with_header(name: str, value: str | None) -> Change:
    def change(request: SignedRequest) -> SignedRequest:
        headers = {other: text for other, text in request.headers.items() if other != name}
        return replace(request, headers=headers if value is None else {**headers, name: value})

    return change


def _without_parameter(name: str) -> Change:
    def change(request: SignedRequest) -> SignedRequest:
        return replace(request, query={n: v for n, v in request.query.items() if n != name})

    return change
