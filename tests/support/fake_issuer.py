"""A small OpenID provider that signs everybody in immediately, with the checks of a real one."""

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode

from joserfc import jws
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ossferry.clock import utc_now

CLIENT_ID = "ossferry-client"
CLIENT_SECRET = "the-client-secret-at-the-provider"


class FakeIssuer:
    """An OpenID provider.

    Attributes:
        url: its address; set by the test.
        key: the signing key.
        codes: parameters of the authorization request, for each unused code.
        changes: claims that replace the correct ones.
        discovered: fields that replace the correct ones in the provider's configuration.
        asked: paths of all requests.
        takes_codes_twice: whether it accepts a code again.
        token_status: the status of answers from the token endpoint, if not 0.
    """

    def __init__(self, kid: str = "k1") -> None:
        self.url = "https://issuer.example.com"
        self.key = RSAKey.generate_key(2048, parameters={"kid": kid})
        self.reset()

    def reset(self) -> None:
        """Forget all requests, and behave normally again."""
        self.codes: dict[str, dict[str, str]] = {}
        self.changes: dict[str, Any] = {}
        self.discovered: dict[str, Any] = {}
        self.asked: list[str] = []
        self.takes_codes_twice = False
        self.token_status = 0

    def jwks(self) -> dict[str, Any]:
        """Return the public keys."""
        found: Any = KeySet([self.key]).as_dict(private=False)
        return dict(found)

    def token(self, header: dict[str, str] | None = None, /, **changes: Any) -> str:
        """Return a signed token; a claim set to None is left out."""
        now = int(utc_now().timestamp())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "carol-1",
            "name": "Carol",
            "iat": now,
            "exp": now + 300,
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        head: Any = {"alg": "RS256", "kid": "k1", **(header or {})}
        return jws.serialize_compact(head, json.dumps(kept), self.key, algorithms=[head["alg"]])

    def app(self) -> Starlette:
        """Return the provider as an application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._exchange, methods=["POST"]),
            ]
        )

    async def _discovery(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        base = self.url.rstrip("/")
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/jwks",
                **self.discovered,
            }
        )

    async def _jwks(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return JSONResponse(self.jwks())

    async def _authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        if query.get("client_id") != CLIENT_ID or "openid" not in query.get("scope", "").split():
            return JSONResponse({"error": "invalid_request"}, 400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        answer = urlencode({"code": code, "state": query["state"]})
        return RedirectResponse(f"{query['redirect_uri']}?{answer}")

    async def _exchange(self, request: Request) -> Response:
        if self.token_status:
            return JSONResponse({"error": "server_error"}, self.token_status)
        form = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        code = form.get("code", "")
        begun = self.codes.get(code) if self.takes_codes_twice else self.codes.pop(code, None)
        if begun is None or not self._is_due(request, form, begun):
            return JSONResponse({"error": "invalid_grant"}, 400)
        token = self.token(**{"nonce": begun["nonce"], **self.changes})
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})

    def _is_due(self, request: Request, form: dict[str, str], begun: dict[str, str]) -> bool:
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return (
            request.headers.get("authorization") == f"Basic {basic}"
            and request.headers.get("content-type") == "application/x-www-form-urlencoded"
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == begun["redirect_uri"]
            and begun.get("code_challenge_method") == "S256"
            and begun.get("code_challenge") == challenge
        )
