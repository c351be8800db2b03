"""Verifies signed tokens of an issuer: fixed algorithms, fixed issuer, fixed audience, live.

Keys come from the issuer's configured address only; what a token's own header says about where to
find keys is not looked at.
"""

from collections.abc import Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError

from ossferry.authentication.jwks import Jwks
from ossferry.clock import Clock
from ossferry.errors import NotIdentifiedError
from ossferry.identity.principal import is_plain_id

__all__ = ["TokenVerifier"]

LEEWAY_S = 60


class TokenVerifier:
    """Checks tokens of one issuer for one audience."""

    def __init__(
        self,
        jwks: Jwks,
        *,
        issuer: str,
        audience: str,
        algorithms: Sequence[str],
        clock: Clock,
    ) -> None:
        self._jwks = jwks
        self._algorithms = list(algorithms)
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(clock().timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that is good.

        Raises:
            NotIdentifiedError: it is not.
            IssuerLostError: the issuer's keys cannot be had.
        """
        try:
            claims = (await self._decode(token)).claims
            self._claims.validate(claims)
        except (JoseError, ValueError, TypeError, RecursionError, OverflowError) as error:
            raise NotIdentifiedError("The token is not valid.") from error
        if not is_plain_id(claims["sub"]):
            raise NotIdentifiedError("The token names nobody.")
        return claims

    async def _decode(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, await self._jwks.keys(), algorithms=self._algorithms)
        except InvalidKeyIdError:
            keys = await self._jwks.keys(unknown_kid=True)
            return jwt.decode(token, keys, algorithms=self._algorithms)
