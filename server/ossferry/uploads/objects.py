"""Deleting, restoring and previewing a principal's own uploads.

OSS decides what exists; the ledger adds data that OSS does not list. Before an upload is deleted,
it is copied below `trash/`; in a bucket with versioning it becomes an old version instead. Every
step can be repeated: a client that tries again after a failure gets the same result.
"""

import hashlib
import secrets
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.clock import Clock, utc_text
from ossferry.errors import (
    BadRequestError,
    KeyTakenError,
    NoPreviewError,
    NothingToUndoError,
    NotStoredError,
)
from ossferry.hooks.calls import Hooks, deleted, uploaded
from ossferry.http.same_site import read_json
from ossferry.identity.owner import Owner, check_own_key
from ossferry.ledger import Database, leases, receipts
from ossferry.ledger.receipts import Receipt, Undo
from ossferry.oss.bucket import ObjectStore, Stored
from ossferry.oss.image_processing import PRESETS, can_process
from ossferry.oss.policy import TRASH
from ossferry.settings.model import Settings
from ossferry.uploads.lists import object_json
from ossferry.uploads.quotas import Quotas
from ossferry.uploads.receipts import Recorder

__all__ = ["ObjectApi", "Trash"]

PREVIEW_LIVES_S = 300
HOLD_S = 300.0


class Trash:
    """Deletes uploads so that they can be restored for a while."""

    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        database: Database,
        recorder: Recorder,
        hooks: Hooks,
        quotas: Quotas,
        *,
        clock: Clock,
    ) -> None:
        self._how = settings.undo
        self._lasts = timedelta(seconds=settings.undo_s)
        self._store = store
        self._database = database
        self._recorder = recorder
        self._hooks = hooks
        self._quotas = quotas
        self._clock = clock

    async def delete(self, owner: Owner, key: str) -> Undo | None:
        """Delete an upload. Return how to restore it, or None if that is impossible.

        Raises:
            NotStoredError: there is no such upload.
        """
        stored = await self._store.head(key)
        if stored is None:
            undo = await self._interrupted(owner, key)
        else:
            await self._recorder.record(owner, stored, source="found")
            undo = await self._remove(owner, stored)
        now = self._clock()
        async with self._database.write() as connection:
            if await receipts.mark_deleted(connection, key, now=now, undo=undo):
                await self._hooks.announce(connection, deleted(owner, key, now))
            else:  # a concurrent request has deleted the upload first
                undo = await receipts.undo_under(connection, key, now)
        self._quotas.forget(owner)
        self._hooks.wake()
        return undo

    async def undo(self, owner: Owner, undo_id: str) -> tuple[Stored, Receipt]:
        """Restore a deleted upload.

        Raises:
            NothingToUndoError: there is no such undo, or it has expired.
            KeyTakenError: another object now has the same key.
            QuotaExceededError: the upload does not fit into the quota.
            BusyError: other uploads of this principal are being restored, and that takes long.
        """
        name = f"undo {owner.hash}"  # or concurrent requests would share one quota
        async with leases.held(self._database, name, clock=self._clock, hold_s=HOLD_S):
            return await self._undo_one(owner, undo_id)

    async def _undo_one(self, owner: Owner, undo_id: str) -> tuple[Stored, Receipt]:
        async with self._database.read() as connection:
            undo = await receipts.find_undo(connection, undo_id, self._clock())
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
                await self._hooks.announce(connection, uploaded(owner, stored, self._clock()))
        self._hooks.wake()
        receipt = await self._recorder.record(owner, stored, source="found")
        self._quotas.forget(owner)
        return stored, receipt

    async def purge(self, *, limit: int = 100) -> int:
        """Remove the data of expired undos; return how many there were."""
        async with self._database.read() as connection:
            ended = await receipts.undos_ended(connection, self._clock(), limit=limit)
        for undo in ended:
            if undo.how.startswith(TRASH):
                await self._store.delete(undo.how)
            async with self._database.write() as connection:
                await receipts.forget_undo(connection, undo.id)
        return len(ended)

    async def _remove(self, owner: Owner, stored: Stored) -> Undo | None:
        how = ""
        if self._how == "trash":
            how = _trash_key(owner, stored.key)
            if not await self._store.copy(stored, how):
                raise NotStoredError("OSS has no object under this key.")
        version = await self._store.delete(stored.key)
        if self._how == "versions":
            how = version
        return self._undo(stored, how)

    async def _interrupted(self, owner: Owner, key: str) -> Undo | None:
        """Return how to restore an upload whose earlier deletion did not reach the ledger.

        Raises:
            NotStoredError: the ledger has no such upload.
        """
        async with self._database.read() as connection:
            receipt = await receipts.find(connection, key)
        if receipt is None:
            raise NotStoredError("OSS has no object under this key.")
        trashed = await self._store.head(_trash_key(owner, key))
        same = trashed is not None and trashed.crc64 == receipt.crc64
        return self._undo(receipt, _trash_key(owner, key) if same else "")

    async def _take_out(self, undo: Undo) -> None:
        trashed, there = await self._store.head(undo.how), await self._store.head(undo.key)
        if trashed is None:
            return  # an earlier attempt may have moved the object already
        if there is None:
            await self._store.copy(trashed, undo.key)
        elif there.crc64 != trashed.crc64:
            raise KeyTakenError("Another object has been stored under this key.")
        await self._store.delete(undo.how)

    def _undo(self, gone: Stored | Receipt, how: str) -> Undo | None:
        if not how:
            return None
        until = self._clock() + self._lasts
        id_ = secrets.token_hex(16)
        return Undo(id=id_, key=gone.key, how=how, until=until, size=gone.size)


class ObjectApi:
    """The endpoints below `/api/objects` for a single upload."""

    def __init__(self, store: ObjectStore, trash: Trash) -> None:
        self._store = store
        self._trash = trash

    async def delete(self, request: Request, owner: Owner) -> Response:
        """Handle `DELETE /api/objects/{key}`: delete an upload."""
        key = check_own_key(request.path_params["key"], owner.prefix)
        undo = await self._trash.delete(owner, key)
        how = {"id": undo.id, "until": utc_text(undo.until)} if undo else None
        return JSONResponse({"key": key, "undo": how})

    async def undo(self, request: Request, owner: Owner) -> Response:
        """Handle `POST /api/objects/undo`: restore a deleted upload."""
        undo_id = (await read_json(request)).get("id")
        if not isinstance(undo_id, str):
            raise BadRequestError("id must be the id of an undo.")
        stored, receipt = await self._trash.undo(owner, undo_id)
        return JSONResponse(object_json(stored, receipt))

    async def preview(self, request: Request, owner: Owner) -> Response:
        """Handle `GET /api/objects/{key}/preview?preset=`: return a short-lived URL of a
        preview.
        """
        key = check_own_key(request.path_params["key"], owner.prefix)
        process = PRESETS.get(request.query_params.get("preset", "preview"))
        if process is None:
            raise BadRequestError(f"preset must be one of {', '.join(PRESETS)}.")
        stored = await self._store.head(key)
        if stored is None:
            raise NotStoredError("OSS has no object under this key.")
        if not can_process(stored):
            raise NoPreviewError("OSS makes previews of images of at most 20 MB.")
        params = {"x-oss-process": process}
        link = await self._store.link(key, lives_s=PREVIEW_LIVES_S, params=params)
        return JSONResponse({"url": link.url, "expires_at": utc_text(link.expires_at)})


def _trash_key(owner: Owner, key: str) -> str:
    """Return the key of a deleted upload in the trash: deterministic and of fixed length."""
    return f"{TRASH}{owner.hash}/{hashlib.sha256(key.encode()).hexdigest()}"
