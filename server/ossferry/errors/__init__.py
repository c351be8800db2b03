"""Every error that the server raises on purpose.

    OssferryError
    ├── SettingsError            ours: the configuration is unsafe or incomplete; start is refused
    ├── KillSwitchError          ours: RAM did not apply or lift the kill switch
    ├── PrefixError              ours: no safe key prefix can be made
    ├── PolicyError              ours: no safe session policy can be made
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
    │   ├── QuotaExceededError   429, a limit per day is lifted at midnight UTC
    │   └── TooManyError         429, try again later
    ├── StsRefusedError          refused: STS refuses our request; 502, a retry does not help
    ├── OssRefusedError          refused: OSS refuses our request; 502, a retry does not help
    │   └── OssEndpointError     the account may not use the configured endpoint
    │       └── OssDomainError   the configured custom domain is not bound to a bucket
    └── UnavailableError         lost: a service that we need is down or busy; 503, with Retry-After
        ├── StsLostError         STS is down, busy or silent
        │   └── StsExpiredError  STS returned credentials that had already expired
        ├── OssLostError         OSS is down, busy or silent
        ├── StorageLostError     Redis does not answer
        ├── LedgerLostError      the ledger's database does not answer, or cannot write
        ├── AuditLostError       the audit trail cannot be written
        ├── IssuerLostError      the identity provider does not answer
        └── BusyError            too many requests at the same time

Anyone may read an error's text, so it never contains a secret, an ARN or text from upstream.
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
