"""Finding out what is stored when the answer of OSS is lost or surprising.

The page's own credentials can only add. Our server looks at the object with its own.
"""

from uploader.oss.errors import Corrupt
from uploader.transfer.errors import ServerRefused
from uploader.transfer.files import Piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.oss.replies import Stored
    from uploader.transfer.engine import Engine
    from uploader.transfer.upload import Upload

__all__ = ["already_stored", "is_stored"]

NOT_OFFERED = (404, 405, 501)  # by a server without receipts


async def is_stored(
    upload: "Upload", engine: "Engine", *, crc64: "int | None" = None
) -> "Stored | None":
    """Return the proof that this very file is stored under the upload's key.

    Args:
        crc64: of the file, if it is known.

    Returns:
        `None` if nothing is, or if our server offers no receipts. To send the file again under the
        same key is right in both cases.

    Raises:
        Corrupt: something else is stored there, or may be: nobody can read a stream again.
        FileUnreadable: the file's own checksum cannot be computed any more.
        ServerRefused: the server will not say.
    """
    if crc64 is None:
        crc64 = await _crc64(upload, engine)

    async def confirm() -> "Stored | None":
        return await engine.ports.receipts.confirm(
            key=upload.key, size=upload.file.size, crc64=str(crc64), request_id=upload.request_id
        )

    try:
        proof: Stored | None = await engine.persist(upload, confirm)
    except ServerRefused as error:
        if error.status not in NOT_OFFERED:
            raise
        return None
    return proof


async def already_stored(
    upload: "Upload", engine: "Engine", *, crc64: "int | None" = None
) -> "Stored | None":
    """Like `is_stored`, for a name that is taken: another object there is nobody's fault."""
    try:
        return await is_stored(upload, engine, crc64=crc64)
    except Corrupt:
        return None


async def _crc64(upload: "Upload", engine: "Engine") -> int:
    if upload.progress.is_complete():
        return upload.progress.combined_crc64()
    if getattr(upload.file, "is_stream", False):
        raise Corrupt("CRC-64", expected="of a stream that is not whole", actual="")
    return await engine.crc64(upload, Piece(upload.file, 0, upload.file.size))
