"""Receipts: the page reports an upload, and the server verifies and records the stored object.

The server does not trust the report: it requests the object's metadata from OSS. The page cannot
read objects with its own credentials. If the answer to an upload's last request was lost, the page
learns from the receipt whether the object is stored.
"""

from typing import Annotated, TypeAlias

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from ossferry.clock import Clock, utc_text
from ossferry.errors import NotStoredError, ReceiptMismatchError
from ossferry.hooks.calls import Hooks, uploaded
from ossferry.http.body import WHOLE, Body, Text, read_body
from ossferry.identity.object_keys import check_own_key
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, people, receipts, refusals
from ossferry.ledger.receipts import Receipt
from ossferry.observability.metrics import Metrics
from ossferry.oss.objects import ObjectStore, Stored
from ossferry.settings.types import MAX_OBJECT_SIZE
from ossferry.uploads.quotas import Left, Quotas

__all__ = [
    "Content",
    "Described",
    "ReceiptApi",
    "ReceiptJson",
    "Recorder",
    "Report",
    "Size",
    "stored_json",
]

MAX_REMEMBERED = 10_000
Size: TypeAlias = Annotated[int, Field(ge=0, le=MAX_OBJECT_SIZE), WHOLE]
RequestId: TypeAlias = Annotated[str, Field(pattern="^[A-Za-z0-9-]{0,64}$")]


class Content(Body):
    """The size in bytes and the CRC-64/ECMA of a file."""

    size: Size = Field(description="a number of bytes")
    crc64: str = Field(pattern="^(0|[1-9][0-9]{0,19})$", description="a CRC-64 as decimal text")


class Report(Content):
    """A page's report about an upload.

    Attributes:
        request_id: id of the request that stored the object; None if the answer was lost.
    """

    key: Text = Field(description="an object key, as it was uploaded")
    request_id: RequestId | None = Field(default=None, description="the request id of OSS, or null")


class Described(TypedDict):
    """The metadata of a stored object for clients."""

    key: str
    size: int
    crc64: str
    etag: str
    last_modified: str


class ReceiptJson(Described):
    """The answer of `POST /api/receipts`."""

    stored: bool
    recorded_at: str
    quota: Left | None


class Recorder:
    """Writes receipts, usage and hook events to the ledger in one transaction."""

    def __init__(
        self,
        database: Database,
        hooks: Hooks,
        quotas: Quotas,
        *,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._hooks = hooks
        self._quotas = quotas
        self._clock = clock
        self._remembered: set[str] = set()

    async def record(
        self, owner: Owner, stored: Stored, *, source: str, request_id: str = ""
    ) -> Receipt:
        """Record a stored object; recording the same object again changes nothing.

        Args:
            source: origin of the report: ``page``, ``form``, ``callback``, or ``found`` (by the
                server itself).

        Raises:
            NotStoredError: the page has refused this object.
            LedgerLostError: nothing was recorded; the reconciler will find the object in OSS.
        """
        now = self._clock()
        async with self._database.write() as connection:
            if owner.hash not in self._remembered:
                await people.remember(connection, owner, now)
            if source == "page":
                await refusals.forget(connection, stored.key)
            elif await refusals.of_objects(connection, [stored]):
                raise NotStoredError("The page has refused the object under this key.")
            receipt = await receipts.record(
                connection, owner, stored, source=source, request_id=request_id, now=now
            )
            if receipt.is_news and self._hooks.has_any:
                await self._hooks.announce(connection, uploaded(owner, stored, now))
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered.add(owner.hash)
        if receipt.is_news:
            self._metrics.recorded(source, stored.size)
            self._quotas.settle(owner, receipt.used)
            self._hooks.wake()
        return receipt


class ReceiptApi:
    """The endpoint `POST /api/receipts`, where the page reports uploads."""

    def __init__(self, store: ObjectStore, recorder: Recorder, quotas: Quotas) -> None:
        self._store = store
        self._recorder = recorder
        self._quotas = quotas

    async def create(self, request: Request, owner: Owner) -> Response:
        """Handle `POST /api/receipts`: verify and record the upload.

        The answer describes the stored object and contains the remaining quota.

        Raises:
            BadRequestError: the report is malformed.
            ForeignKeyError: the key is not below the principal's prefix.
            NotStoredError: there is no such object.
            ReceiptMismatchError: the stored object differs from the report.
            OssLostError: OSS does not answer.
            LedgerLostError: the upload cannot be recorded.
        """
        report = await read_body(request, Report)
        check_own_key(report.key, owner.prefix)
        stored = await self._confirm(report)
        receipt = await self._recorder.record(
            owner, stored, source="page", request_id=report.request_id or ""
        )
        answer: ReceiptJson = {
            **stored_json(stored),
            "stored": True,
            "recorded_at": utc_text(receipt.recorded_at),
            "quota": await self._quotas.left(owner),
        }
        return JSONResponse(answer)

    async def _confirm(self, report: Report) -> Stored:
        stored = await self._store.head(report.key)
        if stored is None:
            raise NotStoredError("OSS has no object under this key.")
        differs = [
            name for name in ("size", "crc64") if getattr(report, name) != getattr(stored, name)
        ]
        if differs:
            raise ReceiptMismatchError(differs=differs, stored=stored_json(stored))
        return stored


def stored_json(stored: Stored) -> Described:
    """Return the metadata of a stored object for clients, as a dictionary for JSON."""
    return {
        "key": stored.key,
        "size": stored.size,
        "crc64": stored.crc64,
        "etag": stored.etag,
        "last_modified": utc_text(stored.last_modified),
    }
