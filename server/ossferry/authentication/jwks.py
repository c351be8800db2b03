"""Keeps an issuer's public keys: fetched when needed, again after a while, and never in a rush.

A key id that nobody knows makes us look again, but only once a minute, whatever clients send.
While the issuer is asked or does not answer, the keys that we have go on being used.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from ossferry.clock import Monotonic
from ossferry.errors import IssuerLostError
from ossferry.observability.logs import logger

__all__ = ["FetchKeys", "Jwks"]

KEEP_S = 600.0
LOOK_AGAIN_S = 60.0
FIRST_AGAIN_S = 2.0
"""While there are no keys to go on with."""
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
        if self._keys is not None and self._one_at_a_time.locked() and not unknown_kid:
            return self._keys
        async with self._one_at_a_time:
            stale = self._keys is None or self._age(self._fetched_at) > KEEP_S
            pause_s = FIRST_AGAIN_S if self._keys is None else LOOK_AGAIN_S
            rested = self._tried_at is None or self._age(self._tried_at) > pause_s
            if (stale or unknown_kid) and rested:
                await self._refresh()
            if self._keys is None:
                raise IssuerLostError("no-keys")
            return self._keys

    async def _refresh(self) -> None:
        try:
            self._keys = _public_keys(await self._fetch())
        except IssuerLostError as error:
            log.warning("keys-not-fetched", reason=error.reason)
            if self._keys is None:
                raise
        else:
            self._fetched_at = self._monotonic()
        finally:
            self._tried_at = self._monotonic()  # not before: it may have taken long

    def _age(self, since: float) -> float:
        return self._monotonic() - since


def _public_keys(document: dict[str, Any]) -> KeySet:
    """Take the public keys of a key set; a symmetric one has no business there."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise IssuerLostError("unreadable")
    found = [_imported(key) for key in listed if _is_for_signatures(key)]
    understood = [key for key in found if key is not None]
    if not understood:
        raise IssuerLostError("unreadable")
    return KeySet(understood)


def _is_for_signatures(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") in PUBLIC_KINDS and key.get("use") != "enc"


def _imported(key: dict[str, Any]) -> Key | None:
    """Take a key; one that is not understood must not take the others away (RFC 7517, 5)."""
    try:
        return JWKRegistry.import_key(key)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        log.warning("key-not-understood", error=type(error).__name__)
        return None
