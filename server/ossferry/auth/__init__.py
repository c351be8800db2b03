"""Who is asking: one `Identify` per way of proving it.

A way is a module here, with something that turns a request into a `Principal` or raises
`NotIdentifiedError`. `identify_for` picks by the `auth` setting; an application may hand over
its own.
"""

from ossferry.auth.demo import DEMO_COOKIE, DEMO_USERS, identify_demo_user
from ossferry.auth.principal import Identify, Principal
from ossferry.settings import Auth

__all__ = [
    "DEMO_COOKIE",
    "DEMO_USERS",
    "Identify",
    "Principal",
    "identify_demo_user",
    "identify_for",
]


def identify_for(auth: Auth) -> Identify:
    """Return the way of identifying people that a setting names."""
    ways: dict[Auth, Identify] = {"demo": identify_demo_user}
    return ways[auth]
