"""A cache of a token issuer's public keys.

Keys are fetched at the first use, and again when they are too old. A token with an unknown key id
also causes a fetch, but at most one per minute. If the issuer does not answer, the cached keys
continue to be used.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from ossferry.clock import Monotonic
from ossferry.errors import IssuerLostError
from ossferry.observability.log_format import logger

KEEP_S = 600.0
LOOK_AGAIN_S = 60.0
FIRST_AGAIN_S = 2.0
"""The shortest time between attempts while there are no keys yet."""
PUBLIC_KINDS = ("RSA", "EC", "OKP")

FetchKeys: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]

log = logger("ossferry.jwks")


class Jwks:
    """A cache of the public keys of one token issuer.

    Args:
        fetch: downloads the issuer's key set document (JWKS).
    """

    def __init__(self, fetch: FetchKeys, *, monotonic: Monotonic) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._tried_at: float | None = None
        self._one_at_a_time = asyncio.Lock()

    async def keys(self, *, unknown_kid: bool = False) -> KeySet:
        """Return the issuer's keys; fetch them first if there are none, or if they are too old.

        Keys are too old after `KEEP_S` seconds (ten minutes). If the issuer then does not answer,
        the old keys are returned, and the next attempt is at least a minute later.

        Args:
            unknown_kid: whether a token has a key id that is not in the cached keys. If so, fetch
                the keys again, but at most once a minute.

        Raises:
            IssuerLostError: there are no keys yet, and the issuer does not answer.
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
            log.warning("keys-not-fetched", **error.evidence)
            if self._keys is None:
                raise
        else:
            self._fetched_at = self._monotonic()
        finally:
            self._tried_at = self._monotonic()  # after the fetch, which may take long

    def _age(self, since: float) -> float:
        return self._monotonic() - since


def _public_keys(document: dict[str, Any]) -> KeySet:
    """Return the public signature keys of a key set document; ignore all other keys.

    Raises:
        IssuerLostError: the document has no usable key.
    """
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
    """Return the public key in one entry of a key set document; None if it is not supported.

    No error is raised for an unsupported key, so the other keys of the document can be used. RFC
    7517, section 5, recommends this behavior.
    """
    try:
        return JWKRegistry.import_key(key)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        log.warning("key-not-understood", error=type(error).__name__)
        return None
