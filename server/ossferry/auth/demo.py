"""The demo's two people, Alice and Bob, told apart by a cookie that anyone may set.

This proves nothing about anybody; the settings allow it together with the mock only.
"""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.requests import Request

from ossferry.auth.principal import Principal
from ossferry.errors import NotIdentifiedError

__all__ = ["DEMO_COOKIE", "DEMO_USERS", "identify_demo_user"]

DEMO_COOKIE = "ossferry_demo_user"
DEMO_USERS: Mapping[str, Principal] = MappingProxyType(
    {
        "alice": Principal(id="alice", name="Alice"),
        "bob": Principal(id="bob", name="Bob"),
    }
)


async def identify_demo_user(request: Request) -> Principal:
    """Answer the demo user that the cookie names; Alice when there is no cookie."""
    name = request.cookies.get(DEMO_COOKIE, "alice")
    if name not in DEMO_USERS:
        raise NotIdentifiedError("The demo knows Alice and Bob only.")
    return DEMO_USERS[name]
