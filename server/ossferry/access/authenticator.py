"""The `Authenticator` class: a table of functions that each authentication method provides."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from ossferry.errors import NotIdentifiedError, TooManyError, UnavailableError
from ossferry.http.same_site import Ambient
from ossferry.identity.principal import Identify

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
"""A function that handles the requests of a route."""


async def _close_nothing() -> None:
    """Do nothing: the default of `Authenticator.close`, if there are no connections to close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """A method of identifying principals, as a table of functions that the server calls.

    Attributes:
        identify: returns the principal of a request, or raises `NotIdentifiedError`.
        carries: returns whether a request has a proof of identity for this method, valid or not.
        ambient: returns whether browsers add the proof of identity (for example a cookie)
            automatically. If so, a request must also prove that the server's own page sent it.
        endpoints: handlers of the sign-in routes, by the names in `ossferry.routes.SIGN_IN_ROUTES`.
        sign_in: called if a browser opens a page, and the principal is not identified; returns a
            redirect to the sign-in page, or None if there is none.
        visit: returns the principal of a request in which a browser opens the upload page; by
            default `identify`.
        renew: called with each response to an identified principal; extends the session.
        close: closes the connections of this method; called once when the server stops.
        expensive: whether `identify` takes much time or work. If so, all requests from an address
            with too many failures are refused before `identify` is called.
        signs_out: whether users can sign out with `POST /logout`.
    """

    identify: Identify
    ambient: Ambient
    carries: Callable[[Request], bool] = lambda _request: True
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    sign_in: Callable[[Request], Response | None] = lambda _request: None
    visit: Identify | None = None
    renew: Callable[[Request, Response], None] = lambda _request, _response: None
    close: Callable[[], Awaitable[None]] = _close_nothing
    expensive: bool = False
    signs_out: bool = False

    async def welcome(self, request: Request) -> Response | None:
        """Return a redirect to the sign-in page, or None to show the upload page.

        The result is a redirect if the principal is not identified and there is a sign-in page. If
        the principal cannot be identified at the moment, for example because of a rate limit or an
        outage, the result is None: the upload page contains no secret, and tells the user to wait.
        """
        redirect = self.sign_in(request)
        if redirect is None:
            return None
        try:
            await (self.visit or self.identify)(request)
        except NotIdentifiedError:
            return redirect
        except (TooManyError, UnavailableError):
            return None
        return None
