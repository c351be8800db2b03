"""Operations that write or delete objects, except multipart, form and copy operations.

They are PutObject, AppendObject, PutSymlink, DeleteObject and DeleteMultipleObjects.
"""

import json
import secrets
from collections.abc import Callable
from urllib.parse import unquote

from mock_oss.access.authorization import authorize, authorize_object
from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http import crc64
from mock_oss.http.addressing import check_key
from mock_oss.http.body import MAX_OBJECT_BYTES, Digest
from mock_oss.http.documents import Node, malformed_xml
from mock_oss.http.request import whole_number
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.callbacks import deliver, read_callback
from mock_oss.operations.common import check_version_id, url_encoder
from mock_oss.operations.object_headers import Properties, read_properties
from mock_oss.service import Call
from mock_oss.store.records import ExistingObject, ObjectRecord

SYMLINK_TARGET = "x-oss-symlink-target"
MIN_TRAFFIC_BITS, MAX_TRAFFIC_BITS = 245_760, 838_860_800
"""Bits per second. Newer vendor pages say at least 819,200; ali-oss relies on the older limit."""
MAX_DELETE_BYTES = 2 << 20
MAX_DELETE_KEYS = 1000


def may_overwrite(call: Call, name: str = "") -> Callable[[ExistingObject | None], None]:
    """Return a function that checks whether the request may create or replace an object.

    Call the returned function before a write, with the object that exists or None. It raises
    RefusedError in two cases: NoSuchBucket if the bucket does not exist any more; FileAlreadyExists
    if the object exists, the request has `x-oss-forbid-overwrite: true`, and the bucket has no
    versioning. With versioning, a write destroys no object.

    Args:
        call: the request.
        name: the name of the object's bucket; empty text for the addressed bucket.

    Raises:
        RefusedError: InvalidArgument if `x-oss-forbid-overwrite` is neither true nor false.
    """
    value = call.header("x-oss-forbid-overwrite")
    forbidden = value is not None and value.lower() == "true"
    if value is not None and value.lower() not in ("true", "false"):
        raise invalid_argument("x-oss-forbid-overwrite", value)
    name = name or call.bucket.name

    def allow(there: ExistingObject | None) -> None:
        bucket = call.store.buckets.get(name)
        if bucket is None:
            raise RefusedError("NoSuchBucket", BucketName=name)
        if forbidden and there is not None and not bucket.versioning:
            raise RefusedError("FileAlreadyExists", ObjectName=there.key)

    return allow


def new_properties(call: Call) -> Properties:
    """Return the properties, such as ACL and tags, that the request's headers set on a new object.

    Raises:
        RefusedError: a header is not valid, or the caller has no permission to set tags.
    """
    properties = read_properties(call.request.headers, call.bucket.storage_class)
    if "x-oss-tagging" in call.request.headers:
        authorize(call, "oss:PutObjectTagging")
    return properties


def traffic_limit(call: Call) -> float | None:
    """Return the rate limit that a request sets, in bytes per second, or None for no limit.

    The header or the query parameter `x-oss-traffic-limit` contains the limit in bits per second.
    In a form upload, it is a form field.

    Raises:
        RefusedError: InvalidArgument if the value is not valid, or if a header and a parameter set
            the limit.
    """
    header, param = call.header("x-oss-traffic-limit"), call.param("x-oss-traffic-limit")
    text = header if header is not None else param
    if not text:
        return None
    bits = whole_number(text, MIN_TRAFFIC_BITS, MAX_TRAFFIC_BITS)
    is_double = bool(header and param)
    if bits is None or is_double:
        ec = "0004-00000501" if is_double else "0004-00000502"
        raise invalid_argument("x-oss-traffic-limit", text, ec=ec)
    return bits / 8


def new_object(call: Call, key: str, properties: Properties, digest: Digest) -> ObjectRecord:
    """Return a database row for a new object of type Normal in the addressed bucket.

    The row is not stored yet, and contains no segments (references to stored data).

    Args:
        call: the request.
        key: the object's key.
        properties: the headers, ACL, storage class and tags of the object.
        digest: the size and checksums of the object's data.
    """
    return ObjectRecord(
        bucket=call.bucket.name,
        key=key,
        size=digest.size,
        etag=digest.etag,
        crc64=str(digest.crc64),
        md5=digest.content_md5,
        modified_ms=call.now_ms,
        **properties._asdict(),
    )


async def put_object(call: Call) -> Response:
    """Store the request body as an object; replace an existing object with the same key.

    If the request has a callback, the response is the answer of the application server.
    """
    check_key(call.key)
    properties = new_properties(call)
    callback = read_callback(call)
    allow = may_overwrite(call)
    if call.header("x-oss-forbid-overwrite"):  # refuse before reading the body
        allow(call.store.objects.existing(call.bucket.name, call.key))
    with call.store.blobs.new() as blob:
        digest = await call.body.store(blob.write)
        record = new_object(call, call.key, properties, digest)
        record = call.store.put_object(record, blob=blob, allow=allow)
    if callback is not None:
        return await deliver(callback, call, record)
    headers = [*call.stored(record), ("Content-MD5", record.md5), *properties.encryption_headers]
    return Response(200, headers)


def _check_position(there: ObjectRecord | ExistingObject | None, position: int) -> None:
    if there is not None and there.kind != "Appendable":
        raise RefusedError("ObjectNotAppendable", Key=there.key)
    size = 0 if there is None else there.size
    if position != size:
        raise _not_at_the_end(size, position)


def _not_at_the_end(size: int, position: int) -> RefusedError:
    return RefusedError(
        "PositionNotEqualToLength",
        headers={"x-oss-next-append-position": str(size)},
        why={"kind": "position", "length": size, "asked": position},
    )


async def append_object(call: Call) -> Response:
    """Append the request body to an object, or create the object if the key does not exist.

    In a bucket with versioning, appending changes the current version and creates no new one.

    Raises:
        RefusedError: PositionNotEqualToLength if the parameter `position` is not the current length
            of the object. ObjectNotAppendable if the object was not created by AppendObject.
    """
    check_key(call.key)
    if not call.param("position"):
        raise RefusedError("MissingArgument", ArgumentName="position")
    position = call.number("position", 0, MAX_OBJECT_BYTES)
    there = call.store.objects.get(call.bucket.name, call.key)
    _check_position(there, position)
    if there is None:
        may_overwrite(call)(None)
        properties = new_properties(call)
    else:  # only the first append sets the properties of the object
        properties = Properties(there.headers, there.storage_class, there.acl, there.tagging)

    def allow(now: ExistingObject | None) -> None:
        if call.store.buckets.get(call.bucket.name) is None:
            raise RefusedError("NoSuchBucket", BucketName=call.bucket.name)
        _check_position(now, position)
        if there is not None and (now is None or now.segments_json != there.segments_json):
            # Another request replaced the object in the meantime.
            raise _not_at_the_end(0 if now is None else now.size, position)

    with call.store.blobs.new() as blob:
        digest = await call.body.store(blob.write)
        if position + digest.size > MAX_OBJECT_BYTES:
            raise RefusedError("EntityTooLarge")
        record = new_object(call, call.key, properties, digest)._replace(
            size=position + digest.size,
            etag=secrets.token_hex(12).upper() + "00000000",
            crc64=str(crc64.combine(int(there.crc64) if there else 0, digest.crc64, digest.size)),
            md5="",
            kind="Appendable",
            segments_json="[]" if there is None else there.segments_json,
        )
        record = call.store.put_object(
            record, blob=blob, allow=allow, same_version=there is not None
        )
    headers = [*call.stored(record), ("x-oss-next-append-position", str(record.size))]
    return Response(200, headers + properties.encryption_headers)


async def put_symlink(call: Call) -> Response:
    """Create a symlink to the key in the header `x-oss-symlink-target`; the target need not exist.

    Raises:
        RefusedError: InvalidArgument if the header is absent.
    """
    check_key(call.key)
    target = unquote(call.header(SYMLINK_TARGET) or "")
    if not target:
        raise invalid_argument(SYMLINK_TARGET, "")
    check_key(target)
    properties = new_properties(call)
    record = new_object(call, call.key, properties, Digest())._replace(
        etag=secrets.token_hex(16).upper(),
        md5="",
        kind="Symlink",
        headers=json.dumps({**json.loads(properties.headers), SYMLINK_TARGET: target}),
    )
    record = call.store.put_object(record, allow=may_overwrite(call))
    return Response(200, [("ETag", f'"{record.etag}"'), *call.version_headers(record)])


async def delete_object(call: Call) -> Response:
    """Delete the object, or only the version whose id is in the parameter `versionId`.

    The request succeeds also if there is no such object or version. In a bucket with versioning, a
    request without `versionId` adds a delete marker.
    """
    check_key(call.key)
    version_id = call.request.params.get("versionId")
    if version_id is not None:
        check_version_id(version_id)
    marker = _delete(call, call.key, version_id)
    named = marker if version_id is None else version_id
    headers = [("x-oss-version-id", named)] if named else []
    if marker:
        headers.append(("x-oss-delete-marker", "true"))
    return Response(204, headers)


def _delete(call: Call, key: str, version_id: str | None) -> str:
    """Delete an object, or one of its versions.

    Returns:
        The version id of the delete marker that was added or deleted, or empty text.
    """
    name = call.bucket.name
    if version_id is None:
        return call.store.delete_object(name, key, call.now_ms)
    removed = call.store.delete_version(name, key, version_id)
    return version_id if removed is not None and removed.is_delete_marker else ""


async def delete_objects(call: Call) -> Response:
    """Delete the objects or versions that the request body lists (1 to 1,000).

    The caller needs the permission to delete each of them. Otherwise, none is deleted.

    Raises:
        RefusedError: AccessDenied if a permission is missing. MissingArgument for a request without
            Content-MD5. MalformedXML or another code if the list is not valid.
    """
    write, encoding = url_encoder(call)
    if call.header("content-md5") is None:
        raise RefusedError("MissingArgument", ArgumentName="Content-MD5")
    root = await call.read_xml("Delete", MAX_DELETE_BYTES)
    quiet = root.flag("Quiet")
    doomed = [_doomed(element) for element in root.all("Object")]
    if not 1 <= len(doomed) <= MAX_DELETE_KEYS:
        raise malformed_xml(f"{len(doomed)} keys, 1 to {MAX_DELETE_KEYS}")
    for key, version_id in doomed:
        authorize_object(call, "oss:DeleteObject", call.bucket, key, version_id or "")
        check_key(key)
    deleted = []
    for key, version_id in doomed:
        marker = _delete(call, key, version_id) or None
        deleted.append(
            {
                "Key": write(key),
                "VersionId": version_id,
                "DeleteMarker": "true" if marker else None,
                "DeleteMarkerVersionId": marker,
            }
        )
    if quiet:
        return Response(200)
    return xml_response("DeleteResult", {"EncodingType": encoding, "Deleted": deleted})


def _doomed(element: Node) -> tuple[str, str | None]:
    """Return the key and the version id, if any, of an `Object` element."""
    key = element.value("Key")
    if key is None:
        raise malformed_xml("an Object needs a Key")
    version_id = element.value("VersionId")
    if version_id == "":
        raise invalid_argument("VersionId", "", ec="0016-00000612")
    if version_id is not None:
        check_version_id(version_id)
    return key, version_id
