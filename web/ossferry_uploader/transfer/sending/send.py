"""Sending one prepared file in one request or in parts.

If another object has the key, the file gets a new key.
"""

from ossferry_uploader.oss.errors import Corrupt, Refused
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import KeyTaken, StreamSpent
from ossferry_uploader.transfer.options import KEEP_BOTH
from ossferry_uploader.transfer.sending.abort import abort
from ossferry_uploader.transfer.sending.multipart import send_multipart
from ossferry_uploader.transfer.sending.prepare import prepare
from ossferry_uploader.transfer.sending.settle import already_stored, check_is_checked, is_stored
from ossferry_uploader.transfer.sending.single import send_single
from ossferry_uploader.transfer.sending.stream import Stream, send_stream
from ossferry_uploader.transfer.target import UNANSWERED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.replies import Stored
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.upload import Upload

__all__ = ["TAKEN", "send"]

TAKEN = "FileAlreadyExists"


async def send(upload: "Upload", engine: "Engine") -> "Stored":
    """Send the file of an upload.

    If another object has the upload's random key, the file gets a new key and is sent again. If the
    object under the key is identical to the file, the upload is complete.

    Returns:
        The `Stored` data of the object.

    Raises:
        OSSError, TransferError: the file was not stored, or its checksum could not be confirmed.
    """
    while True:
        try:
            return await _send_once(upload, engine)
        except KeyTaken:
            found = await _prepare_again(upload, engine)
        except Refused as error:
            if error.code != TAKEN:
                raise
            if upload.options.same_name == KEEP_BOTH:
                found = await _settle(upload, engine)
            else:
                found = await already_stored(upload, engine)
                await _remove_parts(upload, engine)
                if not found:
                    raise
        if found:
            await check_is_checked(upload, engine, found.crc64)
            return found


async def _send_once(upload: "Upload", engine: "Engine") -> "Stored":
    if isinstance(upload.file, Stream):
        stored = await send_stream(upload, upload.file, engine)
        if stored:
            return stored
    if upload.is_single and not upload.upload_id:
        return await send_single(upload, engine)
    return await send_multipart(upload, engine)


async def _settle(upload: "Upload", engine: "Engine") -> "Stored | None":
    """Compare the file with the object that already has this upload's random key.

    - If the object is identical to the file, the upload is complete.
    - If the object differs, the file gets a new key, and the server is asked to delete the object.
      An object of an earlier page stays: it may be of another file of the same name, size and time.
    - If the server does not find the object, the upload keeps the key.

    Returns:
        The `Stored` data of the object; `None` if the file has to be sent again.
    """
    try:
        found = await is_stored(upload, engine)
    except Corrupt as error:
        if error.is_mismatch and not upload.target.maybe_stored:  # else perhaps of another file
            upload.target.refuse(UNANSWERED, size=upload.file.size, crc64=error.expected)
        return await _prepare_again(upload, engine)
    if found:
        await _remove_parts(upload, engine)
    else:
        upload.target.allow_replacing()
    return found


async def _prepare_again(upload: "Upload", engine: "Engine") -> "Stored | None":
    """Give the file a new key, because another object has the present key.

    Returns:
        The `Stored` data of the object, if another tab has sent the file meanwhile; otherwise
        `None`.

    Raises:
        StreamSpent: the file is a stream, which cannot be sent again.
    """
    await _remove_parts(upload, engine)
    if isinstance(upload.file, Stream):
        raise StreamSpent("another object has taken its place")
    await engine.journal.forget(upload)
    upload.forget_parts()
    upload.target.restart()
    upload.record.save_as("")
    if upload.state == states.VERIFYING:
        upload.go(states.UPLOADING)
    return await prepare(upload, engine)


async def _remove_parts(upload: "Upload", engine: "Engine") -> None:
    """Abort the multipart upload, if there is one."""
    if upload.upload_id:
        await abort(upload, engine)
