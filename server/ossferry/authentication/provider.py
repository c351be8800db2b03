"""A client of an OpenID provider: authorization URLs, and the exchange of codes for ID tokens."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import httpx

from ossferry.authentication.jwks import Jwks
from ossferry.authentication.tokens import TokenVerifier, principal_in
from ossferry.clock import Clock, Monotonic
from ossferry.errors import BadRequestError, IssuerLostError, NotIdentifiedError
from ossferry.http.client import fetch_json, outbound_client, request_json
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings

DISCOVERY = "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The random values of one sign-in attempt, which can be completed only once.

    Attributes:
        state: connects the provider's redirect to the browser that started the attempt.
        nonce: connects the ID token to the attempt.
        verifier: the code verifier of PKCE (RFC 7636).
    """

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Attempt":
        """Return a sign-in attempt with new random values."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state=state, nonce=nonce, verifier=verifier)

    @property
    def challenge(self) -> str:
        """The code challenge for PKCE, by the method S256 of RFC 7636, section 4.2."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


class Provider:
    """A client of the OpenID provider in the settings."""

    def __init__(self, settings: Settings, *, clock: Clock, monotonic: Monotonic) -> None:
        secret = settings.oidc_client_secret
        self._settings = settings
        self._auth = (settings.oidc_client_id, secret.get_secret_value() if secret else "")
        self._http = outbound_client(settings)
        self._verifier = TokenVerifier(
            Jwks(self._fetch_keys, monotonic=monotonic),
            issuer=settings.oidc_issuer,
            audience=settings.oidc_client_id,
            clock=clock,
        )
        self._found: dict[str, Any] | None = None

    async def address(self, attempt: Attempt, *, base: str) -> str:
        """Return the URL at the provider where the user signs in for this attempt.

        Args:
            base: path below which the server is mounted; part of the redirect URI.

        Raises:
            IssuerLostError: the provider's configuration cannot be fetched.
        """
        endpoint = (await self._discover())["authorization_endpoint"]
        parameters = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": self._redirect_uri(base),
            "scope": "openid profile",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return str(httpx.URL(endpoint).copy_merge_params(parameters))

    async def principal(self, attempt: Attempt, code: str, *, base: str) -> Principal:
        """Exchange an authorization code for an ID token, and return the principal in the token.

        Args:
            base: path below which the server is mounted; the same as in the call of `address`.

        Raises:
            BadRequestError: the provider does not accept the code.
            NotIdentifiedError: the ID token is not valid, or belongs to another attempt.
            IssuerLostError: the provider does not answer, or its response is invalid.
        """
        tokens = await self._exchange(attempt, code, base)
        claims = await self._verifier.claims(str(tokens.get("id_token", "")))
        nonce = str(claims.get("nonce", "")).encode(errors="replace")
        if not secrets.compare_digest(nonce, attempt.nonce.encode()):
            raise NotIdentifiedError("The ID token belongs to another sign-in.")
        return principal_in(claims)

    async def close(self) -> None:
        """Close the HTTP connections."""
        await self._http.aclose()

    def _redirect_uri(self, base: str) -> str:
        return f"{self._settings.public_url}{base}/login/callback"

    async def _exchange(self, attempt: Attempt, code: str, base: str) -> dict[str, Any]:
        endpoint = (await self._discover())["token_endpoint"]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri(base),
            "code_verifier": attempt.verifier,
        }
        request = self._http.build_request("POST", endpoint, data=form)
        status, tokens = await request_json(self._http, request, auth=self._auth)
        if 400 <= status < 500:
            raise BadRequestError("The provider did not accept the sign-in. Please start again.")
        if status != 200:
            raise IssuerLostError(f"status-{status}")
        return tokens

    async def _discover(self) -> dict[str, Any]:
        if self._found is None:
            issuer = self._settings.oidc_issuer
            found = await fetch_json(self._http, issuer.removesuffix("/") + DISCOVERY)
            if found.get("issuer") != issuer:  # tokens of another issuer would be refused
                raise IssuerLostError("other-issuer")
            scheme = issuer.partition(":")[0]
            if not all(_is_address(found.get(name), scheme) for name in ENDPOINTS):
                raise IssuerLostError("unreadable")
            self._found = found
        return self._found

    async def _fetch_keys(self) -> dict[str, Any]:
        return await fetch_json(self._http, (await self._discover())["jwks_uri"])


def _is_address(value: object, scheme: str) -> bool:
    """Return whether a value is a valid URL with this scheme and a host."""
    try:
        url = httpx.URL(str(value))
    except httpx.InvalidURL:
        return False
    return url.scheme == scheme and bool(url.host)
