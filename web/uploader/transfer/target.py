"""The object that a file becomes: its key, its metadata, and the proof that OSS stored it."""

from uploader.oss.replies import Stored

__all__ = ["UNANSWERED", "UNREADABLE", "RefusedObject", "Target"]

UNANSWERED = Stored("", "", "")  # no answer of OSS describes the object under the key
UNREADABLE = "0"  # replaces the CRC-64 of a file that became unreadable; the CRC-64 of no bytes


class RefusedObject:
    """An object that OSS stored and that is not the file; the server is asked to delete it.

    `size` (bytes) and `crc64` (decimal text) describe the file; `etag` and `request_id` are from
    OSS's answer, and are empty if there was no answer.
    """

    def __init__(self, key: str, stored: Stored, *, size: int, crc64: str) -> None:
        self.key = key
        self.size = size
        self.crc64 = crc64
        self.etag = stored.etag
        self.request_id = stored.request_id

    def facts(self) -> "tuple[str, int, str, str, str]":
        """Return all fields, for a comparison."""
        return (self.key, self.size, self.crc64, self.etag, self.request_id)


class Target:
    """The object that an upload stores. Other modules change it through its methods only.

    Attributes:
        key: the object's key; empty until the upload has one.
        folder_id: the random part of the keys of one chosen folder; empty for a single file.
        content_type: of the object; empty until it is known.
        sha256: of the file in hexadecimal, if the options ask for it.
        crc64: of the object in decimal, confirmed by OSS; empty until the upload is done.
        request_id: of the OSS request that stored the object.
        identical: the same file was stored before, so nothing was sent.
        is_searching: the server is being asked for an identical object.
        was_searched: that question was answered; it is asked once.
        maybe_stored: an earlier page may have stored the file under this key already.
        may_replace: the object under the key was stored by this upload and is not the file.
        refused: the object that OSS stored in place of the file.
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
        self.may_replace = False
        self.refused: RefusedObject | None = None

    def assign(self, key: str) -> None:
        """Set the object's key; an empty key takes it back."""
        self.key = key

    def join_folder(self, folder_id: str) -> None:
        """Use the same random key part as the other files of a chosen folder."""
        self.folder_id = folder_id

    def restart(self) -> None:
        """Give up the key, because another object is stored under it."""
        self.key = self.folder_id = ""
        self.maybe_stored = False

    def continue_from(self, key: str, sha256: str) -> None:
        """Use the key of an earlier page, which may have stored the object."""
        self.key = key
        self.sha256 = sha256
        self.maybe_stored = True

    def describe(self, *, content_type: str, sha256: str) -> None:
        """Set the object's content type and the file's SHA-256 (empty if it is not wanted)."""
        self.content_type = content_type
        self.sha256 = sha256

    def search(self, is_searching: bool) -> None:
        """Note that the server is asked for an identical object, or has answered."""
        self.is_searching = is_searching

    def searched(self, key: str) -> None:
        """Note the answer to that question: the key of an identical object, or empty."""
        self.was_searched = True
        if key:
            self.key = key
            self.identical = True

    def stored(self, crc64: str, request_id: str) -> None:
        """Note the proof that the object is stored."""
        self.crc64 = crc64
        self.request_id = request_id

    def refuse(self, stored: Stored, *, size: int, crc64: str) -> None:
        """Note that OSS stored an object that is not the file of this size and CRC-64."""
        self.refused = RefusedObject(self.key, stored, size=size, crc64=crc64)

    def allow_replacing(self) -> None:
        """Let the next request replace the object under the key, which this upload stored."""
        self.may_replace = True

    def replace_refused(self) -> None:
        """Note that the file has replaced the refused object, if the keys are equal."""
        if self.refused and self.refused.key == self.key:
            self.refused = None
