"""The operations CopyObject and UploadPartCopy.

The copy gets hard links to the data files of the source. Only data in database rows (small blobs)
is duplicated. CopyObject reuses the checksums of the source. UploadPartCopy computes new checksums.
CopyObject copies a symlink as a symlink, and UploadPartCopy refuses a symlink. Source: OSS pages
"copy-object" and "0042-00000308".
"""

import asyncio
import json
import re
from typing import NamedTuple
from urllib.parse import unquote

from mock_oss.access.authorization import authorize, authorize_object
from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http.addressing import check_key
from mock_oss.http.body import Digest
from mock_oss.http.request import one_of
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.common import find_object, iso
from mock_oss.operations.downloads import check_conditions
from mock_oss.operations.multipart import find_upload, part_number, store_part
from mock_oss.operations.object_headers import read_properties
from mock_oss.operations.object_settings import check_readable
from mock_oss.operations.objects import SYMLINK_TARGET, may_overwrite
from mock_oss.service import Call, Service
from mock_oss.store.records import BucketRecord, ObjectRecord, Segment, clip, pack_segments

CLIENT_ENCRYPTION = "x-oss-meta-client-side-encryption-"
MAX_COPY_BYTES = 5 << 30
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
_CONDITIONS = "x-oss-copy-source-"


class _Source(NamedTuple):
    """The source of a copy; `version_id` is empty text if the request names no version."""

    bucket: BucketRecord
    record: ObjectRecord
    version_id: str

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The response header that names the copied version."""
        if not self.bucket.versioning:
            return []
        return [("x-oss-copy-source-version-id", self.record.version_id)]


def _source(call: Call) -> _Source:
    """Return the source of a copy.

    Raises:
        RefusedError: the source does not exist, or the caller may not read the source.
    """
    text = (call.header("x-oss-copy-source") or "").lstrip("/")
    path, _, query = text.partition("?")
    name, _, value = query.partition("=")
    version_id = unquote(value)
    if query and (name != "versionId" or not version_id):
        raise _bad_source(text)
    try:
        bucket_name, _, key = unquote(path, errors="strict").partition("/")
    except UnicodeDecodeError as e:
        raise _bad_source(text) from e
    if not bucket_name or not key:
        raise _bad_source(text)
    bucket = call.store.buckets.get(bucket_name)
    if bucket is None:
        raise RefusedError("NoSuchBucket", BucketName=bucket_name)
    if bucket.region != call.bucket.region:
        raise RefusedError(
            "AccessDenied",
            "Target object does not reside in the same data center as source object.",
        )
    authorize_object(call, "oss:GetObject", bucket, key, version_id)
    try:
        record = find_object(call.store, bucket_name, key, version_id or None)
    except RefusedError as refused:
        if refused.code != "MethodNotAllowed":
            raise
        message = "The source of a copy request may not be a delete marker."
        ec = "0016-00000307"
        raise invalid_argument("x-oss-copy-source", version_id, message, ec=ec) from refused
    check_readable(record, call.now_ms)
    return _Source(bucket, record, version_id)


def _bad_source(text: str) -> RefusedError:
    message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey."
    return invalid_argument("x-oss-copy-source", text[:256], message)


def _directive(call: Call, name: str) -> bool:
    """Return whether the value of a header is REPLACE; an absent header means COPY.

    Args:
        call: the request.
        name: `x-oss-metadata-directive` or `x-oss-tagging-directive`.

    Raises:
        RefusedError: InvalidArgument if the value is neither COPY nor REPLACE.
    """
    value = (call.header(name) or "COPY").upper()
    return one_of(name, value, ("COPY", "REPLACE")) == "REPLACE"


async def copy_object(call: Call) -> Response:
    """Copy an object of this region, named in the header `x-oss-copy-source`, to the request's key.

    Raises:
        RefusedError: the source does not exist, the caller may not read it, it has more than 5 GiB,
            or it does not satisfy a conditional header.
    """
    check_key(call.key)
    bucket, source, source_version = origin = _source(call)
    check_conditions(call.request.headers, source, prefix=_CONDITIONS)
    if source.size > MAX_COPY_BYTES:
        raise RefusedError("EntityTooLarge")
    target = call.bucket.name, call.key
    onto_itself = (source.bucket, source.key) == target and not call.bucket.versioning
    new_headers = _directive(call, "x-oss-metadata-directive") or onto_itself
    new_tags = _directive(call, "x-oss-tagging-directive")
    properties = read_properties(call.request.headers, call.bucket.storage_class)
    kept = source.stored_headers
    if new_headers:
        sent = json.loads(properties.headers)
        if "content-type" not in call.request.headers:  # keep the type unless a new one is sent
            sent["content-type"] = kept["content-type"]
        # Without the metadata of the encryption, the client could not decrypt the copy.
        lasting = (CLIENT_ENCRYPTION, SYMLINK_TARGET)
        headers = json.dumps({n: v for n, v in kept.items() if n.startswith(lasting)} | sent)
    else:
        kept.update(dict(properties.encryption_headers))
        headers = json.dumps(kept)
    tagging = properties.tagging if new_tags else source.tagging
    if tagging != "{}":
        authorize(call, "oss:PutObjectTagging")
        if not new_tags:
            authorize_object(call, "oss:GetObjectTagging", bucket, source.key, source_version)
    allow = may_overwrite(call)
    # This result stays valid, because there is no await before the object is stored.
    allow(call.store.objects.existing(call.bucket.name, call.key))
    linked = call.store.blobs.link(source.segments)
    record = source._replace(
        bucket=call.bucket.name,
        key=call.key,
        kind=source.kind if source.kind == "Symlink" else "Normal",
        storage_class=properties.storage_class,
        acl=properties.acl,
        modified_ms=call.now_ms,
        headers=headers,
        tagging=tagging,
        segments_json=pack_segments(linked),
    )
    record = call.store.put_object(record, allow=allow)
    return xml_response(
        "CopyObjectResult",
        {"ETag": f'"{record.etag}"', "LastModified": iso(record.modified_ms)},
        [*call.stored(record), *origin.headers, *properties.encryption_headers],
    )


async def upload_part_copy(call: Call) -> Response:
    """Store a copy of an object, or of a range of its bytes, as a part of a multipart upload.

    The header `x-oss-copy-source` names the object, and `x-oss-copy-source-range` the range.
    Without a valid range, the whole object is copied.

    Raises:
        RefusedError: NoSuchUpload if the upload does not exist, InvalidArgument if the source is a
            symlink. Other errors are those of `copy_object`.
    """
    upload, n = find_upload(call), part_number(call)
    origin = _source(call)
    source = origin.record
    if source.kind == "Symlink":
        # The vendor's page of this EC gives neither the code nor the message.
        message = "The source of UploadPartCopy may not be a symbolic link."
        raise invalid_argument("x-oss-copy-source", source.key, message, ec="0042-00000308")
    check_conditions(call.request.headers, source, prefix=_CONDITIONS, copying=True)
    span = _copy_range(call.header("x-oss-copy-source-range"), source.size)
    offset, size = span or (0, source.size)
    if size > MAX_COPY_BYTES:
        raise RefusedError("EntityTooLarge")
    linked = call.store.blobs.link(clip(source.segments, offset, size))
    digest = await _digest(call.service, linked)
    try:
        part = store_part(call, upload, n, digest, linked)
    except RefusedError:
        call.store.blobs.delete(linked)
        raise
    headers = [("ETag", f'"{part.etag}"'), ("x-oss-hash-crc64ecma", part.crc64)]
    headers += origin.headers
    if span is not None:
        headers.append(("Content-Range", f"bytes {offset}-{offset + size - 1}/{source.size}"))
    return xml_response(
        "CopyPartResult", {"LastModified": iso(part.modified_ms), "ETag": f'"{part.etag}"'}, headers
    )


def _copy_range(text: str | None, size: int) -> tuple[int, int] | None:
    """Return the offset and the size of the range to copy, in bytes.

    Args:
        text: the header `x-oss-copy-source-range`, or None.
        size: the size of the source.

    Returns:
        (offset, size), or None to copy the whole source. The result is also None if the range is
        invalid or exceeds the source.
    """
    match = _RANGE.fullmatch(text or "")
    if match is None:
        return None
    first, last = int(match[1]), int(match[2] or size - 1)
    return (first, last - first + 1) if first <= last < size else None


async def _digest(service: Service, segments: list[Segment]) -> Digest:
    digest = Digest()

    def run() -> None:
        for piece in service.store.blobs.read(segments):
            digest.update([piece])

    await asyncio.get_running_loop().run_in_executor(service.executor, run)
    return digest
