"""Operations for a bucket's settings, except CORS, and for its location and statistics.

Block Public Access refuses public ACLs and switches existing ones off. Sources: vendor pages of the
operations.
"""

import re

from mock_oss.access.authorization import authorize
from mock_oss.access.referer import RefererRules, parse_referer, render_referer
from mock_oss.errors import RefusedError
from mock_oss.http.documents import child_text, parse, tag
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.buckets import MAX_XML_BYTES, bucket_acl, put_bucket
from mock_oss.operations.common import max_keys, owner
from mock_oss.service import Call
from mock_oss.store.records import DELETE_MARKER
from mock_oss.world.lifecycle import parse_lifecycle
from mock_oss.world.model import STORAGE_CLASSES, VERSIONING

_CAPITAL_BOOLEAN = re.compile(r"(?<=<ExpiredObjectDeleteMarker>)(True|False)(?=<)")
"""The SDK `oss2` sends True and False, but reads only true and false."""


async def put_acl(call: Call) -> Response:
    """Change the bucket's ACL; create the bucket if it does not exist, as OSS does."""
    acl = bucket_acl(call.header("x-oss-acl") or "")
    if call.bucket_or_none is None:
        authorize(call, "oss:PutBucket")
        return await put_bucket(call)
    call.store.buckets.put(call.bucket._replace(acl=acl))
    return Response(200, [("Location", f"/{call.bucket.name}")])


async def get_acl(call: Call) -> Response:
    """Return the bucket's ACL."""
    return xml_response(
        "AccessControlPolicy",
        (owner(call.bucket), tag("AccessControlList", (tag("Grant", call.bucket.acl),))),
    )


async def put_lifecycle(call: Call) -> Response:
    """Replace the lifecycle rules of the bucket.

    GetBucketLifecycle returns the stored request body, with True and False in lower case.

    Raises:
        RefusedError: see `parse_lifecycle`.
    """
    body = await call.body.read(MAX_XML_BYTES)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise RefusedError("MalformedXML", why={"xml": f"not UTF-8: {e.reason}"}) from e
    parse_lifecycle(text.encode())
    text = _CAPITAL_BOOLEAN.sub(lambda match: match[0].lower(), text)
    call.store.buckets.put(call.bucket._replace(lifecycle=text))
    return Response(200)


async def get_lifecycle(call: Call) -> Response:
    """Return the stored lifecycle document of the bucket."""
    if not call.bucket.lifecycle:
        raise RefusedError("NoSuchLifecycle", BucketName=call.bucket.name)
    body = call.bucket.lifecycle.encode()
    return Response(200, [("Content-Type", "application/xml")], body)


async def delete_lifecycle(call: Call) -> Response:
    """Delete the lifecycle rules of the bucket."""
    call.store.buckets.put(call.bucket._replace(lifecycle=""))
    return Response(204)


async def put_public_block(call: Call) -> Response:
    """Switch Block Public Access of the bucket on or off."""
    root = parse(await call.body.read(MAX_XML_BYTES), "PublicAccessBlockConfiguration")
    wanted = (child_text(root, "BlockPublicAccess") or "false").lower()
    if wanted not in ("true", "false"):
        raise RefusedError("MalformedXML", why={"xml": f"BlockPublicAccess is {wanted!r}"})
    return _block(call, wanted == "true", 200)


async def get_public_block(call: Call) -> Response:
    """Return whether Block Public Access is on."""
    state = str(call.bucket.block_public).lower()
    return xml_response("PublicAccessBlockConfiguration", (tag("BlockPublicAccess", state),))


async def delete_public_block(call: Call) -> Response:
    """Switch Block Public Access off."""
    return _block(call, False, 204)


def _block(call: Call, state: bool, status: int) -> Response:
    call.store.buckets.put(call.bucket._replace(block_public=state))
    return Response(status)


async def put_referer(call: Call) -> Response:
    """Replace the hotlink protection of the bucket."""
    rules = parse_referer(await call.body.read(MAX_XML_BYTES))
    call.store.buckets.put(call.bucket._replace(referer=render_referer(rules).decode()))
    return Response(200)


async def get_referer(call: Call) -> Response:
    """Return the hotlink protection of the bucket; a new bucket allows every Referer."""
    body = call.bucket.referer.encode() or render_referer(RefererRules())
    return Response(200, [("Content-Type", "application/xml")], body)


async def put_versioning(call: Call) -> Response:
    """Enable or suspend versioning; it cannot be switched off again."""
    root = parse(await call.body.read(MAX_XML_BYTES), "VersioningConfiguration")
    status = child_text(root, "Status") or ""
    if status not in VERSIONING:
        raise RefusedError("MalformedXML", why={"xml": f"Status is {status!r}"})
    call.store.buckets.put(call.bucket._replace(versioning=status))
    return Response(200)


async def get_versioning(call: Call) -> Response:
    """Return the status of versioning; without a status if versioning has never been enabled."""
    return xml_response("VersioningConfiguration", (tag("Status", call.bucket.versioning or None),))


async def get_location(call: Call) -> Response:
    """Return the bucket's region in the form `oss-REGION`."""
    return xml_response("LocationConstraint", (f"oss-{call.bucket.region}",))


async def get_stat(call: Call) -> Response:
    """Return the number of objects and bytes in the bucket, in total and by storage class.

    Every version of an object counts.
    """
    totals, markers = dict.fromkeys(STORAGE_CLASSES, (0, 0)), 0
    for name, count, size in call.store.objects.totals(call.bucket.name):
        totals[name] = (count, size)
    for kind, name, count, size in call.store.versions.totals(call.bucket.name):
        if kind == DELETE_MARKER:
            markers += count
        else:
            totals[name] = (totals[name][0] + count, totals[name][1] + size)
    elements = {
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
        elements[f"{name}Storage"] = elements[f"{name}RealStorage"] = totals[name][1]
        elements[f"{name}ObjectCount"] = totals[name][0]
    return xml_response("BucketStat", (tag(name, value) for name, value in elements.items()))


async def list_live_channels(call: Call) -> Response:
    """Return an empty list, because the mock does not support live channels."""
    return xml_response(
        "ListLiveChannelResult",
        (
            tag("Prefix", call.param("prefix")),
            tag("Marker", call.param("marker")),
            tag("MaxKeys", max_keys(call, "max-keys", default=100)),
            tag("IsTruncated", "false"),
        ),
    )
