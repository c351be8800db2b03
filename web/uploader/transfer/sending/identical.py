"""A file that is stored already, under the same name and folders, need not be sent.

CRC-64 finds every accident, but somebody can make another file with the same one on purpose; so
only a person's own objects are looked at, and only where it is wanted.
"""

from uploader.oss.keys import named_key
from uploader.oss.replies import Stored
from uploader.transfer.errors import ServerRefused
from uploader.transfer.files import Piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.transfer.engine import Engine
    from uploader.transfer.grants.grant import Grant
    from uploader.transfer.upload import Upload

__all__ = ["find_identical"]

OFFERED, WANTED = "objects", "skip-identical"  # features of a grant


async def find_identical(upload: "Upload", engine: "Engine", grant: "Grant") -> "Stored | None":
    """Return the proof that this very file is stored, and give its key to the upload.

    It is looked for once, before anything of the file has a place of its own.

    Raises:
        FileUnreadable: the file is gone already.
    """
    is_wanted = upload.options.skip_identical or WANTED in grant.features
    is_late = upload.is_stream or upload.upload_id or upload.target.was_searched
    if is_late or not is_wanted or OFFERED not in grant.features:
        return None
    try:
        path = named_key("", upload.file.name, path=upload.file.path)
    except ValueError:
        return None  # no key can hold the names of its folders
    _search(upload, True)
    try:
        crc64 = str(await engine.crc64(upload, Piece(upload.file, 0, upload.file.size)))
        key = await engine.persist(
            upload,
            lambda: engine.ports.receipts.identical(path=path, size=upload.file.size, crc64=crc64),
        )
    except ServerRefused:
        upload.target.searched("")
        return None  # the file can be sent without an answer
    finally:
        _search(upload, False)
    upload.target.searched(key)
    return Stored("", crc64, "") if key else None


def _search(upload: "Upload", is_searching: bool) -> None:
    upload.target.search(is_searching)
    upload.changed()
