"""All errors that the server raises, as a tree with their HTTP status.

``ours``: this server's configuration or set-up is wrong. ``refused``: this server, STS or OSS
refuses a request. ``lost``: a required service gives no usable answer, or this server is busy; a
retry may succeed.

    OssferryError
    ├── SettingsError            ours: the configuration is unsafe or incomplete
    ├── KillSwitchError          ours: RAM did not turn the kill switch on or off
    ├── PrefixError              ours: no safe key prefix can be built for a principal
    ├── PolicyError              ours: no safe policy for an STS session can be built
    ├── RefusedError             refused: this server refuses the client's request
    │   ├── BadRequestError      400
    │   ├── NotIdentifiedError   401
    │   │   └── NoProofError     no credentials were sent, or the session has ended
    │   ├── CrossSiteError       403
    │   ├── ForeignKeyError      403
    │   ├── RevokedError         403
    │   ├── NotAdminError        403
    │   ├── ForgedCallbackError  403
    │   ├── InsecureError        403
    │   ├── NotStoredError       404
    │   ├── NoUploadError        404
    │   ├── NothingToUndoError   404
    │   ├── NowhereError         404
    │   ├── ReceiptMismatchError 409
    │   ├── UploadStandsError    409
    │   ├── KeyTakenError        409
    │   ├── NotInlineError       409
    │   ├── BodyTooLargeError    413
    │   ├── FileTooLargeError    413
    │   ├── NoPreviewError       415
    │   ├── TypeNotTakenError    415
    │   ├── UnknownHostError     421
    │   ├── HeadersTooLargeError 431
    │   ├── QuotaExceededError   429, a daily limit is lifted at midnight UTC
    │   └── TooManyError         429, try again later
    ├── StsRefusedError          refused: STS refuses our request; 502, a retry does not help
    ├── OssRefusedError          refused: OSS refuses our request; 502, a retry does not help
    │   └── OssEndpointError     the account may not use the configured endpoint
    │       └── OssDomainError   the configured custom domain is not bound to a bucket
    └── UnavailableError         lost: a required service is down or busy; 503, with Retry-After
        ├── StsLostError         STS is down, busy or silent
        │   └── StsExpiredError  STS returned credentials that had already expired
        ├── OssLostError         OSS is down, busy or silent
        ├── StorageLostError     Redis does not answer
        ├── LedgerLostError      the ledger's database does not answer, or cannot write
        ├── AuditLostError       the audit trail cannot be written
        ├── IssuerLostError      the identity provider does not answer
        └── BusyError            too many requests at the same time

Clients can read the text of an error, so it contains no secrets, no ARNs, and no text from
upstream services.
"""

from ossferry.errors.own import (
    KillSwitchError,
    OssferryError,
    PolicyError,
    PrefixError,
    SettingsError,
)
from ossferry.errors.refused import (
    BadRequestError,
    BodyTooLargeError,
    CrossSiteError,
    FileTooLargeError,
    ForeignKeyError,
    ForgedCallbackError,
    HeadersTooLargeError,
    InsecureError,
    KeyTakenError,
    NoPreviewError,
    NoProofError,
    NotAdminError,
    NothingToUndoError,
    NotIdentifiedError,
    NotInlineError,
    NotStoredError,
    NoUploadError,
    NowhereError,
    QuotaExceededError,
    ReceiptMismatchError,
    RefusedError,
    RevokedError,
    TooManyError,
    TypeNotTakenError,
    UnknownHostError,
    UploadStandsError,
)
from ossferry.errors.upstream import (
    AuditLostError,
    BusyError,
    IssuerLostError,
    LedgerLostError,
    OssDomainError,
    OssEndpointError,
    OssLostError,
    OssRefusedError,
    StorageLostError,
    StsExpiredError,
    StsLostError,
    StsRefusedError,
    UnavailableError,
)

__all__ = [
    "AuditLostError",
    "BadRequestError",
    "BodyTooLargeError",
    "BusyError",
    "CrossSiteError",
    "FileTooLargeError",
    "ForeignKeyError",
    "ForgedCallbackError",
    "HeadersTooLargeError",
    "InsecureError",
    "IssuerLostError",
    "KeyTakenError",
    "KillSwitchError",
    "LedgerLostError",
    "NoPreviewError",
    "NoProofError",
    "NoUploadError",
    "NotAdminError",
    "NotIdentifiedError",
    "NotInlineError",
    "NotStoredError",
    "NothingToUndoError",
    "NowhereError",
    "OssDomainError",
    "OssEndpointError",
    "OssLostError",
    "OssRefusedError",
    "OssferryError",
    "PolicyError",
    "PrefixError",
    "QuotaExceededError",
    "ReceiptMismatchError",
    "RefusedError",
    "RevokedError",
    "SettingsError",
    "StorageLostError",
    "StsExpiredError",
    "StsLostError",
    "StsRefusedError",
    "TooManyError",
    "TypeNotTakenError",
    "UnavailableError",
    "UnknownHostError",
    "UploadStandsError",
]
