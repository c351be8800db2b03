"""Keeps an issuer's public keys: fetched when needed, again after a while, and never in a rush.

A key id that nobody knows makes us look again, but only once a minute, whatever clients send.
While the issuer does not answer, the keys that we have go on being used.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ossferry.clock import Monotonic
from ossferry.errors import IssuerLostError
from ossferry.logs import logger

__all__ = ["FetchKeys", "Jwks"]

KEEP_S = 600.0
LOOK_AGAIN_S = 60.0
PUBLIC_KINDS = ("RSA", "EC", "OKP")

FetchKeys: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]

log = logger("ossferry.jwks")


class Jwks:
    """The keys of one issuer."""

    def __init__(self, fetch: FetchKeys, *, monotonic: Monotonic) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._tried_at: float | None = None
        self._one_at_a_time = asyncio.Lock()

    async def keys(self, *, unknown_kid: bool = False) -> KeySet:
        """Return the keys.

        Args:
            unknown_kid: the keys given last time did not have the one that was asked for.

        Raises:
            IssuerLostError: there are none yet and the issuer does not answer.
        """
        async with self._one_at_a_time:
            stale = self._keys is None or self._age(self._fetched_at) > KEEP_S
            rested = self._tried_at is None or self._age(self._tried_at) > LOOK_AGAIN_S
            if (stale or unknown_kid) and rested:
                await self._refresh()
            if self._keys is None:
                raise IssuerLostError("no-keys")
            return self._keys

    async def _refresh(self) -> None:
        self._tried_at = self._monotonic()
        try:
            self._keys = _public_keys(await self._fetch())
        except IssuerLostError as error:
            log.warning("keys-not-fetched", reason=error.reason)
            if self._keys is None:
                self._tried_at = None  # nothing to fall back on: the next question tries again
                raise
        else:
            self._fetched_at = self._monotonic()

    def _age(self, since: float) -> float:
        return self._monotonic() - since


def _public_keys(document: dict[str, Any]) -> KeySet:
    """Take the public keys of a key set; a symmetric one has no business there."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise IssuerLostError("unreadable")
    found = [
        key
        for key in listed
        if isinstance(key, dict) and key.get("kty") in PUBLIC_KINDS and key.get("use") != "enc"
    ]
    try:
        return KeySet.import_key_set({"keys": found})
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise IssuerLostError("unreadable") from error
