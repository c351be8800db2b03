"""Held uploads: what happens to them after the scanner or an operator has decided.

The server, the scanner and the command line use the same functions. Each step can be repeated: if a
process ends in between, the next call goes on.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import quote

from ossferry.clock import Clock
from ossferry.errors import KeyTakenError, NotStoredError, OssferryError
from ossferry.hooks.calls import Hooks, uploaded
from ossferry.identity.object_keys import INCOMING, name_of
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, holds, people, receipts
from ossferry.ledger.holds import HELD, REMOVED, Hold
from ossferry.ledger.receipts import Claim, Receipt
from ossferry.observability.log_format import logger
from ossferry.oss.objects import Link, ObjectStore, Stored
from ossferry.settings.model import Settings
from ossferry.uploads.quotas import Quotas

LOOK_LIVES_S = 300
TAKEN = "Another file has this name."

log = logger("ossferry.held")


@dataclass(slots=True, eq=False, repr=False)
class HeldUploads:
    """Releases, keeps and removes held uploads.

    Args:
        store: the bucket with its real keys, not `Places`.

    Attributes:
        remove_replaced: deletes the uploads that released ones have replaced; set by `Trash`.
    """

    settings: Settings
    store: ObjectStore
    database: Database
    hooks: Hooks
    quotas: Quotas
    clock: Clock
    remove_replaced: Callable[[Owner], Awaitable[object]] = field(init=False)

    async def find(self, key: str) -> Hold:
        """Return the held upload with this final key.

        Raises:
            NotStoredError: no held upload has this key.
        """
        async with self.database.read() as connection:
            hold = await holds.find(connection, key)
        if hold is None or hold.state == REMOVED:
            raise NotStoredError("No held upload has this key.")
        return hold

    async def locate(self, hold: Hold) -> Stored | None:
        """Return the object of a held upload with its key in the bucket, for the scanner.

        This is the key below `INCOMING`; or the final one, if the object was stored there with
        credentials that were issued before `OSSFERRY_RELEASE=checked`.

        Returns:
            None if the object was deleted, or replaced by an object with another ETag.
        """
        for key in (INCOMING + hold.key, hold.key):
            stored = await self.store.head(key)
            if stored is not None and stored.etag[:100] == hold.etag:
                return stored
        return None

    async def release(self, hold: Hold, *, checks: Claim | None = None) -> Receipt | None:
        """Copy an upload to its key, record it, announce one event, and remove the held object.

        Args:
            checks: what the server has proven, in the format of the page's claim; by default the
                claim of the page stays.

        Returns:
            The receipt; None if the upload was deleted, replaced or released meanwhile, or must
            not replace another file of its name, so that this call has released nothing.

        Raises:
            OssLostError, OssRefusedError, LedgerLostError: nothing is released; try again.
        """
        source = await self.locate(hold)
        if source is None or not (source.key == hold.key or await self._copied(source, hold)):
            return None
        made = await self.store.head(hold.key)
        if made is None:
            return None
        receipt = await self._record(hold, replace(made, last_modified=hold.stored_at), checks)
        if receipt is None:
            await self._remove_copy(hold)
        elif source.key != hold.key:
            try:
                await self._delete(hold, source.key)
            except OssferryError as error:  # the reconciler removes it
                log.warning("not-removed", principal=hold.principal, code=error.code)
        return receipt

    async def keep(self, hold: Hold, *, reason: str) -> bool:
        """Hold an upload that the scanner found bad, for the operator's time.

        Args:
            reason: what the scanner found, as a sentence.

        Returns:
            False if the scanner no longer has the lease.
        """
        until = self.clock() + timedelta(seconds=self.settings.held_s)
        async with self.database.write() as connection:
            is_kept = await holds.keep(connection, hold, reason=reason, remove_at=until)
        if is_kept and await self.store.head(INCOMING + hold.key) is not None:
            await self._remove_copy(hold, is_held=True)
        return is_kept

    async def remove(self, hold: Hold) -> None:
        """Remove a held upload; hooks get no event, because they have never heard of it.

        While a scanner has it, its object is removed by `purge` after the lease.
        """
        now = self.clock()
        async with self.database.write() as connection:
            dropped = await holds.drop(connection, hold.key, now=now)
            owner = await people.owner_by_hash(connection, hold.principal)
        if owner is not None:
            self.quotas.forget(owner)
        if dropped is not None and dropped.remove_at is not None and dropped.remove_at <= now:
            await self._finish(dropped)

    async def discard(self, key: str) -> bool:
        """Remove the held upload with this final key; return False if there is none."""
        async with self.database.read() as connection:
            hold = await holds.find(connection, key)
        if hold is not None and hold.state != REMOVED:
            await self.remove(hold)
        return hold is not None

    async def look(self, hold: Hold) -> Link:
        """Return a link with which an operator can download a held upload for five minutes.

        Raises:
            NotStoredError: the object is gone.
        """
        stored = await self.locate(hold)
        if stored is None:
            raise NotStoredError("OSS has no object of this upload.")
        name = f"attachment; filename*=UTF-8''{quote(name_of(hold.key), '')}"
        params = {
            "response-content-disposition": name,
            "response-content-type": "application/octet-stream",
        }
        return await self.store.link(stored, lives_s=LOOK_LIVES_S, params=params)

    async def purge(self, *, limit: int = 100) -> int:
        """Remove bad uploads after the operator's time, and objects that `remove` has left.

        Returns:
            The number of uploads.
        """
        now = self.clock()
        async with self.database.read() as connection:
            due = await holds.overdue(connection, now, limit=limit)
        for hold in due:
            if hold.state == HELD:
                await self.remove(hold)
                log.info("held-removed", principal=hold.principal, size=hold.size)
            else:
                await self._finish(hold)
        return len(due)

    async def _copied(self, source: Stored, hold: Hold) -> bool:
        """Copy an upload to its key; return whether the key has it now.

        The metadata `same-name` says that the upload must not replace another file.
        """
        refuses = source.metadata.get("same-name") == "refuse"
        try:
            return await self.store.copy(source, hold.key, forbid_overwrite=refuses)
        except KeyTakenError:
            there = await self.store.head(hold.key)
            if there and (there.size, there.crc64) == (hold.size, hold.crc64):
                return True  # an earlier attempt has copied it
            await self.keep(hold, reason=TAKEN)
            return False

    async def _record(self, hold: Hold, made: Stored, checks: Claim | None) -> Receipt | None:
        """Replace the row of a held upload by a receipt, in one transaction with its event."""
        now = self.clock()
        async with self.database.write() as connection:
            owner = await people.owner_by_hash(connection, hold.principal)
            taken = await holds.take(connection, hold.key, hold.etag)
            if taken is None or owner is None:
                return None
            made = replace(made, details=taken.details)
            [receipt] = await holds.record_all(
                connection,
                owner,
                [(made, taken.request_id)],
                source=taken.source,
                now=now,
                checks={made.key: checks or taken.checks},
                is_counted=True,
            )
            if receipt.is_news:
                event = uploaded(owner, made, now, checks=receipt.checks)
                await self.hooks.announce(connection, event)
        self.hooks.wake()
        self.quotas.forget(owner)
        if holds.REPLACES in made.metadata:
            await self.remove_replaced(owner)
        return receipt

    async def _finish(self, hold: Hold) -> None:
        """Remove the objects of a removed upload, then its row."""
        await self._delete(hold, INCOMING + hold.key)
        await self._remove_copy(hold, is_held=True)
        async with self.database.write() as connection:
            await holds.forget(connection, hold)

    async def _remove_copy(self, hold: Hold, *, is_held: bool = False) -> None:
        """Remove a copy that was not released: the ledger has no receipt of exactly this upload.

        Args:
            is_held: whether the row may still be there; otherwise another scanner may need the
                copy.
        """
        async with self.database.read() as connection:
            receipt = await receipts.find(connection, hold.key)
            row = await holds.find(connection, hold.key)
        same = receipt and (receipt.size, receipt.crc64) == (hold.size, hold.crc64)
        if not same and (is_held or row is None):
            await self._delete(hold, hold.key)

    async def _delete(self, hold: Hold, key: str) -> None:
        """Delete the object with a key in the bucket, unless it is another one than was held."""
        stored = await self.store.head(key)
        if stored is not None and (stored.size, stored.crc64) == (hold.size, hold.crc64):
            version = stored.version if self.settings.undo == "versions" else ""
            await self.store.delete(key, version)
