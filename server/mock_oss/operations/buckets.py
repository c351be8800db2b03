"""Operations on buckets: create, delete and list buckets; read their properties and statistics."""

import json
from typing import Any

from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.addressing import check_bucket_name
from mock_oss.http.documents import parse
from mock_oss.http.request import one_of
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.common import endpoints, iso, owner, tagging
from mock_oss.service import MAX_XML_BYTES, Call
from mock_oss.store.records import DELETE_MARKER, BucketRecord
from mock_oss.world.model import BUCKET_ACLS, STORAGE_CLASSES

REDUNDANCY = ("LRS", "ZRS")
RESOURCE_GROUP = "rg-acfmockdefault0"
"""The id of the default resource group; the mock has no others."""


async def put_bucket(call: Call) -> Response:
    """Create the bucket that the request names.

    If the caller's account already has this bucket, and its ACL, storage class and redundancy are
    those in the request, the request succeeds and changes nothing.

    Raises:
        RefusedError: BucketAlreadyExists if another account has the bucket, or if the caller's
            bucket differs from the request. TooManyBuckets if the account has reached its limit.
            AccessDenied if the request sets a public ACL, and the mock switches Block Public Access
            on in new buckets.
    """
    name = call.target.bucket
    check_bucket_name(name)
    acl = one_of("x-oss-acl", call.header("x-oss-acl") or "private", BUCKET_ACLS)
    storage_class, redundancy = _creation(await call.body.read(MAX_XML_BYTES))
    account_id = call.caller.account_id
    there = call.bucket_or_none
    created = Response(200, [("Location", f"/{name}")])
    if there is not None:
        wanted = (account_id, acl, storage_class, redundancy)
        if (there.account_id, there.acl, there.storage_class, there.redundancy) != wanted:
            raise RefusedError("BucketAlreadyExists", BucketName=name)
        return created
    block_public = call.service.world.block_public_access
    if block_public and acl != "private":
        raise RefusedError("AccessDenied", "Put public bucket acl is not allowed")
    owned = [b for b in call.store.buckets.rows() if b.account_id == account_id]
    if len(owned) >= call.service.world.max_buckets:
        raise RefusedError("TooManyBuckets")
    call.store.buckets.put(
        BucketRecord(
            name=name,
            account_id=account_id,
            region=call.region,
            acl=acl,
            storage_class=storage_class,
            redundancy=redundancy,
            created_ms=call.now_ms,
            block_public=block_public,
        )
    )
    return created


def _creation(body: bytes) -> tuple[str, str]:
    if not body:
        return "Standard", "LRS"
    root = parse(body, "CreateBucketConfiguration")
    storage_class = root.value("StorageClass") or "Standard"
    redundancy = root.value("DataRedundancyType") or "LRS"
    return (
        one_of("StorageClass", storage_class, STORAGE_CLASSES),
        one_of("DataRedundancyType", redundancy, REDUNDANCY),
    )


async def delete_bucket(call: Call) -> Response:
    """Delete the bucket that the request addresses.

    Raises:
        RefusedError: BucketNotEmpty if the bucket contains objects, versions or multipart uploads.
    """
    name, store = call.bucket.name, call.store
    if (
        store.objects.page(name, limit=1)
        or store.versions.rows(name, limit=1)
        or store.uploads.count(name)
    ):
        raise RefusedError("BucketNotEmpty", BucketName=name)
    store.cnames.delete(name)
    store.buckets.delete(name)
    return Response(204)


async def list_buckets(call: Call) -> Response:
    """Return one page of the buckets of the caller's account.

    The parameters of the request can limit the list to a prefix of the bucket name and to tags.
    """
    key, wanted = _wanted_tags(call)
    prefix, marker = call.param("prefix"), call.param("marker")
    limit = call.max_keys()
    account_id = call.caller.account_id
    buckets = [
        bucket
        for bucket in call.store.buckets.rows()
        if bucket.account_id == account_id
        and bucket.name.startswith(prefix)
        and bucket.name > marker
        and wanted <= bucket.tags.items()
        and (not key or key in bucket.tags)
    ]
    page, truncated = buckets[:limit], len(buckets) > limit
    paging: dict[str, Any] = {}
    if truncated or prefix or marker or "max-keys" in call.request.params:
        paging = {
            "Prefix": prefix,
            "Marker": marker,
            "MaxKeys": limit,
            "IsTruncated": truncated,
            "NextMarker": page[-1].name if truncated else None,
        }
    listed = [
        {
            "CreationDate": iso(bucket.created_ms),
            **endpoints(bucket),
            "Location": f"oss-{bucket.region}",
            "Name": bucket.name,
            "Region": bucket.region,
            "StorageClass": bucket.storage_class,
            # only a list by tags contains the tags
            "Tagging": tagging(bucket.tags) if bucket.tags and (key or wanted) else None,
        }
        for bucket in page
    ]
    return xml_response(
        "ListAllMyBucketsResult",
        {**paging, "Owner": owner(account_id), "Buckets": {"Bucket": listed}},
    )


def _wanted_tags(call: Call) -> tuple[str, set[tuple[str, str]]]:
    """Return the tags that a bucket must have to be listed.

    The parameters are `tag-key`, `tag-value`, and `tagging` in the form `"k":"v","k2":"w"`.

    Returns:
        A key that a bucket must have, or empty text; and (key, value) pairs.

    Raises:
        RefusedError: InvalidArgument for a value without a key, and for other forms of `tagging`.
    """
    key, value, text = call.param("tag-key"), call.param("tag-value"), call.param("tagging")
    if value and not key:
        raise invalid_argument("tag-key", "")
    wanted = {(key, value)} if value else set()
    if not text:
        return key, wanted
    try:
        tags = json.loads("{" + text + "}")
    except (ValueError, RecursionError):
        tags = {"": None}
    if not all(isinstance(value, str) for value in tags.values()):
        raise invalid_argument("tagging", text[:256])
    return key, wanted | set(tags.items())


async def get_info(call: Call) -> Response:
    """Return the bucket's properties, such as region, owner, ACL and endpoints.

    Source: vendor page GetBucketInfo.
    """
    bucket = call.bucket
    info = {
        "AccessMonitor": "Disabled",
        "BlockPublicAccess": bucket.block_public,
        "Comment": "",
        "CreationDate": iso(bucket.created_ms),
        "CrossRegionReplication": "Disabled",
        "DataRedundancyType": bucket.redundancy,
        **endpoints(bucket),
        "Location": f"oss-{bucket.region}",
        "Name": bucket.name,
        "Owner": owner(bucket.account_id),
        "ResourceGroupId": RESOURCE_GROUP,
        "AccessControlList": {"Grant": bucket.acl},
        "StorageClass": bucket.storage_class,
        "TransferAcceleration": "Disabled",
        "ServerSideEncryptionRule": {"SSEAlgorithm": "None"},
        "Versioning": bucket.versioning or None,
    }
    return xml_response("BucketInfo", {"Bucket": info})


async def get_location(call: Call) -> Response:
    """Return the region of the bucket in the form `oss-REGION`."""
    return xml_response("LocationConstraint", f"oss-{call.bucket.region}")


async def get_stat(call: Call) -> Response:
    """Return the numbers of objects, bytes, multipart uploads and delete markers in the bucket.

    Objects and bytes are also counted by storage class. Each version counts as one object.
    """
    totals, markers = dict.fromkeys(STORAGE_CLASSES, (0, 0)), 0
    for name, count, size in call.store.objects.totals(call.bucket.name):
        totals[name] = (count, size)
    for kind, name, count, size in call.store.versions.totals(call.bucket.name):
        if kind == DELETE_MARKER:
            markers += count
        else:
            totals[name] = (totals[name][0] + count, totals[name][1] + size)
    stat = {
        "Storage": sum(size for _, size in totals.values()),
        "ObjectCount": sum(count for count, _ in totals.values()),
        "MultipartUploadCount": call.store.uploads.count(call.bucket.name),
        "LiveChannelCount": 0,
        "DeleteMarkerCount": markers,
        "LastModifiedTime": call.store.objects.last_modified_ms(call.bucket.name) // 1000,
        "StandardStorage": totals["Standard"][1],
        "StandardObjectCount": totals["Standard"][0],
        "InfrequentAccessStorage": totals["IA"][1],
        "InfrequentAccessRealStorage": totals["IA"][1],
        "InfrequentAccessObjectCount": totals["IA"][0],
    }
    for name in ("Archive", "ColdArchive", "DeepColdArchive"):
        stat[f"{name}Storage"] = stat[f"{name}RealStorage"] = totals[name][1]
        stat[f"{name}ObjectCount"] = totals[name][0]
    return xml_response("BucketStat", stat)


async def list_live_channels(call: Call) -> Response:
    """Return an empty list of live channels, which the mock does not support."""
    return xml_response(
        "ListLiveChannelResult",
        {
            "Prefix": call.param("prefix"),
            "Marker": call.param("marker"),
            "MaxKeys": call.max_keys(),
            "IsTruncated": False,
        },
    )
