"""The gate: the checks that every request of a principal passes before its route runs.

A request must come from our own page or from a program, within the rate limits, from an identified
sender. All routes use the same checks in the same order; `Checks` says how strict they are.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from ossferry.access.audit import Audit
from ossferry.access.authenticator import Authenticator, Endpoint
from ossferry.access.rate_limits import Rates
from ossferry.errors import NoProofError, NotAdminError, NotIdentifiedError, OssferryError
from ossferry.http.proxies import address_of
from ossferry.http.same_site import Guard
from ossferry.identity.owner import Owner, owner_of
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings

__all__ = ["FOR_CREDENTIALS", "FOR_CREDENTIALS_PAGE", "Checks", "Gate", "OwnersEndpoint"]

OwnersEndpoint: TypeAlias = Callable[[Request, Owner], Awaitable[Response]]
"""A function that answers a request for the uploads of an owner."""

CheckOwner: TypeAlias = Callable[[Owner], Awaitable[None]]
"""A function that returns if an owner has access, and raises an `OssferryError` otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """The checks of a route.

    Attributes:
        origin: where the request may come from. ``own``: this server's page or a program;
            ``own-links``: in addition, links in this server's pages and typed addresses;
            ``any``: anywhere, for pages that change nothing and that other sites cannot read.
        credentials: whether the route hands out credentials. Then each request counts against the
            limit of its address, and access is checked by the quota. Other routes are requested
            by the hundred, so only failed requests count against the limit of the address.
        admins_only: whether the sender must be an administrator.
    """

    origin: Literal["own", "own-links", "any"] = "own"
    credentials: bool = False
    admins_only: bool = False


FOR_CREDENTIALS = Checks(credentials=True)
FOR_CREDENTIALS_PAGE = Checks(origin="own-links", credentials=True)
FOR_OWNERS = Checks()
FOR_VISITORS = Checks(origin="any")
FOR_ADMINS = Checks(origin="any", admins_only=True)


class Gate:
    """Checks requests and identifies their senders.

    Args:
        check_owner: refuses owners without access to routes about uploads; None allows all.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        authenticator: Authenticator,
        rates: Rates,
        audit: Audit,
        check_owner: CheckOwner | None = None,
    ) -> None:
        self._secret = settings.secret_bytes
        self._admins = frozenset(settings.admins)
        self._authenticator = authenticator
        self._guard = Guard(settings, ambient=authenticator.ambient)
        self._rates = rates
        self._audit = audit
        self._check_owner = check_owner

    async def enter(self, request: Request, checks: Checks) -> Owner:
        """Return the owner that the sender of a request is.

        As soon as the sender is identified, `request.state.owner` is set, for the audit trail.

        Raises:
            CrossSiteError: another site made the browser send the request.
            NotIdentifiedError: the sender is not identified.
            NotAdminError: the route is for administrators.
            TooManyError: a limit of the sender, of the address or of all requests is reached.
            RevokedError: an administrator has ended the sender's access.
        """
        if checks.origin == "own":
            self._guard.refuse_other_sites(request)
        elif checks.origin == "own-links":
            self._guard.refuse_links_from_elsewhere(request)
        address = address_of(request)
        if checks.credentials:
            await self._rates.admit(address)
        else:
            await self._rates.admit_frequent(address)
        principal = await self._identify(request, counted=checks.credentials)
        owner = owner_of(principal, secret=self._secret)
        request.state.owner = owner
        if checks.admins_only and principal.id not in self._admins:
            raise NotAdminError("Administrators are named in OSSFERRY_ADMINS.")
        if checks.credentials:
            await self._rates.admit_principal(owner.hash)
            return owner
        await self._rates.admit_objects(owner.hash)
        if self._check_owner is not None:
            await self._check_owner(owner)
        return owner

    async def admit_renewal(self, owner: Owner) -> None:
        """Count a request for new credentials in place of ones that are still fresh.

        Raises:
            TooManyError: the owner has requested too many calls to STS, which all owners share.
        """
        await self._rates.admit_renewal(owner.hash)

    def owners(self, action: str, endpoint: OwnersEndpoint) -> Endpoint:
        """Return the endpoint of a route about the sender's uploads.

        Args:
            action: the name of the action in the audit trail.
        """
        return self._audited(action, endpoint, FOR_OWNERS)

    def visitors(self, action: str, endpoint: OwnersEndpoint) -> Endpoint:
        """Return the endpoint of a page about the sender's uploads, to which OSS redirects.

        Args:
            action: the name of the action in the audit trail.
        """
        return self._audited(action, endpoint, FOR_VISITORS)

    def admins(self, action: str, endpoint: OwnersEndpoint) -> Endpoint:
        """Return the endpoint of a read-only route for administrators.

        Args:
            action: the name of the action in the audit trail.
        """
        return self._audited(action, endpoint, FOR_ADMINS)

    def _audited(self, action: str, endpoint: OwnersEndpoint, checks: Checks) -> Endpoint:
        async def answer(request: Request) -> Response:
            try:
                response = await endpoint(request, await self.enter(request, checks))
            except OssferryError as error:
                self._record(request, action, error.code)
                raise
            self._record(request, action, "done")
            self._authenticator.renew(request, response)
            return response

        return answer

    def _record(self, request: Request, action: str, outcome: str) -> None:
        owner = getattr(request.state, "owner", None)
        self._audit.acted(request, owner, action=action, outcome=outcome)

    async def _identify(self, request: Request, *, counted: bool) -> Principal:
        """Return the principal of a request; count failures against the address.

        Failures from an address do not stop its valid senders, unless identifying is expensive.

        Args:
            counted: whether the request already counts against the limit of its address.
        """
        address = address_of(request)
        if self._authenticator.expensive:
            await self._rates.refuse_guessing(address)
        try:
            return await self._authenticator.identify(request)
        except NotIdentifiedError as error:
            if not counted:
                await self._rates.admit_stranger(address)
            if not isinstance(error, NoProofError):
                await self._rates.failed(address, getattr(request.state, "key_id", ""))
            raise
