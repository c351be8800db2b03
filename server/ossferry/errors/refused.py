"""Errors for refused requests, with the status and the text that the client receives."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from ossferry.errors.own import OssferryError

__all__ = [
    "BadRequestError",
    "BodyTooLargeError",
    "CrossSiteError",
    "FileTooLargeError",
    "ForeignKeyError",
    "ForgedCallbackError",
    "FormsOnlyError",
    "HeadersTooLargeError",
    "InsecureError",
    "KeyTakenError",
    "NoPreviewError",
    "NoProofError",
    "NoUploadError",
    "NotAdminError",
    "NotAllowedError",
    "NotIdentifiedError",
    "NotInlineError",
    "NotStoredError",
    "NothingToUndoError",
    "NowhereError",
    "QuotaExceededError",
    "ReceiptMismatchError",
    "RefusedError",
    "RevokedError",
    "TooManyError",
    "TypeNotTakenError",
    "UnknownHostError",
    "UploadStandsError",
]

MAX_MESSAGE = 300


class RefusedError(OssferryError):
    """Base class of the errors for requests that this server refuses."""

    status = 403
    code = "refused"
    title = "The request was refused"


class BadRequestError(RefusedError):
    """Raised if a request is malformed, or has a value that the route does not accept."""

    status = 400
    code = "bad-request"
    title = "The request could not be understood"


class NotIdentifiedError(RefusedError):
    """Raised if the sender of a request cannot be identified.

    If `identify` of an application raises it, the page shows the message.
    """

    status = 401
    code = "not-identified"
    title = "Please sign in"


class NoProofError(NotIdentifiedError):
    """Raised if a request has no credentials, or if its session has ended.

    The rate limit for failed identifications does not count this error.
    """


class NowhereError(RefusedError):
    """Raised if the server has no page and no endpoint at exactly the requested path."""

    status = 404
    code = "http-404"
    title = "Not Found"


class CrossSiteError(RefusedError):
    """Raised if another site caused the request."""

    code = "cross-site"
    title = "Requests from other sites are refused"


class InsecureError(RefusedError):
    """Raised if a request was sent over plain HTTP from another machine."""

    code = "insecure"
    title = "Please use https"


class ForeignKeyError(RefusedError):
    """Raised if an object key is not below the principal's prefix."""

    code = "foreign-key"
    title = "This is not one of your uploads"


class NotStoredError(RefusedError):
    """Raised if OSS has no object with the requested key."""

    status = 404
    code = "not-stored"
    title = "There is no such object"


class NoUploadError(RefusedError):
    """Raised if OSS has no multipart upload with the requested key and upload id."""

    status = 404
    code = "no-upload"
    title = "There is no such unfinished upload"


class ReceiptMismatchError(RefusedError):
    """Raised if the page reports an upload that differs from the stored object.

    Args:
        differs: names of the fields that differ.
        stored: description of the stored object.
    """

    status = 409
    code = "receipt-mismatch"
    title = "The stored object is a different one"

    def __init__(self, *, differs: list[str], stored: Mapping[str, object]) -> None:
        super().__init__("OSS has an object under this key, but not the reported one.")
        self.differs = differs
        self.more = {"differs": differs, "stored": stored}


class UploadStandsError(RefusedError):
    """Raised if the page asks to remove a damaged upload, but the stored object must be kept.

    Args:
        reason: why the object must not be removed. `intact`: the object is identical to the file.
            `confirmed`: the page has confirmed the object with a receipt. `other`: the object
            has another ETag than the damaged upload. `settled`: the page sent no ETag, and the
            object is old or has a receipt.
        stored: description of the stored object.
    """

    status = 409
    code = "upload-stands"
    title = "The stored object cannot be refused"

    def __init__(self, reason: str, *, stored: Mapping[str, object]) -> None:
        super().__init__("The object under this key is not a damaged upload of this file.")
        self.more = {"reason": reason, "stored": stored}


class NotAdminError(RefusedError):
    """Raised if the route is only for administrators, and the sender is not an administrator."""

    code = "not-admin"
    title = "This is for administrators"


class NotAllowedError(RefusedError):
    """Raised by an application that mounts the server, if a person may not upload.

    The page shows the message.

    Args:
        message: a sentence for the person, of up to `MAX_MESSAGE` characters.
        code: a short name for programs, with lower-case letters, digits and hyphens.

    Raises:
        ValueError: the message is empty or too long, or the code is malformed.
    """

    title = "You may not upload here"
    more = MappingProxyType({"reason": "application"})

    def __init__(self, message: str, *, code: str = "not-allowed") -> None:
        if not 0 < len(message) <= MAX_MESSAGE:
            raise ValueError(f"the message must have 1 to {MAX_MESSAGE} characters")
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", code):
            raise ValueError(f"a code has lower-case letters, digits and hyphens: {code!r}")
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # the application chooses the code


class RevokedError(RefusedError):
    """Raised if an administrator has revoked the principal's access."""

    code = "revoked"
    title = "Your access was ended"


class ForgedCallbackError(RefusedError):
    """Raised if a callback request has no valid signature of OSS."""

    code = "forged-callback"
    title = "This callback is not from OSS"


class NothingToUndoError(RefusedError):
    """Raised if no deleted upload has the requested id, or if it is too late to restore it."""

    status = 404
    code = "nothing-to-undo"
    title = "This cannot be undone any more"


class KeyTakenError(RefusedError):
    """Raised if an upload cannot be deleted or restored because another object now has its key."""

    status = 409
    code = "key-taken"
    title = "Another object has this key"

    def __init__(self) -> None:
        super().__init__("Another object has been stored under this key.")


class NotInlineError(RefusedError):
    """Raised if a browser must not display an object, because of the object's content type.

    Scripts in the object could run if the browser displayed it. The object can be downloaded.
    """

    status = 409
    code = "not-inline"
    title = "This type can only be downloaded"


class NoPreviewError(RefusedError):
    """Raised if OSS cannot create a preview image of an object."""

    status = 415
    code = "no-preview"
    title = "There is no preview of this"


class QuotaExceededError(RefusedError):
    """Raised if a principal's quota is used up.

    The error response also contains the quota and the principal's key prefix. The page needs the
    prefix to find the principal's records in the browser.

    Args:
        limit: `bytes_day`, `objects_day`, `bytes_total` or `objects_total`.
        used, allowed: bytes or objects, depending on `limit`.
        frees_at: time when the limit is lifted; None if the principal has to delete uploads.
        prefix: the principal's key prefix.
    """

    status = 429
    code = "quota-exceeded"
    title = "Your storage quota is used up"

    def __init__(
        self,
        limit: str,
        *,
        used: int,
        allowed: int,
        frees_at: datetime | None,
        now: datetime,
        prefix: str,
    ) -> None:
        super().__init__(
            "Please come back tomorrow (UTC)." if frees_at else "Deleting uploads makes room."
        )
        frees = frees_at.isoformat().replace("+00:00", "Z") if frees_at else None
        quota = {"limit": limit, "used": used, "allowed": allowed, "frees_at": frees}
        self.more = {"quota": quota, "prefix": prefix}
        if frees_at:
            self.retry_after_s = max(1, math.ceil((frees_at - now).total_seconds()))


class BodyTooLargeError(RefusedError):
    """Raised if the body of a request is longer than the route accepts."""

    status = 413
    code = "body-too-large"
    title = "The request is too large"


class FileTooLargeError(RefusedError):
    """Raised if a file is larger than the settings allow."""

    status = 413
    code = "file-too-large"
    title = "The file is too large"


class TypeNotTakenError(RefusedError):
    """Raised if the settings do not allow the type of a file."""

    status = 415
    code = "type-not-taken"
    title = "Files of this type are not taken"


class FormsOnlyError(RefusedError):
    """Raised if a client asks for credentials, but the settings allow signed forms only."""

    code = "forms-only"
    title = "This server gives signed forms, and no credentials"


class HeadersTooLargeError(RefusedError):
    """Raised if the headers of a request are longer than this server accepts."""

    status = 431
    code = "headers-too-large"
    title = "The request's headers are too large"


class UnknownHostError(RefusedError):
    """Raised if the Host header is missing, repeated, or not one of this server's hosts."""

    status = 421
    code = "unknown-host"
    title = "This host is not served here"


class TooManyError(RefusedError):
    """Raised if a client sends too many requests."""

    status = 429
    code = "too-many"
    title = "Too many requests"
    retryable = True

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__("There were too many requests. Please wait and try again.")
        self.retry_after_s = retry_after_s
