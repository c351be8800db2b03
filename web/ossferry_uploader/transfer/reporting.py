"""Report stored files, and objects that differ from their file, to the ossferry server.

The server records each stored file in its ledger, and deletes each object that differs from its
file. If the server accepts batches, one request reports many files. While files are being sent,
there is one request per second with few files, so that reports do not slow down the uploads. If the
server is not available, the report is repeated later. A report does not change the state of an
upload, because OSS has already confirmed the upload. The server also finds objects that no page has
reported.
"""

import asyncio

from ossferry_uploader.oss.errors import OSSError
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.pacing.retry import SERVER_UNAVAILABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.transfer.ports import Clock, Receipts
    from ossferry_uploader.transfer.target import RefusedObject
    from ossferry_uploader.transfer.upload import Upload

RETRY_S = 15.0
BETWEEN_S = 1.0  # while files are sent
RECEIPTS, BATCHES, REFUSALS = "receipts", "receipt-batches", "refusals"
MAX_BATCH = 200  # uploads in one request
BATCH_BETWEEN = 20  # while files are sent: the server asks OSS for each of them
NOT_YET = (401, 502)  # nobody is signed in, or the server cannot read from OSS
UNAVAILABLE = SERVER_UNAVAILABLE + (200,)  # 200: another program answered in its place


class Reporting:
    """Reports ended uploads to the ossferry server, if the server accepts reports.

    Args:
        can: `can(feature)` tells whether the server offers a feature, such as `receipts`.
        is_sending: returns true while uploads are being sent. Meanwhile there is at most one
            request with few reports in each second.
        counted: called with each upload after the server has answered its report, even if the
            server refused the report.
    """

    def __init__(
        self,
        receipts: "Receipts",
        clock: "Clock",
        can: "Callable[[str], object]",
        is_sending: "Callable[[], object]" = lambda: False,
        counted: "Callable[[Upload], None]" = lambda upload: None,
    ) -> None:
        self._receipts = receipts
        self._is_sending = is_sending
        self._counted = counted
        self._clock = clock
        self._can = can
        self._waiting: list[Upload] = []
        self._busy = False
        self._reported = asyncio.Event()  # set when no upload waits for its report any more
        self._refused: list[tuple[Upload, RefusedObject]] = []
        self._refuses = False

    def waiting(self) -> "list[Upload]":
        """Return the finished uploads that are not reported to the server yet."""
        return list(self._waiting)

    async def finish(self) -> None:
        """Wait until all finished uploads are reported to the server."""
        if self._busy:
            await self._reported.wait()

    def arrived(self, upload: "Upload") -> None:
        """Report an upload whose file is stored. The reports are sent in the order of the calls.

        The method does not wait for the report.
        """
        if upload.identical or not self._can(RECEIPTS):
            return
        self._waiting.append(upload)
        if not self._busy:
            self._busy = True
            self._reported.clear()
            asyncio.create_task(self._report())  # noqa: RUF006 - it ends by itself

    def refused(self, upload: "Upload") -> None:
        """Report an upload whose object differs from its file. The server then deletes the object.

        The method does not wait for the report.
        """
        if not upload.refused or not self._can(REFUSALS):
            return
        self._refused.append((upload, upload.refused))
        if not self._refuses:
            self._refuses = True
            asyncio.create_task(self._refuse())  # noqa: RUF006 - it ends by itself

    async def _refuse(self) -> None:
        while self._refused:
            upload, refused = self._refused[0]
            if not refused.etag and upload.refused is not refused:
                self._refused.pop(0)  # sent again; without an ETag the two objects look alike
                continue
            try:
                if not await self._receipts.refuse(refused):
                    file = refused.key, refused.size, refused.crc64
                    await self._receipts.confirm(file + (refused.request_id, upload.checks))
            except ServerRefused as error:
                if error.status in UNAVAILABLE + NOT_YET:
                    await self._clock.sleep(max(RETRY_S, error.retry_after_s or 0))
                    continue
            except OSSError:
                pass  # another object has replaced this object
            self._refused.pop(0)
        self._refuses = False

    async def _report(self) -> None:
        alone = 0  # uploads of a refused batch, which are reported one by one
        while self._waiting:
            batch = self._waiting[: 1 if alone else self._most()]
            try:
                if len(batch) > 1:
                    await self._receipts.confirm_all([upload.report for upload in batch])
                else:
                    await self._receipts.confirm(batch[0].report)
            except ServerRefused as error:
                if error.status in UNAVAILABLE:
                    await self._clock.sleep(RETRY_S)
                    continue
                if len(batch) > 1 and error.status not in NOT_YET:
                    alone = len(batch)
                    continue
            except OSSError:
                pass  # another object has this key; the server has recorded the difference
            alone = max(0, alone - 1)
            self._waiting = self._waiting[len(batch) :]
            for upload in batch:
                self._counted(upload)
            if self._is_sending():
                await self._clock.sleep(BETWEEN_S)
        self._busy = False
        self._reported.set()

    def _most(self) -> int:
        """Return the largest number of uploads that may be reported in one request now."""
        if not self._can(BATCHES):
            return 1
        return BATCH_BETWEEN if self._is_sending() else MAX_BATCH
