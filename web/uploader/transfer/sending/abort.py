"""Removing what OSS has of uploads in parts that are not to be finished."""

from uploader.oss import requests
from uploader.oss.errors import OSSError, Refused
from uploader.oss.replies import read_aborted
from uploader.transfer.errors import PartsLeft, ServerRefused, TransferError
from uploader.transfer.files import LostFile
from uploader.transfer.pacing.retry import backoff_s
from uploader.transfer.sending.parts import build_for, list_page
from uploader.transfer.upload import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.transfer.engine import Engine

__all__ = ["abort", "remove_orphan", "remove_orphans"]

GONE = "NoSuchUpload"
NO_UPLOAD = "no-upload"  # the same in a code of our server
MAX_ABORTS = 8


async def abort(upload: "Upload", engine: "Engine", *, crc64: str = "") -> None:
    """Remove the upload and its parts from OSS, and make sure of it.

    `crc64` is that of the object, if there is one that is this very file.

    Parts in flight when OSS aborts may be kept, so it is asked again until it knows nothing.

    Raises:
        OSSError, TransferError: it could not be removed.
        PartsLeft: OSS says that it was, and lists it all the same.
    """
    await _remove(upload, engine)
    await engine.journal.forget(upload.key, crc64)


async def remove_orphans(upload: "Upload", engine: "Engine") -> None:
    """Remove what begins whose answer was lost have left: uploads in parts that nobody knows.

    Nothing was sent into them, so whatever fails here may be left to the bucket's lifecycle rule.
    """
    try:
        for upload_id in await engine.ports.receipts.begun_empty(upload.key):
            if upload_id != upload.upload_id:
                await remove_orphan(upload.key, upload_id, engine)
        upload.progress.orphans_removed()
    except (OSSError, TransferError):
        return


async def remove_orphan(key: str, upload_id: str, engine: "Engine") -> None:
    """Remove an upload in parts that is none of this page's.

    Raises:
        OSSError, TransferError: it could not be removed.
    """
    orphan = Upload(LostFile(key, "", 0, 0), lambda _upload: None)
    orphan.target.assign(key)
    orphan.progress.continue_from(upload_id, 0)
    await _remove(orphan, engine)


async def _remove(upload: "Upload", engine: "Engine") -> None:
    if upload.upload_id and await engine.keeper.is_used_up():
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


async def _have_removed(upload: "Upload", engine: "Engine") -> None:
    """Leave it to our server, which can do it when we get no credentials for want of room."""
    try:
        await engine.ports.receipts.discard(upload.key, upload.upload_id)
    except ServerRefused as error:
        if error.code != NO_UPLOAD:
            raise
    upload.forget_parts()
