"""Every error that the server raises on purpose.

    OssferryError
    ├── SettingsError            ours: the configuration is unsafe or incomplete; start is refused
    ├── PrefixError              ours: no safe key prefix can be made
    ├── PolicyError              ours: no safe session policy can be made
    ├── RefusedError             refused: we said no to the client
    │   ├── BadRequestError      400
    │   ├── NotIdentifiedError   401
    │   ├── CrossSiteError       403
    │   ├── InsecureError        403
    │   ├── BodyTooLargeError    413
    │   ├── UnknownHostError     421
    │   ├── HeadersTooLargeError 431
    │   └── TooManyError         429, trying again later helps
    ├── StsRefusedError          refused: STS said no to us; 502, trying again does not help
    └── UnavailableError         lost: something we need is down or busy; 503, with Retry-After
        ├── StsLostError         STS is down, busy or silent
        ├── StorageLostError     Redis does not answer
        ├── AuditLostError       the audit trail cannot be written
        ├── IssuerLostError      the identity provider does not answer
        └── BusyError            too many requests at one time

The text of an error may be shown to anyone: it never holds a secret, an ARN or upstream words.
"""

from typing import ClassVar

__all__ = [
    "AuditLostError",
    "BadRequestError",
    "BodyTooLargeError",
    "BusyError",
    "CrossSiteError",
    "HeadersTooLargeError",
    "InsecureError",
    "IssuerLostError",
    "NotIdentifiedError",
    "OssferryError",
    "PolicyError",
    "PrefixError",
    "RefusedError",
    "SettingsError",
    "StorageLostError",
    "StsLostError",
    "StsRefusedError",
    "TooManyError",
    "UnavailableError",
    "UnknownHostError",
]


class OssferryError(Exception):
    """Base of the tree; the class attributes say how HTTP shows the error."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "The server failed"
    retryable: ClassVar[bool] = False
    retry_after_s: int | None = None


class SettingsError(OssferryError):
    """The configuration is unsafe or incomplete; one sentence names the option."""


class PrefixError(OssferryError):
    """No safe key prefix can be made for this principal."""


class PolicyError(OssferryError):
    """No safe session policy can be made."""


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


class CrossSiteError(RefusedError):
    """Another site made the browser send this request."""

    code = "cross-site"
    title = "Requests from other sites are refused"


class InsecureError(RefusedError):
    """The request came over plain http from beyond this machine."""

    code = "insecure"
    title = "Please use https"


class BodyTooLargeError(RefusedError):
    """The request's body is longer than any that we expect."""

    status = 413
    code = "body-too-large"
    title = "The request is too large"


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
    """Somebody asks too often.

    Attributes:
        limit: which limit: ``principal``, ``address``, ``global`` or ``failures``.
    """

    status = 429
    code = "too-many"
    title = "Too many requests"
    retryable = True

    def __init__(self, limit: str, *, retry_after_s: int) -> None:
        super().__init__("There were too many requests. Please wait and try again.")
        self.limit = limit
        self.retry_after_s = retry_after_s


class StsRefusedError(OssferryError):
    """STS answered, and said no; the server's own set-up has to change.

    Attributes:
        sts_code: the code that STS gave, such as ``NoPermission``.
        sts_request_id: names the call in the cloud's own logs.
    """

    status = 502
    code = "sts-refused"
    title = "Upload permission could not be obtained"

    def __init__(self, sts_code: str, sts_request_id: str) -> None:
        super().__init__(
            "The token service (STS) refused to give this server upload credentials."
            " Whoever runs the server finds the reason in its log under this id."
        )
        self.sts_code = sts_code
        self.sts_request_id = sts_request_id


class UnavailableError(OssferryError):
    """Something that the server needs is down or busy.

    Attributes:
        reason: a short word for the log.
        retry_after_s: seconds after which asking again makes sense.
    """

    status = 503
    code = "unavailable"
    title = "The server cannot do this right now"
    retryable = True
    words: ClassVar[str] = "The server cannot do this right now. Please try again."

    def __init__(self, reason: str, *, retry_after_s: int = 2) -> None:
        super().__init__(self.words)
        self.reason = reason
        self.retry_after_s = retry_after_s


class StsLostError(UnavailableError):
    """STS gave no usable answer; the reason is ``no-answer``, ``throttled``, or a code."""

    code = "sts-unavailable"
    title = "Upload permission is not available right now"
    words = "The token service (STS) does not answer right now. Please try again."


class StorageLostError(UnavailableError):
    """Redis does not answer, and what was asked cannot be decided without it."""

    code = "storage-unavailable"


class IssuerLostError(UnavailableError):
    """The identity provider does not answer, or not as it should."""

    code = "issuer-unavailable"
    title = "Sign-in is not available right now"
    words = "The identity provider does not answer right now. Please try again."


class AuditLostError(UnavailableError):
    """A decision cannot be recorded, so it is not made."""

    code = "audit-unavailable"


class BusyError(UnavailableError):
    """As many requests as the server takes are under way."""

    code = "busy"
    title = "The server is busy"
