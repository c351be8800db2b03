"""ListObjectVersions: all versions and delete markers of a bucket.

Keys are in byte order, and the versions of a key are in order of their creation, newest first.
Source: vendor page ListObjectVersions (GetBucketVersions).
"""

from mock_oss.errors import RefusedError
from mock_oss.http.documents import tag
from mock_oss.http.response import Response, xml_response
from mock_oss.operations.common import iso, max_keys, owner, quoted, url, url_encoder
from mock_oss.operations.listing import collect, text_param
from mock_oss.operations.restore import restore_info
from mock_oss.service import Call
from mock_oss.store.records import DELETE_MARKER, NULL_VERSION, VersionEntry
from mock_oss.store.version_ids import sequence_of

BEFORE_ALL = 1 << 62
"""A sequence number that is larger than those of all versions."""


async def list_versions(call: Call) -> Response:
    """Return one page of the bucket's versions, delete markers and common prefixes."""
    limit = max_keys(call, "max-keys", default=100)
    encoded, encoding = url_encoder(call)
    write = url if encoded else str
    prefix, delimiter = text_param(call, "prefix"), text_param(call, "delimiter")
    marker, version_marker = text_param(call, "key-marker"), call.param("version-id-marker")
    sequence = _sequence_after(call, marker, version_marker)

    def fetch(after: str, start: str, count: int) -> list[VersionEntry]:
        return call.store.versions.entries(
            call.bucket.name,
            prefix=prefix,
            after=(after, sequence if after == marker else 0),
            start=start,
            limit=count,
        )

    page = collect(fetch, prefix=prefix, delimiter=delimiter, marker=marker, limit=limit)
    last = page.contents[-1] if page.contents else None
    next_version = last.version_id if last is not None and last.key == page.last else ""
    return xml_response(
        "ListVersionsResult",
        (
            tag("Name", call.bucket.name),
            tag("Prefix", write(prefix)),
            tag("KeyMarker", write(marker)),
            tag("VersionIdMarker", version_marker),
            tag("MaxKeys", limit),
            tag("Delimiter", write(delimiter)),
            encoding,
            tag("IsTruncated", str(bool(page.last)).lower()),
            tag("NextKeyMarker", write(page.last) if page.last else None),
            tag("NextVersionIdMarker", next_version if page.last else None),
            *(_entry(call, entry, encoded=encoded) for entry in page.contents),
            *(tag("CommonPrefixes", (tag("Prefix", write(common)),)) for common in page.prefixes),
        ),
    )


def _sequence_after(call: Call, key: str, marker: str) -> int:
    """Return the sequence number below which the versions of the key marker are listed.

    Args:
        call: the request.
        key: the parameter `key-marker`.
        marker: the parameter `version-id-marker`. If it is empty, the list continues with the
            next key.

    Raises:
        RefusedError: InvalidArgument for a version id without a key, and for a text that is no
            version id.
    """
    if not marker:
        return 0
    if not key:
        raise RefusedError(
            "InvalidArgument",
            "A version-id marker cannot be specified without a key marker.",
            ec="0012-00000106",
            ArgumentName="version-id-marker",
            ArgumentValue=marker,
        )
    if marker == NULL_VERSION:
        record = call.store.version(call.bucket.name, key, marker)
        return BEFORE_ALL if record is None else record.sequence
    sequence = sequence_of(marker)
    if sequence is None:
        raise RefusedError(
            "InvalidArgument",
            "Invalid version id specified.",
            ArgumentName="version-id-marker",
            ArgumentValue=marker[:256],
        )
    return sequence


def _entry(call: Call, entry: VersionEntry, *, encoded: bool) -> str:
    common = (
        tag("Key", url(entry.key) if encoded else entry.key),
        tag("VersionId", entry.version_id),
        tag("IsLatest", str(bool(entry.is_latest)).lower()),
        tag("LastModified", iso(entry.modified_ms)),
    )
    if entry.kind == DELETE_MARKER:
        return tag("DeleteMarker", (*common, owner(call.bucket)))
    return tag(
        "Version",
        (
            *common,
            tag("ETag", quoted(entry.etag)),
            tag("Type", entry.kind),
            tag("Size", entry.size),
            tag("StorageClass", entry.storage_class),
            tag("RestoreInfo", restore_info(entry.restored, call.service.now_ms()) or None),
            owner(call.bucket),
        ),
    )
