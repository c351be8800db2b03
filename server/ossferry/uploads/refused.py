"""Refused uploads: the stored object differs from the file that was sent, so it is removed.

Only the page can compute the checksum of the file. Therefore the page reports the difference. The
server compares the report with the stored object, and removes the object if they differ.

A principal can refuse only its own objects. The object must be below the principal's prefix, the
principal must have had valid credentials when the object was stored, and the page must not have
confirmed the object before.
"""

from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.clock import Clock
from ossferry.errors import ForeignKeyError, UploadStandsError
from ossferry.hooks.calls import Hooks, deleted
from ossferry.http.body import Text, read_body
from ossferry.identity.object_keys import check_own_key
from ossferry.identity.owner import Owner
from ossferry.ledger import (
    AsyncConnection,
    Database,
    file_requests,
    holds,
    people,
    receipts,
    refusals,
)
from ossferry.ledger.receipts import Receipt
from ossferry.ledger.refusals import Refusal
from ossferry.observability.log_format import logger
from ossferry.observability.metrics import Metrics
from ossferry.oss.objects import Listed, Stored
from ossferry.uploads.places import Places
from ossferry.uploads.quotas import Quotas
from ossferry.uploads.receipts import Report, stored_json

SETTLE = timedelta(seconds=120)
"""How long the page may confirm or refuse an object before the server records it without a receipt.

A page reports at once, or after the few retries of a short disturbance.
"""

SLACK = timedelta(minutes=15)
"""Covers clock differences between OSS and the server, and the duration of the last request."""

Outcome: TypeAlias = Literal["removed", "gone"]
Etag: TypeAlias = Annotated[Text, Field(max_length=100)]

log = logger("ossferry.refused")


class RefusedUpload(Report):
    """The JSON body of `POST /api/receipts/refused`: a page's report of a damaged upload.

    The stored object differs from the file that the page sent. Size and checksum are those of the
    file.
    """

    etag: Etag | None = Field(default=None, description="the ETag that OSS answered, or null")


class RefusedOutcome(TypedDict):
    """The JSON response of `POST /api/receipts/refused`.

    `outcome` is `removed`, or `gone` if the key had no object, or if the refused object was deleted
    or replaced before the server could remove it.
    """

    key: str
    outcome: Outcome


@dataclass(slots=True, eq=False, repr=False)
class RefusedUploads:
    """Removes stored objects that a page has reported as damaged.

    Attributes:
        settle: how long after its storage an object may be reported without its ETag.
    """

    store: Places
    database: Database
    hooks: Hooks
    quotas: Quotas
    _: KW_ONLY
    metrics: Metrics
    clock: Clock
    settle: timedelta = field(init=False, default_factory=lambda: SETTLE)

    async def refuse(self, principal: Owner, report: Report, etag: str) -> Outcome:
        """Record the refusal of an upload, and remove the object.

        If OSS fails after the refusal was recorded, the reconciler calls `finish` later.

        Args:
            report: the key of the object, and size and checksum of the file that the page sent.
            etag: ETag of the refused object, without quotes; empty if the page did not receive the
                ETag. Without an ETag, only a recent object without a receipt can be refused.

        Returns:
            `removed`, or `gone` if the key had no object, or if the refused object was deleted or
            replaced before the server could remove it.

        Raises:
            UploadStandsError: the object equals the file, was confirmed by the page, has another
                ETag, or cannot be identified without an ETag.
            ForeignKeyError: the principal had no valid credentials when the object was stored.
            OssLostError: OSS does not answer; the client should try again.
            OssRefusedError: OSS refuses a request of the server.
            LedgerLostError: the database does not answer; the client should try again.
        """
        stored = await self.store.head(report.key)
        if stored is None:
            return "gone"
        now = self.clock()
        async with self.database.write() as connection:
            guests = await file_requests.rest(connection, principal, [report.key], lock=True)
            receipt = await self._known(connection, stored)
            reason = _why_it_stands(stored, report, etag, receipt)
            if not (reason or etag) and (receipt or stored.last_modified < now - self.settle):
                reason = "settled"  # no ETag: it may not be the page's object
            if reason:
                raise UploadStandsError(reason, stored=stored_json(stored))
            if not await people.was_granted(
                connection, principal.hash, stored.last_modified, slack=SLACK
            ):
                raise ForeignKeyError("This object was not stored with your credentials.")
            request_id = report.request_id or ""
            refusal = Refusal(size=report.size, crc64=report.crc64, request_id=request_id)
            await refusals.add(connection, principal, stored, refusal, now=now)
            if receipt:
                for guest in guests:
                    await file_requests.uncount(connection, guest, stored)
            if stored.is_held:
                await holds.drop(connection, report.key, now=now, of_day=True)
            elif await receipts.unrecord(connection, report.key):
                await self.hooks.announce(connection, deleted(principal, report.key, now))
        self.quotas.forget(principal)
        self.hooks.wake()
        self.metrics.refused_upload()
        log.error(
            "refused-upload",
            principal=principal.hash,
            size=stored.size,
            file_size=report.size,
            oss_request_id=request_id,
        )
        return await self.finish(stored)

    async def finish(self, stored: Listed) -> Outcome:
        """Remove a refused object, unless the key now has another object.

        Args:
            stored: the refused object, as OSS listed it.

        Returns:
            `removed`, or `gone` if the object was already deleted or replaced.
        """
        found = await self.store.head(stored.key)
        if found is None or found.etag != stored.etag:
            return "gone"
        await self.store.remove(found)
        return "removed"

    async def _known(self, connection: AsyncConnection, stored: Stored) -> Receipt | None:
        if not stored.is_held:
            return await receipts.find(connection, stored.key)
        hold = await holds.find(connection, stored.key)
        return hold.receipt if hold else None


class RefusalApi:
    """The handler of `POST /api/receipts/refused`.

    With this request, the page reports that a stored object differs from the file that it sent.
    """

    def __init__(self, refused: RefusedUploads) -> None:
        self._refused = refused

    async def create(self, request: Request, principal: Owner) -> Response:
        """Handle `POST /api/receipts/refused`: remove an object that differs from the sent file.

        The response says whether the object was removed, or was already gone.

        Raises:
            BadRequestError: the report is malformed.
            ForeignKeyError: the key is not below the principal's prefix, or the principal had no
                valid credentials when the object was stored.
            UploadStandsError: the object equals the file, was confirmed by the page, has another
                ETag, or cannot be identified without an ETag.
            OssLostError: OSS does not answer; the client should try again.
            OssRefusedError: OSS refuses a request of the server.
            LedgerLostError: the database does not answer; the client should try again.
        """
        report = await read_body(request, RefusedUpload)
        check_own_key(report.key, principal.prefix)
        etag = (report.etag or "").strip('"')
        outcome = await self._refused.refuse(principal, report, etag)
        answer: RefusedOutcome = {"key": report.key, "outcome": outcome}
        return JSONResponse(answer)


def _why_it_stands(stored: Stored, report: Report, etag: str, receipt: Receipt | None) -> str:
    """Return the reason why an object cannot be refused; empty if the object can be refused."""
    if (stored.size, stored.crc64) == (report.size, report.crc64):
        return "intact"
    if etag and etag != stored.etag:
        return "other"
    same = receipt is not None and (receipt.size, receipt.crc64) == (stored.size, stored.crc64)
    return "confirmed" if receipt and same and receipt.source == "page" else ""
