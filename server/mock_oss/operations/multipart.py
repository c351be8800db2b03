"""Multipart uploads: initiate, upload part, complete, abort, list parts and list uploads.

CompleteMultipartUpload joins the segments (slices of stored data) and the checksums of the parts,
without reading the data.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from mock_oss.errors import RefusedError, invalid_argument
from mock_oss.http import crc64
from mock_oss.http.addressing import check_key
from mock_oss.http.body import Digest
from mock_oss.http.documents import elements, malformed_xml, parse
from mock_oss.http.request import number_of, one_of, whole_number
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.callbacks import deliver, read_callback
from mock_oss.operations.common import iso, url_encoder
from mock_oss.operations.listing import folded_key
from mock_oss.operations.object_headers import OBJECT_ACLS, Properties
from mock_oss.operations.objects import may_overwrite, new_properties
from mock_oss.service import Call
from mock_oss.store.records import ObjectRecord, PartRecord, Segment, UploadRecord, pack_segments

MAX_PART_NUMBER = 10_000
MIN_PART_BYTES = 102_400
MAX_COMPLETE_BYTES = 8 << 20
PART_NUMBER = "Part number must be an integer between 1 and 10000, inclusive."
CLIENT_ENCRYPTION = {
    f"x-oss-meta-client-side-encryption-{name}": f"ClientEncryption{name.title().replace('-', '')}"
    for name in ("key", "start", "cek-alg", "wrap-alg", "data-size", "part-size")
}
"""Metadata header that encrypting clients send -> element of ListParts."""


def multipart_etag(part_etags: Iterable[str]) -> str:
    """Return the ETag of an object that is joined from parts, without quotes.

    The ETag is `MD5-N`: the MD5 digest, in upper-case hex digits, of all part ETags joined, and the
    number of parts.
    """
    etags = list(part_etags)
    text = "".join(etags).upper().encode()
    return f"{hashlib.md5(text, usedforsecurity=False).hexdigest().upper()}-{len(etags)}"


def find_upload(call: Call) -> UploadRecord:
    """Return the multipart upload with the id in the parameter `uploadId`.

    Raises:
        RefusedError: NoSuchUpload if the addressed bucket and key have no upload with this id.
    """
    upload_id = call.param("uploadId")
    upload = call.store.uploads.get(upload_id)
    if upload is None or (upload.bucket, upload.key) != (call.bucket.name, call.key):
        raise _no_upload(upload_id)
    return upload


def _no_upload(upload_id: str) -> RefusedError:
    return RefusedError("NoSuchUpload", UploadId=upload_id)


def part_number(call: Call) -> int:
    """Return the parameter `partNumber` as a number.

    Raises:
        RefusedError: InvalidArgument if the value is not a number from 1 to 10000.
    """
    return number_of("partNumber", call.param("partNumber"), 1, MAX_PART_NUMBER, PART_NUMBER)


async def initiate_upload(call: Call) -> Response:
    """Start a multipart upload, and return its id.

    The headers of this request set the properties of the future object, such as content type, ACL
    and tags.
    """
    check_key(call.key)
    write, encoding = url_encoder(call)
    properties = new_properties(call)
    may_overwrite(call)(call.store.objects.existing(call.bucket.name, call.key))
    await call.body.read(MAX_COMPLETE_BYTES)
    upload = UploadRecord(
        upload_id=call.service.ids.upload_id(),
        bucket=call.bucket.name,
        key=call.key,
        initiated_ms=call.now_ms,
        **properties._asdict(),
    )
    call.store.uploads.put(upload)
    return xml_response(
        "InitiateMultipartUploadResult",
        {
            "EncodingType": encoding,
            "Bucket": upload.bucket,
            "Key": write(upload.key),
            "UploadId": upload.upload_id,
        },
        properties.encryption_headers,
    )


async def upload_part(call: Call) -> Response:
    """Store the request body as a part; an existing part with this number is replaced."""
    upload, n = find_upload(call), part_number(call)
    for name, value in call.request.headers.items():
        if name.startswith("x-oss-server-side-encryption"):
            raise invalid_argument(name, value)
    with call.store.blobs.new() as blob:
        digest = await call.body.store(blob.write)
        store_part(call, upload, n, digest, [blob.close()])
    sums = [("ETag", f'"{digest.etag}"'), ("x-oss-hash-crc64ecma", str(digest.crc64))]
    return Response(200, [*sums, ("Content-MD5", digest.content_md5)])


def store_part(
    call: Call, upload: UploadRecord, n: int, digest: Digest, segments: Sequence[Segment]
) -> PartRecord:
    """Add a part, whose data is already stored, to a multipart upload; return its database row.

    A part with the same number is replaced.

    Args:
        call: the request.
        upload: the multipart upload.
        n: the part number.
        digest: the size and checksums of the part.
        segments: the slices of stored blobs that make up the data of the part.

    Raises:
        RefusedError: NoSuchUpload if another request has completed or aborted the upload.
    """
    part = PartRecord(
        upload_id=upload.upload_id,
        number=n,
        size=digest.size,
        etag=digest.etag,
        crc64=str(digest.crc64),
        modified_ms=call.now_ms,
        segments_json=pack_segments(segments),
    )
    try:
        call.store.put_part(part)
    except KeyError as e:
        raise _no_upload(upload.upload_id) from e
    return part


async def complete_upload(call: Call) -> Response:
    """Join the parts of a multipart upload into an object.

    If a request has several errors, the mock reports the error that OSS would report.

    Raises:
        RefusedError: NoSuchUpload if the upload does not exist, InvalidPart if a listed part was
            not uploaded or has another ETag, EntityTooSmall if a part before the last is too small.
    """
    write, encoding = url_encoder(call)
    body = await call.body.read(MAX_COMPLETE_BYTES)
    take_all = call.header("x-oss-complete-all")
    listed = listed_parts(body, take_all)
    callback = read_callback(call)
    upload = find_upload(call)
    there = {part.number: part for part in call.store.uploads.parts(upload.upload_id)}
    parts = list(there.values()) if listed is None else _chosen(listed, there)
    if not parts:
        raise RefusedError("InvalidPart", UploadId=upload.upload_id)
    for part in parts[:-1]:
        if part.size < MIN_PART_BYTES:
            raise RefusedError(
                "EntityTooSmall",
                ProposedSize=part.size,
                MinSizeAllowed=MIN_PART_BYTES,
                PartNumber=part.number,
                ETag=part.etag,
            )
    may_overwrite(call)(call.store.objects.existing(upload.bucket, upload.key))
    record = _joined(call, upload, parts)
    record = call.store.complete_upload(upload.upload_id, record)
    if callback is not None:
        return await deliver(callback, call, record)
    return xml_response(
        "CompleteMultipartUploadResult",
        {
            "EncodingType": encoding,
            "Location": call.location,
            "Bucket": record.bucket,
            "Key": write(record.key),
            "ETag": f'"{record.etag}"',
        },
        call.stored(record) + Properties(record.headers, "", "", "").encryption_headers,
    )


def listed_parts(body: bytes, take_all: str | None) -> list[tuple[int, str]] | None:
    """Return the parts that a CompleteMultipartUpload request lists, as (number, ETag) pairs.

    Args:
        body: the request body: the CompleteMultipartUpload document, or empty if `take_all` is
            used.
        take_all: the value of the header `x-oss-complete-all`; None if the header is absent.

    Returns:
        The pairs, in ascending order; None if the request asks to join all uploaded parts.

    Raises:
        RefusedError: InvalidArgument if `take_all` is not `yes`, or if `take_all` comes with a
            body. MalformedXML if the document is not valid. InvalidPartOrder if a part number is
            out of range or the numbers are not ascending.
    """
    if take_all is not None:
        if take_all.lower() != "yes" or body:
            message = "x-oss-complete-all is yes, and comes with an empty body."
            raise invalid_argument("x-oss-complete-all", take_all, message)
        return None
    root = parse(body, "CompleteMultipartUpload")
    listed = []
    for element in root.all("Part"):
        n, etag = element.value("PartNumber"), element.value("ETag")
        if n is None or etag is None:
            raise malformed_xml("a Part needs PartNumber and ETag")
        text = n.strip()
        if whole_number(text.removeprefix("-"), 0, 10**8 - 1) is None:
            raise malformed_xml(f"PartNumber is {text!r}")
        listed.append((int(text), etag.strip().strip('"').upper()))
    if not listed:
        raise malformed_xml("no Part")
    last = 0
    for number_, _ in listed:
        if not 1 <= number_ <= MAX_PART_NUMBER:
            raise RefusedError("InvalidPartOrder", PART_NUMBER, PartNumber=number_)
        if number_ <= last:
            raise RefusedError("InvalidPartOrder", PartNumber=number_)
        last = number_
    return listed


def _chosen(listed: list[tuple[int, str]], there: dict[int, PartRecord]) -> list[PartRecord]:
    chosen = []
    for n, etag in listed:
        part = there.get(n)
        if part is None or part.etag != etag:
            raise RefusedError(
                "InvalidPart",
                PartNumber=n,
                ETag=etag,
                why={"kind": "part", "uploaded": part.etag if part else None},
            )
        chosen.append(part)
    return chosen


def _joined(call: Call, upload: UploadRecord, parts: Sequence[PartRecord]) -> ObjectRecord:
    crc = 0
    for part in parts:
        crc = crc64.combine(crc, int(part.crc64), part.size)
    acl = call.header("x-oss-object-acl")
    return ObjectRecord(
        bucket=upload.bucket,
        key=upload.key,
        size=sum(part.size for part in parts),
        etag=multipart_etag(part.etag for part in parts),
        crc64=str(crc),
        md5="",
        kind="Multipart",
        storage_class=upload.storage_class,
        acl=upload.acl if acl is None else one_of("x-oss-object-acl", acl, OBJECT_ACLS),
        modified_ms=call.now_ms,
        headers=upload.headers,
        tagging=upload.tagging,
        segments_json=pack_segments(segment for part in parts for segment in part.segments),
    )


async def abort_upload(call: Call) -> Response:
    """Abort a multipart upload and delete its parts."""
    call.store.abort_upload(find_upload(call).upload_id)
    return Response(204)


async def list_parts(call: Call) -> Response:
    """Return one page of the uploaded parts of a multipart upload, sorted by number."""
    upload = find_upload(call)
    write, encoding = url_encoder(call)
    limit = call.max_keys("max-parts", default=1000)
    marker = call.number("part-number-marker", 0, MAX_PART_NUMBER)
    parts = call.store.uploads.parts(upload.upload_id, after=marker, limit=limit + 1)
    page = parts[:limit]
    stored = json.loads(upload.headers)
    return xml_response(
        "ListPartsResult",
        {
            "EncodingType": encoding,
            "Bucket": upload.bucket,
            "Key": write(upload.key),
            "UploadId": upload.upload_id,
            "StorageClass": upload.storage_class,
            "PartNumberMarker": marker,
            "NextPartNumberMarker": page[-1].number if page else marker,
            "MaxParts": limit,
            "IsTruncated": len(parts) > limit,
            **{element: stored.get(name) for name, element in CLIENT_ENCRYPTION.items()},
            "Part": [
                {
                    "PartNumber": part.number,
                    "LastModified": iso(part.modified_ms),
                    "ETag": f'"{part.etag}"',
                    "HashCrc64ecma": part.crc64,
                    "Size": part.size,
                }
                for part in page
            ],
        },
    )


async def list_uploads(call: Call) -> Response:
    """Return one page of the bucket's unfinished multipart uploads, sorted by key and upload id.

    With the parameter `delimiter`, a common prefix replaces all uploads whose keys start with it.
    """
    write, encoding = url_encoder(call)
    limit = call.max_keys("max-uploads", default=1000)
    prefix, delimiter = call.param("prefix"), call.param("delimiter")
    key_marker, id_marker = call.param("key-marker"), call.param("upload-id-marker")
    # Without a marker of an upload, the list continues with the next key.
    after = (key_marker, (id_marker or chr(0x10FFFF)) if key_marker else "")
    entries = _fold(call, prefix, delimiter, after)
    page = entries[:limit]
    last = page[-1] if page else ""
    listed: list[dict[str, Any]] = [
        {"CommonPrefixes": {"Prefix": write(entry)}}
        if isinstance(entry, str)
        else {
            "Upload": {
                "Key": write(entry.key),
                "UploadId": entry.upload_id,
                "StorageClass": entry.storage_class,
                "Initiated": iso(entry.initiated_ms),
            }
        }
        for entry in page
    ]
    head: dict[str, Any] = {
        "EncodingType": encoding,
        "Bucket": call.bucket.name,
        "KeyMarker": write(key_marker),
        "UploadIdMarker": id_marker,
        "NextKeyMarker": write(last if isinstance(last, str) else last.key),
        "NextUploadIdMarker": "" if isinstance(last, str) else last.upload_id,
        "Delimiter": write(delimiter),
        "Prefix": write(prefix),
        "MaxUploads": limit,
        "IsTruncated": len(entries) > limit,
    }
    return xml_response("ListMultipartUploadsResult", map(elements, (head, *listed)))


def _fold(
    call: Call, prefix: str, delimiter: str, after: tuple[str, str]
) -> list[UploadRecord | str]:
    """Return the bucket's uploads and common prefixes, sorted by key.

    Args:
        call: the request.
        prefix: return only uploads whose key starts with this prefix.
        delimiter: the text that ends a common prefix; empty for no grouping.
        after: return only uploads that come after this (key, upload id) in the order.

    Returns:
        An UploadRecord for each upload, and a `str` for each common prefix.
    """
    entries: list[UploadRecord | str] = []
    uploads = call.store.uploads.page(call.bucket.name, prefix=prefix, after=after)
    for upload in uploads:
        common = folded_key(upload.key, prefix, delimiter)
        if common is None:
            entries.append(upload)
        elif common != after[0] and (not entries or entries[-1] != common):
            entries.append(common)
    return entries
