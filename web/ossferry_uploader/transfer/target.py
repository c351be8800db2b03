"""The object that an upload stores in OSS: its key, content type and checksums."""

from ossferry_uploader.oss.replies import Stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.oss.encryption import Cipher

UNANSWERED = Stored("", "", "")  # no answer of OSS describes the object under the key
UNREADABLE = "0"  # replaces the CRC-64 of a file that became unreadable; the CRC-64 of no bytes


class RefusedObject:
    """An object in OSS that differs from the uploaded file, so that the server has to delete it.

    Attributes:
        key: the object key.
        size: the size of the file in bytes.
        crc64: the CRC-64 of the file in decimal.
        etag: the ETag of the object; empty if OSS did not reply.
        request_id: the id of the OSS request that stored the object; empty if OSS did not reply.
    """

    def __init__(self, key: str, stored: Stored, *, size: int, crc64: str) -> None:
        self.key = key
        self.size = size
        self.crc64 = crc64
        self.etag = stored.etag
        self.request_id = stored.request_id

    def facts(self) -> "tuple[str, int, str, str, str]":
        """Return the object's facts as the tuple `(key, size, crc64, etag, request_id)`."""
        return (self.key, self.size, self.crc64, self.etag, self.request_id)


class Target:
    """The object that an upload stores in OSS.

    Attributes:
        key: the object's key; empty until the upload has a key.
        folder_id: the random part of the key, if all files of a chosen folder share it; empty for a
            single file.
        content_type: the content type of the object; empty until the type is known.
        sha256: the SHA-256 of the file in hexadecimal; empty if not computed.
        crc64: the CRC-64 of the object in decimal, from OSS; empty until the upload is done, unless
            an earlier page has stored the object.
        request_id: the id of the OSS request that stored the object.
        identical: whether an identical object was stored before, so that nothing was sent.
        is_searching: whether the server is searching for an identical object now.
        was_searched: whether the search for an identical object has ended.
        maybe_stored: whether an earlier page may have stored the file with this key.
        may_replace: whether requests may overwrite the object with this key, for example a damaged
            object of this upload.
        needs_form: whether the object must be stored with a form (PostObject), because the grant
            has no credentials.
        replaces: the key of a stored object that the server deletes when it records this one;
            empty for none.
        is_held: whether nobody can read the object before the server has checked it.
        refused: the stored object, if it differs from the file; otherwise `None`.
        cipher: the data key with which the file is encrypted; `None` to send the file without
            encryption.
        salt: the salt from which the data key is derived, see `sending.encryption`; empty if there
            is none.
    """

    def __init__(self) -> None:
        self.key = ""
        self.folder_id = ""
        self.content_type = ""
        self.sha256 = ""
        self.crc64 = ""
        self.request_id = ""
        self.replaces = ""
        self.identical = False
        self.is_searching = self.was_searched = False
        self.maybe_stored = False
        self.may_replace = self.needs_form = self.is_held = False
        self.refused: RefusedObject | None = None
        self.cipher: Cipher | None = None
        self.salt = ""

    def leave_key(self) -> None:
        """Remove the key, the CRC-64 and the data key, because the file's name has changed."""
        self.key = self.crc64 = ""
        self.maybe_stored = False
        self.cipher, self.salt = None, ""

    def restart(self) -> None:
        """Reset `key`, `folder_id`, `crc64`, `maybe_stored`, `cipher` and `salt`, to get a new key.

        This is done if another object has the key, or if the upload starts again from the
        beginning.
        """
        self.leave_key()
        self.folder_id = ""

    def continue_from(self, key: str, *, sha256: str = "", salt: str = "", crc64: str = "") -> None:
        """Use the object key of an earlier page's upload; that page may have stored the object.

        Args:
            key: the object key.
            sha256: the SHA-256 of the file in hexadecimal; empty if unknown.
            salt: the salt from which the data key is derived; empty if the file is not encrypted.
            crc64: the CRC-64 of the stored object in decimal; empty if the earlier page did not get
                OSS's confirmation.
        """
        self.key = key
        self.sha256 = sha256
        self.salt = salt
        self.crc64 = crc64
        self.maybe_stored = True

    def refuse(self, stored: Stored, *, size: int, crc64: str) -> None:
        """Record in `refused` that OSS has stored an object that differs from the file.

        Args:
            stored: ETag, CRC-64 and request id in OSS's reply.
            size: the size of the file in bytes.
            crc64: the CRC-64 of the file in decimal.
        """
        self.refused = RefusedObject(self.key, stored, size=size, crc64=crc64)

    def replace_refused(self) -> None:
        """Clear `refused`, after the file was stored and has overwritten the refused object.

        If the refused object does not have the key `key`, it still exists, and `refused` stays.
        """
        if self.refused and self.refused.key == self.key:
            self.refused = None
