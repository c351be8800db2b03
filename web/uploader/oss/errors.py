"""What can go wrong between us and OSS.

    OSSError
    ├── Lost       no answer: the network, CORS or a silent server
    ├── Refused    OSS answered no: code, status, request id
    └── Corrupt    OSS answered yes, but what it stored or said is not what we sent

`retryable` says whether the same request may succeed later. `Refused.repair` names what to fix
first: fresh credentials or the clock.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["UNEXPECTED", "Corrupt", "Lost", "OSSError", "Refused"]

TRANSIENT_STATUSES = (408, 429, 500, 502, 503, 504)
TRANSIENT_CODES = (  # whatever their status: the end of a multipart upload may fail with a 200
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "IncompleteBody",
    "InvalidDigest",
    "InvalidCRC64",
)
WRONG_ENDPOINT = "specified endpoint"  # in a message of AccessDenied
UNEXPECTED = "UnexpectedAnswer"  # our own code for what is no answer of OSS
TOKEN_CODES = (
    "SecurityTokenExpired",
    "InvalidSecurityToken",
    "AccessKeyIdAndSecurityTokenNotMatch",
    "InvalidAccessKeyId",
)

RENEW_CREDENTIALS = "renew credentials"
SET_CLOCK = "set clock"


class OSSError(Exception):
    """Base of all errors of a request to OSS."""

    retryable = False


class Lost(OSSError):
    """No answer came. `reason` is one of the constants below, `request` what was sent, if known."""

    UNREACHABLE = "unreachable"
    INTERRUPTED = "interrupted"
    CORS = "cors"
    STALLED = "stalled"
    retryable = True

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.request: Any = None


class Refused(OSSError):
    """OSS refused the request.

    Fields: `code`, `message`, `status`, `request_id`, `ec` as in the error document;
    `server_time_s` is what OSS said the time is, in seconds since 1970, and `retry_after_s` how
    long it wants us to wait, or `retry_at_s` until when by its clock, if it did. When it does not
    accept our signature, `canonical_request` is what it signed itself, and `request` what we sent.
    """

    def __init__(
        self,
        code: str,
        status: int,
        *,
        message: str = "",
        request_id: str = "",
        ec: str = "",
        server_time_s: "float | None" = None,
        retry_after_s: "float | None" = None,
        retry_at_s: "float | None" = None,
        canonical_request: str = "",
    ) -> None:
        super().__init__(f"{code} ({status}): {message} [{request_id}]")
        self.code = code
        self.status = status
        self.message = message
        self.request_id = request_id
        self.ec = ec
        self.server_time_s = server_time_s
        self.retry_after_s = retry_after_s
        self.retry_at_s = retry_at_s
        self.canonical_request = canonical_request
        self.request: Any = None
        is_strange = code == UNEXPECTED and 200 <= status < 300
        self.retryable = status in TRANSIENT_STATUSES or code in TRANSIENT_CODES or is_strange

    @property
    def is_wrong_endpoint(self) -> bool:
        """Whether the request came by the endpoint of another region than the bucket's."""
        return self.code == "AccessDenied" and WRONG_ENDPOINT in self.message

    @property
    def repair(self) -> str:
        """What to mend before one more try; empty if nothing can be."""
        if self.code in TOKEN_CODES:
            return RENEW_CREDENTIALS
        skewed = self.code == "RequestTimeTooSkewed" and self.server_time_s is not None
        return SET_CLOCK if skewed else ""


class Corrupt(OSSError):
    """The object is not proved to be the file. `expected` and `actual` are the evidence.

    `is_mismatch` tells damage, which may be chance, from proof that is missing.
    """

    def __init__(
        self,
        what: str,
        *,
        expected: str,
        actual: str,
        request_id: str = "",
        is_mismatch: bool = False,
    ) -> None:
        super().__init__(f"{what}: expected {expected}, got {actual}")
        self.what = what
        self.expected = expected
        self.actual = actual
        self.is_mismatch = is_mismatch
        self.request_id = request_id
