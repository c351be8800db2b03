"""The gate: checks that a request must pass before the handler of its route runs.

The gate checks the origin of the request, the rate limits, the identity of the principal and the
principal's access, in this order for all routes. Each route passes a `Requirements` object, which
selects the checks.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Literal, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from ossferry import errors
from ossferry.access.audit import Audit
from ossferry.access.authenticator import Authenticator, Endpoint
from ossferry.access.rate_limits import Rates
from ossferry.http.concurrency import MAX_REQUESTS
from ossferry.http.problems import accepts_html
from ossferry.http.proxies import address_of
from ossferry.http.same_site import Guard, with_cookie
from ossferry.identity.owner import Owner, owner_of
from ossferry.settings.model import Settings

SHARE = 10
"""One principal may use one tenth of the requests that a process handles at the same time."""

PrincipalEndpoint: TypeAlias = Callable[[Request, Owner], Awaitable[Response]]
"""A function that handles a request of a principal."""

RefuseRevoked: TypeAlias = Callable[[Owner], Awaitable[None]]
"""A function that returns if a principal has access, and raises an `OssferryError` otherwise."""

FindGuest: TypeAlias = Callable[[Request], Awaitable[Owner]]
"""A function that returns the owner for whom the guest of a request acts, or raises an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """The conditions of a route that a request must meet.

    Attributes:
        origin: who may cause a request. `own`: this server's page, a page of an origin in the
            setting `cors_origins`, or a program that is not a browser. `own-links`: this server's
            pages, links in them, addresses typed by hand, or such a program. `any`: also links in
            pages of other sites; a browser does not let those pages read the response.
        credentials: whether the route issues credentials. If so, every request counts against the
            rate limit of its IP address. Otherwise only requests without an identified principal
            count, because one address may send hundreds of valid requests.
        admins_only: whether the principal must be an administrator.
        page: whether the route is a page that people open in a browser. If so, people who are not
            identified are redirected to the sign-in page.
        guests: whether the route is for guests of a file request, and for nobody else.
    """

    origin: Literal["own", "own-links", "any"] = "own"
    credentials: bool = False
    admins_only: bool = False
    page: bool = False
    guests: bool = False


FOR_CREDENTIALS = Requirements(credentials=True)
FOR_CREDENTIALS_PAGE = Requirements(origin="own-links", credentials=True)
FOR_PRINCIPALS = Requirements()
FOR_VISITORS = Requirements(origin="any", page=True)
FOR_ADMIN_ACTIONS = Requirements(admins_only=True)
FOR_ADMINS = Requirements(origin="any", admins_only=True, page=True)


def for_guests(requirements: Requirements) -> Requirements:
    """Return the same conditions for guests of a file request, whom no sign-in page helps."""
    return replace(requirements, guests=True, page=False)


@dataclass(slots=True, eq=False, repr=False)
class Gate:
    """Checks requests, and identifies the principals who sent them.

    Args:
        refuse_revoked: raises an error if a principal's access was revoked; called for routes that
            issue no credentials. None for a server without a ledger, which stores no revocations.
        find_guest: identifies guests of file requests; None if nobody is one.
    """

    settings: Settings
    _: KW_ONLY
    authenticator: Authenticator
    rates: Rates
    audit: Audit
    refuse_revoked: RefuseRevoked | None = None
    find_guest: FindGuest | None = None
    # the number of requests that run now, by principal
    _running: dict[str, int] = field(init=False, default_factory=dict)

    async def enter(self, request: Request, requirements: Requirements) -> Owner:
        """Check a request that asks for upload credentials, and return the principal who sent it.

        The principal is also stored in `request.state.principal` before the principal's rate limit
        applies. The audit trail can therefore record the principal of a refused request.

        Raises:
            CrossSiteError: another site caused the request.
            NotIdentifiedError: the principal is not identified.
            TooManyError: a rate limit of the principal, of the address or of all requests is
                reached.
        """
        principal = await self._identify(request, requirements)
        await self.rates.count("principal", principal.counter)
        return principal

    async def _identify(self, request: Request, requirements: Requirements) -> Owner:
        """Return the principal of a request, before the principal's own limits are checked.

        A failed identification counts against the address. If identification is expensive, failures
        also block principals at the same address who could prove their identity.
        """
        ambient = with_cookie if requirements.guests else self.authenticator.ambient
        guard = Guard(self.settings, ambient=ambient)
        if requirements.origin == "own":
            guard.refuse_other_sites(request)
        elif requirements.origin == "own-links":
            guard.refuse_links_from_elsewhere(request)
        address = address_of(request)
        if requirements.credentials:
            await self.rates.admit(address)
        else:
            await self.rates.admit_frequent(address)
        if self.authenticator.expensive:
            await self.rates.refuse_guessing(address)
        try:
            principal = await self._owner(request, requirements)
        except errors.NotIdentifiedError as error:
            if not requirements.credentials:
                await self.rates.admit_stranger(address)
            if not isinstance(error, errors.NoProofError):
                await self.rates.failed(address, getattr(request.state, "key_id", ""))
            raise
        request.state.principal = principal
        if requirements.admins_only and principal.id not in self.settings.admins:
            raise errors.NotAdminError("Administrators are named in OSSFERRY_ADMINS.")
        return principal

    async def _owner(self, request: Request, requirements: Requirements) -> Owner:
        if requirements.guests:
            if self.find_guest is None:
                raise errors.UnknownRequestError
            return await self.find_guest(request)
        identified = await self.authenticator.identify(request)
        return owner_of(identified, secret=self.settings.secret_bytes)

    def audited(
        self, action: str, endpoint: PrincipalEndpoint, requirements: Requirements
    ) -> Endpoint:
        """Wrap the handler of a route: check each request before the handler, and audit the result.

        If a check fails or the handler raises an error, the error is recorded and raised. For a
        route with `page`, a person who is not identified gets a redirect to the sign-in page
        instead.

        Args:
            action: name of the action in the audit trail.
            endpoint: the handler; gets the request and its principal.
            requirements: the conditions that a request must meet.

        Returns:
            A handler that gets only the request.
        """

        async def answer(request: Request) -> Response:
            try:
                principal = await self._identify(request, requirements)
                with self._place(principal):
                    await self.rates.count("objects", principal.counter)
                    if self.refuse_revoked is not None:
                        await self.refuse_revoked(principal)
                    response = await endpoint(request, principal)
            except errors.OssferryError as error:
                self.audit.acted(request, action=action, outcome=error.code)
                if (
                    requirements.page
                    and isinstance(error, errors.NotIdentifiedError)
                    and accepts_html(request)
                ):
                    redirect = self.authenticator.sign_in(request)
                    if redirect is not None:
                        return redirect
                raise
            outcome = getattr(request.state, "outcome", "done")
            self.audit.acted(request, action=action, outcome=outcome)
            self.authenticator.renew(request, response)
            return response

        return answer

    @contextmanager
    def _place(self, principal: Owner) -> Iterator[None]:
        """Count a request of a principal while it runs.

        Raises:
            TooManyError: the principal's share of the requests of this process is in use.
        """
        who = principal.counter
        running = self._running.get(who, 0)
        if running >= max(1, MAX_REQUESTS // SHARE):
            raise errors.TooManyError(retry_after_s=1)
        self._running[who] = running + 1
        try:
            yield
        finally:
            self._running[who] -= 1
            if not self._running[who]:
                del self._running[who]
