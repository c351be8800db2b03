"""Aborting multipart uploads that will not be completed."""

from ossferry_uploader.oss import requests
from ossferry_uploader.oss.errors import OSSError, Refused
from ossferry_uploader.oss.replies import read_aborted
from ossferry_uploader.transfer.errors import PartsLeft, ServerRefused, TransferError
from ossferry_uploader.transfer.files import LostFile
from ossferry_uploader.transfer.pacing.retry import backoff_s
from ossferry_uploader.transfer.sending.parts import build_for, list_page
from ossferry_uploader.transfer.upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.engine import Engine

__all__ = ["abort", "remove_orphan", "remove_orphans"]

GONE = "NoSuchUpload"
MAX_ABORTS = 8


async def abort(upload: "Upload", engine: "Engine") -> None:
    """Abort a multipart upload, then remove the record of the upload.

    OSS may keep parts that were in flight during the abort. So the function repeats the abort until
    OSS answers that the multipart upload does not exist.

    Raises:
        OSSError, TransferError: the multipart upload could not be aborted.
        PartsLeft: OSS confirmed each abort, but still lists the multipart upload.
    """
    await _remove(upload, engine)
    await engine.journal.forget(upload)


async def remove_orphans(upload: "Upload", engine: "Engine") -> None:
    """Abort unused multipart uploads without parts under the upload's key.

    An InitiateMultipartUpload request without an answer may have created such a multipart upload.
    If the abort fails, the bucket's lifecycle rule removes the multipart upload later.
    """
    try:
        for upload_id in await engine.ports.receipts.begun_empty(upload.key):
            if upload_id != upload.upload_id:
                await remove_orphan(upload.key, upload_id, engine)
        upload.progress.orphans_removed()
    except (OSSError, TransferError):
        return


async def remove_orphan(key: str, upload_id: str, engine: "Engine") -> None:
    """Abort a multipart upload that does not belong to an upload of this page.

    Raises:
        OSSError, TransferError: the multipart upload could not be aborted.
    """
    orphan = Upload(LostFile(key, "", 0, 0), lambda _upload: None)
    orphan.target.assign(key)
    orphan.progress.continue_from(upload_id, 0)
    await _remove(orphan, engine)


async def _remove(upload: "Upload", engine: "Engine") -> None:
    if upload.upload_id and await _has_no_credentials(engine):
        await _have_removed(upload, engine)
        return
    tries = 0
    while upload.upload_id:
        if tries >= MAX_ABORTS:
            raise PartsLeft(f"{upload.upload_id} of {upload.key}")
        if tries:
            await engine.ports.clock.sleep(backoff_s(tries, engine.ports.random.unit()))
        tries += 1
        await engine.request(
            upload, build_for(requests.abort_multipart_upload, upload), read_aborted
        )
        try:
            await list_page(upload, engine, 0)
        except Refused as error:
            if error.code != GONE:
                raise
            upload.forget_parts()


async def _has_no_credentials(engine: "Engine") -> bool:
    return await engine.keeper.is_used_up() or engine.keeper.has_form()


async def _have_removed(upload: "Upload", engine: "Engine") -> None:
    """Ask the server to abort a multipart upload.

    Use this function if the page has no credentials: the quota is used up, or the server gives only
    a form. A server without access to objects cannot abort; the bucket's lifecycle rule removes the
    parts later.
    """
    try:
        await engine.ports.receipts.discard(upload.key, upload.upload_id)
    except ServerRefused as error:
        if not error.is_not_offered:  # also the answer if OSS does not have the upload any more
            raise
    upload.forget_parts()
