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

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple


class ErrorRow(NamedTuple):
    """One row of the table of OSS error codes: HTTP status, message and EC (numeric error code)."""

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
    """Raised if a test names an operation that the mock does not have, such as in a journal search.

    The message contains the similar names of operations that the mock has.
    """

    def __init__(self, name: str, operations: Iterable[str]) -> None:
        from difflib import get_close_matches  # takes long to import, and is rarely needed

        by_lower = {operation.lower(): operation for operation in sorted(operations)}
        nearest = [by_lower[lower] for lower in get_close_matches(name.lower(), by_lower)]
        hint = f"; similar names: {', '.join(nearest)}" if nearest else ""
        super().__init__(f"the mock has no operation {name!r}{hint}")


class UnsafeStartError(MockOSSError):
    """Raised if it is not safe to start a mock.

    It is not safe if the environment looks like production or contains real credentials, or if
    other machines could reach the mock. The option `--i-know-this-is-a-mock` allows the start.
    """


class UploadTimeoutError(MockOSSError, TimeoutError):
    """Raised if an expected object is not stored in time.

    The message lists the requests that the mock received.
    """


class WrongRequestsError(MockOSSError, AssertionError):
    """Raised if a test expects exactly one request, and the mock received none or several.

    The message lists the received requests. pytest reports the test as failed, as for a wrong
    `assert`.
    """


class WorldError(MockOSSError):
    """Raised for an invalid world file, seed directory, planned fault or control plane request.

    A world is the configuration of accounts, keys and buckets. The message names the wrong value.
    """


_TABLE = """
403 0003-00000001 AccessDenied AccessDenied
403 0015-00000501 AccessForbidden CORSResponse: This CORS request is not allowed. This is usually
    because the evalution of Origin, request method / Access-Control-Request-Method or
    Access-Control-Requet-Headers are not whitelisted by the resource's CORS spec.
403 0002-00000004 AccessKeyIdAndSecurityTokenNotMatch The OSS access key id and security token you
    provided does not match.
503 0029-00000004 ActiveRequestLimitExceeded Too many active requests.
409 0026-00000031 ArchiveRestoreFileStale The archive file or restore info stale
409 0026-00000032 ArchiveRestoreNotFinished The archive file's restore is not finished
400 0015-00000502 BadRequest Insufficient information. Origin request header needed.
409 0015-00000104 BucketAlreadyExists The requested bucket name is not available.
409 0015-00000301 BucketNotEmpty The bucket you tried to delete is not empty.
203 0007-00000203 CallbackFailed Error status : 502.
409 0018-00000301 CnameAlreadyExists The cname is mapped to another bucket.
403 0018-00000303 CnameDenied The cname belongs to another user.
403 0018-00000401 CnameIsForbidden The domain name is reserved and cannot be mapped.
403 0018-00000402 CnameIsRisk The domain name is a high-risk domain name.
503 0029-00000005 CpuLimitExceeded The CPU limit was exceeded.
503 0029-00000007 DownloadTrafficRateLimitExceeded The download traffic limit was exceeded.
400 0016-00000601 EntityTooLarge Your proposed upload exceeds the maximum allowed size.
400 0042-00000213 EntityTooSmall Your proposed upload smaller than the minimum allowed size.
400 0007-00000102 FieldItemTooLong Your POST field item is too long.
409 0026-00000011 FileAlreadyExists The object you specified already exists and can not be
    overwritten.
400 0016-00000301 IncompleteBody You did not provide the number of bytes specified by the
    Content-Length HTTP header.
400 0007-00000104 IncorrectNumberOfFilesInPOSTRequest POST requires exactly one file upload per
    request.
500 0000-00000001 InternalError Please contact the server administrator, oss@service.aliyun.com.
403 0002-00000902 InvalidAccessKeyId The OSS Access Key Id you provided does not exist in our
    records.
400 0002-00000229 InvalidArgument Invalid argument.
400 0015-00000001 InvalidBucketName The specified bucket is not valid.
400 0016-00000703 InvalidCRC64 The x-oss-hash-crc64ecma you specified does not match what we
    calculated.
400 0016-00000701 InvalidDigest The Content-MD5 you specified was invalid.
400 0016-00000901 InvalidEncryptionAlgorithmError The Encryption request you specified is not valid.
400 0016-00000002 InvalidObjectName The specified object is not valid.
403 0026-00000005 InvalidObjectState The operation is not valid for the object's state
400 0042-00000212 InvalidPart One or more of the specified parts could not be found or the specified
    entity tag might not have matched the part's entity tag.
400 0042-00000211 InvalidPartOrder The list of parts was not in ascending order.
400 0007-00000113 InvalidPolicyDocument The content of the form does not meet the conditions
    specified.
416 0016-00000603 InvalidRange The requested range cannot be satisfied.
400 0016-00000503 InvalidRequest Invalid request.
403 0002-00000006 InvalidSecurityToken The security token you provided is invalid.
400 0038-00000003 InvalidTag The tag you specified is not valid.
400 0038-00000004 InvalidTaggingKey The tag key you specified is not valid.
400 0015-00000601 InvalidTargetBucketForLogging Invalid target bucket.
400 0026-00000022 InvalidTargetType The symbolic's target file type is invalid.
403 0016-00000902 KmsServiceNotEnabled The KMS service is not enabled.
400 0007-00000101 MalformedPOSTRequest The body of your POST request is not well-formed
    multipart/form-data.
400 0010-00000001 MalformedXML The XML you provided was not well-formed or did not validate against
    our published schema.
400 0007-00000103 MaxPOSTPreDataLengthExceededError Your POST request fields preceding the upload
    file were too large.
503 0029-00000003 MetaOperationQpsLimitExceeded The meta operation QPS limit was exceeded.
405 0002-00000301 MethodNotAllowed The specified method is not allowed against this resource.
400 0016-00000502 MissingArgument Missing Some Required Arguments.
411 0016-00000501 MissingContentLength You must provide the Content-Length HTTP header.
403 0018-00000115 NeedVerifyDomainOwnership Please verify domain ownership by CreateCnameToken and
    try again.
404 0015-00000101 NoSuchBucket The specified bucket does not exist.
404 0015-00000503 NoSuchCORSConfiguration The CORS Configuration does not exist.
404 0018-00000101 NoSuchCname The specified cname does not exist.
404 0018-00000116 NoSuchCnameInRecord The domain name has no ICP filing.
404 0018-00000102 NoSuchCnameToken The cname token does not exist.
404 0026-00000001 NoSuchKey The specified key does not exist.
404 0014-00000001 NoSuchLifecycle No Row found in Lifecycle Table.
404 0042-00000201 NoSuchUpload The specified upload does not exist. The upload ID may be invalid, or
    the upload may have been aborted or completed.
404 0026-00000002 NoSuchVersion The specified version does not exist.
403 0002-00000802 NonStandardHostForbidden Your host is invalid. Please use Open Storage Service
    standard host.
400 0002-00000501 NotImplemented A header you provided implies functionality that is not
    implemented.
304 0016-00000402 NotModified Not Modified
400 0016-00000801 NotSymlink The object is not symlink.
409 0026-00000007 ObjectNotAppendable The object is not appendable.
400 0016-00000802 OperationNotSupported The operation is not supported.
409 0026-00000016 PositionNotEqualToLength Position is not equal to file length
412 0016-00000401 PreconditionFailed At least one of the pre-conditions you specified did not hold.
400 0048-00000401 PublicEndpointForbidden Not allowed using the OSS public endpoint , please use
    CNAME instead.
503 0029-00000002 QpsLimitExceeded The QPS limit was exceeded.
400 0038-00000005 RepeatedTags The tag keys must be unique.
400 0007-00000105 RequestIsNotMultiPartContent Bucket POST must be of the enclosure-type
    multipart/form-data.
403 0002-00000504 RequestTimeTooSkewed The difference between the request time and the current time
    is too large.
400 0016-00000302 RequestTimeout Your socket connection to the server was not read from or written
    to within the timeout period. Idle connections will be closed.
409 0026-00000006 RestoreAlreadyInProgress The restore operation is in progress.
403 0002-00000801 SecondLevelDomainForbidden Please use virtual hosted style to access.
403 0002-00000007 SecurityTokenExpired The security token you provided has expired.
403 0002-00000001 SecurityTokenNotSupported This interface does not support security token.
503 0029-00000001 ServiceUnavailable Thread pool is almost full, please retry later.
403 0002-00000040 SignatureDoesNotMatch The request signature we calculated does not match the
    signature you provided. Check your key and signing method.
404 0026-00000021 SymlinkTargetNotExist The target object of the symlink does not exist.
400 0015-00000105 TooManyBuckets You have attempted to create more buckets than allowed.
503 0029-00000006 TotalQpsLimitExceeded The total QPS limit was exceeded.
503 0029-00000008 UploadTrafficRateLimitExceeded The upload traffic limit was exceeded.
403 0003-00000801 UserDisable UserDisable
"""
"""Status, EC, code and message of each error; an indented line continues the message.

The code, status and text of ArchiveRestoreFileStale come from the vendor's page of
CleanRestoredObject. We found no EC for it, nor for ArchiveRestoreNotFinished, NoSuchVersion and
RestoreAlreadyInProgress: theirs are our own. The codes and statuses of custom domains come from the
vendor's table of PutCname, as do EC and text of NeedVerifyDomainOwnership, the EC of
CnameIsForbidden and the text of CnameDenied.
"""


def _rows() -> Iterator[tuple[str, ErrorRow]]:
    for line in _TABLE.replace("\n    ", " ").strip().split("\n"):
        status, ec, code, message = line.split(" ", 3)
        yield code, ErrorRow(int(status), message, ec)


ERRORS: Mapping[str, ErrorRow] = dict(_rows())


class RefusedError(MockOSSError):
    """Raised to refuse an OSS request; the mock then sends the error response.

    Args:
        code: the OSS error code, a key of `ERRORS`.
        message: replaces the default message of the error code.
        ec: replaces the default EC (numeric code) of the error code.
        headers: additional response headers.
        why: JSON-ready details about the refusal. The details are in the journal, not in the
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
    """Return the error InvalidArgument for a value that is not allowed; the caller raises it.

    Args:
        name: the name of the header, parameter, form field or XML element with the value.
        value: the value in the request.
        message: replaces the default message.
        ec: replaces the default EC (numeric error code).
    """
    return RefusedError("InvalidArgument", message, ec=ec, ArgumentName=name, ArgumentValue=value)


class STSRefusedError(MockOSSError):
    """Raised to refuse an STS or RAM request; the mock then sends the error response.

    Args:
        status: the HTTP status of the response.
        code: the error code, such as `NoPermission`.
        message: the error message.
        why: JSON-ready details about the refusal. The details are in the journal, not in the
            response.
    """

    def __init__(
        self, status: int, code: str, message: str, *, why: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.code = code
        self.message = message
        self.why = dict(why or {})
