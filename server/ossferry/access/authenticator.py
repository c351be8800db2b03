"""The port to authentication: a function that identifies senders, and facts about its method."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from ossferry.http.same_site import Ambient
from ossferry.identity.principal import Identify

__all__ = ["Authenticator", "Endpoint"]

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
"""A function that answers the requests of a route."""


async def _close_nothing() -> None:
    """Do nothing: the authenticator has no connections."""


def _renew_nothing(_request: Request, _response: Response) -> None:
    """Do nothing: the authenticator has no sessions."""


async def _show_page(_request: Request) -> Response | None:
    """Return None: the page is shown to everybody and asks for a grant itself."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """A method of identifying the senders of requests.

    Attributes:
        identify: returns the principal of a request, or raises `NotIdentifiedError`.
        ambient: whether browsers add the proof of identity of a request by themselves; such a
            request must also prove that our own page sent it.
        endpoints: the handlers of sign-in routes, by the names that `ossferry.routes` uses.
        welcome: called before the page is shown; a returned response replaces the page.
        renew: called with each response to an identified sender, to prolong the session.
        close: closes connections; called once at the end.
        expensive: whether identifying takes much time or work. If so, addresses with too many
            failures are refused before identification, including their valid senders.
        signs_out: whether there is a session, which `POST /logout` ends.
    """

    identify: Identify
    ambient: Ambient
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    welcome: Callable[[Request], Awaitable[Response | None]] = _show_page
    renew: Callable[[Request, Response], None] = _renew_nothing
    close: Callable[[], Awaitable[None]] = _close_nothing
    expensive: bool = False
    signs_out: bool = False
