"""Errors of upstream services: STS or OSS refuses a request, or a service does not answer."""

from collections.abc import Mapping
from typing import ClassVar

from ossferry.errors.own import OssferryError

__all__ = [
    "ApplicationLostError",
    "AuditLostError",
    "BusyError",
    "IssuerLostError",
    "LedgerLostError",
    "OssEndpointError",
    "OssLostError",
    "OssRefusedError",
    "StorageLostError",
    "StsExpiredError",
    "StsLostError",
    "StsRefusedError",
    "UnavailableError",
]


REPAIR_S = 60
"""Retry-After for errors that somebody must fix in the set-up; retrying sooner is useless."""


class StsRefusedError(OssferryError):
    """Raised if STS refuses a request; an operator must change the configuration.

    Attributes:
        sts_code: the error code of STS, such as `NoPermission`.
        sts_request_id: identifies the call in the logs of Alibaba Cloud.
    """

    status = 502
    code = "sts-refused"
    title = "Upload permission could not be obtained"
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
        """The error code and the request id of STS, as log fields."""
        return {"sts_code": self.sts_code, "sts_request_id": self.sts_request_id}


class OssRefusedError(OssferryError):
    """Raised if OSS refuses a request of this server; an operator must change the configuration.

    Attributes:
        oss_code: the error code of OSS, such as `AccessDenied`.
        oss_request_id: identifies the call in the logs of Alibaba Cloud.
        oss_ec: the detailed error code (EC) of OSS, such as `0003-00000301`; empty if the answer
            has none. OSS can change these codes, so use them only for explanations.
        oss_message: the explanation of OSS in English; may be empty.
    """

    status = 502
    code = "oss-refused"
    title = "The stored object could not be read"

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
        """The error code and the request id of OSS, as log fields."""
        return {"oss_code": self.oss_code, "oss_request_id": self.oss_request_id}


class OssEndpointError(OssRefusedError):
    """Raised if OSS does not let this account use the configured endpoint.

    The message is for the operator; it contains no URLs.
    """

    code = "oss-endpoint-refused"
    title = "OSS refuses the address that this server uses"
    words: ClassVar[str] = (
        "OSS does not let this account use public endpoints for objects. Bind a custom domain"
        " to the bucket and set OSSFERRY_ENDPOINT and OSSFERRY_CNAME=1, or give the server"
        " an internal endpoint, OSSFERRY_OBJECTS_ENDPOINT; docs/custom-domain.md has the steps."
    )

    def __init__(self, *told: str) -> None:
        super().__init__(*told)
        self.args = (self.words,)


class OssDomainError(OssEndpointError):
    """Raised if the configured custom domain is not bound to a bucket of OSS."""

    code = "oss-domain-refused"
    words: ClassVar[str] = (
        "The custom domain in OSSFERRY_ENDPOINT is bound to no bucket. Bind it to the bucket;"
        " docs/custom-domain.md has the steps."
    )


class UnavailableError(OssferryError):
    """Raised if a service that the server needs is down or busy.

    Attributes:
        reason: a short word for the log.
        cause: what the operating system or the service said, for the log; may be empty.
        retry_after_s: seconds to wait before trying again.
    """

    status = 503
    code = "unavailable"
    title = "The server cannot do this right now"
    retryable = True
    words: ClassVar[str] = "The server cannot do this right now. Please try again."

    def __init__(self, reason: str, *, cause: str = "", retry_after_s: int = 2) -> None:
        super().__init__(self.words)
        self.reason = reason
        self.cause = cause
        self.retry_after_s = retry_after_s

    @property
    def evidence(self) -> Mapping[str, str]:
        """The reason and the cause of the error, as log fields."""
        return {"reason": self.reason, **({"cause": self.cause} if self.cause else {})}


class StsLostError(UnavailableError):
    """Raised if STS gives no usable answer.

    The reason is `no-answer`, `throttled`, or an error code.
    """

    code = "sts-unavailable"
    title = "Upload permission is not available right now"
    words = "The token service (STS) does not answer right now. Please try again."


class StsExpiredError(StsLostError):
    """Raised if STS returned credentials that had already expired."""

    code = "sts-expired"
    words = (
        "The token service (STS) answered with credentials that have already expired."
        " Please try again."
    )


class OssLostError(UnavailableError):
    """Raised if OSS gives no usable answer; the reason is `no-answer`, or an error code."""

    code = "oss-unavailable"
    title = "The stored object cannot be read right now"
    words = "OSS does not answer the server right now. Please try again."


class ApplicationLostError(UnavailableError):
    """Raised if a function of the application that mounts the server does not answer in time.

    The reason is the name of the function.
    """

    code = "application-unavailable"


class StorageLostError(UnavailableError):
    """Raised if Redis does not answer, and the server cannot handle the request without Redis."""

    code = "storage-unavailable"


class LedgerLostError(UnavailableError):
    """Raised if the ledger's database is locked, full or unreachable.

    Objects in OSS are not affected.
    """

    code = "ledger-unavailable"
    title = "The ledger cannot be reached right now"
    words = "The server cannot reach its ledger right now; no upload is lost. Please try again."


class IssuerLostError(UnavailableError):
    """Raised if the identity provider does not answer, or its answer is invalid."""

    code = "issuer-unavailable"
    title = "Sign-in is not available right now"
    words = "The identity provider does not answer right now. Please try again."


class AuditLostError(UnavailableError):
    """Raised if the audit trail cannot be written, so the server refuses the request."""

    code = "audit-unavailable"


class BusyError(UnavailableError):
    """Raised if too many requests run at the same time, or if a lock in the ledger is not free."""

    code = "busy"
    title = "The server is busy"
