"""Send one prepared file in one request or in parts.

If another object has the upload's key, the file gets a new key.
"""

from ossferry_uploader.oss.errors import Corrupt, Refused
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import KeyTaken, StreamSpent
from ossferry_uploader.transfer.options import KEEP_BOTH
from ossferry_uploader.transfer.sending.client import GONE, Client
from ossferry_uploader.transfer.sending.multipart import send_multipart
from ossferry_uploader.transfer.sending.prepare import prepare
from ossferry_uploader.transfer.sending.stream import Stream, send_stream
from ossferry_uploader.transfer.target import UNANSWERED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.replies import Stored

TAKEN = "FileAlreadyExists"
MAX_RESTARTS = 3


async def send(oss: "Client") -> "Stored":
    """Send the file of a prepared upload.

    If another object has the upload's random key, the file gets a new key and is sent again. If the
    object with the key is identical to the file, nothing is sent again.

    Args:
        oss: the client of the upload.

    Returns:
        ETag, CRC-64 and request id of the object.

    Raises:
        OSSError, TransferError: the file was not stored, or its checksum could not be confirmed.
    """
    restarts = 0
    while True:
        try:
            return await _send_once(oss)
        except KeyTaken:
            stored = await _prepare_again(oss)
        except Refused as error:
            restarts += 1
            if error.code == TAKEN:
                stored = await _settle(oss, error)
            elif error.code == GONE and not oss.upload.upload_id and restarts <= MAX_RESTARTS:
                stored = (await prepare(oss)).stored  # another tab may send the file meanwhile
            else:
                raise
        if stored:
            await oss.check_is_checked(stored.crc64)
            return stored


async def _send_once(oss: "Client") -> "Stored":
    upload = oss.upload
    if isinstance(upload.file, Stream):
        stored = await send_stream(oss, upload.file)
        if stored:
            return stored
    if upload.is_single and not upload.upload_id:
        return await oss.put()
    return await send_multipart(oss)


async def _settle(oss: "Client", refusal: Refused) -> "Stored | None":
    """Compare the file with the object that already has this upload's key.

    - If the object is identical to the file, the upload is complete.
    - If the object differs, and the key is random, the file gets a new key, and the server is asked
      to delete the object. An object of an earlier page stays: it may be of another file of the
      same name, size and time.
    - If the server does not find the object, the upload keeps the key.

    Returns:
        The `Stored` data of the object; `None` if the file has to be sent again.

    Raises:
        Refused: the key is the name of the file, and the object differs; the error is `refusal`.
    """
    target = oss.upload.target
    if oss.upload.options.same_name != KEEP_BOTH:
        stored = await oss.already_stored()
        await _remove_parts(oss)
        if not stored:
            raise refusal
        return stored
    try:
        stored = await oss.confirm()
    except Corrupt as error:
        if error.is_mismatch and not target.maybe_stored:  # else perhaps of another file
            target.refuse(UNANSWERED, size=oss.upload.file.size, crc64=error.expected)
        return await _prepare_again(oss)
    if stored:
        await _remove_parts(oss)
    else:
        target.may_replace = True
    return stored


async def _prepare_again(oss: "Client") -> "Stored | None":
    """Give the file a new key, because another object has the present key.

    Returns:
        The `Stored` data of the object, if another tab has sent the file meanwhile; otherwise
        `None`.

    Raises:
        StreamSpent: the file is a stream, which cannot be sent again.
    """
    upload = oss.upload
    await _remove_parts(oss)
    if isinstance(upload.file, Stream):
        raise StreamSpent("another object has taken its place")
    await oss.engine.journal.remove(upload)
    upload.clear_parts()
    upload.target.restart()
    upload.record.name = ""
    if upload.state == states.VERIFYING:
        upload.go(states.UPLOADING)
    return (await prepare(oss)).stored


async def _remove_parts(oss: "Client") -> None:
    """Abort the multipart upload, if there is one."""
    if oss.upload.upload_id:
        await oss.abort()
