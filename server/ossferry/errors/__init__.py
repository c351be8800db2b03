"""All errors that the server raises, as a tree with their HTTP status.

There are three kinds. A set-up error means that the configuration of this server is wrong. A
refusal means that this server, STS or OSS refuses a request. An outage means that a required
service gives no usable answer, or that this server is busy; a retry may succeed.

    OssferryError
    ├── SettingsError            set-up: the configuration is unsafe or incomplete
    │   ├── MissingExtraError    an optional package is not installed
    │   └── UsageError           a command was called with wrong options
    ├── AuthorizationError       set-up: an application's permission cannot be enforced
    ├── CloudError               set-up: a command cannot read or change the cloud account
    ├── PrefixError              set-up: no safe key prefix can be built for a principal
    ├── PolicyError              set-up: no safe policy for an STS session can be built
    ├── RefusedError             refusal: this server refuses the client's request
    │   ├── BadRequestError      400, the request is malformed
    │   ├── NotIdentifiedError   401, the sender is not identified
    │   │   └── NoProofError     no credentials were sent, or the session has ended
    │   ├── CrossSiteError       403, another site caused the request
    │   ├── ForeignKeyError      403, the object key is not below the principal's prefix
    │   ├── RevokedError         403, an administrator has revoked the access
    │   ├── NotAdminError        403, the principal is not an administrator
    │   ├── NotAllowedError      403, the application refuses the upload
    │   ├── ForgedCallbackError  403, the callback has no valid signature of OSS
    │   ├── FormsOnlyError       403, the settings allow signed forms only
    │   ├── InsecureError        403, plain HTTP from another machine
    │   ├── NotStoredError       404, OSS has no such object
    │   ├── NoUploadError        404, OSS has no such multipart upload
    │   ├── NothingToUndoError   404, no deleted upload can be restored
    │   ├── NowhereError         404, no page or endpoint has this path
    │   ├── ReceiptMismatchError 409, the report differs from the stored object
    │   ├── UploadStandsError    409, the reported object must be kept
    │   ├── KeyTakenError        409, another object has the key
    │   ├── NotInlineError       409, a browser must not display the object
    │   ├── BodyTooLargeError    413, the request body is too large
    │   ├── FileTooLargeError    413, the file is too large
    │   ├── NoPreviewError       415, OSS cannot make a preview
    │   ├── TypeNotTakenError    415, the file type is not allowed
    │   ├── UnknownHostError     421, the Host header names another server
    │   ├── HeadersTooLargeError 431, the request headers are too large
    │   ├── QuotaExceededError   429, a daily limit is lifted at midnight UTC
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

from ossferry.errors.own import (
    AuthorizationError,
    CloudError,
    MissingExtraError,
    OssferryError,
    PolicyError,
    PrefixError,
    SettingsError,
    UsageError,
)
from ossferry.errors.refused import (
    BadRequestError,
    BodyTooLargeError,
    CrossSiteError,
    FileTooLargeError,
    ForeignKeyError,
    ForgedCallbackError,
    FormsOnlyError,
    HeadersTooLargeError,
    InsecureError,
    KeyTakenError,
    NoPreviewError,
    NoProofError,
    NotAdminError,
    NotAllowedError,
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
    ApplicationLostError,
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
    "ApplicationLostError",
    "AuditLostError",
    "AuthorizationError",
    "BadRequestError",
    "BodyTooLargeError",
    "BusyError",
    "CloudError",
    "CrossSiteError",
    "FileTooLargeError",
    "ForeignKeyError",
    "ForgedCallbackError",
    "FormsOnlyError",
    "HeadersTooLargeError",
    "InsecureError",
    "IssuerLostError",
    "KeyTakenError",
    "LedgerLostError",
    "MissingExtraError",
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
    "UsageError",
]
