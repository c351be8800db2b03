"""The trash: deleted uploads can be restored for a limited time.

Depending on the settings, an upload is copied below `trash/` before it is deleted, or it becomes an
old version in a bucket with versioning. Each step can be repeated, so a retry after a failure leads
to the same result. An upload exists if OSS has it; the ledger records how to restore it.
"""

import hashlib
import secrets
from datetime import timedelta

from ossferry.clock import monotonic, utc_now
from ossferry.errors import (
    KeyTakenError,
    LedgerLostError,
    NothingToUndoError,
    NotStoredError,
    OssferryError,
)
from ossferry.hooks.calls import Hooks, deleted, uploaded
from ossferry.identity.object_keys import TRASH
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, leases, people, receipts
from ossferry.ledger.receipts import Receipt, Undo
from ossferry.observability.log_format import logger
from ossferry.observability.metrics import Metrics
from ossferry.oss.objects import ObjectStore, Stored
from ossferry.settings.model import Settings
from ossferry.uploads.details import Details
from ossferry.uploads.held import HeldUploads
from ossferry.uploads.places import Places
from ossferry.uploads.quotas import Quotas
from ossferry.uploads.receipts import Recorder

HOLD_S = 300.0

log = logger("ossferry.trash")


class Trash:
    """Deletes and restores uploads, and removes expired data from the trash."""

    def __init__(self, places: Places, recorder: Recorder, held: HeldUploads) -> None:
        self._how = held.settings.undo
        self._lasts = timedelta(seconds=held.settings.undo_s)
        self.places, self.recorder, self.held = places, recorder, held
        self._store, self._database, self._clock = held.store, held.database, held.clock
        self._hooks, self._quotas = held.hooks, held.quotas
        recorder.remove_replaced = held.remove_replaced = self.remove_replaced

    async def delete(self, owner: Owner, key: str) -> Undo | None:
        """Delete an upload.

        Returns:
            The data for restoring the upload, or None if it cannot be restored, as a held upload.

        Raises:
            NotStoredError: there is no such upload.
            KeyTakenError: another object was stored under the key during the deletion.
        """
        stored = await self.places.head(key)
        if stored is not None and stored.is_held:
            await self.recorder.record(owner, stored, source="found")
            if await self.held.discard(key):
                return None
            stored = await self.places.head(key)  # released meanwhile
        if stored is None:
            undo = await self._interrupted(owner, key)
        else:
            receipt = await self.recorder.record(owner, stored, source="found")
            undo = await self._remove(owner, stored, receipt)
        now = self._clock()
        await self.purge(key=key, limit=1)  # the ledger has room for one undo of a key
        async with self._database.write() as connection:
            if await receipts.mark_deleted(connection, key, now=now, undo=undo):
                await self._hooks.announce(connection, deleted(owner, key, now))
            else:  # a concurrent request has deleted the upload first
                undo = await receipts.find_undo(connection, now, key=key)
        self._quotas.forget(owner)
        self._hooks.wake()
        return undo

    async def undo(self, owner: Owner, undo_id: str) -> tuple[Stored, Receipt]:
        """Restore a deleted upload, and return its metadata and its receipt.

        Args:
            undo_id: the field `id` of the data that `delete` returned.

        Raises:
            NothingToUndoError: no deleted upload has this undo id, or the undo id has expired.
            KeyTakenError: another object now has the same key.
            QuotaExceededError: the upload would exceed the quota.
            BusyError: other requests are still restoring uploads of this principal.
        """
        name = f"undo {owner.hash}"  # so that concurrent requests cannot use the same quota twice
        async with leases.held(self._database, name, clock=self._clock, hold_s=HOLD_S):
            return await self._undo_one(owner, undo_id)

    async def _undo_one(self, owner: Owner, undo_id: str) -> tuple[Stored, Receipt]:
        async with self._database.read() as connection:
            undo = await receipts.find_undo(connection, self._clock(), undo_id=undo_id)
        if undo is None or not undo.key.startswith(owner.prefix):
            raise NothingToUndoError("There is no deleted upload to restore under this id.")
        self._quotas.forget(owner)
        await self._quotas.make_sure_it_fits(owner, undo.size)
        if undo.how.startswith(TRASH):
            await self._take_out(undo)
        else:
            await self._store.delete(undo.key, undo.how)
        stored = await self._store.head(undo.key)
        if stored is None:
            raise NothingToUndoError("OSS no longer has the deleted object.")
        async with self._database.write() as connection:
            if await receipts.undone(connection, undo):
                known = await receipts.find(connection, undo.key)
                event = uploaded(
                    owner, stored, self._clock(), checks=known.checks if known else None
                )
                await self._hooks.announce(connection, event)
        self._hooks.wake()
        receipt = await self.recorder.record(owner, stored, source="found")
        self._quotas.forget(owner)
        return stored, receipt

    async def purge(self, *, key: str = "", limit: int = 100) -> int:
        """Remove the data of deleted uploads whose time for restoring has ended.

        These data are the copies below `trash/`, and the ledger's notes on how to restore them.

        Args:
            key: process only uploads with this key; empty for all.
            limit: the highest number of uploads to process.

        Returns:
            The number of processed uploads.
        """
        async with self._database.read() as connection:
            ended = await receipts.undos_ended(connection, self._clock(), key=key, limit=limit)
        for undo in ended:
            await self._forget(undo)
        return len(ended)

    async def remove_replaced(self, owner: Owner | None = None, *, limit: int = 100) -> int:
        """Delete the uploads that later ones have replaced, as the ledger says.

        What cannot be deleted now is logged, and tried again with the next call.

        Args:
            owner: delete only uploads of this owner; None for all.
            limit: the highest number of uploads to delete.

        Returns:
            The number of deleted uploads.

        Raises:
            LedgerLostError: the database does not answer.
        """
        count, hash_ = 0, owner.hash if owner else ""
        async with self._database.read() as connection:
            found = await receipts.replaced(connection, principal=hash_, limit=limit)
            owners = {each: await people.owner_by_hash(connection, each) for each, _ in found}
        for hash_, key in found:
            try:
                if whose := owners[hash_]:
                    await self.delete(whose, key)
                    count += 1
            except LedgerLostError:
                raise
            except OssferryError as error:
                log.warning("not-replaced", principal=hash_, code=error.code)
        return count

    async def make_room(self, owner: Owner) -> None:
        """Remove an owner's copies below `trash/`, oldest first, until the total limits are kept.

        Stored uploads and copies count together. Otherwise somebody could exceed the total limits
        by deleting uploads, because the copies occupy space, too. The uploads whose copies are
        removed can no longer be restored. Stored uploads are never removed.

        Raises:
            LedgerLostError: the database does not answer.
            OssLostError: OSS does not answer.
        """
        if self._how != "trash":
            return  # the bucket keeps the bytes anyway
        self._quotas.forget(owner)
        room = await self._quotas.room(owner)
        if room == (None, None):
            return
        async with self._database.read() as connection:
            size, count = await receipts.restorable(connection, owner)
        while not _fits(room, size, count):
            async with self._database.read() as connection:
                oldest = await receipts.oldest_undos(connection, owner, limit=100)
            for undo in oldest:
                if _fits(room, size, count):
                    return
                await self._forget(undo)
                size, count = size - undo.size, count - 1
            if not oldest:
                return  # other requests have changed the ledger

    async def _forget(self, undo: Undo) -> None:
        if undo.how.startswith(TRASH):
            await self._store.delete(undo.how)
        async with self._database.write() as connection:
            await receipts.forget_undo(connection, undo)

    async def _remove(self, owner: Owner, stored: Stored, receipt: Receipt) -> Undo | None:
        how = ""
        if self._how == "trash":
            how = _trash_key(owner, receipt)
            if not await self._store.copy(stored, how):
                raise NotStoredError("OSS has no object under this key.")
            there = await self._store.head(stored.key)
            if there is not None and there.etag != stored.etag:
                await self._store.delete(how)
                raise KeyTakenError
        version = await self._store.delete(stored.key)
        if self._how == "versions":
            how = version
        return self._undo(stored, how)

    async def _interrupted(self, owner: Owner, key: str) -> Undo | None:
        """Return the data for restoring an upload whose deletion was interrupted.

        OSS has already deleted the object, but the ledger has not recorded the deletion. If there
        is a symlink in its place, remove it.

        Returns:
            The data for restoring the upload, or None if the trash does not contain it.

        Raises:
            NotStoredError: the ledger has no such upload.
        """
        async with self._database.read() as connection:
            receipt = await receipts.find(connection, key)
        if receipt is None:
            raise NotStoredError("OSS has no object under this key.")
        await self._store.delete(key)
        how = _trash_key(owner, receipt)
        trashed = await self._store.head(how)
        if trashed is None or trashed.crc64 != receipt.crc64:
            await self._store.delete(how)  # nobody has verified this copy
            how = ""
        return self._undo(receipt, how)

    async def _take_out(self, undo: Undo) -> None:
        trashed, there = await self._store.head(undo.how), await self._store.head(undo.key)
        if trashed is None:
            return  # an earlier attempt may have moved the object already
        if there is None:
            if not await self._store.copy(trashed, undo.key, forbid_overwrite=True):
                return
        elif there.crc64 != trashed.crc64:
            raise KeyTakenError
        await self._store.delete(undo.how)

    def _undo(self, gone: Stored | Receipt, how: str) -> Undo | None:
        if not how:
            return None
        until = self._clock() + self._lasts
        id_ = secrets.token_hex(16)
        return Undo(id=id_, key=gone.key, how=how, until=until, size=gone.size)


def trash_of(
    settings: Settings, store: ObjectStore, database: Database, *, details: Details | None = None
) -> Trash:
    """Return the trash with the services below it, for the scanner and the command line."""
    quotas = Quotas(settings, database, clock=utc_now, monotonic=monotonic)
    hooks = Hooks(settings, None)
    recorder = Recorder(database, hooks, quotas, details=details, metrics=Metrics(), clock=utc_now)
    held = HeldUploads(settings, store, database, hooks, quotas, utc_now)
    return Trash(Places(settings, store, database), recorder, held)


def _trash_key(owner: Owner, receipt: Receipt) -> str:
    """Return the key below `trash/` for a deleted upload.

    The same upload always has the same key below `trash/`. A later upload with the same key has
    another one, so the removal of the first copy never removes the second one.
    """
    upload = f"{receipt.key}\0{receipt.recorded_at.isoformat()}"
    return f"{TRASH}{owner.hash}/{hashlib.sha256(upload.encode()).hexdigest()}"


def _fits(room: tuple[int | None, int | None], *amounts: int) -> bool:
    """Return whether bytes and objects fit into what the limits leave; None is no limit."""
    return all(left is None or amount <= left for left, amount in zip(room, amounts, strict=True))
