"""Which operation a request asks for: method, level and sub-resource.

``OPERATIONS`` is the whole table; ``NOT_IMPLEMENTED`` names the sub-resources of real OSS that
the mock refuses with NotImplemented.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from mock_oss.addressing import Target
from mock_oss.errors import RefusedError
from mock_oss.operations import buckets, listing, objects, service_level
from mock_oss.request import Request
from mock_oss.response import Response
from mock_oss.service import Call

__all__ = ["NOT_IMPLEMENTED", "OPERATIONS", "Operation", "find_operation"]


class Operation(NamedTuple):
    """One row: its name, the RAM action it needs (empty: none), and its handler."""

    name: str
    action: str
    handler: Callable[[Call], Awaitable[Response]]


NOT_IMPLEMENTED = frozenset(
    """accessmonitor accessPoint accessPointPolicy accessPointPolicyForObjectProcess
    accessPointForObjectProcess accessPointConfigForObjectProcess asyncFetch bucketArchiveDirectRead
    cname comp dataAccelerator encryption group httpsConfig img inventory link live logging
    metaQuery objectInfo openMetaQuery overwriteConfig policy policyStatus processConfiguration
    publicAccessBlock qos qosInfo redundancyTransition referer regions replication
    replicationLocation replicationProgress requestPayment requesterQosInfo resourceGroup
    resourcePool restore cleanRestoredObject rtc sealAppendObject style styleName
    transferAcceleration userDefinedLogFieldsConfig versioning versions vod website worm
    wormExtend wormId x-oss-async-process""".split()  # noqa: SIM905 - a table, not code
)
# versionId: the mock keeps one version of an object, as an unversioned bucket does.

_SERVICE: Mapping[tuple[str, str], Operation] = {
    ("GET", ""): Operation("ListBuckets", "oss:ListBuckets", service_level.list_buckets),
}
_BUCKET: Mapping[tuple[str, str], Operation] = {
    ("PUT", ""): Operation("PutBucket", "oss:PutBucket", buckets.put_bucket),
    ("DELETE", ""): Operation("DeleteBucket", "oss:DeleteBucket", buckets.delete_bucket),
    ("GET", "bucketInfo"): Operation("GetBucketInfo", "oss:GetBucketInfo", buckets.get_info),
    ("GET", ""): Operation("ListObjects", "oss:ListObjects", listing.list_objects),
    ("HEAD", ""): Operation("HeadBucket", "oss:GetBucketInfo", buckets.head_bucket),
    ("PUT", "cors"): Operation("PutBucketCors", "oss:PutBucketCors", buckets.put_cors),
    ("GET", "cors"): Operation("GetBucketCors", "oss:GetBucketCors", buckets.get_cors),
    ("DELETE", "cors"): Operation("DeleteBucketCors", "oss:DeleteBucketCors", buckets.delete_cors),
}
_OBJECT: Mapping[tuple[str, str], Operation] = {
    ("PUT", ""): Operation("PutObject", "oss:PutObject", objects.put_object),
    ("GET", ""): Operation("GetObject", "oss:GetObject", objects.get_object),
    ("HEAD", ""): Operation("HeadObject", "oss:GetObject", objects.head_object),
    ("HEAD", "objectMeta"): Operation("GetObjectMeta", "oss:GetObject", objects.get_object_meta),
    ("DELETE", ""): Operation("DeleteObject", "oss:DeleteObject", objects.delete_object),
}
OPERATIONS: tuple[Operation, ...] = (*_SERVICE.values(), *_BUCKET.values(), *_OBJECT.values())
_NO_SUBRESOURCES: tuple[str, ...] = ()
_BUCKET_SUBRESOURCES = tuple({sub for _, sub in _BUCKET if sub})
_OBJECT_SUBRESOURCES = tuple({sub for _, sub in _OBJECT if sub})


def find_operation(request: Request, target: Target) -> Operation:
    """Return the operation.

    Raises:
        RefusedError: NotImplemented for what the mock does not do, MethodNotAllowed for a verb that
            OSS does not know here.
    """
    params = request.params
    if not target.bucket:
        table, names = _SERVICE, _NO_SUBRESOURCES
    elif target.key:
        table, names = _OBJECT, _OBJECT_SUBRESOURCES
    else:
        table, names = _BUCKET, _BUCKET_SUBRESOURCES
    sub = ""
    if params:
        sub = next((name for name in names if name in params), "")
        if not sub and (missing := NOT_IMPLEMENTED & params.keys()):
            raise RefusedError("NotImplemented", Header=min(missing))
    operation = table.get((request.method, sub))
    if operation is None:
        raise RefusedError(
            "MethodNotAllowed",
            Method=request.method,
            ResourceType=sub
            or ("Object" if target.key else "Bucket" if target.bucket else "Service"),
        )
    return operation
