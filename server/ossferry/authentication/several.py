"""Several methods of authentication on one server, such as sign-in for people and API keys.

A request is handled by the method whose proof of identity it contains, such as a cookie or an API
key. If the proof is invalid, no other method is tried. The protection against cross-site requests
asks the same method whether browsers add this proof automatically.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from starlette.requests import Request
from starlette.responses import Response

from ossferry.access.authenticator import Authenticator
from ossferry.errors import NoProofError
from ossferry.http.same_site import never
from ossferry.identity.principal import Principal


def several(methods: Sequence[Authenticator]) -> Authenticator:
    """Return an authenticator that passes each request to one of the given methods.

    A request without a proof of identity for any method is refused with `NoProofError`.

    Args:
        methods: the methods by priority. If a request has proofs of identity for several methods,
            the first of these handles it. Put the methods last whose proof, such as a cookie, a
            browser adds automatically.
    """

    async def refuse(_request: Request) -> Principal:
        raise NoProofError("Please sign in, or send a bearer token.")

    def sign_in(request: Request) -> Response | None:
        found = (each.sign_in(request) for each in methods)
        return next((each for each in found if each is not None), None)

    async def close() -> None:
        async with AsyncExitStack() as ending:  # closes all of them, even if one close fails
            for each in methods:
                ending.push_async_callback(each.close)

    without_proof = Authenticator(identify=refuse, ambient=never, sign_in=sign_in)

    def method(request: Request) -> Authenticator:
        return next(each for each in (*methods, without_proof) if each.carries(request))

    return Authenticator(
        identify=lambda request: method(request).identify(request),
        ambient=lambda request: method(request).ambient(request),
        endpoints={name: each for one in methods for name, each in one.endpoints.items()},
        sign_in=lambda request: method(request).sign_in(request),
        renew=lambda request, response: method(request).renew(request, response),
        close=close,
        expensive=any(each.expensive for each in methods),
        signs_out=any(each.signs_out for each in methods),
    )
