"""Authentication of programs by API keys.

For each request, the server computes a keyed hash of the API key, and compares it with the stored
hash in constant time. Unknown, revoked, expired and wrong keys get the same response, so a client
cannot distinguish these cases. The reason is written to the audit trail.
"""

import hmac

from starlette.requests import Request

from ossferry.authentication.apikey_file import ApiKeyFile
from ossferry.authentication.apikey_format import parse_key
from ossferry.clock import Clock
from ossferry.errors import NotIdentifiedError
from ossferry.http.bearer import bearer_token
from ossferry.http.proxies import address_of
from ossferry.identity.principal import Principal

NO_HASH = "0" * 64


class ApiKeyAuth:
    """Authenticator for API keys sent as bearer tokens."""

    def __init__(self, file: ApiKeyFile, *, secret: bytes, clock: Clock) -> None:
        self._file = file
        self._secret = secret
        self._clock = clock

    async def identify(self, request: Request) -> Principal:
        """Return the principal to whom the API key in a request belongs.

        Raises:
            NotIdentifiedError: the request has no valid API key.
            SettingsError: the file of API keys cannot be read.
        """
        key = parse_key(bearer_token(request))
        if key is None:
            raise _refused(request, "malformed")
        request.state.key_id = key.id
        record = self._file.records().get(key.id)
        expected = record.hash if record else NO_HASH
        same = hmac.compare_digest(key.keyed_hash(self._secret), expected)
        if record is None:
            raise _refused(request, "unknown-key")
        if not same:
            raise _refused(request, "wrong-key")
        if record.revoked:
            raise _refused(request, "revoked")
        if not record.is_live(self._clock()):
            raise _refused(request, "expired")
        if not record.allows(address_of(request)):
            raise _refused(request, "address")
        return Principal(id=record.user, name=record.user)


def _refused(request: Request, reason: str) -> NotIdentifiedError:
    """Return the error for an invalid API key; only the audit trail contains the reason."""
    request.state.reason = reason
    return NotIdentifiedError("The API key is not valid.")
