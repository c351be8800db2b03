"""Receipts: the page reports an upload, and the server verifies and records the stored object.

The server does not trust the report: it requests the object's metadata from OSS. The page needs the
receipt if the response to the last request of an upload was lost: the page cannot read objects with
its own credentials, and the receipt says whether the object is stored.

A batch reports up to 200 uploads in one request. The server records them in one transaction.

A report can have a claim: what the page says about the checks that it ran before the upload. A
client can lie, and the server cannot verify a claim. The server checks only the format, and stores
the claim in the receipt. For proof, run the same checks with `ossferry check`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated, Any, NotRequired, TypeAlias, cast

from pydantic import AfterValidator, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.access.rate_limits import Rates
from ossferry.clock import Clock, utc_text
from ossferry.errors import NotStoredError, ReceiptMismatchError, RefusedError, TooManyFilesError
from ossferry.hooks.calls import Hooks, uploaded
from ossferry.http.body import WHOLE, Body, Text, read_body
from ossferry.identity.object_keys import check_own_key, shown_path
from ossferry.identity.owner import Owner
from ossferry.ledger import AsyncConnection, Database, file_requests, holds, people, refusals
from ossferry.ledger.receipts import LISTED, Claim, Outcome, Receipt
from ossferry.ledger.refusals import Refusal
from ossferry.observability.metrics import Metrics
from ossferry.oss.objects import ObjectStore, Stored, existing
from ossferry.settings.types import MAX_OBJECT_SIZE
from ossferry.uploads.details import Details, validated
from ossferry.uploads.quotas import Left, Quotas

MAX_REMEMBERED = 10_000
MAX_BATCH = 200
CONCURRENT_HEADS = 16
"""How many objects of all batches the server requests from OSS at the same time.

This is less than the server's limit for all calls to OSS, so batches do not block other requests.
"""

MAX_CHECKS = 50
MAX_BYTES = 8000
"""The longest claim, as JSON in UTF-8. With its claim, a report fits into a body of 16 KB."""

Size: TypeAlias = Annotated[int, Field(ge=0, le=MAX_OBJECT_SIZE), WHOLE]
RequestId: TypeAlias = Annotated[str, Field(pattern="^[A-Za-z0-9-]{0,64}$")]


class RanCheck(TypedDict):
    """The result of one check in the browser, as reported by the page.

    Attributes:
        check: the name of the check.
        outcome: one of these words.
            `passed`: the check had no objection.
            `noted`: the check added metadata to the upload.
            `changed`: the check changed the file.
            `undone`: the check changed the file, and the person who uploads it chose the original.
            `asks`: the check had a question, and the person agreed to the upload.
            `rejected`: the check rejected the file.
            `error`: the check did not work.
        says: the message of the check, in the language of this person; may be empty.
    """

    check: Annotated[Text, Field(min_length=1, max_length=100)]
    outcome: Outcome
    says: Annotated[Text, Field(max_length=500)]


class CheckClaim(TypedDict):
    """The page's claim that it ran these checks in the browser, which the server cannot verify.

    Attributes:
        version: the hash of the operator's file `checks.py`; empty if only built-in checks ran.
        ran: the checks, in the order in which they ran.
    """

    version: Annotated[str, Field(pattern="^(sha256-[A-Za-z0-9+/=_-]{1,100})?$")]
    ran: Annotated[list[RanCheck], Field(min_length=1, max_length=MAX_CHECKS)]


def _short(checks: CheckClaim) -> CheckClaim:
    if len(json.dumps(checks, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_BYTES:
        raise ValueError(f"longer than {MAX_BYTES} bytes")
    return checks


ClaimedChecks: TypeAlias = Annotated[CheckClaim, AfterValidator(_short)]
"""The type of a claim in the body of a request."""


def claimed(checks: Claim | None) -> CheckClaim | None:
    """Convert the JSON of a claim, as stored in the ledger, to a `CheckClaim`; None stays None.

    Only the type changes: the JSON was validated before it was stored.
    """
    return cast("CheckClaim | None", checks)


class Content(Body):
    """The size in bytes and the CRC-64/ECMA of a file, as fields of a request body."""

    size: Size = Field(description="a number of bytes")
    crc64: str = Field(pattern="^(0|[1-9][0-9]{0,19})$", description="a CRC-64 as decimal text")


class Report(Content):
    """A page's report about one upload, as a JSON object in a request.

    Attributes:
        request_id: id of the request that stored the object; None if the response was lost.
        checks: the page's unverified claim about the checks that it ran; None if no check ran.
    """

    key: Text = Field(description="an object key, as it was uploaded")
    request_id: RequestId | None = Field(default=None, description="the request id of OSS, or null")
    checks: ClaimedChecks | None = Field(
        default=None,
        description="null, or the claim of the page about the checks that it ran: an object of at"
        f" most {MAX_BYTES} bytes with version and ran",
    )


class Batch(Body):
    """The JSON body of `POST /api/receipts/batch`: a page's reports about several uploads."""

    reports: list[Report] = Field(
        min_length=1, max_length=MAX_BATCH, description=f"an array of 1 to {MAX_BATCH} reports"
    )


class Described(TypedDict):
    """The metadata of a stored object in a JSON response."""

    key: str
    size: int
    crc64: str
    etag: str
    last_modified: str


class Recorded(Described):
    """The receipt of an upload in a JSON response.

    Attributes:
        stored: always True.
        name, folder: file name and folders, which the principal can change.
        held: whether nobody can list, read or share the upload yet, because the server has not
            checked it.
        metadata: a mapping from names to values of the upload's headers `x-oss-meta-*`. The names
            are without `x-oss-meta-`.
        checks: the page's claim about the checks that it ran, which the server cannot verify; null
            without checks.
        details, details_errors: as in `Validated`.
    """

    stored: bool
    name: str
    folder: str
    held: bool
    recorded_at: str
    metadata: dict[str, str]
    checks: CheckClaim | None
    details: dict[str, Any] | None
    details_errors: list[str]


class ReceiptJson(Recorded):
    """The JSON response of `POST /api/receipts`: the receipt and the remaining quota."""

    quota: Left | None


class NotRecorded(TypedDict):
    """The result for a reported upload that the server did not record, in the response to a batch.

    Attributes:
        stored: always False.
        code: `not-stored` if OSS has no such object; `receipt-mismatch` if it differs;
            `too-many-files` if a guest may send no more files, and the object will be removed.
        detail: the reason as a sentence.
        differs: names of the fields that differ; only with `receipt-mismatch`.
        found: the object in OSS; only with `receipt-mismatch`.
    """

    key: str
    stored: bool
    code: str
    detail: str
    differs: NotRequired[list[str]]
    found: NotRequired[Described]


class ReceiptsJson(TypedDict):
    """The JSON response of `POST /api/receipts/batch`.

    Attributes:
        receipts: a receipt or the reason of a failure for each report, in the order of the reports.
        quota: the principal's remaining quota; null if there is no limit.
    """

    receipts: list[Recorded | NotRecorded]
    quota: Left | None


@dataclass(slots=True, eq=False, repr=False)
class Recorder:
    """Writes receipts, usage and hook events to the ledger in one transaction.

    A held object gets a row of its own in the ledger in place of a receipt, and no event.

    Attributes:
        remove_replaced: deletes the uploads that new ones have replaced; set by `Trash`.
    """

    database: Database
    hooks: Hooks
    quotas: Quotas
    _: KW_ONLY
    details: Details | None = None
    metrics: Metrics
    clock: Clock
    remove_replaced: Callable[[Owner], Awaitable[object]] = field(init=False)
    _remembered: set[str] = field(init=False, default_factory=set)

    async def record(
        self,
        owner: Owner,
        stored: Stored,
        *,
        source: str,
        request_id: str = "",
        checks: Claim | None = None,
    ) -> Receipt:
        """Record one stored object, and return its receipt.

        If the object is already recorded, nothing changes, except that `checks` are added to a
        receipt without them.

        Args:
            source: origin of the report: `page`, `form`, `callback`, `found` (no report: the server
                requested the object's metadata itself), or the constant `LISTED` (the server has
                only seen the object in a list; hooks get no event).
            request_id: id of the request that stored the object; empty if unknown.
            checks: the page's claim about the checks that it ran; None if there is none.

        Raises:
            NotStoredError: the page has refused this object, and `source` is not `page`. With the
                source `page`, the refusal is cancelled.
            TooManyFilesError: a guest has stored more files than the file request allows; the
                object is recorded as refused.
            LedgerLostError: nothing was recorded; the reconciler will find the object in OSS.
        """
        found = await self.record_all(
            owner, [(stored, request_id)], source=source, checks={stored.key: checks}
        )
        if not found:
            raise TooManyFilesError
        return found[0]

    async def record_all(
        self,
        owner: Owner,
        uploads: Collection[tuple[Stored, str]],
        *,
        source: str,
        checks: Mapping[str, Claim | None] | None = None,
    ) -> Sequence[Receipt]:
        """Record stored objects, and return their receipts.

        If an object is already recorded, nothing changes, except that `checks` are added to a
        receipt without them.

        Args:
            uploads: each stored object, with the id of the request that stored it; the id may be
                empty. Every key occurs once.
            source: origin of the report, as for `record`.
            checks: claims of the page about its checks, by object key; some may be missing.

        Returns:
            The receipts, sorted by object key, without those of files above the number that a file
            request allows a guest: these objects are recorded as refused.

        Raises:
            NotStoredError: the page has refused one of these objects, and `source` is not `page`;
                nothing was recorded. With the source `page`, the refusals are cancelled.
            LedgerLostError: nothing was recorded; the reconciler will find the objects in OSS.
        """
        if not uploads:
            return []
        uploads = self._described(uploads) if source != LISTED else uploads
        now, owner = self.clock(), owner.whole
        by_key = {stored.key: stored for stored, _ in uploads}
        async with self.database.write() as connection:
            if owner.hash not in self._remembered:
                await people.remember(connection, owner, now)
            if source == "page":
                await refusals.forget(connection, sorted(by_key))
            elif await refusals.of_objects(connection, by_key.values()):
                raise NotStoredError("The page has refused the object under this key.")
            kept = await _admitted(connection, owner, uploads, now)
            record = partial(holds.record_all, source=source, now=now, checks=checks)
            found: Sequence[Receipt] = await record(connection, owner, kept) if kept else ()
            news = [receipt for receipt in found if receipt.is_news]
            if self.hooks.has_any and source != LISTED:
                for each in (each for each in news if not each.is_held):
                    event = uploaded(owner, by_key[each.key], now, checks=each.checks)
                    await self.hooks.announce(connection, event)
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered.add(owner.hash)
        for receipt in news:
            self.metrics.recorded(source, receipt.size)
        if news:
            await self._settle(owner, news, by_key)
        return sorted(found, key=lambda receipt: receipt.key)

    async def _settle(
        self, owner: Owner, news: Sequence[Receipt], by_key: Mapping[str, Stored]
    ) -> None:
        self.quotas.settle(owner, news[-1].used)
        self.hooks.wake()
        if any(not each.is_held and holds.REPLACES in by_key[each.key].metadata for each in news):
            await self.remove_replaced(owner)

    def _described(self, uploads: Collection[tuple[Stored, str]]) -> Collection[tuple[Stored, str]]:
        details = self.details
        return [(details.read(each), id_) for each, id_ in uploads] if details else uploads


async def _admitted(
    connection: AsyncConnection,
    owner: Owner,
    uploads: Collection[tuple[Stored, str]],
    now: datetime,
) -> Sequence[tuple[Stored, str]]:
    """Return the uploads without those above the number of files that their guest may send.

    These are recorded as refused, and the reconciler removes them.
    """
    above = await file_requests.count(connection, owner, [stored for stored, _ in uploads], now)
    for stored, request_id in uploads:
        if stored.key in above:
            refusal = Refusal(size=stored.size, crc64=stored.crc64, request_id=request_id)
            await refusals.add(connection, owner, stored, refusal, now=now)
    return [each for each in uploads if each[0].key not in above]


class ReceiptApi:
    """The handlers of `POST /api/receipts` and `POST /api/receipts/batch`."""

    def __init__(
        self, store: ObjectStore, recorder: Recorder, quotas: Quotas, rates: Rates
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._quotas = quotas
        self._rates = rates
        self._turns = asyncio.Semaphore(CONCURRENT_HEADS)

    async def create(self, request: Request, principal: Owner) -> Response:
        """Handle `POST /api/receipts`: verify and record an upload that the page reports.

        The response contains the receipt and the remaining quota.

        Raises:
            BadRequestError: the report is malformed.
            ForeignKeyError: the key is not below the principal's prefix.
            NotStoredError: there is no such object.
            ReceiptMismatchError: the stored object differs from the report.
            TooManyFilesError: a guest has stored too many files; the object will be removed.
            OssLostError: OSS does not answer.
            LedgerLostError: the upload cannot be recorded.
        """
        report = await read_body(request, Report)
        check_own_key(report.key, principal.prefix)
        stored = _confirmed(report, await self._store.head(report.key))
        receipt = await self._recorder.record(
            principal,
            stored,
            source="page",
            request_id=report.request_id or "",
            checks=report.checks,
        )
        answer: ReceiptJson = {
            **_recorded(stored, receipt),
            "quota": await self._quotas.left(principal),
        }
        return JSONResponse(answer)

    async def create_all(self, request: Request, principal: Owner) -> Response:
        """Handle `POST /api/receipts/batch`: verify and record up to 200 reported uploads.

        The response contains a result for each report, in the same order, and the remaining quota.
        A result is a receipt, or the reason why the upload was not recorded: OSS has no such
        object, or one with another size or checksum. The other uploads are recorded anyway.

        Raises:
            BadRequestError: a report is malformed, or there are no reports or too many.
            ForeignKeyError: a key is not below the principal's prefix.
            TooManyError: the principal sent too many reports.
            OssLostError: OSS does not answer; nothing was recorded.
            LedgerLostError: the uploads cannot be recorded.
        """
        reports = (await read_body(request, Batch)).reports
        for report in reports:
            check_own_key(report.key, principal.prefix)
        await self._rates.count("reports", principal.counter, cost=len(reports))
        found = await self._heads(report.key for report in reports)
        outcomes = [_outcome(report, found[report.key]) for report in reports]
        uploads = {
            outcome.key: (outcome, report.request_id or "")
            for report, outcome in zip(reports, outcomes, strict=True)
            if isinstance(outcome, Stored)
        }
        recorded = await self._recorder.record_all(
            principal,
            uploads.values(),
            source="page",
            checks={report.key: report.checks for report in reports},
        )
        receipts_by_key = {receipt.key: receipt for receipt in recorded}
        answer: ReceiptsJson = {
            "receipts": [
                _listed(each, receipts_by_key.get(each.key)) if isinstance(each, Stored) else each
                for each in outcomes
            ],
            "quota": await self._quotas.left(principal),
        }
        return JSONResponse(answer)

    async def _heads(self, keys: Iterable[str]) -> Mapping[str, Stored | None]:
        """Return the objects under several keys, or None for each key without an object."""
        found: dict[str, Stored | None] = {}
        waiting = iter(dict.fromkeys(keys))

        async def work() -> None:
            for key in waiting:
                async with self._turns:
                    found[key] = await self._store.head(key)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(CONCURRENT_HEADS):
                    group.create_task(work())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return found


def _confirmed(report: Report, stored: Stored | None) -> Stored:
    """Return the object that a page has reported.

    Raises:
        NotStoredError: there is no such object.
        ReceiptMismatchError: the stored object differs from the report.
    """
    stored = existing(stored)
    differs = [name for name in ("size", "crc64") if getattr(report, name) != getattr(stored, name)]
    if differs:
        raise ReceiptMismatchError(differs=differs, stored=stored_json(stored))
    return stored


def _outcome(report: Report, stored: Stored | None) -> Stored | NotRecorded:
    """Return the object that a page has reported, or why the upload is not recorded."""
    try:
        return _confirmed(report, stored)
    except (NotStoredError, ReceiptMismatchError) as error:
        refused = _not_recorded(report.key, error)
        if isinstance(error, ReceiptMismatchError) and stored is not None:
            refused["differs"] = error.differs
            refused["found"] = stored_json(stored)
        return refused


def _not_recorded(key: str, error: RefusedError) -> NotRecorded:
    return {"key": key, "stored": False, "code": error.code, "detail": str(error)}


def _listed(stored: Stored, receipt: Receipt | None) -> Recorded | NotRecorded:
    """Return a result of a batch; without a receipt, a guest has stored too many files."""
    return _recorded(stored, receipt) if receipt else _not_recorded(stored.key, TooManyFilesError())


def _recorded(stored: Stored, receipt: Receipt) -> Recorded:
    folder, name = shown_path(stored.key, receipt.renamed_to)
    return {
        **stored_json(stored),
        "stored": True,
        "name": name,
        "folder": folder,
        "held": receipt.is_held,
        "recorded_at": utc_text(receipt.recorded_at),
        "metadata": dict(stored.metadata),
        "checks": claimed(receipt.checks),
        **validated(receipt.details),
    }


def stored_json(stored: Stored) -> Described:
    """Return the metadata of a stored object as JSON data."""
    return {
        "key": stored.key,
        "size": stored.size,
        "crc64": stored.crc64,
        "etag": stored.etag,
        "last_modified": utc_text(stored.last_modified),
    }
