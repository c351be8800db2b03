"""Lets a request in: it comes from our own page, not too often, and from somebody we know.

Every route that answers for one principal passes through here, so that identity, guards and rates
are decided in one place.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from ossferry.access.audit import Audit
from ossferry.access.rate_limits import Rates
from ossferry.errors import NoProofError, NotAdminError, NotIdentifiedError, OssferryError
from ossferry.http.same_site import Guard
from ossferry.identity.owner import Owner, owner_of, principal_hash
from ossferry.identity.principal import Principal, Way
from ossferry.settings.model import Settings

__all__ = ["Door", "Endpoint", "OwnersEndpoint", "address_of"]


Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
OwnersEndpoint: TypeAlias = Callable[[Request, Owner], Awaitable[Response]]
Refuse: TypeAlias = Callable[[Owner], Awaitable[None]]


class Door:
    """What stands before the routes of principals."""

    def __init__(self, settings: Settings, *, way: Way, rates: Rates, audit: Audit) -> None:
        self._secret = settings.secret_bytes
        self._admins = frozenset(settings.admins)
        self._way = way
        self._guard = Guard(settings, ambient=way.ambient)
        self._rates = rates
        self._audit = audit
        self._refuse: Refuse = _nobody

    def watch(self, refuse: Refuse) -> None:
        """Have somebody asked who is shut out, before any route about uploads."""
        self._refuse = refuse

    async def enter(self, request: Request, *, page: bool = False) -> Principal:
        """Return who is asking for credentials.

        Args:
            page: whether the answer is a page to look at, which another site cannot read.

        Raises:
            CrossSiteError: another site made the browser send this.
            NotIdentifiedError: nobody we know.
            TooManyError: they, their address, or everybody has asked too often.
        """
        if page:
            self._guard.refuse_links_from_elsewhere(request)
        else:
            self._guard.refuse_other_sites(request)
        await self._rates.admit(address_of(request))
        principal = await self._identify(request, counted=True)
        await self._rates.admit_principal(principal_hash(principal, secret=self._secret))
        return principal

    async def admit_renewal(self, principal: Principal) -> None:
        """Let somebody have new credentials although theirs are fresh; not too often.

        Raises:
            TooManyError: they use up the calls to STS that all share.
        """
        await self._rates.admit_renewal(principal_hash(principal, secret=self._secret))

    def owners(self, action: str, endpoint: OwnersEndpoint) -> Endpoint:
        """Return a route about somebody's uploads, of which there may be many requests at once.

        Args:
            action: what the audit trail calls it.
        """
        return self._audited(action, endpoint, from_anywhere=False, for_admins=False)

    def visitors(self, action: str, endpoint: OwnersEndpoint) -> Endpoint:
        """Return a page about somebody's uploads, to which OSS may send them back.

        Args:
            action: what the audit trail calls it.
        """
        return self._audited(action, endpoint, from_anywhere=True, for_admins=False)

    def admins(self, action: str, endpoint: OwnersEndpoint) -> Endpoint:
        """Return a route that only shows, to administrators, who may come to it from anywhere.

        Args:
            action: what the audit trail calls it.
        """
        return self._audited(action, endpoint, from_anywhere=True, for_admins=True)

    def _audited(
        self, action: str, endpoint: OwnersEndpoint, *, from_anywhere: bool, for_admins: bool
    ) -> Endpoint:
        async def enter(request: Request) -> Response:
            principal = None
            try:
                if not from_anywhere:
                    self._guard.refuse_other_sites(request)
                await self._rates.admit_frequent(address_of(request))
                principal = await self._identify(request, counted=False)
                if for_admins and principal.id not in self._admins:
                    raise NotAdminError("Administrators are named in OSSFERRY_ADMINS.")
                owner = owner_of(principal, secret=self._secret)
                await self._rates.admit_objects(owner.hash)
                await self._refuse(owner)
                response = await endpoint(request, owner)
            except OssferryError as error:
                self._audit.acted(request, principal, action=action, outcome=error.code)
                raise
            self._audit.acted(request, principal, action=action, outcome="done")
            self._way.renew(request, response)
            return response

        return enter

    async def _identify(self, request: Request, *, counted: bool) -> Principal:
        """Find out who it is; others' guesses from the same address stop nobody who can prove it.

        Args:
            counted: whether the limit of the address has counted this request.
        """
        address = address_of(request)
        if self._way.dear:
            await self._rates.refuse_guessing(address)
        try:
            return await self._way.identify(request)
        except NotIdentifiedError as error:
            if not counted:
                await self._rates.admit_stranger(address)
            if not isinstance(error, NoProofError):
                await self._rates.failed(address, getattr(request.state, "key_id", ""))
            raise


async def _nobody(_owner: Owner) -> None:
    """Shut nobody out."""


def address_of(request: Request) -> str:
    """Return the IP address of the client; empty where there is none."""
    return request.client.host if request.client else ""
