"""Skipping a file that the same person has already stored under the same name and folders.

CRC-64 detects accidental differences, but a person can construct another file with the same CRC-64.
So a file is compared only with objects of the same person. The comparison must be enabled in the
options or in the grant.
"""

from ossferry_uploader.oss.keys import in_folder, named_key
from ossferry_uploader.oss.replies import Stored
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.files import Piece

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.engine import Engine
    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.upload import Upload

__all__ = ["find_identical", "may_be_identical"]

OFFERED, WANTED = "objects", "skip-identical"  # features of a grant


def may_be_identical(upload: "Upload", grant: "Grant") -> bool:
    """Return whether the page should search for an identical object before it sends the file.

    The page searches at most once for each upload. It does not search for encrypted files: two
    objects of the same file have different bytes.
    """
    if grant.encryption or upload.target.cipher:
        return False
    is_wanted = upload.options.skip_identical or WANTED in grant.features
    is_late = upload.is_stream or upload.upload_id or upload.target.was_searched
    return bool(is_wanted and not is_late and OFFERED in grant.features)


async def find_identical(upload: "Upload", engine: "Engine") -> "Stored | None":
    """Search for an object that is identical to the file.

    If there is an identical object, the upload gets the key of the object.

    Returns:
        The `Stored` data of the object; `None` if no identical object was found.

    Raises:
        FileUnreadable: the file is gone or has changed, or the page may not read it.
    """
    try:
        folders = in_folder(upload.options.folder, upload.file.path)
        path = named_key("", upload.file.name, path=folders)
    except ValueError:
        return None  # folders and name do not fit into a key
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
