"""Finding out whether a file is stored, after an answer of OSS was lost or unexpected.

The page's credentials can only add objects. So the page asks the server, and the server reads the
object.
"""

from ossferry_uploader.oss.errors import Corrupt
from ossferry_uploader.transfer.errors import FileUnreadable, ServerRefused
from ossferry_uploader.transfer.files import Piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.replies import Stored
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.upload import Upload

__all__ = ["already_stored", "check_is_checked", "is_checked", "is_stored"]


async def is_stored(
    upload: "Upload", engine: "Engine", *, crc64: "int | None" = None
) -> "Stored | None":
    """Ask the server whether this file is stored under the upload's key.

    Args:
        crc64: the CRC-64 of the file; `None` if unknown.

    Returns:
        The `Stored` data of the object. `None` if no object has the key, or if the server offers no
        receipts; the file can then be sent again under the same key.

    Raises:
        Corrupt: the object under the key differs from the file; or the file is an incomplete
            stream, which cannot be compared with the object.
        FileUnreadable: the file cannot be read, so its CRC-64 is unknown.
        ServerRefused: the server refused the request.
    """
    if crc64 is None:
        crc64 = await _crc64(upload, engine)

    async def confirm() -> "Stored | None":
        return await engine.ports.receipts.confirm(
            key=upload.key,
            size=upload.file.size,
            crc64=str(crc64),
            request_id=upload.request_id,
            checks=upload.checks,
        )

    try:
        proof: Stored | None = await engine.persist(upload, confirm)
    except ServerRefused as error:
        if not error.is_not_offered:
            raise
        return None
    return proof


async def already_stored(
    upload: "Upload", engine: "Engine", *, crc64: "int | None" = None
) -> "Stored | None":
    """Call `is_stored`, but return `None` if the object under the key differs from the file.

    All other errors of `is_stored` are raised.
    """
    try:
        return await is_stored(upload, engine, crc64=crc64)
    except Corrupt:
        return None


async def is_checked(upload: "Upload", engine: "Engine", crc64: str) -> bool:
    """Return whether the bytes with this CRC-64, as sent, are those that the checks have read.

    An encrypted file is read once more, because OSS knows only its encrypted bytes.
    """
    if upload.check.crc64 and upload.target.cipher:
        piece = Piece(upload.file, 0, upload.file.size)
        crc64 = str(await engine.persist(upload, lambda: engine.ports.checksum.crc64(piece)))
    return upload.check.crc64 in ("", crc64)


async def check_is_checked(upload: "Upload", engine: "Engine", crc64: str) -> None:
    """Call `is_checked`, and raise `FileUnreadable` if the result is false."""
    if not await is_checked(upload, engine, crc64):
        raise FileUnreadable("it was replaced after its checks", changed=True)


async def _crc64(upload: "Upload", engine: "Engine") -> int:
    if upload.progress.is_complete():
        return upload.progress.combined_crc64()
    if getattr(upload.file, "is_stream", False):
        raise Corrupt("CRC-64", expected="of a stream that is not whole", actual="")
    return await engine.crc64(upload, Piece(upload.file, 0, upload.file.size))
