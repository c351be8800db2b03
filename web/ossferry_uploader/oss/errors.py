"""Errors of requests to OSS.

    OSSError
    ├── Lost       no reply: the network, CORS or a server that does not respond
    ├── Refused    an error reply: code, status, request id
    └── Corrupt    a successful reply that does not match the sent bytes, or has no checksum

The module `transfer.pacing.retry` decides which errors are retried. `Refused.repair` tells what has
to be corrected before the next try: the credentials or the clock.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

POLICY_EXPIRED = "Policy expired"  # part of a message of AccessDenied, about a form
WRONG_ENDPOINT = "specified endpoint"  # part of a message of AccessDenied
UNEXPECTED = "UnexpectedAnswer"  # our own code: the reply is not from OSS
TOKEN_CODES = (
    "SecurityTokenExpired",
    "InvalidSecurityToken",
    "AccessKeyIdAndSecurityTokenNotMatch",
    "InvalidAccessKeyId",
)

RENEW_CREDENTIALS = "renew credentials"
SET_CLOCK = "set clock"


class OSSError(Exception):
    """Base class of the errors of requests to OSS.

    The attribute `request` is the signed `Request` that failed; the code that sends requests sets
    it.
    """

    request: "Any" = None


class Lost(OSSError):
    """Raised if a request to OSS got no reply.

    The attribute `reason` is one of the constants of this class.
    """

    UNREACHABLE = "unreachable"
    INTERRUPTED = "interrupted"
    CORS = "cors"
    STALLED = "stalled"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(OSSError):
    """Raised if OSS refused a request, or if a reply is malformed or not from OSS.

    Attributes:
        code: the error code, such as `AccessDenied`.
        status: the HTTP status.
        ec: OSS's more precise error code (`EC`), such as `0003-00000001`; may be empty.
        server_time_s: the time of OSS in seconds since 1970, or `None`.
        retry_after_s: the `Retry-After` header in seconds; `None` if there is none, or it is a
            date.
        retry_at_s: the date in the `Retry-After` header, in seconds since 1970; `None` if there is
            none.
        canonical_request: the canonical request that OSS computed; empty unless OSS refused the
            signature of the request.
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

    @property
    def is_wrong_endpoint(self) -> bool:
        """Tell whether the request went to an endpoint of another region than the bucket's."""
        return self.code == "AccessDenied" and WRONG_ENDPOINT in self.message

    @property
    def repair(self) -> str:
        """The action that has to precede a retry of the refused request.

        It is `RENEW_CREDENTIALS`, `SET_CLOCK`, or an empty text if no action is needed or known.
        """
        if self.code in TOKEN_CODES or POLICY_EXPIRED in self.message:
            return RENEW_CREDENTIALS
        skewed = self.code == "RequestTimeTooSkewed" and self.server_time_s is not None
        return SET_CLOCK if skewed else ""


class Corrupt(OSSError):
    """Raised if a successful reply does not prove that the stored object is equal to the file.

    Attributes:
        what: the name of the compared value, such as `CRC-64`.
        expected: the value for the file.
        actual: the value for the stored object.
        is_mismatch: true if the stored bytes differ, so that a retry may help; false if the proof
            is missing.
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
