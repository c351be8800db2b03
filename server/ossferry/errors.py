"""All errors that the server raises, as a tree with their HTTP status.

There are three kinds of errors. A set-up error means that the configuration of this server is
wrong. A refusal means that this server, STS or OSS refuses a request. An outage means that a
required service gives no usable answer, or that this server is busy; a retry may succeed.

    OssferryError
    ├── SettingsError            set-up: the configuration is unsafe or incomplete
    │   ├── MissingExtraError    an optional package is not installed
    │   └── UsageError           a command was called with wrong options
    ├── AuthorizationError       set-up: an application returns an invalid permission
    ├── CloudError               set-up: a command cannot read or change the cloud account
    ├── PrefixError              set-up: no safe key prefix can be built for a principal
    ├── PolicyError              set-up: a safe policy cannot be built
    ├── RefusedError             refusal: this server refuses the client's request
    │   ├── BadRequestError      400, the request is malformed
    │   ├── NotIdentifiedError   401, the principal is not identified
    │   │   └── NoProofError     no proof of identity was sent, or the session has ended
    │   ├── CrossSiteError       403, another site caused the request
    │   ├── ForeignKeyError      403, the object is not the principal's own
    │   ├── RevokedError         403, an administrator has revoked the access
    │   ├── WrongPasswordError   403, the password of the file request is wrong
    │   ├── NotAdminError        403, the principal is not an administrator
    │   ├── NotAllowedError      403, the application refuses the upload
    │   ├── ForgedCallbackError  403, the callback has no valid signature of OSS
    │   ├── FormsOnlyError       403, the settings allow signed forms only
    │   ├── InsecureError        403, plain HTTP from another machine
    │   ├── NotStoredError       404, OSS has no such object
    │   ├── UnknownRequestError  404, no file request has this link or id
    │   ├── NoUploadError        404, OSS has no such multipart upload
    │   ├── NothingToUndoError   404, no restorable upload has this id
    │   ├── NowhereError         404, the path has no page or endpoint
    │   ├── ReceiptMismatchError 409, the report differs from the stored object
    │   ├── TooManyFilesError    409, the guest may store no more files
    │   ├── UploadStandsError    409, the reported object must be kept
    │   ├── HeldError            409, the upload is being checked, or is held
    │   ├── KeyTakenError        409, another object has the key
    │   ├── NotInlineError       409, a browser must not display the object
    │   ├── RequestOverError     410, the file request takes nothing any more
    │   ├── BodyTooLargeError    413, the request body is too large
    │   ├── FileTooLargeError    413, the file is too large
    │   ├── FileTooSmallError    400, the file is too small
    │   ├── NoPreviewError       415, OSS cannot make a preview
    │   ├── TypeNotTakenError    415, the file type is not allowed
    │   ├── UnknownHostError     421, the Host header names another server
    │   ├── HeadersTooLargeError 431, the request headers are too large
    │   ├── QuotaExceededError   429, the quota is used up, or too small
    │   └── TooManyError         429, try again later
    ├── StsRefusedError          refusal: STS refuses our request; 502, a retry does not help
    ├── OssRefusedError          refusal: OSS refuses our request; 502, a retry does not help
    │   └── OssEndpointError     the account may not use the configured endpoint
    │       └── OssDomainError   the configured custom domain is not bound to a bucket
    └── UnavailableError         outage: a required service is down or busy; 503, with Retry-After
        ├── StsLostError         STS is down, busy or silent
        │   └── StsExpiredError  STS returned credentials that had already expired
        ├── OssLostError         OSS is down, busy or silent
        ├── ApplicationLostError the application that mounts the server does not answer
        ├── StorageLostError     Redis does not answer
        ├── LedgerLostError      the ledger's database does not answer, or cannot write
        ├── AuditLostError       the audit trail cannot be written
        ├── IssuerLostError      the identity provider does not answer
        └── BusyError            too many requests at the same time

Clients can read the text of an error, so it contains no secrets, no ARNs, and no text from
upstream services.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

__all__ = ["NoProofError", "NotAllowedError", "NotIdentifiedError"]
"""The errors that an application raises, which mounts the server."""

MAX_MESSAGE = 300
REPAIR_S = 60
"""Retry-After for errors that somebody must fix in the set-up; retrying sooner is useless."""


class OssferryError(Exception):
    """Base class of all errors of the server; the attributes describe the HTTP response.

    Attributes:
        code: name of the error for programs, such as `bad-request`.
        title: the error in a few words, for people.
        retryable: whether a retry without a change may succeed.
        retry_after_s: value of the header Retry-After; None to send no such header.
        more: additional members of the JSON response.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "The server failed"
    retryable: ClassVar[bool] = False
    retry_after_s: int | None = None
    more: Mapping[str, object] = MappingProxyType({})
    """Additional members of the problem document."""

    def __init_subclass__(cls, *, status: int = 0, code: str = "", title: str = "") -> None:
        """Set the status, code and title of a class of errors; by default, it inherits them."""
        for name, value in (("status", status), ("code", code), ("title", title)):
            if value:
                setattr(cls, name, value)

    @property
    def evidence(self) -> Mapping[str, str]:
        """Log fields about the cause of the error, by name, without secrets and names of people."""
        return {"error": type(self).__name__}


class SettingsError(OssferryError):
    """Raised if the configuration is unsafe or incomplete; the message names the option."""

    @property
    def evidence(self) -> Mapping[str, str]:
        """The log field `reason` with the error message."""
        return {"reason": str(self)}


class UsageError(SettingsError):
    """Raised if a command was called with wrong options; the message names the option."""


class MissingExtraError(SettingsError):
    """Raised if an optional package is not installed.

    Attributes:
        needed_by: the option or command that needs the package.
        command: the command that installs the package.
    """

    def __init__(self, needed_by: str, command: str) -> None:
        super().__init__(f"{needed_by} needs `{command}`.")
        self.needed_by = needed_by
        self.command = command


class CloudError(OssferryError):
    """Raised if a command cannot read or change the cloud account; the message says how to fix it.

    Args:
        code: error code of RAM, STS or OSS; empty if the service gave no usable answer.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.error_code = code


class AuthorizationError(OssferryError):
    """Raised if the host application's function `authorize` returns an invalid value.

    The value is neither a `Permission` nor None, or it is a `Permission` with types that the
    settings do not allow or that signed forms cannot enforce. The message says which.
    """

    @property
    def evidence(self) -> Mapping[str, str]:
        """The log field `reason` with the error message."""
        return {"reason": str(self)}


class PrefixError(OssferryError):
    """Raised if a principal can have no key prefix: the id is empty or not valid Unicode text."""


class PolicyError(OssferryError):
    """Raised if a value cannot be part of a policy, or if the policy would be too long.

    It is the policy of an STS session or of a signed form.
    """


class RefusedError(OssferryError, status=403, code="refused", title="The request was refused"):
    """Base class of the errors for requests that this server refuses."""


class BadRequestError(
    RefusedError, status=400, code="bad-request", title="The request could not be understood"
):
    """Raised if a request is malformed, or has a value that the route does not accept."""


class NotIdentifiedError(RefusedError, status=401, code="not-identified", title="Please sign in"):
    """Raised if the principal of a request cannot be identified.

    A host application's `identify` function may raise this error; the page then shows the message.
    """


class NoProofError(NotIdentifiedError):
    """Raised if a request has no proof of identity, such as a token, or if its session has ended.

    The rate limit for failed identifications does not count this error.
    """


class NowhereError(RefusedError, status=404, code="http-404", title="Not Found"):
    """Raised if the server has no page and no endpoint at exactly the requested path."""


class CrossSiteError(
    RefusedError, code="cross-site", title="Requests from other sites are refused"
):
    """Raised if a site that the settings do not allow has caused a browser to send the request."""


class InsecureError(RefusedError, code="insecure", title="Please use https"):
    """Raised if a request came over plain HTTP from another machine, while `behind_tls` is set."""


class ForeignKeyError(RefusedError, code="foreign-key", title="This is not one of your uploads"):
    """Raised if an object is not the principal's own.

    The object's key is not below the principal's prefix, or the principal had no valid credentials
    when the object was stored.
    """


class NotStoredError(RefusedError, status=404, code="not-stored", title="There is no such object"):
    """Raised if OSS has no object with the requested key."""


class NoUploadError(
    RefusedError, status=404, code="no-upload", title="There is no such unfinished upload"
):
    """Raised if OSS has no multipart upload with the requested key and upload id."""


class UnknownRequestError(
    RefusedError, status=404, code="unknown-request", title="Nobody asks for files here"
):
    """Raised if no file request has the token of a link, or the principal has none of an id."""

    def __init__(self) -> None:
        super().__init__("This link is wrong. Please ask for it again.")


class RequestOverError(
    RefusedError, status=410, code="request-over", title="Files are not taken here any more"
):
    """Raised if a file request takes nothing any more.

    Args:
        reason: `closed` by its owner, `ended` by time, `full` of guests, or `no-room` in the quota
            of the owner.
    """

    words: ClassVar[Mapping[str, str]] = {
        "closed": "The request for files was closed.",
        "ended": "The request for files has ended.",
        "full": "As many people as were asked have opened this link.",
        "no-room": "There is no room left for more files.",
    }

    def __init__(self, reason: str) -> None:
        super().__init__(self.words[reason])
        self.more = {"reason": reason}


class WrongPasswordError(RefusedError, code="wrong-password", title="The password is wrong"):
    """Raised if a guest sends a wrong password for a file request."""

    def __init__(self) -> None:
        super().__init__("Please type the password again.")


class TooManyFilesError(
    RefusedError, status=409, code="too-many-files", title="No more files are taken"
):
    """Raised if a guest has stored as many files as the file request allows, or a larger one."""

    def __init__(self) -> None:
        super().__init__("There are as many files as were asked for, or this one is too large.")


class ReceiptMismatchError(
    RefusedError, status=409, code="receipt-mismatch", title="The stored object is a different one"
):
    """Raised if the page reports an upload that differs from the stored object.

    Args:
        differs: what differs: `size`, `crc64` or both.
        stored: `key`, `size`, `crc64`, `etag` and `last_modified` of the stored object.
    """

    def __init__(self, *, differs: list[str], stored: Mapping[str, object]) -> None:
        super().__init__("OSS has an object under this key, but not the reported one.")
        self.differs = differs
        self.more = {"differs": differs, "stored": stored}


class UploadStandsError(
    RefusedError, status=409, code="upload-stands", title="The stored object cannot be refused"
):
    """Raised if the page asks to remove a damaged upload, but the stored object must be kept.

    Args:
        reason: why the object must be kept. `intact`: the object is identical to the file.
            `confirmed`: the page has already confirmed that the object is correct. `other`: the
            object has another ETag than the damaged upload. `settled`: the page sent no ETag, so
            the object may be another upload: it was stored longer ago than
            `RefusedUploads.settle`, or the ledger has a receipt for its key.
        stored: `key`, `size`, `crc64`, `etag` and `last_modified` of the stored object.
    """

    def __init__(self, reason: str, *, stored: Mapping[str, object]) -> None:
        super().__init__("The object under this key is not a damaged upload of this file.")
        self.more = {"reason": reason, "stored": stored}


class HeldError(RefusedError, status=409, code="held", title="The upload is not released"):
    """Raised if nobody may read an upload yet, because it is held.

    Args:
        reason: why the scanner holds the upload; empty if it has not looked at it yet.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"This upload is held: {reason}" if reason else "It is being checked.")
        self.more = {"reason": reason}


class NotAdminError(RefusedError, code="not-admin", title="This is for administrators"):
    """Raised if the route is only for administrators, and the principal is not one."""


class NotAllowedError(RefusedError, title="You may not upload here"):
    """Raised by the application that hosts the server, if a principal may not upload.

    Args:
        message: a sentence of up to `MAX_MESSAGE` characters, which the page shows to the person
            who uploads.
        code: a short name for programs, with lower-case letters, digits and hyphens.

    Raises:
        ValueError: the message is empty or too long, or the code is malformed.
    """

    more = MappingProxyType({"reason": "application"})

    def __init__(self, message: str, *, code: str = "not-allowed") -> None:
        if not 0 < len(message) <= MAX_MESSAGE:
            raise ValueError(f"the message must have 1 to {MAX_MESSAGE} characters")
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", code):
            raise ValueError(f"a code has lower-case letters, digits and hyphens: {code!r}")
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # the application chooses the code


class RevokedError(RefusedError, code="revoked", title="Your access was ended"):
    """Raised if an administrator has revoked the principal's access."""


class ForgedCallbackError(
    RefusedError, code="forged-callback", title="This callback is not from OSS"
):
    """Raised if a callback request has no valid signature of OSS."""


class NothingToUndoError(
    RefusedError, status=404, code="nothing-to-undo", title="This cannot be undone any more"
):
    """Raised if no deleted upload has the requested id, or if it can no longer be restored."""


class KeyTakenError(
    RefusedError, status=409, code="key-taken", title="Another object has this key"
):
    """Raised if an upload cannot be deleted or restored: another object now has its key."""

    def __init__(self) -> None:
        super().__init__("Another object has been stored under this key.")


class NotInlineError(
    RefusedError, status=409, code="not-inline", title="This type can only be downloaded"
):
    """Raised if a share link would display an object whose content type is unsafe in a browser.

    Scripts in the object could run if the browser displayed it. The object can be downloaded.
    """


class NoPreviewError(
    RefusedError, status=415, code="no-preview", title="There is no preview of this"
):
    """Raised if OSS cannot create a preview image of an object."""


class QuotaExceededError(
    RefusedError, status=429, code="quota-exceeded", title="Your storage quota is used up"
):
    """Raised if a principal's quota is used up, or too small for the next upload.

    The error response also contains the quota and the principal's key prefix. With the prefix, the
    page finds the principal's unfinished uploads in the browser's storage.

    Args:
        limit: the limit that is reached: `bytes_day`, `objects_day`, `bytes_total` or
            `objects_total`.
        used, allowed: bytes or objects, depending on `limit`.
        frees_at: time when a limit per day starts again; None for a total limit, because then the
            principal has to delete uploads.
        prefix: the principal's key prefix.
    """

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


class BodyTooLargeError(
    RefusedError, status=413, code="body-too-large", title="The request is too large"
):
    """Raised if the body of a request is longer than the route allows."""


class FileTooLargeError(
    RefusedError, status=413, code="file-too-large", title="The file is too large"
):
    """Raised if a client requests a signed form for a file that is larger than a form may allow."""


class FileTooSmallError(
    RefusedError, status=400, code="file-too-small", title="The file is too small"
):
    """Raised if a client requests a signed form for a file below the smallest size."""


class TypeNotTakenError(
    RefusedError, status=415, code="type-not-taken", title="Files of this type are not taken"
):
    """Raised if a client requests a signed form for a file of a type that is not allowed."""


class FormsOnlyError(
    RefusedError, code="forms-only", title="This server gives signed forms, and no credentials"
):
    """Raised if a client asks for credentials, but the settings allow signed forms only."""


class HeadersTooLargeError(
    RefusedError, status=431, code="headers-too-large", title="The request's headers are too large"
):
    """Raised if the headers of a request are longer than this server allows."""


class UnknownHostError(
    RefusedError, status=421, code="unknown-host", title="This host is not served here"
):
    """Raised if the Host header is missing, repeated, or not one of this server's hosts."""


class TooManyError(RefusedError, status=429, code="too-many", title="Too many requests"):
    """Raised if a client sends more requests than a rate limit allows."""

    retryable = True

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__("There were too many requests. Please wait and try again.")
        self.retry_after_s = retry_after_s


class StsRefusedError(
    OssferryError, status=502, code="sts-refused", title="Upload permission could not be obtained"
):
    """Raised if STS refuses a request; an operator must change the configuration.

    Attributes:
        sts_code: the error code of STS, such as `NoPermission`.
        sts_request_id: request id, by which Alibaba Cloud finds the call in its logs.
    """

    retry_after_s = REPAIR_S

    def __init__(self, sts_code: str, sts_request_id: str) -> None:
        super().__init__(
            "The token service (STS) refused to give this server upload credentials."
            " The server's operator finds the reason in its log under this id."
        )
        self.sts_code = sts_code
        self.sts_request_id = sts_request_id

    @property
    def evidence(self) -> Mapping[str, str]:
        """The log fields `sts_code` and `sts_request_id`, from the response of STS."""
        return {"sts_code": self.sts_code, "sts_request_id": self.sts_request_id}


class OssRefusedError(
    OssferryError, status=502, code="oss-refused", title="The stored object could not be read"
):
    """Raised if OSS refuses a request of this server; an operator must change the configuration.

    Attributes:
        oss_code: the error code of OSS, such as `AccessDenied`.
        oss_request_id: request id, by which Alibaba Cloud finds the call in its logs.
        oss_ec: the detailed error code (EC) of OSS, such as `0003-00000301`; empty if the answer
            has none. OSS can change these codes, so use them only for explanations.
        oss_message: the explanation by OSS, in English; may be empty.
    """

    def __init__(
        self, oss_code: str, oss_request_id: str, oss_ec: str = "", oss_message: str = ""
    ) -> None:
        super().__init__(
            "OSS refused this server's access to its bucket."
            " The server's operator finds the reason in its log under this id."
        )
        self.oss_code = oss_code
        self.oss_request_id = oss_request_id
        self.oss_ec = oss_ec
        self.oss_message = oss_message

    @property
    def evidence(self) -> Mapping[str, str]:
        """The log fields `oss_code` and `oss_request_id`, from the response of OSS."""
        return {"oss_code": self.oss_code, "oss_request_id": self.oss_request_id}


class OssEndpointError(
    OssRefusedError,
    code="oss-endpoint-refused",
    title="OSS refuses the address that this server uses",
):
    """Raised if OSS does not allow this account to use the configured endpoint.

    The message tells the operator what to do; it contains no URLs.
    """

    words: ClassVar[str] = (
        "OSS does not let this account use public endpoints for objects. Bind a custom domain"
        " to the bucket and set OSSFERRY_ENDPOINT and OSSFERRY_CNAME=1, or give the server"
        " an internal endpoint, OSSFERRY_OBJECTS_ENDPOINT; docs/custom-domain.md has the steps."
    )

    def __init__(self, *told: str) -> None:
        super().__init__(*told)
        self.args = (self.words,)


class OssDomainError(OssEndpointError, code="oss-domain-refused"):
    """Raised if no bucket is bound to the configured custom domain."""

    words: ClassVar[str] = (
        "The custom domain in OSSFERRY_ENDPOINT is bound to no bucket. Bind it to the bucket;"
        " docs/custom-domain.md has the steps."
    )


class UnavailableError(
    OssferryError, status=503, code="unavailable", title="The server cannot do this right now"
):
    """Raised if a service that the server needs is down or busy.

    Attributes:
        reason: a short name for the log, such as `no-answer`.
        cause: error message of the operating system or the service, for the log; may be empty.
        retry_after_s: seconds to wait before trying again.
    """

    retryable = True
    words: ClassVar[str] = "The server cannot do this right now. Please try again."

    def __init__(self, reason: str, *, cause: str = "", retry_after_s: int = 2) -> None:
        super().__init__(self.words)
        self.reason = reason
        self.cause = cause
        self.retry_after_s = retry_after_s

    @property
    def evidence(self) -> Mapping[str, str]:
        """The log fields `reason` and, unless it is empty, `cause`."""
        return {"reason": self.reason, **({"cause": self.cause} if self.cause else {})}


class StsLostError(
    UnavailableError, code="sts-unavailable", title="Upload permission is not available right now"
):
    """Raised if STS gives no usable answer, or if the server has no credentials to call STS.

    The reason is the error code of STS, or a short name such as `no-answer` or `throttled`.
    """

    words = "The token service (STS) does not answer right now. Please try again."


class StsExpiredError(StsLostError, code="sts-expired"):
    """Raised if STS returned credentials that had already expired."""

    words = (
        "The token service (STS) answered with credentials that have already expired."
        " Please try again."
    )


class OssLostError(
    UnavailableError, code="oss-unavailable", title="The stored object cannot be read right now"
):
    """Raised if OSS gives no usable answer.

    The reason is the error code of OSS, or a short name such as `no-answer`.
    """

    words = "OSS does not answer the server right now. Please try again."


class ApplicationLostError(UnavailableError, code="application-unavailable"):
    """Raised if a function of the host application does not return in time.

    The reason is the name of the function, such as `authorize`.
    """


class StorageLostError(UnavailableError, code="storage-unavailable"):
    """Raised if Redis does not answer, and the server cannot handle the request without Redis."""


class LedgerLostError(
    UnavailableError, code="ledger-unavailable", title="The ledger cannot be reached right now"
):
    """Raised if the ledger's database is locked, full or unreachable.

    Objects in OSS are not affected.
    """

    words = "The server cannot reach its ledger right now; no upload is lost. Please try again."


class IssuerLostError(
    UnavailableError, code="issuer-unavailable", title="Sign-in is not available right now"
):
    """Raised if another host does not answer, or its answer is invalid.

    This host is the identity provider, a webhook, or the host with the public keys that verify
    OSS's callbacks.
    """

    words = "The identity provider does not answer right now. Please try again."


class AuditLostError(UnavailableError, code="audit-unavailable"):
    """Raised if the audit trail cannot be written, so the server refuses the request."""


class BusyError(UnavailableError, code="busy", title="The server is busy"):
    """Raised if this process has too many requests, or another task holds a lock for too long."""
