"""The object that an upload stores: the key, the content type and the checksums."""

from ossferry_uploader.oss.replies import Stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.encryption import Cipher

UNANSWERED = Stored("", "", "")  # no answer of OSS describes the object under the key
UNREADABLE = "0"  # replaces the CRC-64 of a file that became unreadable; the CRC-64 of no bytes


class RefusedObject:
    """A stored object that differs from the uploaded file. The server has to delete the object.

    `size` (bytes) and `crc64` (decimal text) describe the file. `etag` and `request_id` are from
    OSS's answer; both are empty if there was no answer.
    """

    def __init__(self, key: str, stored: Stored, *, size: int, crc64: str) -> None:
        self.key = key
        self.size = size
        self.crc64 = crc64
        self.etag = stored.etag
        self.request_id = stored.request_id

    def facts(self) -> "tuple[str, int, str, str, str]":
        """Return the tuple `(key, size, crc64, etag, request_id)`."""
        return (self.key, self.size, self.crc64, self.etag, self.request_id)


class Target:
    """The object that an upload stores.

    Attributes:
        key: the object's key; empty until the upload has a key.
        folder_id: the random part in the key, the same for all files of a chosen folder; empty for
            a single file.
        content_type: the content type of the object; empty until the type is known.
        sha256: the SHA-256 of the file in hexadecimal; empty if not computed.
        crc64: the CRC-64 of the object in decimal, from OSS; empty until the upload is done, unless
            an earlier page has stored the object.
        request_id: the id of the OSS request that stored the object.
        identical: whether an identical object was stored before, so that nothing was sent.
        is_searching: whether the server is searching for an identical object now.
        was_searched: whether the search for an identical object has ended.
        maybe_stored: whether an earlier page may have stored the file under `key`.
        may_replace: whether requests may overwrite the object under `key`, for example a damaged
            object of this upload.
        needs_form: whether the object must be stored with a form, as the grant has no credentials.
        refused: the object that OSS stored in place of the file; `None` if there is none.
        cipher: the key with which the file is encrypted; `None` to send the file as it is.
        salt: the salt of this key, see `sending.encryption`; empty if there is none.
    """

    def __init__(self) -> None:
        self.key = ""
        self.folder_id = ""
        self.content_type = ""
        self.sha256 = ""
        self.crc64 = ""
        self.request_id = ""
        self.identical = False
        self.is_searching = self.was_searched = False
        self.maybe_stored = False
        self.may_replace = self.needs_form = False
        self.refused: RefusedObject | None = None
        self.cipher: Cipher | None = None
        self.salt = ""

    def leave_key(self) -> None:
        """Remove the key, because the file has another name now, and what belongs to the key."""
        self.key = self.crc64 = ""
        self.maybe_stored = False
        self.cipher, self.salt = None, ""

    def restart(self) -> None:
        """Remove the key, because another object has the key, or the upload starts again."""
        self.leave_key()
        self.folder_id = ""

    def continue_from(self, key: str, *, sha256: str = "", salt: str = "", crc64: str = "") -> None:
        """Use the key of an upload of an earlier page. That page may have stored the object.

        Args:
            sha256: the SHA-256 of the file in hexadecimal; empty if unknown.
            salt: as in the attribute.
            crc64: the CRC-64 of the object in decimal; empty if that page did not hear of it.
        """
        self.key = key
        self.sha256 = sha256
        self.salt = salt
        self.crc64 = crc64
        self.maybe_stored = True

    def refuse(self, stored: Stored, *, size: int, crc64: str) -> None:
        """Set `refused`: OSS has stored an object that differs from the file.

        Args:
            stored: OSS's answer.
            size: the size of the file in bytes.
            crc64: the CRC-64 of the file in decimal.
        """
        self.refused = RefusedObject(self.key, stored, size=size, crc64=crc64)

    def replace_refused(self) -> None:
        """Clear `refused`, because the file replaces the refused object.

        If the refused object has another key, `refused` stays the same.
        """
        if self.refused and self.refused.key == self.key:
            self.refused = None
