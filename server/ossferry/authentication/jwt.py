"""Authentication by bearer tokens (JWT) of a token issuer, such as a company's sign-in service."""

from starlette.requests import Request

from ossferry.access.authenticator import Authenticator
from ossferry.authentication.jwks import Jwks
from ossferry.authentication.tokens import TokenVerifier, principal_in
from ossferry.clock import Clock, Monotonic
from ossferry.http.bearer import bearer_token, has_bearer
from ossferry.http.client import fetch_json, outbound_client
from ossferry.http.same_site import never
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings


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
