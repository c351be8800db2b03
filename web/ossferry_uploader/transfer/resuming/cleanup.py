"""Remove the parts of cancelled uploads from OSS, with retries after errors."""

import asyncio

from ossferry_uploader.oss.errors import OSSError
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import TransferError
from ossferry_uploader.transfer.sending.client import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.oss.replies import Stored
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.upload import Upload

AGAIN_S = 30.0  # before the second try; each further wait is twice as long
MAX_CLEANINGS = 5  # then the next page removes the parts, or a lifecycle rule of the bucket


class Cleanup:
    """Removes the parts of uploads from OSS. Meanwhile these uploads must not be sent again.

    Args:
        ended: called with the upload after each attempt to remove its parts.
        settled: `settled(upload, stored)` is called after `ended`, if the upload is still
            cancelled. `stored` has the ETag, the CRC-64 and the request id of the object if the
            file was stored before the cancellation took effect; otherwise it is `None`.
    """

    def __init__(
        self,
        engine: "Engine",
        *,
        ended: "Callable[[Upload], None]",
        settled: "Callable[[Upload, Stored | None], None]",
    ) -> None:
        self._engine = engine
        self._ended = ended
        self._settled = settled
        self._uploads: list[Upload] = []

    def has(self, upload: "Upload") -> bool:
        """Return whether the parts of an upload are being removed from OSS now."""
        return upload in self._uploads

    def begin(self, upload: "Upload") -> None:
        """Start to remove the parts of an upload from OSS, without waiting for the end."""
        upload.record.is_abandoned = True
        if not self.has(upload):
            self._start(upload, 0)
        else:
            asyncio.create_task(self._note(upload))  # noqa: RUF006 - it ends by itself

    def _start(self, upload: "Upload", failures: int) -> None:
        self._uploads.append(upload)
        asyncio.create_task(self._clean(upload, failures))  # noqa: RUF006 - it ends by itself

    async def _note(self, upload: "Upload") -> None:
        """Write the record of an abandoned multipart upload.

        If this page is closed before the parts are removed, a later page removes them.
        """
        if upload.upload_id:
            await self._engine.journal.keep(upload)

    async def _clean(self, upload: "Upload", failures: int) -> None:
        oss = Client(self._engine, upload)
        stored: Stored | None = None
        refusal: Exception | None = None
        crc64 = upload.progress.combined_crc64() if upload.progress.is_complete() else None
        try:
            if upload.upload_id:
                await self._note(upload)
                await oss.abort()
            if upload.progress.unanswered_begins:
                await oss.abort_orphans()
            if upload.progress.all_sent and upload.state == states.CANCELLED:
                stored = await oss.already_stored(crc64)
        except (OSSError, TransferError) as error:
            refusal = error
        finally:
            self._uploads.remove(upload)
            self._ended(upload)
        if upload.upload_id and failures < MAX_CLEANINGS:
            asyncio.create_task(self._clean_later(upload, failures))  # noqa: RUF006 - it ends
        if upload.state == states.CANCELLED:  # nobody has retried the upload meanwhile
            upload.error = refusal
            self._settled(upload, stored)

    async def _clean_later(self, upload: "Upload", failures: int) -> None:
        await self._engine.ports.clock.sleep(AGAIN_S * 2**failures)
        is_over = upload.record.is_abandoned and upload.state in states.ENDED
        if is_over and upload.upload_id and not self.has(upload):
            self._start(upload, failures + 1)
