"""The person or program that is asking, and the shape of every function that finds out."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ossferry.guards import Ambient

__all__ = ["Identify", "Principal", "Way"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who our server thinks is asking.

    Attributes:
        id: never changes and is never given to another; the key prefix is made from it.
        name: shown to people; decides nothing.
    """

    id: str
    name: str


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
    """

    identify: Identify
    ambient: Ambient
    routes: Sequence[Route] = ()
    welcome: Callable[[Request], Awaitable[Response | None]] = _let_in
    renew: Callable[[Request, Response], None] = _keep
    close: Callable[[], Awaitable[None]] = _nothing
