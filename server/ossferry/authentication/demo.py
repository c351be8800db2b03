"""Demo authentication: two users, Alice and Bob, selected by a cookie that anyone may set.

This method proves no identity. The settings allow it only together with the mock OSS.
"""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.access.audit import Audit
from ossferry.access.authenticator import Authenticator
from ossferry.errors import BadRequestError, NotIdentifiedError
from ossferry.http.body import read_json
from ossferry.http.same_site import Guard, never
from ossferry.identity.owner import owner_of
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings

DEMO_COOKIE = "ossferry_demo_user"
DEMO_USERS: Mapping[str, Principal] = MappingProxyType(
    {"alice": Principal(id="alice", name="Alice"), "bob": Principal(id="bob", name="Bob")}
)


def demo_authenticator(settings: Settings, audit: Audit) -> Authenticator:
    """Return the demo authenticator, which has a route where the user selects Alice or Bob."""
    guard = Guard(settings, ambient=never)

    async def choose(request: Request) -> Response:
        with audit.refusals(request, "sign-in"):
            guard.refuse_other_sites(request)
            user = (await read_json(request)).get("user")
            if not isinstance(user, str) or user not in DEMO_USERS:
                raise BadRequestError("The demo has only the users alice and bob.")
        principal = owner_of(DEMO_USERS[user], secret=settings.secret_bytes)
        audit.acted(request, action="sign-in", outcome="done", principal=principal)
        response = JSONResponse({"name": DEMO_USERS[user].name})
        response.set_cookie(DEMO_COOKIE, user, httponly=True, samesite="strict")
        return response

    return Authenticator(
        identify=identify_demo_user, ambient=never, endpoints={"demo-user": choose}
    )


async def identify_demo_user(request: Request) -> Principal:
    """Return the demo user named by the cookie; Alice if there is no cookie.

    Raises:
        NotIdentifiedError: the cookie's value is neither `alice` nor `bob`.
    """
    name = request.cookies.get(DEMO_COOKIE, "alice")
    if name not in DEMO_USERS:
        raise NotIdentifiedError("The demo has only the users Alice and Bob.")
    return DEMO_USERS[name]
