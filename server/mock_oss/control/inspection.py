"""Converts buckets, objects and uploads to JSON-ready values for control plane responses."""

from datetime import UTC, datetime
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from mock_oss.http.request import decode_headers, parse_range
from mock_oss.service import Service
from mock_oss.store.records import ObjectRecord, clip

_BUCKET = ("name", "region", "acl", "cors", "lifecycle")
_SAFE = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
"""Stored HTML has the mock's origin; the sandbox denies its scripts the rights of that origin."""


def _iso(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="seconds")


def state_of(service: Service) -> dict[str, object]:
    """Return the state of the mock as JSON-ready values, for the control plane.

    Returns:
        A dict: `endpoint` is the URL of the mock, and `now` the mock's time in ISO 8601. `buckets`
        is a list with one dict per bucket: `name`, `region`, `acl`, `cors` and `lifecycle` (XML
        documents), `created` (ISO 8601), `objects` (number of objects), `bytes` (their total size)
        and `uploads` (number of unfinished multipart uploads). `faults` is a list with one dict per
        planned fault, as `Fault.as_dict` returns it.
    """
    buckets = []
    for bucket in service.store.buckets.rows():
        totals = service.store.objects.totals(bucket.name)
        buckets.append(
            {
                **{name: getattr(bucket, name) for name in _BUCKET},
                "created": _iso(bucket.created_ms),
                "objects": sum(count for _, count, _ in totals),
                "bytes": sum(size for _, _, size in totals),
                "uploads": service.store.uploads.count(bucket.name),
            }
        )
    return {
        "endpoint": service.endpoint,
        "now": service.clock.now().isoformat(),
        "buckets": buckets,
        "faults": [fault.as_dict() for fault in service.faults],
    }


def bucket_of(
    service: Service, name: str, *, prefix: str, after: str, limit: int
) -> dict[str, object] | None:
    """Return one page of a bucket's objects, and its multipart uploads, as JSON-ready values.

    Args:
        service: the shared state of the mock.
        name: the bucket's name.
        prefix: return only objects and uploads whose keys have this prefix.
        after: return only objects with a key greater than this key.
        limit: the largest number of objects.

    Returns:
        None for an unknown bucket, otherwise a dict: `objects` and `uploads` are lists with one
        dict per object or upload, at most 1,000 uploads. `next` is the value of `after` for the
        next page, or empty text on the last page.
    """
    bucket = service.store.buckets.get(name)
    if bucket is None:
        return None
    service.apply_lifecycle(bucket)
    records = service.store.objects.page(name, prefix=prefix, after=after, limit=limit + 1)
    uploads = []
    for upload in service.store.uploads.page(name, prefix=prefix, limit=1000):
        parts = service.store.uploads.parts(upload.upload_id)
        uploads.append(
            {
                "upload_id": upload.upload_id,
                "key": upload.key,
                "initiated": _iso(upload.initiated_ms),
                "parts": len(parts),
                "bytes": sum(part.size for part in parts),
            }
        )
    return {
        "objects": [_object(record) for record in records[:limit]],
        "next": records[limit - 1].key if len(records) > limit else "",
        "uploads": uploads,
    }


def _object(record: ObjectRecord) -> dict[str, object]:
    shown = ("key", "size", "etag", "crc64", "kind", "storage_class", "acl")
    return {
        **{name: getattr(record, name) for name in shown},
        "modified": _iso(record.modified_ms),
        "headers": decode_headers(record.stored_headers),
        "tags": record.tags,
    }


def object_response(
    service: Service, record: ObjectRecord, *, wanted: str | None, download: bool
) -> Response:
    """Return a response with the bytes of an object, for the web page of the control plane.

    Args:
        service: the shared state of the mock.
        record: the object.
        wanted: the value of the Range header, or None.
        download: True if the browser must save the bytes as a file instead of showing them.

    Raises:
        RefusedError: InvalidRange if the object contains no byte of the requested range.
    """
    headers = {**_SAFE, "Accept-Ranges": "bytes"}
    if download:
        name = quote(record.key.rpartition("/")[2] or record.key)
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    ranged = {"range": wanted or "", "x-oss-range-behavior": "standard"}
    part = parse_range(ranged, record.size) if record.size else None
    offset, size = part or (0, record.size)
    if part is not None:
        headers["Content-Range"] = f"bytes {offset}-{offset + size - 1}/{record.size}"
    headers["Content-Length"] = str(size)
    segments = clip(record.segments, offset, size)
    kind = record.stored_headers.get("content-type", "application/octet-stream")
    return StreamingResponse(
        service.store.blobs.read(segments), 200 if part is None else 206, headers, media_type=kind
    )
