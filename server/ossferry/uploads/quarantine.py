"""Uploads that the page refused: what OSS stored is not the file that was sent.

The page knows the checksum of the file, the server does not; so the page says that it refused an
upload, and the server looks at the object. A refused object is in no list and no event, and its
bytes are removed, or kept below `trash/` for a while, as the settings say. What is kept counts in
the quota of whose it was: anybody can refuse an upload of their own.

Nobody can hide what is not theirs: only what lies below the principal's own prefix and was stored
with credentials of theirs can be refused, and nothing that a receipt of the page has confirmed.
"""

import hashlib
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.clock import Clock
from ossferry.errors import BadRequestError, ForeignKeyError, UploadStandsError
from ossferry.hooks.calls import Hooks, deleted
from ossferry.http.body import read_json
from ossferry.identity.object_keys import TRASH
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, people, receipts, refusals
from ossferry.ledger.refusals import Refusal
from ossferry.observability.logs import logger
from ossferry.observability.metrics import Metrics
from ossferry.oss.objects import Listed, ObjectStore, Stored
from ossferry.settings.model import Settings
from ossferry.uploads.quotas import Quotas
from ossferry.uploads.receipts import Report, read_report, stored_json

__all__ = ["Quarantine", "RefusalApi"]

SLACK = timedelta(minutes=15)
"""How far the clocks of OSS and the server may differ, and how long a last request may take."""

MAX_ETAG = 100

log = logger("ossferry.quarantine")


class Quarantine:
    """Takes refused objects out of the bucket."""

    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        database: Database,
        hooks: Hooks,
        quotas: Quotas,
        *,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._keeps = settings.refused == "trash"
        self._lasts = timedelta(seconds=settings.undo_s)
        self._settle = timedelta(seconds=settings.settle_s)
        self._store = store
        self._database = database
        self._hooks = hooks
        self._quotas = quotas
        self._metrics = metrics
        self._clock = clock

    async def refuse(self, owner: Owner, report: Report, etag: str) -> str:
        """Take the object of a refused upload away; return ``gone``, ``removed`` or ``kept``.

        It is written down first. If OSS fails in between, `finish` goes on later.

        Args:
            report: what the file is.
            etag: of the object that was refused, without quotes; empty if the page cannot tell.
                Then only what still waits for a receipt is taken away.

        Raises:
            UploadStandsError: the object is the file, was confirmed, or is another one.
            ForeignKeyError: it was not stored with credentials of theirs.
            OssLostError, OssRefusedError, LedgerLostError: it is to be tried again.
        """
        stored = await self._store.head(report.key)
        if stored is None:
            return "gone"
        now = self._clock()
        async with self._database.write() as connection:
            receipt = await receipts.find(connection, report.key)
            reason = _why_it_stands(stored, report, etag, receipt)
            if not (reason or etag) and (receipt or stored.last_modified < now - self._settle):
                reason = "settled"  # the page does not know whether it has stored this object
            if reason:
                raise UploadStandsError(reason, stored=stored_json(stored))
            if not await people.was_granted(
                connection, owner.hash, stored.last_modified, slack=SLACK
            ):
                raise ForeignKeyError("This object was not stored with credentials of yours.")
            refusal = Refusal(size=report.size, crc64=report.crc64, request_id=report.request_id)
            await refusals.add(connection, owner, stored, refusal, now=now)
            if await receipts.unrecord(connection, report.key):
                await self._hooks.announce(connection, deleted(owner, report.key, now))
        self._quotas.forget(owner)
        self._hooks.wake()
        self._metrics.refused_upload()
        log.error(
            "refused-upload",
            principal=owner.hash,
            size=stored.size,
            file_size=report.size,
            oss_request_id=report.request_id,
        )
        return await self.finish(owner, stored)

    async def finish(self, owner: Owner, stored: Listed) -> str:
        """Remove the bytes of a refused object, or keep them below `trash/`."""
        if self._keeps:
            trash_key = _trash_key(owner, stored)
            until = self._clock() + self._lasts
            async with self._database.write() as connection:
                await refusals.keep(connection, stored.key, trash_key=trash_key, until=until)
            found = await self._store.head(stored.key)
            if found is None or found.etag != stored.etag:
                return "gone"
            await self._store.copy(found, trash_key)
        await self._store.delete(stored.key)
        return "kept" if self._keeps else "removed"

    async def purge(self, *, limit: int = 100) -> int:
        """Remove for good what was kept long enough; return how many objects it was."""
        async with self._database.read() as connection:
            ended = await refusals.ended(connection, self._clock(), limit=limit)
        for each in ended:
            await self._store.delete(each.trash_key)
            async with self._database.write() as connection:
                await refusals.forget_kept(connection, each.key)
        return len(ended)


class RefusalApi:
    """The route `POST /api/receipts/refused`."""

    def __init__(self, quarantine: Quarantine) -> None:
        self._quarantine = quarantine

    async def create(self, request: Request, owner: Owner) -> Response:
        """Answer with what became of the object.

        Raises:
            BadRequestError: no report.
            ForeignKeyError: the key is not below the principal's prefix, or not of their grants.
            UploadStandsError: the object stays.
            OssLostError, OssRefusedError, LedgerLostError: it is to be tried again.
        """
        document = await read_json(request)
        report, etag = read_report(document, owner.prefix), document.get("etag") or ""
        if not isinstance(etag, str) or len(etag) > MAX_ETAG:
            raise BadRequestError("etag must be the ETag that OSS answered, or null.")
        outcome = await self._quarantine.refuse(owner, report, etag.strip('"'))
        return JSONResponse({"key": report.key, "outcome": outcome})


def _why_it_stands(
    stored: Stored, report: Report, etag: str, receipt: receipts.Receipt | None
) -> str:
    """Return why an object cannot be refused; empty if it can."""
    if (stored.size, stored.crc64) == (report.size, report.crc64):
        return "intact"
    if etag and etag.lower() != stored.etag.lower():
        return "other"
    same = receipt is not None and (receipt.size, receipt.crc64) == (stored.size, stored.crc64)
    return "confirmed" if receipt and same and receipt.source == "page" else ""


def _trash_key(owner: Owner, stored: Listed) -> str:
    """Return where a refused object lies: one for each key, and nothing that an undo finds."""
    digest = hashlib.sha256(stored.key.encode()).hexdigest()
    return f"{TRASH}{owner.hash}/refused-{digest}"
