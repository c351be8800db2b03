"""The exceptions of the mock, and the table of OSS error codes.

Exception tree::

    MockOSSError                 base class of all exceptions of this package
    ├── RefusedError             OSS refuses a request: code, status, message, EC
    ├── STSRefusedError          STS refuses a request: status, code, message
    ├── PortInUseError           the mock cannot listen on the requested address
    ├── DataDirError             the data directory cannot be used
    │   └── DataDirInUseError    another mock uses the data directory
    ├── UnknownOperationError    the mock has no operation with this name
    ├── UnsafeStartError         the environment looks like production
    ├── UploadTimeoutError       an expected object was not stored in time
    ├── WrongRequestsError       not exactly one request was received
    └── WorldError               a world, seed, fault or control plane request is not valid

Codes, statuses and messages come from the vendor's error pages. EC is an additional numeric code of
OSS, which is more specific than the error code.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

__all__ = [
    "ERRORS",
    "DataDirError",
    "DataDirInUseError",
    "ErrorRow",
    "MockOSSError",
    "PortInUseError",
    "RefusedError",
    "STSRefusedError",
    "UnknownOperationError",
    "UnsafeStartError",
    "UploadTimeoutError",
    "WorldError",
    "WrongRequestsError",
    "invalid_argument",
]


class ErrorRow(NamedTuple):
    """One row of the table of OSS error codes: HTTP status, message and EC."""

    status: int
    message: str
    ec: str


class MockOSSError(Exception):
    """Base class of the exceptions of this package."""


class PortInUseError(MockOSSError):
    """Raised if the mock cannot listen on an address, usually because the port is in use."""


class DataDirError(MockOSSError):
    """Raised if the data directory cannot be created, read or written, or has an unknown format."""


class DataDirInUseError(DataDirError):
    """Raised if another running mock uses the same data directory."""


class UnknownOperationError(MockOSSError, ValueError):
    """Raised if a test asks for requests of an operation that the mock does not have.

    The message names operations with similar names.
    """

    def __init__(self, name: str, operations: Iterable[str]) -> None:
        from difflib import get_close_matches  # takes long to import, and is rarely needed

        by_lower = {operation.lower(): operation for operation in sorted(operations)}
        nearest = [by_lower[lower] for lower in get_close_matches(name.lower(), by_lower)]
        hint = f"; similar names: {', '.join(nearest)}" if nearest else ""
        super().__init__(f"the mock has no operation {name!r}{hint}")


class UnsafeStartError(MockOSSError):
    """Raised if the environment looks like production, or if other machines can reach the mock.

    A command-line option overrides this check.
    """


class UploadTimeoutError(MockOSSError, TimeoutError):
    """Raised if an object is not stored in time; the message lists what the mock received."""


class WrongRequestsError(MockOSSError, AssertionError):
    """Raised if a test expects exactly one request, and the mock received none or several.

    The message lists the received requests. In pytest, the test fails as for a wrong `assert`.
    """


class WorldError(MockOSSError):
    """Raised if a world file, seed directory, fault or control plane request is not valid.

    The message names the wrong value.
    """


ERRORS: Mapping[str, ErrorRow] = {
    "AccessDenied": ErrorRow(403, "AccessDenied", "0003-00000001"),
    "AccessForbidden": ErrorRow(
        403,
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of "
        "Origin, request method / Access-Control-Request-Method or Access-Control-Requet-Headers "
        "are not whitelisted by the resource's CORS spec.",
        "0015-00000501",
    ),
    "AccessKeyIdAndSecurityTokenNotMatch": ErrorRow(
        403,
        "The OSS access key id and security token you provided does not match.",
        "0002-00000004",
    ),
    "ActiveRequestLimitExceeded": ErrorRow(503, "Too many active requests.", "0029-00000004"),
    # Code, status and text of ArchiveRestoreFileStale come from the vendor's page of
    # CleanRestoredObject. We found no EC for the two, nor for InventoryExceedLimit,
    # NoSuchInventory, NoSuchVersion and RestoreAlreadyInProgress: theirs are our own.
    "ArchiveRestoreFileStale": ErrorRow(
        409, "The archive file or restore info stale", "0026-00000031"
    ),
    "ArchiveRestoreNotFinished": ErrorRow(
        409, "The archive file's restore is not finished", "0026-00000032"
    ),
    "BadRequest": ErrorRow(
        400, "Insufficient information. Origin request header needed.", "0015-00000502"
    ),
    "BucketAlreadyExists": ErrorRow(
        409, "The requested bucket name is not available.", "0015-00000104"
    ),
    "BucketNotEmpty": ErrorRow(
        409, "The bucket you tried to delete is not empty.", "0015-00000301"
    ),
    "CallbackFailed": ErrorRow(203, "Error status : 502.", "0007-00000203"),
    # Custom domains: codes and statuses come from the vendor's table of PutCname, as do EC and
    # text of NeedVerifyDomainOwnership, the EC of CnameIsForbidden and the text of CnameDenied.
    "CnameAlreadyExists": ErrorRow(409, "The cname is mapped to another bucket.", "0018-00000301"),
    "CnameDenied": ErrorRow(403, "The cname belongs to another user.", "0018-00000303"),
    "CnameIsForbidden": ErrorRow(
        403, "The domain name is reserved and cannot be mapped.", "0018-00000401"
    ),
    "CnameIsRisk": ErrorRow(403, "The domain name is a high-risk domain name.", "0018-00000402"),
    "CpuLimitExceeded": ErrorRow(503, "The CPU limit was exceeded.", "0029-00000005"),
    "DownloadTrafficRateLimitExceeded": ErrorRow(
        503, "The download traffic limit was exceeded.", "0029-00000007"
    ),
    "EntityTooLarge": ErrorRow(
        400, "Your proposed upload exceeds the maximum allowed size.", "0016-00000601"
    ),
    "EntityTooSmall": ErrorRow(
        400, "Your proposed upload smaller than the minimum allowed size.", "0042-00000213"
    ),
    "FieldItemTooLong": ErrorRow(400, "Your POST field item is too long.", "0007-00000102"),
    "FileAlreadyExists": ErrorRow(
        409, "The object you specified already exists and can not be overwritten.", "0026-00000011"
    ),
    "IncompleteBody": ErrorRow(
        400,
        "You did not provide the number of bytes specified by the Content-Length HTTP header.",
        "0016-00000301",
    ),
    "IncorrectNumberOfFilesInPOSTRequest": ErrorRow(
        400, "POST requires exactly one file upload per request.", "0007-00000104"
    ),
    "InternalError": ErrorRow(
        500, "Please contact the server administrator, oss@service.aliyun.com.", "0000-00000001"
    ),
    "InvalidAccessKeyId": ErrorRow(
        403, "The OSS Access Key Id you provided does not exist in our records.", "0002-00000902"
    ),
    "InvalidArgument": ErrorRow(400, "Invalid argument.", "0002-00000229"),
    "InvalidBucketName": ErrorRow(400, "The specified bucket is not valid.", "0015-00000001"),
    "InvalidCRC64": ErrorRow(
        400,
        "The x-oss-hash-crc64ecma you specified does not match what we calculated.",
        "0016-00000703",
    ),
    "InvalidDigest": ErrorRow(400, "The Content-MD5 you specified was invalid.", "0016-00000701"),
    "InvalidEncryptionAlgorithmError": ErrorRow(
        400, "The Encryption request you specified is not valid.", "0016-00000901"
    ),
    "InvalidObjectName": ErrorRow(400, "The specified object is not valid.", "0016-00000002"),
    "InvalidPart": ErrorRow(
        400,
        "One or more of the specified parts could not be found or the specified entity tag might "
        "not have matched the part's entity tag.",
        "0042-00000212",
    ),
    "InvalidPartOrder": ErrorRow(
        400, "The list of parts was not in ascending order.", "0042-00000211"
    ),
    "InvalidObjectState": ErrorRow(
        403, "The operation is not valid for the object's state", "0026-00000005"
    ),
    "InvalidPolicyDocument": ErrorRow(
        400, "The content of the form does not meet the conditions specified.", "0007-00000113"
    ),
    "InvalidRange": ErrorRow(416, "The requested range cannot be satisfied.", "0016-00000603"),
    "InvalidRequest": ErrorRow(400, "Invalid request.", "0016-00000503"),
    "InvalidSecurityToken": ErrorRow(
        403, "The security token you provided is invalid.", "0002-00000006"
    ),
    "InvalidTag": ErrorRow(400, "The tag you specified is not valid.", "0038-00000003"),
    "InvalidTaggingKey": ErrorRow(400, "The tag key you specified is not valid.", "0038-00000004"),
    "InvalidTargetType": ErrorRow(
        400, "The symbolic's target file type is invalid.", "0026-00000022"
    ),
    "InvalidTargetBucketForLogging": ErrorRow(400, "Invalid target bucket.", "0015-00000601"),
    "InventoryAlreadyExist": ErrorRow(
        409, "The inventory configuration already exists.", "0020-00000042"
    ),
    "InventoryExceedLimit": ErrorRow(
        400, "The number of inventory configurations exceeds the limit.", "0020-00000041"
    ),
    "KmsServiceNotEnabled": ErrorRow(403, "The KMS service is not enabled.", "0016-00000902"),
    "MalformedPOSTRequest": ErrorRow(
        400,
        "The body of your POST request is not well-formed multipart/form-data.",
        "0007-00000101",
    ),
    "MalformedXML": ErrorRow(
        400,
        "The XML you provided was not well-formed or did not validate against our published "
        "schema.",
        "0010-00000001",
    ),
    "MaxPOSTPreDataLengthExceededError": ErrorRow(
        400, "Your POST request fields preceding the upload file were too large.", "0007-00000103"
    ),
    "MetaOperationQpsLimitExceeded": ErrorRow(
        503, "The meta operation QPS limit was exceeded.", "0029-00000003"
    ),
    "MethodNotAllowed": ErrorRow(
        405, "The specified method is not allowed against this resource.", "0002-00000301"
    ),
    "MissingArgument": ErrorRow(400, "Missing Some Required Arguments.", "0016-00000502"),
    "MissingContentLength": ErrorRow(
        411, "You must provide the Content-Length HTTP header.", "0016-00000501"
    ),
    "NeedVerifyDomainOwnership": ErrorRow(
        403, "Please verify domain ownership by CreateCnameToken and try again.", "0018-00000115"
    ),
    "NonStandardHostForbidden": ErrorRow(
        403, "Your host is invalid. Please use Open Storage Service standard host.", "0002-00000802"
    ),
    "NoSuchBucket": ErrorRow(404, "The specified bucket does not exist.", "0015-00000101"),
    "NoSuchCORSConfiguration": ErrorRow(
        404, "The CORS Configuration does not exist.", "0015-00000503"
    ),
    "NoSuchCname": ErrorRow(404, "The specified cname does not exist.", "0018-00000101"),
    "NoSuchCnameInRecord": ErrorRow(404, "The domain name has no ICP filing.", "0018-00000116"),
    "NoSuchCnameToken": ErrorRow(404, "The cname token does not exist.", "0018-00000102"),
    "NoSuchInventory": ErrorRow(
        404, "The inventory configuration does not exist.", "0020-00000043"
    ),
    "NoSuchKey": ErrorRow(404, "The specified key does not exist.", "0026-00000001"),
    "NoSuchLifecycle": ErrorRow(404, "No Row found in Lifecycle Table.", "0014-00000001"),
    "NoSuchUpload": ErrorRow(
        404,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may "
        "have been aborted or completed.",
        "0042-00000201",
    ),
    "NoSuchVersion": ErrorRow(404, "The specified version does not exist.", "0026-00000002"),
    "NotImplemented": ErrorRow(
        400, "A header you provided implies functionality that is not implemented.", "0002-00000501"
    ),
    "NotModified": ErrorRow(304, "Not Modified", "0016-00000402"),
    "NotSymlink": ErrorRow(400, "The object is not symlink.", "0016-00000801"),
    "ObjectNotAppendable": ErrorRow(409, "The object is not appendable.", "0026-00000007"),
    "OperationNotSupported": ErrorRow(400, "The operation is not supported.", "0016-00000802"),
    "PositionNotEqualToLength": ErrorRow(
        409, "Position is not equal to file length", "0026-00000016"
    ),
    "PreconditionFailed": ErrorRow(
        412, "At least one of the pre-conditions you specified did not hold.", "0016-00000401"
    ),
    "PublicEndpointForbidden": ErrorRow(
        400,
        "Not allowed using the OSS public endpoint , please use CNAME instead.",
        "0048-00000401",
    ),
    "QpsLimitExceeded": ErrorRow(503, "The QPS limit was exceeded.", "0029-00000002"),
    "RepeatedTags": ErrorRow(400, "The tag keys must be unique.", "0038-00000005"),
    "RequestIsNotMultiPartContent": ErrorRow(
        400, "Bucket POST must be of the enclosure-type multipart/form-data.", "0007-00000105"
    ),
    "RequestTimeTooSkewed": ErrorRow(
        403,
        "The difference between the request time and the current time is too large.",
        "0002-00000504",
    ),
    "RequestTimeout": ErrorRow(
        400,
        "Your socket connection to the server was not read from or written to within the timeout "
        "period. Idle connections will be closed.",
        "0016-00000302",
    ),
    "RestoreAlreadyInProgress": ErrorRow(
        409, "The restore operation is in progress.", "0026-00000006"
    ),
    "SecondLevelDomainForbidden": ErrorRow(
        403, "Please use virtual hosted style to access.", "0002-00000801"
    ),
    "SecurityTokenExpired": ErrorRow(
        403, "The security token you provided has expired.", "0002-00000007"
    ),
    "SecurityTokenNotSupported": ErrorRow(
        403, "This interface does not support security token.", "0002-00000001"
    ),
    "ServiceUnavailable": ErrorRow(
        503, "Thread pool is almost full, please retry later.", "0029-00000001"
    ),
    "SignatureDoesNotMatch": ErrorRow(
        403,
        "The request signature we calculated does not match the signature you provided. Check "
        "your key and signing method.",
        "0002-00000040",
    ),
    "SymlinkTargetNotExist": ErrorRow(
        404, "The target object of the symlink does not exist.", "0026-00000021"
    ),
    "TooManyBuckets": ErrorRow(
        400, "You have attempted to create more buckets than allowed.", "0015-00000105"
    ),
    "TotalQpsLimitExceeded": ErrorRow(503, "The total QPS limit was exceeded.", "0029-00000006"),
    "UploadTrafficRateLimitExceeded": ErrorRow(
        503, "The upload traffic limit was exceeded.", "0029-00000008"
    ),
    "UserDisable": ErrorRow(403, "UserDisable", "0003-00000801"),
}


class RefusedError(MockOSSError):
    """Raised to refuse an OSS request; the mock then sends the error response.

    Args:
        code: the OSS error code, a key of `ERRORS`.
        message: replaces the default message of the error code.
        ec: replaces the default EC of the error code.
        headers: additional response headers.
        why: JSON-ready details about the refusal. Only the journal contains the details, not the
            response.
        explain: a function that computes the details when the journal is read; replaces `why`.
        extras: additional elements of the XML error document.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        ec: str | None = None,
        headers: Mapping[str, str] | None = None,
        why: Mapping[str, object] | None = None,
        explain: Callable[[], Mapping[str, object]] | None = None,
        **extras: str | int | Mapping[str, str],
    ) -> None:
        row = ERRORS[code]
        super().__init__(code, message or row.message)
        self.code = code
        self.status = row.status
        self.message = message or row.message
        self.ec = ec or row.ec
        self.headers = dict(headers or {})
        self.why = dict(why or {})
        self.explain = explain
        self.extras = extras


def invalid_argument(
    name: str, value: str | int, message: str | None = None, *, ec: str | None = None
) -> RefusedError:
    """Return the error for a header, parameter, field or element whose value is not allowed."""
    return RefusedError("InvalidArgument", message, ec=ec, ArgumentName=name, ArgumentValue=value)


class STSRefusedError(MockOSSError):
    """Raised to refuse an STS request; the mock then sends the error response.

    `why` holds JSON-ready details about the refusal. Only the journal contains the details, not
    the response.
    """

    def __init__(
        self, status: int, code: str, message: str, *, why: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.code = code
        self.message = message
        self.why = dict(why or {})
