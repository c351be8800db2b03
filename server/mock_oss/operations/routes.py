"""Routing: finds the operation of a request from its method, level and sub-resource.

The level of a request is service, bucket or object. A sub-resource is a query parameter such as
`acl`. The tables `_SERVICE`, `_BUCKET` and `_OBJECT` contain the operations of each level.
The docstring of `mock_oss.operations` describes how to add an operation.

`NOT_IMPLEMENTED` contains the sub-resources of OSS that the mock refuses with NotImplemented. The
mock also refuses unknown sub-resources. Otherwise `DELETE /?unknown` could delete a bucket.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.addressing import Target
from mock_oss.http.request import Request
from mock_oss.http.response import Response
from mock_oss.operations import bucket_settings as settings
from mock_oss.operations import (
    buckets,
    cnames,
    copy,
    downloads,
    images,
    listing,
    multipart,
    object_settings,
    objects,
    post_object,
)
from mock_oss.service import Call

_Handler: TypeAlias = Callable[[Call], Awaitable[Response]]


class Operation(NamedTuple):
    """One row of the operation table.

    Attributes:
        name: the name of the operation, such as `PutObject`.
        action: the RAM action that the caller must be allowed to perform, such as `oss:PutObject`.
            Empty text if the handler itself checks the permission with `authorize`.
        handler: the function that executes a request and returns the response.
    """

    name: str
    action: str
    handler: _Handler


NOT_IMPLEMENTED = frozenset(
    """accessmonitor accessPoint accessPointPolicy accessPointPolicyForObjectProcess
    accessPointForObjectProcess accessPointConfigForObjectProcess agenticBucket asyncFetch
    bucketArchiveDirectRead bucketSpace cloudboxes dataAccelerator
    dataPipeline encryption group httpsConfig img inventory legalHold link logging
    metadataConfiguration metadataInventoryTable metadataJournalTable metaQuery MetaQuery objectInfo
    objectWorm openMetaQuery overwriteConfig policy policyStatus processConfiguration
    qos qosInfo quota redundancyTransition regions replication
    replicationLocation replicationProgress requestPayment requesterQosInfo resourceGroup
    resourcePool resourcePoolBuckets resourcePoolInfo retention rtc seal style styleName
    transferAcceleration userDefinedLogFieldsConfig vod website worm
    wormExtend wormId x-oss-access-point-name x-oss-async-process
    x-oss-write-get-object-response""".split()  # noqa: SIM905 - easier to read as a table
)
_PARAMETERS = frozenset(
    """callback callback-var continuation-token delimiter encoding-type Expires fetch-owner
    key-marker list-type marker max-keys max-parts max-uploads OSSAccessKeyId part-number-marker
    partNumber position prefix security-token sequential Signature start-after tag-key tag-value
    upload-id-marker versionId version-id-marker""".split()  # noqa: SIM905 - easier to read as a table
)
"""Query parameters that are not sub-resources, although they may have no value."""
_KNOWN_PREFIXES = ("response-", "x-oss-")


def _operation(name: str, handler: _Handler, action: str | None = None) -> Operation:
    action = name if action is None else action
    return Operation(name, f"oss:{action}" if action else "", handler)


def _table(*rows: tuple[Any, ...]) -> Mapping[tuple[str, str], Operation]:
    """Return a table of operations.

    Args:
        rows: the method, the sub-resource, the name of the operation, its handler, and the action
            if it has another name; empty text if the handler calls `authorize` itself.
    """
    return {(method, sub): _operation(*operation) for method, sub, *operation in rows}


_SERVICE = _table(
    ("GET", "", "ListBuckets", buckets.list_buckets),
    ("GET", "regionList", "ListBuckets", buckets.list_buckets),
    ("GET", "tagging", "ListBuckets", buckets.list_buckets),
)
_BUCKET = _table(
    ("PUT", "", "PutBucket", buckets.put_bucket),
    ("DELETE", "", "DeleteBucket", buckets.delete_bucket),
    ("GET", "", "ListObjects", listing.list_objects),
    ("GET", "bucketInfo", "GetBucketInfo", buckets.get_info),
    ("GET", "stat", "GetBucketStat", buckets.get_stat),
    ("GET", "location", "GetBucketLocation", buckets.get_location),
    ("PUT", "acl", "PutBucketAcl", settings.put_acl),
    ("GET", "acl", "GetBucketAcl", settings.get_acl),
    ("PUT", "cors", "PutBucketCors", settings.put_cors),
    ("GET", "cors", "GetBucketCors", settings.get_cors),
    ("DELETE", "cors", "DeleteBucketCors", settings.delete_cors),
    ("PUT", "lifecycle", "PutBucketLifecycle", settings.put_lifecycle),
    ("GET", "lifecycle", "GetBucketLifecycle", settings.get_lifecycle),
    ("DELETE", "lifecycle", "DeleteBucketLifecycle", settings.delete_lifecycle),
    ("PUT", "publicAccessBlock", "PutBucketPublicAccessBlock", settings.put_block),
    ("GET", "publicAccessBlock", "GetBucketPublicAccessBlock", settings.get_block),
    ("DELETE", "publicAccessBlock", "DeleteBucketPublicAccessBlock", settings.delete_block),
    ("PUT", "referer", "PutBucketReferer", settings.put_referer),
    ("GET", "referer", "GetBucketReferer", settings.get_referer),
    ("PUT", "versioning", "PutBucketVersioning", settings.put_versioning),
    ("GET", "versioning", "GetBucketVersioning", settings.get_versioning),
    ("GET", "versions", "ListObjectVersions", listing.list_versions),
    ("PUT", "tagging", "PutBucketTags", settings.put_tags, "PutBucketTagging"),
    ("GET", "tagging", "GetBucketTags", settings.get_tags, "GetBucketTagging"),
    ("DELETE", "tagging", "DeleteBucketTags", settings.delete_tags, "DeleteBucketTagging"),
    ("GET", "uploads", "ListMultipartUploads", multipart.list_uploads),
    ("GET", "live", "ListLiveChannel", buckets.list_live_channels),
    ("GET", "cname", "ListCname", cnames.list_cnames),
    ("POST", "cname&comp=add", "PutCname", cnames.put_cname),
    ("POST", "cname&comp=delete", "DeleteCname", cnames.delete_cname),
    ("POST", "cname&comp=token", "CreateCnameToken", cnames.create_token),
    ("GET", "cname&comp=token", "GetCnameToken", cnames.get_token),
    ("POST", "", "PostObject", post_object.post_object, ""),
    ("POST", "delete", "DeleteMultipleObjects", objects.delete_objects, ""),
)
_OBJECT = _table(
    ("PUT", "", "PutObject", objects.put_object),
    ("GET", "", "GetObject", downloads.get_object),
    ("GET", "x-oss-process", "GetObject", images.get_processed),
    ("POST", "x-oss-process", "ProcessObject", images.process_object, "PostProcessTask"),
    ("HEAD", "", "HeadObject", downloads.head_object, "GetObject"),
    ("DELETE", "", "DeleteObject", objects.delete_object),
    ("GET", "objectMeta", "GetObjectMeta", downloads.get_object_meta, "GetObject"),
    ("HEAD", "objectMeta", "GetObjectMeta", downloads.get_object_meta, "GetObject"),
    ("POST", "uploads", "InitiateMultipartUpload", multipart.initiate_upload, "PutObject"),
    ("PUT", "uploadId", "UploadPart", multipart.upload_part, "PutObject"),
    ("POST", "uploadId", "CompleteMultipartUpload", multipart.complete_upload, "PutObject"),
    ("DELETE", "uploadId", "AbortMultipartUpload", multipart.abort_upload),
    ("GET", "uploadId", "ListParts", multipart.list_parts),
    ("POST", "append", "AppendObject", objects.append_object, "PutObject"),
    ("PUT", "acl", "PutObjectACL", object_settings.put_acl, "PutObjectAcl"),
    ("GET", "acl", "GetObjectACL", object_settings.get_acl, "GetObjectAcl"),
    ("PUT", "tagging", "PutObjectTagging", object_settings.put_tagging, ""),
    ("GET", "tagging", "GetObjectTagging", object_settings.get_tagging),
    ("DELETE", "tagging", "DeleteObjectTagging", object_settings.delete_tagging),
    ("PUT", "symlink", "PutSymlink", objects.put_symlink, "PutObject"),
    ("GET", "symlink", "GetSymlink", object_settings.get_symlink, "GetObject"),
    # oss2 adds the parameter to the caller's own dict, so that a later DeleteObject contains it.
    ("DELETE", "symlink", "DeleteObject", objects.delete_object),
    ("POST", "restore", "RestoreObject", object_settings.restore_object),
    ("POST", "cleanRestoredObject", "CleanRestoredObject", object_settings.clean_restored),
)
_COPIES: Mapping[str, Operation] = {
    "PutObject": _operation("CopyObject", copy.copy_object, "PutObject"),
    "UploadPart": _operation("UploadPartCopy", copy.upload_part_copy, "PutObject"),
}
"""The operations that replace others if the request has an x-oss-copy-source header."""
OPERATIONS: tuple[Operation, ...] = (
    *_SERVICE.values(),
    *_BUCKET.values(),
    *_OBJECT.values(),
    *_COPIES.values(),
)
_SERVICE_SUBRESOURCES = tuple(dict.fromkeys(sub for _, sub in _SERVICE if sub))
_BUCKET_SUBRESOURCES = tuple(dict.fromkeys(sub.partition("&")[0] for _, sub in _BUCKET if sub))
_OBJECT_SUBRESOURCES = tuple(dict.fromkeys(sub for _, sub in _OBJECT if sub))
_KNOWN_SUBRESOURCES = frozenset((*_BUCKET_SUBRESOURCES, *_OBJECT_SUBRESOURCES, "comp"))
DATA_OPERATIONS = frozenset(
    (
        "DeleteMultipleObjects",
        "ListMultipartUploads",
        "ListObjectVersions",
        "ListObjects",
        "PostObject",
        *(operation.name for operation in (*_OBJECT.values(), *_COPIES.values())),
    )
)
"""Operations on objects and lists of objects, which public endpoints refuse for new accounts.

That lists are refused, too, comes from a recorded response."""


def _is_known(name: str) -> bool:
    return name in _KNOWN_SUBRESOURCES or name in _PARAMETERS or name.startswith(_KNOWN_PREFIXES)


def _not_implemented(name: str) -> Operation:
    async def refuse(call: Call) -> Response:
        raise RefusedError("NotImplemented", Header=name)

    return Operation("NotImplemented", "", refuse)


def _missing(request: Request, target: Target, sub: str) -> str:
    """Return the name of a query parameter that the mock does not support, or empty text.

    Args:
        request: the request.
        target: the addressed bucket and key.
        sub: the supported sub-resource in the query, or empty text.
    """
    params = request.params
    if missing := NOT_IMPLEMENTED & params.keys():
        return min(missing)
    if sub:
        return ""
    if missing := _KNOWN_SUBRESOURCES & params.keys():
        return min(missing)
    if target.key and request.method in ("GET", "HEAD"):  # links may end in ?1700000000
        return ""
    return next((n for n, value in params.items() if not value and not _is_known(n)), "")


def find_operation(request: Request, target: Target) -> Operation:
    """Return the operation that a request asks for.

    If the mock does not support the operation, the result is an operation whose handler raises
    RefusedError with the code NotImplemented.

    Args:
        request: the request.
        target: the bucket and key that the request addresses.

    Raises:
        RefusedError: MethodNotAllowed for a method that OSS does not support on this resource,
            InvalidArgument for a part number without an upload id.
    """
    params = request.params
    if not target.bucket:
        table, names = _SERVICE, _SERVICE_SUBRESOURCES
    elif target.key:
        table, names = _OBJECT, _OBJECT_SUBRESOURCES
    else:
        table, names = _BUCKET, _BUCKET_SUBRESOURCES
    sub = ""
    if params:
        sub = next((name for name in names if name in params), "")
        if missing := _missing(request, target, sub):
            return _not_implemented(missing)
        if "partNumber" in params and sub != "uploadId" and target.key:
            raise invalid_argument("uploadId", "")
    if sub == "cname" and (comp := params.get("comp")):
        sub = f"cname&comp={comp}"
        if not any(sub == known for _, known in table):
            return _not_implemented("comp")
    operation = table.get((request.method, sub))
    if operation is None:
        level = "Object" if target.key else "Bucket" if target.bucket else "Service"
        raise RefusedError("MethodNotAllowed", Method=request.method, ResourceType=sub or level)
    if "x-oss-copy-source" in request.headers:
        return _COPIES.get(operation.name, operation)
    return operation
