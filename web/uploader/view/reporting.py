"""Tells our server of what has arrived, so that it is in the ledger; one file after the other.
And of what OSS has stored that is not the file, so that it is taken away.

While files are on their way, reports leave them processor and line: a few go each second, the rest
when all have arrived. A server that is away is asked again later. Nothing here changes an upload:
OSS has confirmed it already, and the server finds by itself what it was never told of.
"""

import asyncio

from uploader.oss.errors import OSSError
from uploader.transfer.errors import ServerRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uploader.transfer.ports import Clock, Receipts
    from uploader.transfer.sending.refused import RefusedObject
    from uploader.transfer.upload import Upload
    from uploader.view.grant_model import GrantModel

__all__ = ["FEATURE", "Reporting"]

AGAIN_S = 15.0
BETWEEN_S = 1.0  # while files are sent
FEATURE, REFUSALS = "receipts", "refusals"
LATER = (401, 502)  # once a person has signed in again, or OSS lets the server look
AWAY = (0, 200, 429, 503, 504)  # 200 has come with something else than an answer


class Reporting:
    """Reports each upload once it is done, if the server takes reports.

    `is_sending()` tells whether other uploads are on their way; `counted(upload)` is called when
    the server knows of one.
    """

    def __init__(
        self,
        receipts: "Receipts",
        clock: "Clock",
        grant: "GrantModel",
        is_sending: "Callable[[], object]" = lambda: False,
        counted: "Callable[[Upload], None]" = lambda upload: None,
    ) -> None:
        self._receipts = receipts
        self._is_sending = is_sending
        self._counted = counted
        self._clock = clock
        self._grant = grant
        self._waiting: list[Upload] = []
        self._busy = False
        self._refused: list[tuple[Upload, RefusedObject]] = []
        self._refuses = False

    def waiting(self) -> "list[Upload]":
        """Return what has arrived and is not reported yet."""
        return list(self._waiting)

    def arrived(self, upload: "Upload") -> None:
        """Report an upload that is done, when those before it are reported."""
        if upload.identical or not self._grant.can(FEATURE):
            return
        self._waiting.append(upload)
        if not self._busy:
            self._busy = True
            asyncio.create_task(self._report())  # noqa: RUF006 - it ends by itself

    def refused(self, upload: "Upload") -> None:
        """Have the server take away what OSS has instead of the file, if it takes such reports."""
        if not upload.refused or not self._grant.can(REFUSALS):
            return
        self._refused.append((upload, upload.refused))
        if not self._refuses:
            self._refuses = True
            asyncio.create_task(self._refuse())  # noqa: RUF006 - it ends by itself

    async def _refuse(self) -> None:
        while self._refused:
            upload, each = self._refused[0]
            if not each.etag and upload.refused is not each:
                self._refused.pop(0)  # sent again, and nothing tells the objects apart
                continue
            try:
                if not await self._receipts.refuse(each):
                    await self._receipts.confirm(
                        key=each.key, size=each.size, crc64=each.crc64, request_id=each.request_id
                    )
            except ServerRefused as error:
                if error.status in AWAY + LATER:
                    await self._clock.sleep(max(AGAIN_S, error.retry_after_s or 0))
                    continue
            except OSSError:
                pass  # it has become another one meanwhile
            self._refused.pop(0)
        self._refuses = False

    async def _report(self) -> None:
        while self._waiting:
            upload = self._waiting[0]
            try:
                await self._receipts.confirm(
                    key=upload.key,
                    size=upload.file.size,
                    crc64=upload.crc64,
                    request_id=upload.request_id,
                )
            except ServerRefused as error:
                if error.status in AWAY:
                    await self._clock.sleep(AGAIN_S)
                    continue
            except OSSError:
                pass  # another object lies there; the server has noted the difference
            self._waiting.pop(0)
            self._counted(upload)
            if self._is_sending():
                await self._clock.sleep(BETWEEN_S)
        self._busy = False
