"""Authentication by signed tokens (JWT) of an issuer, such as a company's sign-in service.

The server verifies signature, issuer, audience and expiry of a token. Public keys are fetched only
from the issuer's configured address. Key locations in the header of a token are ignored.
"""

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from starlette.requests import Request

from ossferry.access.authenticator import Authenticator
from ossferry.authentication.jwks import Jwks
from ossferry.clock import Clock, Monotonic
from ossferry.errors import NotIdentifiedError
from ossferry.http.bearer import bearer_token, has_bearer
from ossferry.http.client import fetch_json, outbound_client
from ossferry.http.same_site import never
from ossferry.identity.principal import Principal, display_name, is_plain_id
from ossferry.settings.model import Settings

LEEWAY_S = 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
"""Only signatures by a private key: the server could make those of the other algorithms itself."""


class TokenVerifier:
    """Verifies the tokens (JWT) that one issuer signs for one audience.

    Args:
        jwks: the issuer's public keys.
        issuer: the required value of the claim `iss`.
        audience: the required value of the claim `aud`.
    """

    def __init__(self, jwks: Jwks, *, issuer: str, audience: str, clock: Clock) -> None:
        self._jwks = jwks
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(clock().timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def claims(self, token: str) -> dict[str, Any]:
        """Verify a token, and return its claims.

        Raises:
            NotIdentifiedError: the token is not valid, or its subject is not a valid id.
            IssuerLostError: there are no keys of the issuer, and it does not answer.
        """
        try:
            claims = (await self._decode(token)).claims
            self._claims.validate(claims)
        except (JoseError, ValueError, TypeError, RecursionError, OverflowError) as error:
            raise NotIdentifiedError("The token is not valid.") from error
        if not is_plain_id(claims["sub"]):
            raise NotIdentifiedError("The token has no valid subject.")
        return claims

    async def _decode(self, token: str) -> jwt.Token:
        try:
            return self._decoded(token, await self._jwks.keys())
        except InvalidKeyIdError:
            return self._decoded(token, await self._jwks.keys(unknown_kid=True))

    def _decoded(self, token: str, keys: KeySet) -> jwt.Token:
        return jwt.decode(token, keys, algorithms=ALGORITHMS)


def principal_in(claims: Mapping[str, Any]) -> Principal:
    """Return the principal whom the claims of a verified token identify.

    The claim `sub` is the principal's id, and `name`, if there is one, the name to display.
    """
    name = display_name(claims.get("name"), otherwise=claims["sub"])
    return Principal(id=claims["sub"], name=name)


def jwt_authenticator(settings: Settings, *, clock: Clock, monotonic: Monotonic) -> Authenticator:
    """Return an authenticator for bearer tokens (JWT) of the issuer in the settings.

    The claim `sub` of a token is the principal's id.
    """
    client = outbound_client(settings)
    verifier = TokenVerifier(
        Jwks(lambda: fetch_json(client, settings.jwt_jwks_url), monotonic=monotonic),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        clock=clock,
    )

    async def identify(request: Request) -> Principal:
        return principal_in(await verifier.claims(bearer_token(request)))

    return Authenticator(identify=identify, ambient=never, carries=has_bearer, close=client.aclose)
