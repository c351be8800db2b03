"""Sign-in at an OpenID provider; a session cookie authenticates all later requests of the browser.

`/login` shows a page with one link, `/login/start` redirects to the provider, `/login/callback`
receives the authorization code, and `POST /logout` ends the session. A signed cookie stores the
random values of a sign-in attempt. So only the browser that started an attempt can complete it, and
only once.
"""

import secrets
from typing import Any

from itsdangerous import BadData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ossferry.access.audit import Audit
from ossferry.access.authenticator import Authenticator
from ossferry.access.rate_limits import Rates
from ossferry.authentication.provider import Attempt, Provider
from ossferry.authentication.sessions import Sessions, SignOuts, sealer, set_cookie
from ossferry.clock import Clock, Monotonic
from ossferry.errors import BadRequestError, NotIdentifiedError
from ossferry.http.html import render
from ossferry.http.proxies import address_of
from ossferry.http.same_site import Guard, always
from ossferry.identity.owner import owner_of
from ossferry.identity.principal import Principal
from ossferry.mount import mount_path
from ossferry.settings.model import Settings
from ossferry.state.choice import Storage

ATTEMPT_COOKIE = "__Host-ossferry_login"
ATTEMPT_S = 600


class Oidc:
    """Sign-in with OpenID Connect: the handlers of its routes, and its authenticator."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        rates: Rates,
        audit: Audit,
        *,
        sign_outs: SignOuts,
        clock: Clock,
        monotonic: Monotonic,
    ) -> None:
        self._provider = Provider(settings, clock=clock, monotonic=monotonic)
        self._sessions = Sessions(settings, sign_outs, clock=clock)
        self._guard = Guard(settings, ambient=always)
        self._storage = storage
        self._rates = rates
        self._audit = audit
        self._secret = settings.secret_bytes
        self._sealer = sealer(self._secret, "login", clock)

    def authenticator(self) -> Authenticator:
        """Return the `Authenticator` for this provider, with the handlers of its routes.

        The routes are those for sign-in and sign-out.
        """
        return Authenticator(
            identify=self.identify,
            ambient=always,
            carries=self._sessions.carries,
            endpoints={
                "login": self.login,
                "login-start": self.start,
                "login-callback": self.callback,
                "logout": self.logout,
            },
            sign_in=self.sign_in,
            renew=self._sessions.renew,
            close=self._provider.close,
            signs_out=True,
        )

    async def identify(self, request: Request) -> Principal:
        """Return the principal of a request's session.

        Raises:
            NotIdentifiedError: the request has no valid session.
            LedgerLostError, StorageLostError: the server cannot check whether the session was
                signed out.
        """
        return (await self._sessions.read(request)).principal

    def sign_in(self, request: Request) -> Response:
        """Return a redirect to the sign-in page."""
        return RedirectResponse(f"{mount_path(request.scope)}/login", 303)

    async def login(self, request: Request) -> Response:
        """Handle `GET /login`: return the server's own page with a link to `/login/start`."""
        return HTMLResponse(render("sign_in.html", base=mount_path(request.scope)))

    async def start(self, request: Request) -> Response:
        """Handle `GET /login/start`: start a sign-in attempt and redirect to the provider."""
        address = address_of(request)
        await self._rates.admit(address)
        await self._rates.refuse_guessing(address)
        attempt, base = Attempt.new(), mount_path(request.scope)
        response = RedirectResponse(await self._provider.address(attempt, base=base), 303)
        sealed = self._sealer.dumps([attempt.state, attempt.nonce, attempt.verifier])
        set_cookie(response, ATTEMPT_COOKIE, str(sealed), max_age=ATTEMPT_S)
        return response

    async def callback(self, request: Request) -> Response:
        """Handle `GET /login/callback`: start a session and redirect to the upload page.

        The provider redirects the browser to this URL after the sign-in.

        Raises:
            BadRequestError: the browser did not start this sign-in attempt, the attempt was
                completed before, or the provider does not accept it.
            NotIdentifiedError: the provider's ID token is not valid.
            IssuerLostError: the provider does not answer.
            StorageLostError: the session cannot be stored.
            TooManyError: too many requests or failures from this address.
        """
        with self._audit.refusals(request, "sign-in"):
            principal = await self._signed_in(request)
            response = RedirectResponse(f"{mount_path(request.scope)}/", 303)
            await self._sessions.begin(principal, response, replaces=request)
        self._record(request, "sign-in", principal)
        set_cookie(response, ATTEMPT_COOKIE, "", max_age=0)
        return response

    async def logout(self, request: Request) -> Response:
        """Handle `POST /logout`: end the session of the request, and delete its cookie."""
        response = Response(status_code=204, headers={"clear-site-data": '"cache"'})
        with self._audit.refusals(request, "sign-out"):
            self._guard.refuse_other_sites(request)
            session = await self._sessions.read(request)
            await self._sessions.end(session, response)
        self._record(request, "sign-out", session.principal)
        return response

    def _record(self, request: Request, action: str, identified: Principal) -> None:
        principal = owner_of(identified, secret=self._secret)
        self._audit.acted(request, action=action, outcome="done", principal=principal)

    async def _signed_in(self, request: Request) -> Principal:
        address = address_of(request)
        await self._rates.admit(address)
        await self._rates.refuse_guessing(address)  # check before sending a request to the provider
        try:
            attempt, code = await self._returned(request)
            return await self._provider.principal(attempt, code, base=mount_path(request.scope))
        except (BadRequestError, NotIdentifiedError):
            await self._rates.failed(address, "")
            raise

    async def _returned(self, request: Request) -> tuple[Attempt, str]:
        """Return the sign-in attempt of a callback request, and the authorization code.

        Raises:
            BadRequestError: a value is missing, or the attempt is unknown, expired or already
                completed.
        """
        attempt = self._attempt(request)
        code = _only(request, "code")
        if not secrets.compare_digest(_only(request, "state").encode(), attempt.state.encode()):
            raise BadRequestError("This sign-in was not started here. Please start again.")
        if not await self._storage.add(f"login:{attempt.state}", ATTEMPT_S):
            raise BadRequestError("This sign-in was already used. Please start again.")
        return attempt, code

    def _attempt(self, request: Request) -> Attempt:
        cookie = request.cookies.get(ATTEMPT_COOKIE, "")
        try:
            values: Any = self._sealer.loads(cookie, max_age=ATTEMPT_S)
        except BadData as error:
            raise BadRequestError(
                "This sign-in was not started here. Please start again."
            ) from error
        state, nonce, verifier = values
        return Attempt(state=state, nonce=nonce, verifier=verifier)


def _only(request: Request, name: str) -> str:
    values = request.query_params.getlist(name)
    if len(values) != 1 or not values[0] or len(values[0]) > 4096:
        raise BadRequestError("The provider refused the sign-in. Please start again.")
    return values[0]
