"""An object that OSS has stored and that is not the file: our server is to take it away."""

from uploader.oss.replies import Stored

__all__ = ["UNANSWERED", "UNREADABLE", "RefusedObject"]

UNANSWERED = Stored("", "", "")  # whatever lies under the key; no answer of OSS has told
UNREADABLE = (
    "0"  # instead of the CRC-64 of a file that cannot be read any more; of no bytes it is 0
)


class RefusedObject:
    """Where it lies, what OSS said of it, and what the file is: size in bytes, CRC-64 as text."""

    def __init__(self, key: str, stored: Stored, *, size: int, crc64: str) -> None:
        self.key = key
        self.size = size
        self.crc64 = crc64
        self.etag = stored.etag
        self.request_id = stored.request_id

    def facts(self) -> "tuple[str, int, str, str, str]":
        """Return all of it, to be compared."""
        return (self.key, self.size, self.crc64, self.etag, self.request_id)
