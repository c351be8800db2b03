"""The places of uploads in the bucket: held uploads are below `INCOMING`, all others are not.

Everything else in the server uses final keys: this module adds and removes `INCOMING`. It makes no
link to a held upload.

With `OSSFERRY_RELEASE=checked`, an object at a final key counts as held, too, unless the ledger has
a receipt of it: it was stored with credentials from before this setting, or its copy is not
recorded yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ossferry.errors import HeldError
from ossferry.identity.object_keys import INCOMING, UPLOADS
from ossferry.ledger import Database, holds, receipts
from ossferry.ledger.receipts import Receipt
from ossferry.oss.objects import Begun, Link, Listed, ObjectStore, Part, Stored
from ossferry.settings.model import Settings


class Places:
    """The bucket with final keys only; the class implements `ObjectStore`.

    Args:
        store: the bucket with its real keys.
    """

    def __init__(self, settings: Settings, store: ObjectStore, database: Database) -> None:
        self._checked = settings.release == "checked"
        self._scans = self._checked or settings.has_scanner
        self._versions = settings.undo == "versions"
        self._store = store
        self._database = database

    async def head(self, key: str) -> Stored | None:
        """Return the metadata of an object, with its final key; None if there is none.

        An object that was released while it was still below `INCOMING` is not held any more.
        """
        if not key.startswith(UPLOADS):
            return await self._store.head(key)
        if not self._checked:
            stored = await self._store.head(key)
            return stored or (await self._incoming(key) if await self._has_held() else None)
        incoming = await self._incoming(key)
        final = None if incoming else await self._store.head(key)
        if not (incoming or final):
            return None
        async with self._database.read() as connection:
            receipt = await receipts.find(connection, key)
        if incoming and _is_of(receipt, incoming):
            final = await self._store.head(key)
        if final and _is_of(receipt, final):
            return final
        found = incoming or final
        return found and replace(found, is_held=True)

    async def list(self, prefix: str, *, after: str, limit: int) -> Sequence[Listed]:
        """Return the objects whose keys begin with a prefix, sorted by key.

        If a key has a held object and another one, the result has only the held one.
        """
        listed = await self._store.list(prefix, after=after, limit=limit)
        found = {each.key: each for each in listed}
        if await self._has_held():
            start = INCOMING + after if after else ""
            for each in await self._store.list(INCOMING + prefix, after=start, limit=limit):
                key = each.key.removeprefix(INCOMING)
                found[key] = replace(each, key=key, place=INCOMING)
        return [found[key] for key in sorted(found)[:limit]]

    def shows(self, listed: Listed, receipt: Receipt | None) -> bool:
        """Return whether a list may show an object for which the ledger has no held upload."""
        known = receipt is not None and receipt.size == listed.size
        return not listed.place and (known or not self._checked)

    async def copy(self, stored: Stored, target: str, *, forbid_overwrite: bool = False) -> bool:
        """Copy an object to the key `target`; the copy of a held object is held, too."""
        real, there = replace(stored, key=stored.place + stored.key), stored.place + target
        return await self._store.copy(real, there, forbid_overwrite=forbid_overwrite)

    async def delete(self, key: str, version: str = "") -> str:
        """Delete an object at its final key; `remove` deletes any object."""
        return await self._store.delete(key, version)

    async def remove(self, stored: Listed) -> None:
        """Delete an object, held or not, as `head` or `list` returned it."""
        key, version = stored.place + stored.key, ""
        if stored.place and self._versions:  # otherwise the bucket would keep it as an old version
            found = await self._store.head(key)
            version = found.version if found else ""
        await self._store.delete(key, version)

    async def begun(self, prefix: str) -> Sequence[Begun]:
        """Return the unfinished multipart uploads below a key prefix, with final keys."""
        found = list(await self._store.begun(prefix))
        if self._checked:
            incoming = await self._store.begun(INCOMING + prefix)
            found += [replace(each, key=each.key.removeprefix(INCOMING)) for each in incoming]
        return found

    async def parts(self, key: str, upload_id: str) -> Sequence[Part] | None:
        """Return the stored parts of a multipart upload, or None if OSS has no such upload."""
        found = await self._store.parts(INCOMING + key, upload_id) if self._checked else None
        return await self._store.parts(key, upload_id) if found is None else found

    async def abort(self, key: str, upload_id: str) -> None:
        """Abort a multipart upload; do nothing if OSS has no such upload."""
        if self._checked:
            await self._store.abort(INCOMING + key, upload_id)
        await self._store.abort(key, upload_id)

    async def link(self, stored: Stored, *, lives_s: int, params: Mapping[str, str]) -> Link:
        """Return a presigned URL for reading an object that is not held.

        Raises:
            HeldError: the object is held.
        """
        if stored.is_held:
            async with self._database.read() as connection:
                hold = await holds.find(connection, stored.key)
            raise HeldError(hold.reason if hold else "")
        return await self._store.link(stored, lives_s=lives_s, params=params)

    async def close(self) -> None:
        """Close all connections."""
        await self._store.close()

    async def _incoming(self, key: str) -> Stored | None:
        stored = await self._store.head(INCOMING + key)
        return stored and replace(stored, key=key, place=INCOMING, is_held=True)

    async def _has_held(self) -> bool:
        """Return whether there can be held objects; most servers never have any."""
        if self._scans:
            return True
        async with self._database.read() as connection:
            return bool(await holds.page(connection, limit=1))


def _is_of(receipt: Receipt | None, stored: Stored) -> bool:
    """Return whether a receipt is of exactly this object."""
    if receipt is None or receipt.is_as_listed:
        return False
    return (receipt.size, receipt.crc64) == (stored.size, stored.crc64)
