"""A prepared file becomes an object: in one request or in parts, and never over another one."""

from uploader.oss.errors import Corrupt, Refused
from uploader.transfer import states
from uploader.transfer.errors import KeyTaken, StreamSpent
from uploader.transfer.options import KEEP_BOTH
from uploader.transfer.plan import MAX_SINGLE_BYTES
from uploader.transfer.refused import UNANSWERED
from uploader.transfer.sending.abort import abort
from uploader.transfer.sending.multipart import send_multipart
from uploader.transfer.sending.prepare import prepare
from uploader.transfer.sending.settle import already_stored, is_stored
from uploader.transfer.sending.single import send_single
from uploader.transfer.sending.stream import Stream, send_stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.oss.replies import Stored
    from uploader.transfer.engine import Engine
    from uploader.transfer.upload import Upload

__all__ = ["TAKEN", "store"]

TAKEN = "FileAlreadyExists"


async def store(upload: "Upload", engine: "Engine") -> "Stored":
    """Send the file; a name that is taken by this very file counts as arrived.

    Raises:
        OSSError, TransferError: it did not arrive, or is not proved to be whole.
    """
    try:
        stored = await _send(upload, engine)
    except KeyTaken:
        return await _store_elsewhere(upload, engine)
    except Refused as error:
        if error.code != TAKEN:
            raise
        if upload.options.same_name == KEEP_BOTH:
            return await _settle(upload, engine)
        found = await already_stored(upload, engine)
        await _end(upload, engine, found)
        if not found:
            raise
        return found
    if upload.upload_id:
        if engine.awaits_receipt() and not upload.is_stream:
            engine.journal.tell_end(upload.key, stored.crc64)
        else:
            await engine.journal.forget(upload.key, stored.crc64)
    return stored


async def _send(upload: "Upload", engine: "Engine") -> "Stored":
    if isinstance(upload.file, Stream):
        stored = await send_stream(upload, upload.file, engine)
        if stored:
            return stored
    if upload.file.size <= MAX_SINGLE_BYTES and not upload.upload_id:
        return await send_single(upload, engine)
    return await send_multipart(upload, engine)


async def _settle(upload: "Upload", engine: "Engine") -> "Stored":
    """Find out what lies under the key of this file, which another page or device may have stored.

    If it is the file, it has arrived. Another one keeps its place until our server takes it away:
    nothing else than this file was sent under the key. If the server cannot say what lies there,
    the file replaces itself.
    """
    try:
        found = await is_stored(upload, engine)
    except Corrupt as error:
        if error.is_mismatch:
            upload.refuse(UNANSWERED, error.expected)
        return await _store_elsewhere(upload, engine)
    if found:
        await _end(upload, engine, found)
        return found
    upload.may_replace = True
    return await store(upload, engine)


async def _store_elsewhere(upload: "Upload", engine: "Engine") -> "Stored":
    """Send the file under another key: what lies under its own is another one, and whole."""
    await _end(upload, engine, None)
    if isinstance(upload.file, Stream):
        raise StreamSpent("another object has taken its place")
    await engine.journal.forget(upload.key)
    upload.forget_parts()
    upload.key = upload.kept_as = upload.folder_id = ""
    upload.careful = False
    if upload.state == states.VERIFYING:
        upload.go(states.UPLOADING)
    found: Stored | None = await engine.persist(upload, lambda: prepare(upload, engine))
    return found or await store(upload, engine)


async def _end(upload: "Upload", engine: "Engine", found: "Stored | None") -> None:
    """Remove what was sent in parts, if there is something; it is not needed any more."""
    if upload.upload_id:
        await abort(upload, engine, crc64=found.crc64 if found else "")
