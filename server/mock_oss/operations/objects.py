"""PutObject, GetObject, HeadObject, GetObjectMeta and DeleteObject."""

from collections.abc import Callable

from mock_oss.access.authorization import authorize, authorize_object
from mock_oss.errors import RefusedError
from mock_oss.http.addressing import check_key
from mock_oss.http.body import Digest
from mock_oss.http.ranges import parse_range
from mock_oss.http.request import header_text
from mock_oss.http.response import Response
from mock_oss.operations.callbacks import deliver, read_callback
from mock_oss.operations.common import check_version_id, existing, gmt, quoted, version_headers
from mock_oss.operations.compression import gzip_headers, wants_gzip
from mock_oss.operations.conditions import check_conditions
from mock_oss.operations.object_headers import Properties, read_properties
from mock_oss.operations.restore import check_readable, restore_info
from mock_oss.segments import clip
from mock_oss.service import Call
from mock_oss.store import BucketRecord, ExistingObject, ObjectRecord

OVERRIDES = {
    "response-content-type": "content-type",
    "response-content-language": "content-language",
    "response-expires": "expires",
    "response-cache-control": "cache-control",
    "response-content-disposition": "content-disposition",
    "response-content-encoding": "content-encoding",
}
_TITLES = {name: name.title() for name in OVERRIDES.values()}
SYMLINK_TARGET = "x-oss-symlink-target"
MIN_TRAFFIC_BITS, MAX_TRAFFIC_BITS = 245_760, 838_860_800
"""Bits per second. Newer vendor pages say at least 819,200; ali-oss relies on the older limit."""


def may_overwrite(call: Call, name: str = "") -> Callable[[ExistingObject | None], None]:
    """Return a function that checks whether the request may create or replace an object.

    Call the function before a write, with the existing object or None. The function raises
    RefusedError if the bucket does not exist any more. It also raises RefusedError if the object
    exists and the request has `x-oss-forbid-overwrite: true`, unless the bucket has versioning:
    there, no write destroys an object.

    Args:
        call: the request.
        name: the bucket of the object; empty text for the addressed bucket.
    """
    forbidden = _forbid_overwrite(call.header("x-oss-forbid-overwrite"))

    def allow(there: ExistingObject | None) -> None:
        bucket = call.store.buckets.get(name or call.bucket.name)
        if bucket is None:
            raise RefusedError("NoSuchBucket", BucketName=name or call.bucket.name)
        if forbidden and there is not None and not bucket.versioning:
            raise RefusedError("FileAlreadyExists", ObjectName=there.key)

    return allow


def _forbid_overwrite(value: str | None) -> bool:
    """Return whether the value of `x-oss-forbid-overwrite` is true; None counts as false.

    Raises:
        RefusedError: InvalidArgument for values other than true and false.
    """
    if value is None or value.lower() == "false":
        return False
    if value.lower() == "true":
        return True
    raise RefusedError(
        "InvalidArgument", ArgumentName="x-oss-forbid-overwrite", ArgumentValue=value
    )


def new_properties(call: Call) -> Properties:
    """Return the properties that the request sets on a new object.

    Raises:
        RefusedError: a property is not valid, or the caller may not set tags.
    """
    properties = read_properties(call.request.headers, storage_class=call.bucket.storage_class)
    if "x-oss-tagging" in call.request.headers:
        authorize(call, "oss:PutObjectTagging")
    return properties


def traffic_limit(call: Call) -> float | None:
    """Return the rate limit of the request in bytes per second, or None for no limit.

    The request sets the limit with the header, the parameter or, in a form upload, the field
    `x-oss-traffic-limit`.

    Raises:
        RefusedError: InvalidArgument if the value is not valid, or if a header and a parameter set
            the limit.
    """
    header, param = call.header("x-oss-traffic-limit"), call.param("x-oss-traffic-limit")
    text = header if header is not None else param
    if not text:
        return None
    is_number = text.isascii() and text.isdigit() and len(text) < 12
    is_double = bool(header and param)
    if is_double or not is_number or not MIN_TRAFFIC_BITS <= int(text) <= MAX_TRAFFIC_BITS:
        raise RefusedError(
            "InvalidArgument",
            ec="0004-00000501" if is_double else "0004-00000502",
            ArgumentName="x-oss-traffic-limit",
            ArgumentValue=text,
        )
    return int(text) / 8


def written_headers(etag: str, crc64: str, md5: str) -> list[tuple[str, str]]:
    """Return the ETag and the checksums of stored data as response headers."""
    return [("ETag", quoted(etag)), ("x-oss-hash-crc64ecma", crc64), ("Content-MD5", md5)]


def new_object(call: Call, key: str, properties: Properties, digest: Digest) -> ObjectRecord:
    """Return the record of a new object of type Normal; the record has no segments yet."""
    return ObjectRecord(
        call.bucket.name,
        key,
        digest.size,
        digest.etag,
        str(digest.crc64),
        digest.content_md5,
        "Normal",
        properties.storage_class,
        properties.acl,
        call.service.now_ms(),
        properties.headers,
        properties.tagging,
        "[]",
    )


async def put_object(call: Call) -> Response:
    """Store the request body as an object."""
    check_key(call.key)
    properties = new_properties(call)
    callback = read_callback(call)
    allow = may_overwrite(call)
    if call.header("x-oss-forbid-overwrite"):  # refuse before reading the body
        allow(call.store.objects.existing(call.bucket.name, call.key))
    with call.store.blobs.new() as blob:
        digest = await call.body.store(blob)
        record = new_object(call, call.key, properties, digest)
        record = call.store.put_object(record, blob=blob, allow=allow)
    if callback is not None:
        return await deliver(callback, call, record)
    written = written_headers(record.etag, record.crc64, record.md5)
    written += version_headers(call, record)
    return Response(200, written + properties.encryption_headers)


def object_headers(call: Call, record: ObjectRecord) -> list[tuple[str, str]]:
    """Return the headers that describe an object in GET and HEAD responses."""
    headers = [
        ("ETag", quoted(record.etag)),
        ("Last-Modified", gmt(record.modified_ms)),
        ("Accept-Ranges", "bytes"),
        ("x-oss-object-type", record.kind),
        ("x-oss-storage-class", record.storage_class),
        ("x-oss-hash-crc64ecma", record.crc64),
    ]
    if record.md5:
        headers.append(("Content-MD5", record.md5))
    if record.kind == "Appendable":
        headers.append(("x-oss-next-append-position", str(record.size)))
    if record.restored and (info := restore_info(record.restored, call.service.now_ms())):
        headers.append(("x-oss-restore", info))
    headers += version_headers(call, record)
    if record.tagging != "{}":
        headers.append(("x-oss-tagging-count", str(len(record.tags))))
    for name, value in record.stored_headers.items():
        if name != SYMLINK_TARGET:
            headers.append((_TITLES.get(name, name), value))
    return headers


def override(call: Call, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    wanted = {
        OVERRIDES[name]: value for name, value in call.request.params.items() if name in OVERRIDES
    }
    if not wanted:
        return headers
    if call.caller.kind == "anonymous":
        raise RefusedError("InvalidRequest", "Response headers cannot be overridden anonymously.")
    for name, value in wanted.items():
        if not value.isprintable():
            raise RefusedError(
                "InvalidArgument", ArgumentName=f"response-{name}", ArgumentValue=value
            )
    kept = [(name, value) for name, value in headers if name.lower() not in wanted]
    return kept + [(_TITLES[n], header_text(value)) for n, value in wanted.items()]


def _resolve(call: Call, bucket: BucketRecord, record: ObjectRecord) -> ObjectRecord:
    """Follow a symlink: return its record with the content of the target object.

    The size, ETag, checksums and data come from the target; the headers come from the symlink. An
    object that is not a symlink is returned unchanged.

    Raises:
        RefusedError: AccessDenied if the caller may not read the target, SymlinkTargetNotExist if
            the target does not exist, InvalidTargetType if the target is a symlink.
    """
    if record.kind != "Symlink":
        return record
    name = record.stored_headers[SYMLINK_TARGET]
    authorize_object(call, "oss:GetObject", bucket, name)
    target = call.store.objects.get(bucket.name, name)
    if target is None:
        raise RefusedError("SymlinkTargetNotExist", Key=record.key)
    if target.kind == "Symlink":
        raise RefusedError("InvalidTargetType", why={"kind": "symlink", "target": target.key})
    return record._replace(
        size=target.size,
        etag=target.etag,
        md5=target.md5,
        crc64=target.crc64,
        modified_ms=max(record.modified_ms, target.modified_ms),
        segments_json=target.segments_json,
    )


def readable(call: Call, bucket: BucketRecord, record: ObjectRecord) -> ObjectRecord:
    """Refuse an archived object that is not restored; follow a symlink with `_resolve`.

    Returns:
        The result of `_resolve`.

    Raises:
        RefusedError: InvalidObjectState for an archived object, or an error of `_resolve`.
    """
    check_readable(record, call.service.now_ms())
    return _resolve(call, bucket, record)


async def get_object(call: Call) -> Response:
    """Return the data of an object; with a Range header, only the requested range."""
    record = readable(call, call.bucket, existing(call))
    check_conditions(call.request.headers, record)
    headers = override(call, object_headers(call, record))
    part = parse_range(call.request.headers, record.size)
    segments = record.segments
    if part is None and wants_gzip(call.request, headers, record.size):
        return Response(200, gzip_headers(headers), segments=segments, length=None, is_gzip=True)
    if part is None:
        return Response(200, headers, segments=segments, length=record.size)
    offset, length = part
    headers.append(("Content-Range", f"bytes {offset}-{offset + length - 1}/{record.size}"))
    return Response(206, headers, segments=clip(segments, offset, length), length=length)


async def head_object(call: Call) -> Response:
    """Return the headers of an object."""
    record = _resolve(call, call.bucket, existing(call))
    check_conditions(call.request.headers, record)
    return Response(200, object_headers(call, record), length=record.size)


async def get_object_meta(call: Call) -> Response:
    """Return only the size, ETag, date and CRC-64 of an object, without a body also for GET."""
    record = _resolve(call, call.bucket, existing(call))
    headers = [
        ("ETag", quoted(record.etag)),
        ("Last-Modified", gmt(record.modified_ms)),
        ("x-oss-hash-crc64ecma", record.crc64),
        *version_headers(call, record),
    ]
    return Response(200, headers, length=record.size)


async def delete_object(call: Call) -> Response:
    """Delete an object or the version of `versionId`; succeeds also if it does not exist.

    In a bucket with versioning, a request without `versionId` adds a delete marker.
    """
    check_key(call.key)
    name, version_id = call.bucket.name, call.request.params.get("versionId")
    if version_id is None:
        marker = call.store.delete_object(name, call.key, call.service.now_ms())
        return Response(204, _deleted_headers(marker, is_marker=True) if marker else ())
    check_version_id(version_id)
    removed = call.store.delete_version(name, call.key, version_id)
    is_marker = removed is not None and removed.is_delete_marker
    return Response(204, _deleted_headers(version_id, is_marker=is_marker))


def _deleted_headers(version_id: str, *, is_marker: bool) -> list[tuple[str, str]]:
    headers = [("x-oss-version-id", version_id)]
    return [*headers, ("x-oss-delete-marker", "true")] if is_marker else headers
