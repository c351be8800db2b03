"""Authentication by the application that mounts the server, and redirects to its sign-in page."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ossferry.access.application import APPLICATION_S, answer_of
from ossferry.access.authenticator import Authenticator
from ossferry.access.rate_limits import Rates
from ossferry.errors import NoProofError, NotAllowedError, NotIdentifiedError
from ossferry.http.proxies import address_of
from ossferry.http.same_site import with_cookie
from ossferry.identity.principal import Identify, Principal
from ossferry.mount import mount_path, route_path
from ossferry.settings.model import Settings
from ossferry.settings.types import RETURN_ADDRESS


def app_authenticator(
    settings: Settings, identify: Identify, rates: Rates, *, patience_s: float = APPLICATION_S
) -> Authenticator:
    """Return an authenticator that calls the host application's own `identify` function.

    If the settings contain the URL of a sign-in page, people who are not identified are redirected
    there from `/login` and from the server's pages.

    Args:
        patience_s: seconds after which `identify` is cancelled.
    """

    async def identified(request: Request) -> Principal:
        try:
            return await answer_of("identify", identify(request), patience_s=patience_s)
        except NotIdentifiedError as error:
            error.more = NotAllowedError.more  # the page shows the message
            raise

    if not settings.sign_in_url:
        return Authenticator(identify=identified, ambient=with_cookie, expensive=True)
    sign_in = SignIn(settings, identified, rates)
    return Authenticator(
        identify=identified,
        ambient=with_cookie,
        expensive=True,
        endpoints={"login": sign_in.login},
        sign_in=sign_in.sign_in,
        visit=sign_in.visit,
    )


class SignIn:
    """Redirects people to the sign-in page of the host application."""

    def __init__(self, settings: Settings, identify: Identify, rates: Rates) -> None:
        self._url = settings.sign_in_url or ""
        self._public_url = settings.public_url
        self._identify = identify
        self._rates = rates

    async def login(self, request: Request) -> Response:
        """Handle `GET /login`: redirect to the application's sign-in page.

        The URL of the redirect contains the address of the upload page, to which the application
        should send the person after sign-in.
        """
        return self._redirect(request, "/")

    def sign_in(self, request: Request) -> Response | None:
        """Return a redirect (303) to the sign-in page of the application.

        The URL of the redirect contains the address of the requested page, to which the application
        should send the person after sign-in. The result is None for a page in a frame, because a
        sign-in page must not be in a frame; the button *Sign in* in the frame opens a new tab.
        """
        if request.headers.get("sec-fetch-dest", "document") != "document":
            return None
        query = request.url.query
        return self._redirect(request, route_path(request.scope) + (query and f"?{query}"))

    async def visit(self, request: Request) -> Principal:
        """Return the principal of a request in which a browser opens the upload page.

        A failed identification counts against the limit of the request's address, as for other
        routes.

        Raises:
            NotIdentifiedError: the principal is not identified.
            TooManyError: too many identifications from this address have failed.
        """
        address = address_of(request)
        await self._rates.refuse_guessing(address)
        try:
            return await self._identify(request)
        except NoProofError:
            raise
        except NotIdentifiedError:
            await self._rates.failed(address, "")
            raise

    def _redirect(self, request: Request, path: str) -> Response:
        """Return a redirect to the sign-in page, with the address of a page of this server.

        Args:
            path: path and query of the page, without the mount.
        """
        target = mount_path(request.scope) + path
        if not self._url.startswith("/"):  # the sign-in page may have another host
            own = f"{request.url.scheme}://{request.headers['host']}"
            target = (self._public_url or own) + target
        return RedirectResponse(self._url.replace(RETURN_ADDRESS, quote(target, safe="")), 303)
