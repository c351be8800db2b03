"""Every error that the server raises on purpose.

    OssferryError
    ├── SettingsError            ours: the configuration is unsafe or incomplete; start is refused
    ├── KillSwitchError          ours: RAM did not do what it was asked
    ├── PrefixError              ours: no safe key prefix can be made
    ├── PolicyError              ours: no safe session policy can be made
    ├── RefusedError             refused: we said no to the client
    │   ├── BadRequestError      400
    │   ├── NotIdentifiedError   401
    │   │   └── NoProofError     nobody has tried
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
    │   ├── QuotaExceededError   429, time may free some of it
    │   └── TooManyError         429, trying again later helps
    ├── StsRefusedError          refused: STS said no to us; 502, trying again does not help
    ├── OssRefusedError          refused: OSS said no to us; 502, likewise
    │   └── OssEndpointError     this account may not use the endpoint that we use
    │       └── OssDomainError   it does not know the custom domain that we use
    └── UnavailableError         lost: something we need is down or busy; 503, with Retry-After
        ├── StsLostError         STS is down, busy or silent
        │   └── StsExpiredError  its credentials had expired before they came
        ├── OssLostError         OSS is down, busy or silent
        ├── StorageLostError     Redis does not answer
        ├── LedgerLostError      the ledger's database does not answer, or cannot write
        ├── AuditLostError       the audit trail cannot be written
        ├── IssuerLostError      the identity provider does not answer
        └── BusyError            too many requests at one time

The text of an error may be shown to anyone: it never holds a secret, an ARN or upstream words.
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
