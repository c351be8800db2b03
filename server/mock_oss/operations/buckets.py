"""Creating and deleting buckets, bucket information, and CORS rules."""

from mock_oss.errors import RefusedError
from mock_oss.http.addressing import check_bucket_name
from mock_oss.http.cors import parse_cors, render_cors
from mock_oss.http.documents import child_text, parse, tag
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.common import endpoints, iso, owner
from mock_oss.service import Call
from mock_oss.store import BucketRecord
from mock_oss.world.model import BUCKET_ACLS, STORAGE_CLASSES

REDUNDANCY = ("LRS", "ZRS")
RESOURCE_GROUP = "rg-acfmockdefault0"
"""The id of the default resource group; the mock has no others."""
MAX_XML_BYTES = 1 << 20
MAX_CORS_BYTES = 16 << 10


def bucket_acl(value: str) -> str:
    """Return the value of the header `x-oss-acl`, if it is one of `BUCKET_ACLS`.

    Raises:
        RefusedError: InvalidArgument for another value.
    """
    if value not in BUCKET_ACLS:
        raise RefusedError("InvalidArgument", ArgumentName="x-oss-acl", ArgumentValue=value)
    return value


async def put_bucket(call: Call) -> Response:
    """Create a bucket.

    If the caller's account already has this bucket with the same settings, the request succeeds
    and changes nothing.
    """
    name = call.target.bucket
    check_bucket_name(name)
    acl = bucket_acl(call.header("x-oss-acl") or "private")
    storage_class, redundancy = _creation(await call.body.read(MAX_XML_BYTES))
    there = call.bucket_or_none
    if there is not None:
        wanted = (call.caller.account_id, acl, storage_class, redundancy)
        if (there.account_id, there.acl, there.storage_class, there.redundancy) != wanted:
            raise RefusedError("BucketAlreadyExists", BucketName=name)
        return Response(200, [("Location", f"/{name}")])
    block_public = call.service.world.block_public_access
    if block_public and acl != "private":
        raise RefusedError("AccessDenied", "Put public bucket acl is not allowed")
    account_id = call.caller.account_id
    owned = [b for b in call.store.buckets.all() if b.account_id == account_id]
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
            created_ms=call.service.now_ms(),
            cors="",
            lifecycle="",
            block_public=block_public,
        )
    )
    return Response(200, [("Location", f"/{name}")])


def _creation(body: bytes) -> tuple[str, str]:
    if not body:
        return "Standard", "LRS"
    root = parse(body, "CreateBucketConfiguration")
    storage_class = child_text(root, "StorageClass") or "Standard"
    redundancy = child_text(root, "DataRedundancyType") or "LRS"
    if storage_class not in STORAGE_CLASSES:
        raise RefusedError(
            "InvalidArgument", ArgumentName="StorageClass", ArgumentValue=storage_class
        )
    if redundancy not in REDUNDANCY:
        raise RefusedError(
            "InvalidArgument", ArgumentName="DataRedundancyType", ArgumentValue=redundancy
        )
    return storage_class, redundancy


async def delete_bucket(call: Call) -> Response:
    """Delete the bucket, which must not contain objects, versions or uploads."""
    name, store = call.bucket.name, call.store
    if store.objects.page(name, limit=1) or store.versions.exist(name) or store.uploads.count(name):
        raise RefusedError("BucketNotEmpty", BucketName=name)
    store.cnames.delete_bucket_rows(name)
    store.inventories.delete_bucket_rows(name)
    store.buckets.delete(name)
    return Response(204)


async def get_info(call: Call) -> Response:
    """Return the bucket's properties, such as region, owner, ACL and endpoints.

    Source: vendor page GetBucketInfo.
    """
    bucket = call.bucket
    return xml_response(
        "BucketInfo",
        (
            tag(
                "Bucket",
                (
                    tag("AccessMonitor", "Disabled"),
                    tag("BlockPublicAccess", str(bucket.block_public).lower()),
                    tag("Comment", ""),
                    tag("CreationDate", iso(bucket.created_ms)),
                    tag("CrossRegionReplication", "Disabled"),
                    tag("DataRedundancyType", bucket.redundancy),
                    *endpoints(bucket),
                    tag("Location", f"oss-{bucket.region}"),
                    tag("Name", bucket.name),
                    owner(bucket),
                    tag("ResourceGroupId", RESOURCE_GROUP),
                    tag("AccessControlList", (tag("Grant", bucket.acl),)),
                    tag("StorageClass", bucket.storage_class),
                    tag("TransferAcceleration", "Disabled"),
                    tag("ServerSideEncryptionRule", (tag("SSEAlgorithm", "None"),)),
                    tag("Versioning", bucket.versioning or None),
                ),
            ),
        ),
    )


async def put_cors(call: Call) -> Response:
    """Replace the CORS rules of the bucket."""
    configuration = parse_cors(await call.body.read(MAX_CORS_BYTES))
    stored = render_cors(configuration).decode()
    call.store.buckets.put(call.bucket._replace(cors=stored))
    return Response(200)


async def get_cors(call: Call) -> Response:
    """Return the CORS rules of the bucket."""
    if not call.bucket.cors:
        raise RefusedError("NoSuchCORSConfiguration", BucketName=call.bucket.name)
    return Response(200, [("Content-Type", "application/xml")], call.bucket.cors.encode())


async def delete_cors(call: Call) -> Response:
    """Delete the CORS rules of the bucket."""
    call.store.buckets.put(call.bucket._replace(cors=""))
    return Response(204)
