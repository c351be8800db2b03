"""Identifies people by a header that a proxy in front has set.

The header counts only from a configured network and together with a shared secret. Anything odd
about it is refused: twice, in two spellings, a list, or an empty value.
"""

import hmac

from starlette.requests import Request

from ossferry.errors import BadRequestError, NotIdentifiedError
from ossferry.http.proxies import Networks, peer_of
from ossferry.identity.principal import Principal, is_plain_id
from ossferry.settings.model import Settings

__all__ = ["SECRET_HEADER", "ProxyAuth"]

SECRET_HEADER = "x-proxy-secret"  # noqa: S105 - a header's name


class ProxyAuth:
    """Authenticator that trusts the user header of the reverse proxy."""

    def __init__(self, settings: Settings) -> None:
        secret = settings.proxy_secret
        self._secret = secret.get_secret_value().encode() if secret else b""
        self._header = settings.proxy_user_header
        self._networks = Networks(settings.trusted_proxies)

    async def identify(self, request: Request) -> Principal:
        """See `Identify`."""
        user = _only(request, self._header)
        given = _only(request, SECRET_HEADER).encode("latin-1")
        same = hmac.compare_digest(given, self._secret)
        if not (self._secret and same and peer_of(request.scope) in self._networks):
            raise NotIdentifiedError("The proxy in front has not said who is asking.")
        try:
            user = user.encode("latin-1").decode()  # one reading only, so two never look like one
        except UnicodeDecodeError as error:
            raise BadRequestError("The proxy in front must name the user in UTF-8.") from error
        if "," in user or not is_plain_id(user):
            raise BadRequestError("The proxy in front must name one user, in the form NFKC.")
        return Principal(id=user, name=user)


def _only(request: Request, name: str) -> str:
    """Return the value of a header that may be there once and in one spelling.

    Servers behind us may take ``X_Forwarded_User`` for ``X-Forwarded-User``; so nobody sends it.
    """
    twins = [value for key, value in request.headers.items() if key.replace("_", "-") == name]
    if len(twins) > 1 or (twins and name not in request.headers):
        raise BadRequestError("A header of the proxy in front is there twice.")
    return twins[0] if twins else ""
