"""Receipts: the page reports an upload, and the server verifies and records the stored object.

The server does not trust the report: it requests the object's metadata from OSS. The page cannot
read objects with its own credentials. If the answer to an upload's last request was lost, the page
learns from the receipt whether the object is stored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ossferry.clock import Clock, utc_text
from ossferry.errors import BadRequestError, NotStoredError, ReceiptMismatchError
from ossferry.hooks.calls import Hooks, uploaded
from ossferry.http.body import read_json
from ossferry.identity.object_keys import check_own_key
from ossferry.identity.owner import Owner
from ossferry.ledger import Database, people, receipts, refusals
from ossferry.ledger.receipts import Receipt
from ossferry.observability.metrics import Metrics
from ossferry.oss.objects import ObjectStore, Stored
from ossferry.settings.types import MAX_OBJECT_SIZE
from ossferry.uploads.quotas import Quotas

__all__ = [
    "CRC64",
    "REQUEST_ID",
    "ReceiptApi",
    "Recorder",
    "Report",
    "read_content",
    "read_report",
    "read_size",
    "stored_json",
]

MAX_REMEMBERED = 10_000
CRC64 = "0|[1-9][0-9]{0,19}"
REQUEST_ID = "[A-Za-z0-9-]{0,64}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A page's report about an upload.

    Attributes:
        size: size of the file in bytes.
        crc64: CRC-64/ECMA of the file as decimal text.
        request_id: id of the request that stored the object; empty if the answer was lost.
    """

    key: str
    size: int
    crc64: str
    request_id: str


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
        report = read_report(await read_json(request), owner.prefix)
        stored = await self._confirm(report)
        receipt = await self._recorder.record(
            owner, stored, source="page", request_id=report.request_id
        )
        return JSONResponse(
            stored_json(stored)
            | {
                "stored": True,
                "recorded_at": utc_text(receipt.recorded_at),
                "quota": await self._quotas.left(owner),
            }
        )

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


def read_report(document: dict[str, object], prefix: str) -> Report:
    """Return the page's report from a JSON document.

    Raises:
        BadRequestError: a field is missing or malformed.
        ForeignKeyError: the key is not below the prefix.
    """
    size, crc64 = read_content(document)
    request_id = document.get("request_id") or ""
    if not isinstance(request_id, str) or not re.fullmatch(REQUEST_ID, request_id):
        raise BadRequestError("request_id must be the request id of OSS, or null.")
    key = check_own_key(document.get("key"), prefix)
    return Report(key=key, size=size, crc64=crc64, request_id=request_id)


def read_content(document: dict[str, object]) -> tuple[int, str]:
    """Return the size and the CRC-64 of a file from a JSON document.

    Raises:
        BadRequestError: the size or the CRC-64 is missing or malformed.
    """
    size, crc64 = read_size(document), document.get("crc64")
    if not isinstance(crc64, str) or not re.fullmatch(CRC64, crc64):
        raise BadRequestError("crc64 must be a CRC-64 as decimal text.")
    return size, crc64


def read_size(document: Mapping[str, object]) -> int:
    """Return the size of a file in bytes from a JSON document.

    Raises:
        BadRequestError: the size is missing or malformed.
    """
    size = _whole(document.get("size"))
    if size is None or not 0 <= size <= MAX_OBJECT_SIZE:
        raise BadRequestError("size must be a number of bytes.")
    return size


def _whole(value: object) -> int | None:
    """Return a JSON number as an integer, or None if the value is not a whole number.

    JSON does not distinguish 5 from 5.0, so 5.0 is returned as 5.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def stored_json(stored: Stored) -> dict[str, object]:
    """Return the metadata of a stored object for clients, as a dictionary for JSON."""
    return {
        "key": stored.key,
        "size": stored.size,
        "crc64": stored.crc64,
        "etag": stored.etag,
        "last_modified": utc_text(stored.last_modified),
    }
