"""Routing: finds the operation of a request from its method, level and sub-resource.

The level of a request is service, bucket or object. A sub-resource is a query parameter such as
`acl`. The tables `_SERVICE`, `_BUCKET` and `_OBJECT` contain the operations of each level.
The docstring of `mock_oss.operations` describes how to add an operation.

`NOT_IMPLEMENTED` contains the sub-resources of OSS that the mock refuses with NotImplemented. The
mock also refuses unknown sub-resources. Otherwise `DELETE /?unknown` could delete a bucket.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeAlias

from mock_oss.errors import RefusedError
from mock_oss.http.addressing import Target
from mock_oss.http.request import Request
from mock_oss.http.response import Response
from mock_oss.operations import (
    append,
    batch_delete,
    bucket_tags,
    buckets,
    cnames,
    copy,
    image_process,
    inventory,
    listing,
    multipart,
    object_settings,
    objects,
    post_object,
    restore,
    service_level,
    versions,
)
from mock_oss.operations import bucket_settings as settings
from mock_oss.service import Call

_Handler: TypeAlias = Callable[[Call], Awaitable[Response]]


class Operation(NamedTuple):
    """One row of the operation table: name, RAM action, and handler.

    `action` is empty if the handler calls `authorize` itself.
    """

    name: str
    action: str
    handler: _Handler


NOT_IMPLEMENTED = frozenset(
    """accessmonitor accessPoint accessPointPolicy accessPointPolicyForObjectProcess
    accessPointForObjectProcess accessPointConfigForObjectProcess agenticBucket asyncFetch
    bucketArchiveDirectRead bucketSpace cloudboxes dataAccelerator
    dataPipeline encryption group httpsConfig img legalHold link logging
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


def _operation(name: str, handler: _Handler) -> Operation:
    """Return the operation whose action has the same name."""
    return Operation(name, f"oss:{name}", handler)


_SERVICE: Mapping[tuple[str, str], Operation] = {
    ("GET", ""): _operation("ListBuckets", service_level.list_buckets),
    ("GET", "regionList"): _operation("ListBuckets", service_level.list_buckets),
    ("GET", "tagging"): _operation("ListBuckets", service_level.list_buckets),
}
_BUCKET: Mapping[tuple[str, str], Operation] = {
    ("PUT", ""): _operation("PutBucket", buckets.put_bucket),
    ("DELETE", ""): _operation("DeleteBucket", buckets.delete_bucket),
    ("GET", ""): _operation("ListObjects", listing.list_objects),
    ("GET", "bucketInfo"): _operation("GetBucketInfo", buckets.get_info),
    ("GET", "stat"): _operation("GetBucketStat", settings.get_stat),
    ("GET", "location"): _operation("GetBucketLocation", settings.get_location),
    ("PUT", "acl"): _operation("PutBucketAcl", settings.put_acl),
    ("GET", "acl"): _operation("GetBucketAcl", settings.get_acl),
    ("PUT", "cors"): _operation("PutBucketCors", buckets.put_cors),
    ("GET", "cors"): _operation("GetBucketCors", buckets.get_cors),
    ("DELETE", "cors"): _operation("DeleteBucketCors", buckets.delete_cors),
    ("PUT", "lifecycle"): _operation("PutBucketLifecycle", settings.put_lifecycle),
    ("GET", "lifecycle"): _operation("GetBucketLifecycle", settings.get_lifecycle),
    ("DELETE", "lifecycle"): _operation("DeleteBucketLifecycle", settings.delete_lifecycle),
    ("PUT", "publicAccessBlock"): _operation(
        "PutBucketPublicAccessBlock", settings.put_public_block
    ),
    ("GET", "publicAccessBlock"): _operation(
        "GetBucketPublicAccessBlock", settings.get_public_block
    ),
    ("DELETE", "publicAccessBlock"): _operation(
        "DeleteBucketPublicAccessBlock", settings.delete_public_block
    ),
    ("PUT", "referer"): _operation("PutBucketReferer", settings.put_referer),
    ("GET", "referer"): _operation("GetBucketReferer", settings.get_referer),
    ("PUT", "versioning"): _operation("PutBucketVersioning", settings.put_versioning),
    ("GET", "versioning"): _operation("GetBucketVersioning", settings.get_versioning),
    ("GET", "versions"): _operation("ListObjectVersions", versions.list_versions),
    ("PUT", "tagging"): Operation("PutBucketTags", "oss:PutBucketTagging", bucket_tags.put_tags),
    ("GET", "tagging"): Operation("GetBucketTags", "oss:GetBucketTagging", bucket_tags.get_tags),
    ("DELETE", "tagging"): Operation(
        "DeleteBucketTags", "oss:DeleteBucketTagging", bucket_tags.delete_tags
    ),
    ("GET", "uploads"): _operation("ListMultipartUploads", multipart.list_uploads),
    ("GET", "live"): _operation("ListLiveChannel", settings.list_live_channels),
    ("GET", "cname"): _operation("ListCname", cnames.list_cnames),
    ("POST", "cname&comp=add"): _operation("PutCname", cnames.put_cname),
    ("POST", "cname&comp=delete"): _operation("DeleteCname", cnames.delete_cname),
    ("POST", "cname&comp=token"): _operation("CreateCnameToken", cnames.create_token),
    ("GET", "cname&comp=token"): _operation("GetCnameToken", cnames.get_token),
    ("PUT", "inventory"): _operation("PutBucketInventory", inventory.put_inventory),
    ("GET", "inventory"): Operation(
        "ListBucketInventory", "oss:GetBucketInventory", inventory.list_inventories
    ),
    ("GET", "inventory&inventoryId"): _operation("GetBucketInventory", inventory.get_inventory),
    ("DELETE", "inventory"): _operation("DeleteBucketInventory", inventory.delete_inventory),
    ("POST", ""): Operation("PostObject", "", post_object.post_object),
    ("POST", "delete"): Operation("DeleteMultipleObjects", "", batch_delete.delete_objects),
}
_OBJECT: Mapping[tuple[str, str], Operation] = {
    ("PUT", ""): _operation("PutObject", objects.put_object),
    ("GET", ""): _operation("GetObject", objects.get_object),
    ("GET", "x-oss-process"): _operation("GetObject", image_process.get_processed),
    ("POST", "x-oss-process"): Operation(
        "ProcessObject", "oss:PostProcessTask", image_process.process_object
    ),
    ("HEAD", ""): Operation("HeadObject", "oss:GetObject", objects.head_object),
    ("DELETE", ""): _operation("DeleteObject", objects.delete_object),
    ("GET", "objectMeta"): Operation("GetObjectMeta", "oss:GetObject", objects.get_object_meta),
    ("HEAD", "objectMeta"): Operation("GetObjectMeta", "oss:GetObject", objects.get_object_meta),
    ("POST", "uploads"): Operation(
        "InitiateMultipartUpload", "oss:PutObject", multipart.initiate_upload
    ),
    ("PUT", "uploadId"): Operation("UploadPart", "oss:PutObject", multipart.upload_part),
    ("POST", "uploadId"): Operation(
        "CompleteMultipartUpload", "oss:PutObject", multipart.complete_upload
    ),
    ("DELETE", "uploadId"): _operation("AbortMultipartUpload", multipart.abort_upload),
    ("GET", "uploadId"): _operation("ListParts", multipart.list_parts),
    ("POST", "append"): Operation("AppendObject", "oss:PutObject", append.append_object),
    ("PUT", "acl"): Operation("PutObjectACL", "oss:PutObjectAcl", object_settings.put_acl),
    ("GET", "acl"): Operation("GetObjectACL", "oss:GetObjectAcl", object_settings.get_acl),
    ("PUT", "tagging"): Operation("PutObjectTagging", "", object_settings.put_tagging),
    ("GET", "tagging"): _operation("GetObjectTagging", object_settings.get_tagging),
    ("DELETE", "tagging"): _operation("DeleteObjectTagging", object_settings.delete_tagging),
    ("PUT", "symlink"): Operation("PutSymlink", "oss:PutObject", object_settings.put_symlink),
    ("GET", "symlink"): Operation("GetSymlink", "oss:GetObject", object_settings.get_symlink),
    # oss2 adds the parameter to the caller's own dict, so that a later DeleteObject contains it.
    ("DELETE", "symlink"): _operation("DeleteObject", objects.delete_object),
    ("POST", "restore"): _operation("RestoreObject", restore.restore_object),
    ("POST", "cleanRestoredObject"): _operation(
        "CleanRestoredObject", restore.clean_restored_object
    ),
}
_COPIES: Mapping[str, Operation] = {
    "PutObject": Operation("CopyObject", "oss:PutObject", copy.copy_object),
    "UploadPart": Operation("UploadPartCopy", "oss:PutObject", copy.upload_part_copy),
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


def _detailed(sub: str, request: Request) -> str:
    """Return a sub-resource with the second parameter that selects its operation."""
    if sub == "cname":
        comp = request.params.get("comp", "")
        return f"{sub}&comp={comp}" if comp else sub
    is_one = request.method == "GET" and "inventoryId" in request.params
    return f"{sub}&inventoryId" if is_one else sub


def find_operation(request: Request, target: Target) -> Operation:
    """Return the operation of a request.

    If the mock does not support the operation, the handler of the result raises RefusedError with
    the code NotImplemented.

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
            raise RefusedError("InvalidArgument", ArgumentName="uploadId", ArgumentValue="")
    if sub in ("cname", "inventory"):
        sub = _detailed(sub, request)
        if not any(sub == known for _, known in table):
            return _not_implemented("comp")
    operation = table.get((request.method, sub))
    if operation is None:
        raise RefusedError(
            "MethodNotAllowed",
            Method=request.method,
            ResourceType=sub
            or ("Object" if target.key else "Bucket" if target.bucket else "Service"),
        )
    if "x-oss-copy-source" in request.headers:
        return _COPIES.get(operation.name, operation)
    return operation
