"""A cache of credentials in Redis, which all processes of the server share.

The entries are encrypted with a key derived from the server's secret, so access to Redis gives no
access to the bucket. An encrypted entry contains its own name, so a copy under another name is
invalid. If Redis does not answer, each process makes its own calls to STS.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from ossferry.errors import StorageLostError
from ossferry.observability.log_format import logger
from ossferry.oss.sts import StsCredentials
from ossferry.state.choice import Storage

LOCK_S = 8.0
"""Seconds until the lock expires, if the process that has the lock does not release it."""

POLL_S = 0.02
HEADER = {"alg": "dir", "enc": "A256GCM"}

log = logger("ossferry.grant_cache")


class SealedGrantCache:
    """A cache of credentials in Redis, which all processes share; the entries are encrypted.

    Args:
        secret: the server's secret, from which the encryption key is derived.
    """

    def __init__(self, storage: Storage, *, secret: bytes) -> None:
        self._storage = storage
        digest = hmac.new(secret, b"ossferry/shelf", hashlib.sha256).digest()
        self._key = OctKey.import_key(digest)

    async def get(self, name: str) -> StsCredentials | None:
        """Return the cached credentials with this name.

        The result is None if there are none, the entry is invalid, or Redis does not answer.
        """
        try:
            sealed = await self._storage.get(f"grant:{name}")
        except StorageLostError:
            return None
        return self._opened(sealed, name) if sealed else None

    async def put(self, name: str, credentials: StsCredentials, *, ttl_s: float) -> None:
        """Encrypt credentials, and cache them under a name for `ttl_s` seconds.

        If Redis does not answer, only log a warning.
        """
        fields = {**asdict(credentials), "for": name}
        text = json.dumps({**fields, "expires_at": credentials.expires_at.isoformat()})
        sealed = jwe.encrypt_compact(dict(HEADER), text, self._key)
        try:
            await self._storage.put(f"grant:{name}", sealed.encode(), ttl_s)
        except StorageLostError:
            log.warning("not-cached")

    @asynccontextmanager
    async def locked(self, name: str) -> AsyncIterator[None]:
        """Context manager that waits for the lock with this name in Redis, and holds it.

        If Redis does not answer, it holds no lock.
        """
        mark = f"asking:{name}"
        has_lock = await self._lock(mark)
        try:
            yield
        finally:
            if has_lock:
                await self._unlock(mark)

    async def _lock(self, mark: str) -> bool:
        """Wait until this process has the lock; return False if Redis does not answer.

        Args:
            mark: name of the lock.
        """
        try:
            while not await self._storage.add(mark, LOCK_S):  # noqa: ASYNC110 - in another process
                await asyncio.sleep(POLL_S)
        except StorageLostError:
            return False
        return True

    async def _unlock(self, mark: str) -> None:
        try:
            await self._storage.drop(mark)
        except StorageLostError:
            log.warning("lock-not-released")  # the lock expires after `LOCK_S`

    def _opened(self, sealed: bytes, name: str) -> StsCredentials | None:
        """Decrypt a cache entry and return its credentials.

        Return None if the entry is invalid or belongs to another name.
        """
        try:
            text = jwe.decrypt_compact(sealed, self._key).plaintext or b""
            fields = json.loads(text)
            if fields.pop("for") != name:
                raise ValueError("the entry is for another name")
            expires_at = datetime.fromisoformat(fields.pop("expires_at"))
            return StsCredentials(**fields, expires_at=expires_at)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("unreadable", error=type(error).__name__)
            return None
