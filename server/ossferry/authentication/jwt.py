"""Authentication by bearer tokens (JWT) of a token issuer, such as a company's sign-in service."""

import httpx
from starlette.requests import Request

from ossferry.authentication.jwks import Jwks
from ossferry.authentication.tokens import TokenVerifier
from ossferry.clock import Clock, Monotonic
from ossferry.http.bearer import bearer_token
from ossferry.http.client import fetch_json
from ossferry.identity.principal import Principal, display_name
from ossferry.settings.model import Settings


class JwtAuth:
    """Authenticator for bearer tokens; the token's subject is the principal's id."""

    def __init__(
        self, settings: Settings, client: httpx.AsyncClient, *, clock: Clock, monotonic: Monotonic
    ) -> None:
        self._verifier = TokenVerifier(
            Jwks(lambda: fetch_json(client, settings.jwt_jwks_url), monotonic=monotonic),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            clock=clock,
        )

    async def identify(self, request: Request) -> Principal:
        """Return the principal in the bearer token of a request.

        Raises:
            NotIdentifiedError: the request has no valid token.
            IssuerLostError: the issuer's keys cannot be fetched.
        """
        claims = await self._verifier.claims(bearer_token(request))
        name = display_name(claims.get("name"), otherwise=claims["sub"])
        return Principal(id=claims["sub"], name=name)
