"""What can stop an upload besides OSS itself (`uploader.oss.errors`).

TransferError
├── FileUnreadable  the file is gone, changed or not ours to read
│   └── StreamSpent  a stream has failed, or what came out of it is gone
├── FileTooLarge    the grant does not allow this size
├── WrongType       the grant does not allow this type
├── TooManyFiles    the grant does not allow so many at a time
├── QuotaExceeded   the quota has not enough left for it now
├── NameTooLong     no object key can hold the names of its folders
├── ServerRefused   our server said no, or nothing
│   └── GrantRefused  it gave no credentials
├── KeyTaken        another object lies where this one was to be
├── PartsLeft       OSS still lists an upload that was removed
├── StorageBroken   the browser keeps nothing for us
└── IllegalMove     a state change that the table does not know: a bug of ours
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
    """Base of the engine's own errors; `is_final` says that another try cannot end otherwise."""

    is_final = False


class FileUnreadable(TransferError):
    """The browser cannot read the file any more; `reason` is the browser's word for it.

    `changed` tells a file whose bytes are others now from one that is out of reach; `broken_off`
    says that the browser ended the reading, so that it can be tried again.
    """

    def __init__(self, reason: str, *, changed: bool = False, broken_off: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.changed = changed
        self.broken_off = broken_off


class StreamSpent(FileUnreadable):
    """A stream has failed, or what has come out of it is neither here nor at OSS any more."""

    is_final = True


class FileTooLarge(TransferError):
    """The file is larger than allowed; both sizes in bytes."""

    is_final = True

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"{size} bytes, the limit is {limit}")
        self.size = size
        self.limit = limit


class WrongType(TransferError):
    """The file is of none of the types that the grant allows."""

    is_final = True

    def __init__(self, types: "list[str]") -> None:
        super().__init__(f"allowed are {types}")
        self.types = types


class TooManyFiles(TransferError):
    """More files wait than the grant allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the limit is {limit}")
        self.limit = limit


class QuotaExceeded(TransferError):
    """What is left of the quota is less than the file needs, or will be when others are there."""


class NameTooLong(TransferError):
    """Folders and name of the file do not fit into an object key."""

    is_final = True


class KeyTaken(TransferError):
    """Another object lies under the key; it is not to be replaced."""


class PartsLeft(TransferError):
    """OSS still lists an upload, however often it was told to remove it."""


class ServerRefused(TransferError):
    """Our server answered with an error, or not at all (`status` 0).

    `code`, `reason`, `detail` and `id` are those of its problem document, `quota` how much is used
    of it.
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
    """There are no credentials for us."""


class StorageBroken(TransferError):
    """The browser's storage is blocked, full or missing; the text is the browser's."""


class IllegalMove(TransferError):
    """An upload was asked to go to a state that its present state does not lead to."""
