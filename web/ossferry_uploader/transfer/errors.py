"""Errors of the transfer engine. The errors of OSS are in `ossferry_uploader.oss.errors`.

TransferError
├── FileUnreadable  the file is gone or has changed, or the page may not read it
│   └── StreamSpent  reading a stream has failed, or bytes of the stream are lost
├── WrongSize       the grant does not allow the size
│   ├── FileTooLarge  the file is larger than the grant allows
│   ├── FileTooSmall  the file is smaller than the grant allows
│   └── TooManyBytes  all files together are larger than the grant allows
├── WrongType       the grant does not allow the type of the file
├── FileRejected    a check does not allow the file
├── CheckFailed     a check of the file did not work
├── CannotEdit      the browser cannot rotate or crop a picture
├── RepairEnded     the worker that repairs a table has ended
├── TooManyFiles    the page has more files than the limits allow
├── QuotaExceeded   the file is larger than the remaining quota
├── NameTooLong     folders and name of the file do not fit into an object key
├── BadOptions      the site that embeds the page gave options that are not valid
├── NoForm          the server gives a signed form only, which cannot carry the upload
├── CannotEncrypt   the browser cannot encrypt the file here
├── ServerRefused   the server answered with an error, or did not answer
│   └── GrantRefused  the server gave no usable credentials
├── KeyTaken        another object has the key
├── PartsLeft       OSS still lists a multipart upload after repeated aborts
├── StorageBroken   the browser's storage does not work
└── IllegalMove     the upload's present state does not allow the change; this is a bug
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOT_OFFERED = (404, 405, 501)


class TransferError(Exception):
    """Base class of the transfer engine's errors; `is_final` is true if no retry can succeed."""

    is_final = False


class FileUnreadable(TransferError):
    """Raised if the browser cannot read the file of an upload any more.

    Args:
        reason: the browser's name for the error, or another description.
        changed: whether the file has changed since the person chose the file.
        broken_off: whether the browser interrupted the reading, so that a retry can succeed.
    """

    def __init__(self, reason: str, *, changed: bool = False, broken_off: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.changed = changed
        self.broken_off = broken_off


class StreamSpent(FileUnreadable):
    """Raised if reading a stream fails, or if bytes of the stream are lost.

    Bytes are lost if they are no longer in memory and OSS does not have them. A stream cannot be
    read again.
    """

    is_final = True


class WrongSize(TransferError):
    """The base of the errors about sizes.

    Args:
        size: the size of the file, or of all files together, in bytes.
        limit: the largest or smallest allowed size in bytes.
    """

    is_final = True

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"{size} bytes, the limit is {limit}")
        self.size = size
        self.limit = limit


class FileTooLarge(WrongSize):
    """Raised if the file is larger than the grant or the largest number of parts allows."""


class FileTooSmall(WrongSize):
    """Raised if the file is smaller than the grant allows."""


class TooManyBytes(WrongSize):
    """Raised if all files together are larger than the grant allows."""


class WrongType(TransferError):
    """Raised if the grant does not allow the type of the file; `types` are the allowed types."""

    is_final = True

    def __init__(self, types: "list[str]") -> None:
        super().__init__(f"allowed are {types}")
        self.types = types


class FileRejected(TransferError):
    """Raised if a check does not allow the file.

    Args:
        check: the name of the check.
        reason: a sentence of the check that the person reads.
        line: the number of a line in the file; `None` if the reason concerns no line.
        is_built_in: whether the check is built into ossferry; its `reason` then also says what to
            do.
        repair: whether the file is a table that the person can repair in the page.
    """

    is_final = True

    def __init__(
        self,
        check: str,
        reason: str,
        *,
        line: "int | None" = None,
        is_built_in: bool = False,
        repair: bool = False,
    ) -> None:
        super().__init__(f"{check}: {reason}")
        self.repair = repair
        self.check = check
        self.reason = reason
        self.line = line
        self.is_built_in = is_built_in


class CheckFailed(TransferError):
    """Raised if a check of a file did not work, for example because it took too long.

    Args:
        check: the name of the check; empty if no check could run.
        reason: the reason, as text.
    """

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(f"{check}: {reason}")
        self.check = check
        self.reason = reason


class CannotEdit(TransferError):
    """Raised if the browser cannot rotate or crop a picture; nothing of the picture is sent."""


class RepairEnded(TransferError):
    """Raised if the worker that repairs a table has ended.

    Args:
        reason: the browser's error message; empty if the page has ended the worker.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooManyFiles(TransferError):
    """Raised if the page has more files than the grant, or the site that embeds the page, allows.

    Args:
        limit: the largest allowed number of files.
        is_total: whether the limit includes finished files.
    """

    def __init__(self, limit: int, *, is_total: bool = False) -> None:
        super().__init__(f"the limit is {limit}")
        self.limit = limit
        self.is_total = is_total


class QuotaExceeded(TransferError):
    """Raised if the file is larger than the remaining quota minus the uploads in flight."""


class NameTooLong(TransferError):
    """Raised if the folders and the name of the file do not fit into an object key."""

    is_final = True


class BadOptions(TransferError):
    """Raised if the site that embeds the page gave options that are not valid or not allowed."""

    is_final = True


class NoForm(TransferError):
    """Raised if a file needs credentials, but the server only gives a signed form (PostObject).

    This concerns streams, objects with tags, and file names that contain `${`.
    """

    is_final = True


class CannotEncrypt(TransferError):
    """Raised if the browser cannot encrypt the file; no byte of the file is sent.

    Browsers encrypt only in pages with https, and in pages from the person's own computer
    (`localhost`).
    """

    is_final = True


class KeyTaken(TransferError):
    """Raised if another object has the upload's key, and the upload must not replace it."""


class PartsLeft(TransferError):
    """Raised if OSS still lists a multipart upload after repeated requests to abort it."""


class ServerRefused(TransferError):
    """Raised if the ossferry server answers with an error, or does not answer (`status` 0).

    Attributes:
        code: the error code, such as `quota-exceeded`.
        detail: a sentence about the error, or the reason why there is no usable answer.
        id: the id of the request in the server's log.
        reason: a short name of the cause, such as `intact`; empty for most error codes.
        quota: if the person's quota is used up, `{"limit": "bytes_total", "used": number,
            "allowed": number, "frees_at": ISO time or None}`, in bytes or, if the name of the limit
            begins with `objects`, in objects; otherwise `{}`.
        prefix: the person's key prefix if the quota is used up; otherwise empty.
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
        text = f"answered {status} {code}".rstrip() if status else "gave no usable answer"
        text += (f": {detail}" if detail else "") + (f" (id {id})" if id else "")
        super().__init__(f"the server {text}")
        self.status = status
        self.retry_after_s = retry_after_s
        self.code = code
        self.detail = detail
        self.id = id
        self.quota = quota or {}
        self.prefix = prefix
        self.reason = reason

    @property
    def is_not_offered(self) -> bool:
        """Whether the request concerns something that the server does not offer or does not have.

        Examples are a server without receipts, and a multipart upload that no longer exists.
        """
        return self.status in NOT_OFFERED


class GrantRefused(ServerRefused):
    """Raised if the server gives no credentials, or gives a grant that this page cannot use."""


class StorageBroken(TransferError):
    """Raised if the browser's storage is blocked, full or missing.

    The error text is from the browser.
    """


class IllegalMove(TransferError):
    """Raised if the present state of an upload does not allow the requested change."""
