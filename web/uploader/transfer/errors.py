"""What can stop an upload besides OSS itself (`uploader.oss.errors`).

TransferError
├── FileUnreadable  the file is gone, changed or not ours to read
├── FileTooLarge    the grant does not allow this size
├── TooManyFiles    the grant does not allow so many at a time
├── GrantRefused    our server gave no credentials
├── StorageBroken   the browser keeps nothing for us
└── IllegalMove     a state change that the table does not know: a bug of ours
"""

__all__ = [
    "FileTooLarge",
    "FileUnreadable",
    "GrantRefused",
    "IllegalMove",
    "StorageBroken",
    "TooManyFiles",
    "TransferError",
]


class TransferError(Exception):
    """Base of the engine's own errors."""


class FileUnreadable(TransferError):
    """The browser cannot read the file any more; `reason` is the browser's word for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FileTooLarge(TransferError):
    """The file is larger than allowed; both sizes in bytes."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"{size} bytes, the limit is {limit}")
        self.size = size
        self.limit = limit


class TooManyFiles(TransferError):
    """More files wait than the grant allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the limit is {limit}")
        self.limit = limit


class GrantRefused(TransferError):
    """The server answered the request for a grant with an error, or not at all (`status` 0).

    `code`, `detail` and `id` are those of its problem document.
    """

    def __init__(
        self,
        status: int,
        *,
        code: str = "",
        detail: str = "",
        id: str = "",
        retry_after_s: "float | None" = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail} [{id}]")
        self.status = status
        self.retry_after_s = retry_after_s
        self.code = code
        self.detail = detail
        self.id = id


class StorageBroken(TransferError):
    """The browser's storage is blocked, full or missing; the text is the browser's."""


class IllegalMove(TransferError):
    """An upload was asked to go to a state that its present state does not lead to."""
