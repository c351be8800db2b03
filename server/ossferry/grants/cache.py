"""Shares fresh grants between processes: sealed in Redis, and one caller to STS at a time.

A grant on the shelf is encrypted with a key made from the server's secret, so that who can read
Redis cannot write to the bucket; it names whom it is for, so that who can write there cannot hand
it to another. Without Redis there is nothing to share. A shelf that is lost is
done without: each process then asks STS for itself.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Protocol, TypeAlias

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from ossferry.errors import StorageLostError
from ossferry.observability.logs import logger
from ossferry.oss.sts import StsCredentials
from ossferry.state.key_value import Storage

__all__ = ["NoShelf", "SealedShelf", "Shelf", "Shelved"]

TURN_S = 8.0
"""How long one process may take to ask STS before another does."""
POLL_S = 0.02
HEADER = {"alg": "dir", "enc": "A256GCM"}

Shelved: TypeAlias = tuple[StsCredentials, str]
"""Credentials and the name of their session."""

log = logger("ossferry.shelf")


class Shelf(Protocol):
    """The port; `name` stands for one principal and scope."""

    async def take(self, name: str) -> Shelved | None:
        """Return what somebody has put there."""
        ...

    async def put(self, name: str, shelved: Shelved, *, ttl_s: float) -> None:
        """Keep something for the others."""
        ...

    def turn(self, name: str) -> AbstractAsyncContextManager[None]:
        """Return a context in which nobody else asks STS for the same."""
        ...


class NoShelf:
    """For one process."""

    async def take(self, name: str) -> Shelved | None:
        """See `Shelf`."""
        return None

    async def put(self, name: str, shelved: Shelved, *, ttl_s: float) -> None:
        """See `Shelf`."""

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """See `Shelf`."""
        yield


class SealedShelf:
    """For several processes."""

    def __init__(self, storage: Storage, *, secret: bytes) -> None:
        self._storage = storage
        digest = hmac.new(secret, b"ossferry/shelf", hashlib.sha256).digest()
        self._key = OctKey.import_key(digest)

    async def take(self, name: str) -> Shelved | None:
        """See `Shelf`."""
        try:
            sealed = await self._storage.get(f"grant:{name}")
        except StorageLostError:
            return None
        return self._opened(sealed, name) if sealed else None

    async def put(self, name: str, shelved: Shelved, *, ttl_s: float) -> None:
        """See `Shelf`."""
        credentials, session_name = shelved
        fields = {**asdict(credentials), "session_name": session_name, "for": name}
        text = json.dumps({**fields, "expires_at": credentials.expires_at.isoformat()})
        sealed = jwe.encrypt_compact(dict(HEADER), text, self._key)
        try:
            await self._storage.put(f"grant:{name}", sealed.encode(), ttl_s)
        except StorageLostError:
            log.warning("not-shelved")

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """See `Shelf`."""
        mark = f"asking:{name}"
        mine = await self._mine(mark)
        try:
            yield
        finally:
            if mine:
                await self._give_up(mark)

    async def _mine(self, mark: str) -> bool:
        try:
            while not await self._storage.add(mark, TURN_S):  # noqa: ASYNC110 - set elsewhere
                await asyncio.sleep(POLL_S)
        except StorageLostError:
            return False
        return True

    async def _give_up(self, mark: str) -> None:
        try:
            await self._storage.drop(mark)
        except StorageLostError:
            log.warning("turn-not-given-up")  # it ends by itself

    def _opened(self, sealed: bytes, name: str) -> Shelved | None:
        try:
            text = jwe.decrypt_compact(sealed, self._key).plaintext or b""
            fields = json.loads(text)
            session_name = fields.pop("session_name")
            if fields.pop("for") != name:
                raise ValueError("it was sealed for somebody else")
            expires_at = datetime.fromisoformat(fields.pop("expires_at"))
            return StsCredentials(**fields, expires_at=expires_at), session_name
        except (JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("unreadable", error=type(error).__name__)
            return None
