"""Client of an OpenID provider: authorization URLs, and the exchange of codes for ID tokens."""

import secrets
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from ossferry.authentication.jwks import Jwks
from ossferry.authentication.tokens import TokenVerifier
from ossferry.clock import Clock, Monotonic
from ossferry.errors import BadRequestError, IssuerLostError, NotIdentifiedError
from ossferry.http.client import fetch_json, outbound_client, request_json
from ossferry.identity.principal import Principal, display_name
from ossferry.settings.model import Settings

__all__ = ["Attempt", "Provider"]

DISCOVERY = "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA", "Ed25519")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The random values of one sign-in attempt, which can be completed only once."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Attempt":
        """Return an attempt with new random values."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state=state, nonce=nonce, verifier=verifier)


class Provider:
    """Client of the configured OpenID provider."""

    def __init__(self, settings: Settings, *, clock: Clock, monotonic: Monotonic) -> None:
        secret = settings.oidc_client_secret
        self._issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._auth = (self._client_id, secret.get_secret_value() if secret else "")
        self._redirect_uri = f"{settings.public_url}/login/callback"
        self._http = outbound_client(settings)
        self._verifier = TokenVerifier(
            Jwks(self._fetch_keys, monotonic=monotonic),
            issuer=self._issuer,
            audience=settings.oidc_client_id,
            algorithms=ALGORITHMS,
            clock=clock,
        )
        self._found: dict[str, Any] | None = None

    async def address(self, attempt: Attempt) -> str:
        """Return the URL at the provider where the user signs in for this attempt.

        Raises:
            IssuerLostError: the provider's configuration cannot be fetched.
        """
        endpoint = (await self._discover())["authorization_endpoint"]
        url = prepare_grant_uri(
            endpoint,
            self._client_id,
            "code",
            redirect_uri=self._redirect_uri,
            scope="openid profile",
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return str(url)

    async def principal(self, attempt: Attempt, code: str) -> Principal:
        """Exchange an authorization code for an ID token, and return the principal in the token.

        Raises:
            BadRequestError: the provider does not accept the code.
            NotIdentifiedError: the ID token is not valid, or belongs to another attempt.
            IssuerLostError: the provider does not answer, or its answer is invalid.
        """
        tokens = await self._exchange(attempt, code)
        claims = await self._verifier.claims(str(tokens.get("id_token", "")))
        nonce = str(claims.get("nonce", "")).encode(errors="replace")
        if not secrets.compare_digest(nonce, attempt.nonce.encode()):
            raise NotIdentifiedError("The ID token belongs to another sign-in.")
        name = display_name(claims.get("name"), otherwise=claims["sub"])
        return Principal(id=claims["sub"], name=name)

    async def close(self) -> None:
        """Close the HTTP connections."""
        await self._http.aclose()

    async def _exchange(self, attempt: Attempt, code: str) -> dict[str, Any]:
        endpoint = (await self._discover())["token_endpoint"]
        body = prepare_token_request(
            "authorization_code",
            code=code,
            redirect_uri=self._redirect_uri,
            code_verifier=attempt.verifier,
        )
        headers = {"content-type": "application/x-www-form-urlencoded"}
        request = self._http.build_request("POST", endpoint, content=body, headers=headers)
        status, tokens = await request_json(self._http, request, auth=self._auth)
        if 400 <= status < 500:
            raise BadRequestError("The provider did not accept the sign-in. Please start again.")
        if status != 200:
            raise IssuerLostError(f"status-{status}")
        return tokens

    async def _discover(self) -> dict[str, Any]:
        if self._found is None:
            found = await fetch_json(self._http, self._issuer.removesuffix("/") + DISCOVERY)
            if found.get("issuer") != self._issuer:  # tokens of another issuer would be refused
                raise IssuerLostError("other-issuer")
            scheme = self._issuer.partition(":")[0]
            if not all(str(found.get(name)).startswith(f"{scheme}://") for name in ENDPOINTS):
                raise IssuerLostError("unreadable")
            self._found = found
        return self._found

    async def _fetch_keys(self) -> dict[str, Any]:
        return await fetch_json(self._http, (await self._discover())["jwks_uri"])
