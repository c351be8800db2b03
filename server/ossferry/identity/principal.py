"""The person or program that is asking, and the shape of every function that finds out."""

import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ossferry.http.same_site import Ambient

__all__ = ["Identify", "Principal", "Way", "display_name", "is_plain_id"]

MAX_NAME_LENGTH = 100
MAX_ID_LENGTH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who our server thinks is asking.

    Attributes:
        id: never changes and is never given to another; the key prefix is made from it.
        name: shown to people; decides nothing.
    """

    id: str
    name: str


def display_name(given: object, *, otherwise: str) -> str:
    """Return a name to show: composed, without control and format characters, not too long.

    Args:
        given: what somebody else calls them; anything but text counts as nothing.
        otherwise: what to show if that leaves nothing.
    """
    text = unicodedata.normalize("NFC", given) if isinstance(given, str) else ""
    shown = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return shown[:MAX_NAME_LENGTH] or otherwise


def is_plain_id(text: str) -> bool:
    """Whether an id is in the one form (NFKC) that no other looks like, and all of it is visible.

    Case counts: to an issuer ``eve`` and ``Eve`` are two people.
    """
    one_form = unicodedata.is_normalized("NFKC", text) and text == text.strip()
    return 0 < len(text) <= MAX_ID_LENGTH and text.isprintable() and one_form


Identify: TypeAlias = Callable[[Request], Awaitable[Principal]]
"""Answers who is asking, or raises `NotIdentifiedError`."""


async def _nothing() -> None:
    """Close nothing."""


def _keep(_request: Request, _response: Response) -> None:
    """Renew nothing."""


async def _let_in(_request: Request) -> Response | None:
    """Show the page to everybody; it asks for a grant itself."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of identifying people, with all that belongs to it.

    Attributes:
        ambient: whether browsers send a request's proof by themselves; then the request must also
            prove that our own page made it.
        routes: addresses of its own, such as a sign-in page.
        welcome: asked before the page is shown; a response is shown instead of the page.
        renew: called with each answer to somebody identified, to prolong their session.
        close: called once at the end.
        dear: whether finding out who it is costs so much that too many failures from an address
            come first; then they shut out all who have that address.
        signs_out: whether there is a session, which `POST /logout` ends.
    """

    identify: Identify
    ambient: Ambient
    routes: Sequence[Route] = ()
    welcome: Callable[[Request], Awaitable[Response | None]] = _let_in
    renew: Callable[[Request, Response], None] = _keep
    close: Callable[[], Awaitable[None]] = _nothing
    dear: bool = False
    signs_out: bool = False
