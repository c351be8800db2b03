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
from ossferry.identity.principal import Principal


def several(methods: Sequence[Authenticator]) -> Authenticator:
    """Return an authenticator that passes each request to one of the given methods.

    Args:
        methods: if a request has several proofs of identity, the first of their methods handles it.
            Put methods whose proof a browser never adds automatically first.
    """
    choice = _Choice(methods)
    return Authenticator(
        identify=choice.identify,
        ambient=choice.ambient,
        endpoints={name: each for method in methods for name, each in method.endpoints.items()},
        sign_in=choice.sign_in,
        renew=choice.renew,
        close=choice.close,
        expensive=any(each.expensive for each in methods),
        signs_out=any(each.signs_out for each in methods),
    )


class _Choice:
    """Chooses the method for each request."""

    def __init__(self, methods: Sequence[Authenticator]) -> None:
        self._methods = methods

    async def identify(self, request: Request) -> Principal:
        """Return the principal of a request.

        Raises:
            NoProofError: the request has no proof of identity.
            OssferryError: the method that handles the request has refused it.
        """
        method = self._method_of(request)
        if method is None:
            raise NoProofError("Please sign in, or send a bearer token.")
        return await method.identify(request)

    def ambient(self, request: Request) -> bool:
        """Return whether browsers add the proof of a request automatically."""
        method = self._method_of(request)
        return method is not None and method.ambient(request)

    def sign_in(self, request: Request) -> Response | None:
        """Return a redirect to the sign-in page of the first method that has one, or None."""
        found = (each.sign_in(request) for each in self._welcoming(request))
        return next((each for each in found if each is not None), None)

    def renew(self, request: Request, response: Response) -> None:
        """Extend the session of the principal."""
        method = self._method_of(request)
        if method is not None:
            method.renew(request, response)

    async def close(self) -> None:
        """Close the connections of all methods."""
        async with AsyncExitStack() as ending:  # closes all of them, even if one close fails
            for each in self._methods:
                ending.push_async_callback(each.close)

    def _welcoming(self, request: Request) -> Sequence[Authenticator]:
        """Return the method that handles a request; all methods if there is no proof."""
        method = self._method_of(request)
        return self._methods if method is None else [method]

    def _method_of(self, request: Request) -> Authenticator | None:
        return next((each for each in self._methods if each.carries(request)), None)
