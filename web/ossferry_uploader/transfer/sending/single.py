"""Sending a file in one request: PostObject, or PutObject if a form cannot be used."""

from ossferry_uploader.oss import requests
from ossferry_uploader.oss.errors import Corrupt
from ossferry_uploader.oss.replies import read_stored
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.errors import FileUnreadable
from ossferry_uploader.transfer.files import Piece
from ossferry_uploader.transfer.options import KEEP_BOTH
from ossferry_uploader.transfer.sending.checksum import PieceChecksum
from ossferry_uploader.transfer.sending.prepare import headers_of
from ossferry_uploader.transfer.sending.settle import check_is_checked
from ossferry_uploader.transfer.target import UNANSWERED, UNREADABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.replies import Stored
    from ossferry_uploader.oss.requests import Request
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.upload import Upload

__all__ = ["send_single"]


async def send_single(upload: "Upload", engine: "Engine") -> "Stored":
    """Send the file in one request, and compare the checksums. A damaged object is sent again.

    Raises:
        OSSError, TransferError: the file was not stored, or its checksum could not be confirmed.
    """
    if upload.refused and not upload.refused.etag:
        upload.target.replace_refused()
    piece = Piece(upload.file, 0, upload.file.size)
    is_encrypted = upload.target.cipher is not None
    checksum = PieceChecksum(
        piece, lambda piece: engine.crc64(upload, piece), is_encrypted=is_encrypted
    )

    has_begun = False

    def build(grant: "Grant", now_s: float) -> "Request":
        nonlocal has_begun
        checksum.start()
        is_first, has_begun = not has_begun, True
        return _request(upload, engine, grant, now_s, is_first=is_first)

    async def check(stored: "Stored") -> None:
        upload.progress.fly(1, upload.file.size)
        upload.go(states.VERIFYING)
        try:
            await checksum.check(stored)
            await check_is_checked(upload, engine, stored.crc64)
        except BaseException as error:
            if isinstance(error, (Corrupt, FileUnreadable)):
                crc64 = error.expected if isinstance(error, Corrupt) else UNREADABLE
                upload.target.refuse(stored, size=upload.file.size, crc64=crc64)
            if isinstance(error, Corrupt):
                upload.target.allow_replacing()
            upload.go(states.UPLOADING)
            raise
        upload.target.replace_refused()

    try:
        stored: Stored = await engine.request(
            upload,
            build,
            read_stored,
            body=piece,
            on_progress=lambda sent: upload.progress.fly(1, sent),
            check=check,
        )
    except FileUnreadable:
        if not upload.refused and _is_key_our_own(upload):
            # an unanswered request may have stored an object
            upload.target.refuse(UNANSWERED, size=upload.file.size, crc64=UNREADABLE)
        raise
    finally:
        checksum.cancel()
        engine.release(piece)
    return stored


def _request(
    upload: "Upload", engine: "Engine", grant: "Grant", now_s: float, *, is_first: bool
) -> "Request":
    """Return a PostObject request, or a PutObject request if a form cannot be used.

    Args:
        now_s: the present time by the server's clock, in seconds since 1970.
        is_first: whether this upload has built no request before. A form of a larger file has no
            progress; after an error, the file is sent with PutObject.
    """
    size, key = upload.file.size, upload.key
    headers = headers_of(upload, may_be_taken=upload.target.maybe_stored)
    limit = 0 if grant.form else engine.speed.traffic_limit
    rate = engine.rate_bytes_per_s if is_first else 0.0
    if not limit and engine.forms.fits(grant, size, key, headers, rate_bytes_per_s=rate):
        return engine.forms.request(grant, now_s, size, key, headers)
    return requests.put_object(
        grant.credentials, grant.bucket, key, at_s=now_s, headers=headers, traffic_limit=limit
    )


def _is_key_our_own(upload: "Upload") -> bool:
    """Return whether only this page can have stored an object under the upload's key."""
    return upload.options.same_name == KEEP_BOTH and not upload.target.maybe_stored
