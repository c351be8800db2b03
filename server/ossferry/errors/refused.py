"""What we say no to, with the status and the words that the client gets."""

import math
from collections.abc import Mapping
from datetime import datetime

from ossferry.errors.own import OssferryError

__all__ = [
    "BadRequestError",
    "BodyTooLargeError",
    "CrossSiteError",
    "FileTooLargeError",
    "ForeignKeyError",
    "ForgedCallbackError",
    "HeadersTooLargeError",
    "InsecureError",
    "KeyTakenError",
    "NoPreviewError",
    "NoProofError",
    "NoUploadError",
    "NotAdminError",
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


class RefusedError(OssferryError):
    """We refused the client's request."""

    status = 403
    code = "refused"
    title = "The request was refused"


class BadRequestError(RefusedError):
    """The request is not what the route expects."""

    status = 400
    code = "bad-request"
    title = "The request could not be understood"


class NotIdentifiedError(RefusedError):
    """Nobody we know is asking."""

    status = 401
    code = "not-identified"
    title = "Please sign in"


class NoProofError(NotIdentifiedError):
    """Nobody has tried to prove anything, or what was proven has ended: that is no guess."""


class NowhereError(RefusedError):
    """There is no such address, or not in this spelling."""

    status = 404
    code = "http-404"
    title = "Not Found"


class CrossSiteError(RefusedError):
    """Another site made the browser send this request."""

    code = "cross-site"
    title = "Requests from other sites are refused"


class InsecureError(RefusedError):
    """The request came over plain http from beyond this machine."""

    code = "insecure"
    title = "Please use https"


class ForeignKeyError(RefusedError):
    """The object key is not below the asking principal's prefix."""

    code = "foreign-key"
    title = "This is not one of your uploads"


class NotStoredError(RefusedError):
    """There is no object under this key."""

    status = 404
    code = "not-stored"
    title = "There is no such object"


class NoUploadError(RefusedError):
    """There is no multipart upload under this key and id."""

    status = 404
    code = "no-upload"
    title = "There is no such unfinished upload"


class ReceiptMismatchError(RefusedError):
    """What was reported is not what OSS has; `more` says both, for what differs."""

    status = 409
    code = "receipt-mismatch"
    title = "The stored object is another one"

    def __init__(self, *, differs: list[str], stored: Mapping[str, object]) -> None:
        super().__init__("OSS has an object under this key, but not the reported one.")
        self.more = {"differs": differs, "stored": stored}


class UploadStandsError(RefusedError):
    """An object cannot be refused; `more` says why, and what OSS has.

    Args:
        reason: ``intact``: it is the file; ``confirmed``: a receipt of the page has confirmed it;
            ``other``: it is another object than the one that was refused; ``settled``: it waits
            for no receipt any more, and nobody says which object is meant.
    """

    status = 409
    code = "upload-stands"
    title = "The stored object stays"

    def __init__(self, reason: str, *, stored: Mapping[str, object]) -> None:
        super().__init__("What OSS has under this key is not a damaged upload of this file.")
        self.more = {"reason": reason, "stored": stored}


class NotAdminError(RefusedError):
    """Only administrators may see this."""

    code = "not-admin"
    title = "This is for administrators"


class RevokedError(RefusedError):
    """An administrator has shut this principal out."""

    code = "revoked"
    title = "Your access was ended"


class ForgedCallbackError(RefusedError):
    """A callback that OSS has not signed."""

    code = "forged-callback"
    title = "This callback is not from OSS"


class NothingToUndoError(RefusedError):
    """There is no deleted upload that can still come back under this id."""

    status = 404
    code = "nothing-to-undo"
    title = "This cannot be undone any more"


class KeyTakenError(RefusedError):
    """Something else has been stored where a deleted upload was."""

    status = 409
    code = "key-taken"
    title = "Another object is in its place"


class NotInlineError(RefusedError):
    """Shown by a browser, this type could do harm; it can be shared as a download."""

    status = 409
    code = "not-inline"
    title = "This type can only be downloaded"


class NoPreviewError(RefusedError):
    """OSS can make no picture of this object."""

    status = 415
    code = "no-preview"
    title = "There is no preview of this"


class QuotaExceededError(RefusedError):
    """Somebody has used up what they may store; `more` says how much, and when it frees.

    It names their prefix too: without a grant a page could not tell whose records it keeps.

    Args:
        limit: ``bytes_day``, ``objects_day``, ``bytes_total`` or ``objects_total``.
        frees_at: when time frees it; None if only deleting does.
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
    """The request's body is longer than any that we expect."""

    status = 413
    code = "body-too-large"
    title = "The request is too large"


class FileTooLargeError(RefusedError):
    """The file is larger than what may be stored."""

    status = 413
    code = "file-too-large"
    title = "The file is too large"


class TypeNotTakenError(RefusedError):
    """Files of this type are not stored here."""

    status = 415
    code = "type-not-taken"
    title = "Files of this type are not taken"


class HeadersTooLargeError(RefusedError):
    """The request's headers are longer than any that we expect."""

    status = 431
    code = "headers-too-large"
    title = "The request's headers are too large"


class UnknownHostError(RefusedError):
    """The Host header is missing, doubled or not one of ours."""

    status = 421
    code = "unknown-host"
    title = "This host is not served here"


class TooManyError(RefusedError):
    """Somebody asks too often."""

    status = 429
    code = "too-many"
    title = "Too many requests"
    retryable = True

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__("There were too many requests. Please wait and try again.")
        self.retry_after_s = retry_after_s
