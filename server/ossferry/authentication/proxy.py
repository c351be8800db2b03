"""Authentication by a header that a reverse proxy sets.

The header is accepted only from a configured network and together with a shared secret. The server
refuses a header that is repeated, spelled with underscores, empty, or a list of values.
"""

import hmac

from starlette.requests import Request

from ossferry.errors import BadRequestError, NotIdentifiedError
from ossferry.http.proxies import Networks, peer_of
from ossferry.identity.principal import Principal, is_plain_id
from ossferry.settings.model import Settings

SECRET_HEADER = "x-proxy-secret"  # noqa: S105 - a header's name


class ProxyAuth:
    """Authenticator that trusts the header in which a reverse proxy sends the user's id."""

    def __init__(self, settings: Settings) -> None:
        secret = settings.proxy_secret
        self._secret = secret.get_secret_value().encode() if secret else b""
        self._header = settings.proxy_user_header
        self._networks = Networks(settings.trusted_proxies)

    def carries(self, request: Request) -> bool:
        """Return whether a request has a non-empty header with the user's id or the shared secret.

        Only the proxy should send these two headers. A name with `_` instead of `-` counts, too,
        because other servers treat both names alike. For users who have not signed in, the proxy
        must send both headers empty.
        """
        ours = (self._header, SECRET_HEADER)
        return any(
            value and name.replace("_", "-") in ours for name, value in request.headers.items()
        )

    async def identify(self, request: Request) -> Principal:
        """Return the principal whose id the proxy has sent in the user header.

        Raises:
            NotIdentifiedError: the request does not come from a trusted proxy, or lacks the shared
                secret.
            BadRequestError: a header is repeated, or the user header is not one user id in UTF-8
                and NFKC.
        """
        user = _only(request, self._header)
        given = _only(request, SECRET_HEADER).encode("latin-1")
        same = hmac.compare_digest(given, self._secret)
        if not (self._secret and same and peer_of(request.scope) in self._networks):
            raise NotIdentifiedError("The reverse proxy did not identify the user.")
        try:
            user = user.encode("latin-1").decode()  # UTF-8 only, so an id has one spelling
        except UnicodeDecodeError as error:
            raise BadRequestError("The reverse proxy must send the user id in UTF-8.") from error
        if "," in user or not is_plain_id(user):
            raise BadRequestError("The reverse proxy must send one user id, in Unicode form NFKC.")
        return Principal(id=user, name=user)


def _only(request: Request, name: str) -> str:
    """Return the value of a header, or an empty text if the header is missing.

    Other servers may treat `X_Forwarded_User` as `X-Forwarded-User`, so a header name with
    underscores is refused.

    Raises:
        BadRequestError: the header is repeated, or its name is spelled with underscores.
    """
    twins = [value for key, value in request.headers.items() if key.replace("_", "-") == name]
    if len(twins) > 1 or (twins and name not in request.headers):
        raise BadRequestError("A header of the reverse proxy occurs more than once.")
    return twins[0] if twins else ""
