"""Errors of the transfer engine. The errors of OSS are in `uploader.oss.errors`.

TransferError
├── FileUnreadable  the file is gone or has changed, or the page may not read it
│   └── StreamSpent  a stream has failed, or bytes read from it are lost
├── FileTooLarge    the grant does not allow this size
├── WrongType       the grant does not allow this type
├── TooManyFiles    the grant does not allow this many files at a time
├── QuotaExceeded   too little of the quota is left for the file
├── NameTooLong     folders and name of the file do not fit into an object key
├── ServerRefused   the server answered with an error, or did not answer
│   └── GrantRefused  the server gave no usable credentials
├── KeyTaken        another object has the key
├── PartsLeft       OSS still lists a multipart upload after it was aborted
├── StorageBroken   the browser's storage does not work
└── IllegalMove     the upload's present state does not allow the change; a bug
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "FileTooLarge",
    "FileUnreadable",
    "GrantRefused",
    "IllegalMove",
    "KeyTaken",
    "NameTooLong",
    "PartsLeft",
    "QuotaExceeded",
    "ServerRefused",
    "StorageBroken",
    "StreamSpent",
    "TooManyFiles",
    "TransferError",
    "WrongType",
]


class TransferError(Exception):
    """Base class of the engine's errors; `is_final` says that no retry can succeed."""

    is_final = False


class FileUnreadable(TransferError):
    """The browser cannot read the file any more.

    Args:
        reason: the browser's name of the error, or another description.
        changed: the file has other bytes than when it was chosen; otherwise it is out of reach.
        broken_off: the browser stopped reading the file, so another try can succeed.
    """

    def __init__(self, reason: str, *, changed: bool = False, broken_off: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.changed = changed
        self.broken_off = broken_off


class StreamSpent(FileUnreadable):
    """A stream has failed, or bytes read from it are neither in memory nor at OSS any more."""

    is_final = True


class FileTooLarge(TransferError):
    """The file is larger than the grant or the number of parts allows; both sizes in bytes."""

    is_final = True

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"{size} bytes, the limit is {limit}")
        self.size = size
        self.limit = limit


class WrongType(TransferError):
    """The file has none of the types that the grant allows."""

    is_final = True

    def __init__(self, types: "list[str]") -> None:
        super().__init__(f"allowed are {types}")
        self.types = types


class TooManyFiles(TransferError):
    """More files are unfinished than the grant allows at a time."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the limit is {limit}")
        self.limit = limit


class QuotaExceeded(TransferError):
    """The file is larger than the rest of the quota, minus the uploads in flight."""


class NameTooLong(TransferError):
    """The folders and the name of the file do not fit into an object key."""

    is_final = True


class KeyTaken(TransferError):
    """Another object has the key and must not be replaced."""


class PartsLeft(TransferError):
    """OSS still lists a multipart upload after repeated abort requests."""


class ServerRefused(TransferError):
    """The server answered with an error, or did not answer (`status` 0).

    `code`, `reason`, `detail` and `id` are fields of the server's problem document. If the quota is
    used up, `quota` has the name of the limit with the used and allowed amounts, and `prefix` is
    the person's key prefix.
    """

    def __init__(
        self,
        status: int,
        *,
        code: str = "",
        detail: str = "",
        id: str = "",
        retry_after_s: "float | None" = None,
        quota: "dict[str, Any] | None" = None,
        prefix: str = "",
        reason: str = "",
    ) -> None:
        super().__init__(f"{status} {code}: {detail} [{id}]")
        self.status = status
        self.retry_after_s = retry_after_s
        self.code = code
        self.detail = detail
        self.id = id
        self.quota = quota or {}
        self.prefix = prefix
        self.reason = reason


class GrantRefused(ServerRefused):
    """The server gave no credentials, or a grant that this page cannot use."""


class StorageBroken(TransferError):
    """The browser's storage is blocked, full or missing; the text is the browser's message."""


class IllegalMove(TransferError):
    """An upload's present state does not allow the requested change."""
