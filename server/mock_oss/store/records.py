"""Named tuples for the rows of the store's database tables, and for slices of blobs.

A blob is a byte string that the store keeps as a file or as a database row; the data of an object
or response is a sequence of its slices, `Segment`s.

All times are milliseconds since the epoch. The fields `headers`, `tagging` and
`segments_json` are JSON text. Properties such as `tags` parse the text when a request needs the
values.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple


class Segment(NamedTuple):
    """A slice of a stored blob: the bytes `[offset, offset + size)` of the blob named `blob`."""

    blob: str
    offset: int
    size: int


def clip(segments: Iterable[Segment], offset: int, size: int) -> list[Segment]:
    """Return segments that contain exactly the bytes `[offset, offset + size)` of some data.

    The first and the last segment are shortened if necessary.

    Args:
        segments: the segments of the whole data, in order.
        offset: the offset of the range in the data.
        size: the size of the range in bytes.
    """
    clipped = []
    for segment in segments:
        if size <= 0:
            break
        if offset >= segment.size:
            offset -= segment.size
            continue
        taken = min(segment.size - offset, size)
        clipped.append(Segment(segment.blob, segment.offset + offset, taken))
        offset, size = 0, size - taken
    return clipped


DEFAULT_CONTENT_TYPE = "application/octet-stream"
DELETE_MARKER = "DeleteMarker"
"""The `kind` of a delete marker, which is not an object type of OSS."""
NULL_VERSION = "null"
"""The version id of objects stored while versioning was not enabled."""

_read_json = json.JSONDecoder().raw_decode  # faster than `json.loads`


def pack_segments(segments: Iterable[Segment]) -> str:
    """Convert segments (blob slices) to a JSON text for the database."""
    return "[" + ",".join(f'["{s.blob}",{s.offset},{s.size}]' for s in segments) + "]"


def load_segments(text: str) -> list[Segment]:
    """Return the segments (blob slices) from a JSON text that `pack_segments` created."""
    return [] if text == "[]" else [Segment._make(item) for item in _read_json(text)[0]]


class BucketRecord(NamedTuple):
    """The database row of a bucket.

    `cors`, `lifecycle` and `referer` are XML documents or empty text. `block_public` tells whether
    Block Public Access is on. `versioning` is `Enabled`, `Suspended` or empty text. `tagging` is
    JSON text: {tag key: tag value}. `created_ms` is in milliseconds since the epoch.
    """

    name: str
    account_id: str
    region: str
    acl: str
    storage_class: str
    redundancy: str
    created_ms: int
    cors: str = ""
    lifecycle: str = ""
    block_public: bool = False
    versioning: str = ""
    tagging: str = "{}"
    referer: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the bucket, as a dict from tag key to tag value."""
        return dict(json.loads(self.tagging))


class Cname(NamedTuple):
    """A custom domain, the bucket to which it is bound, and the time of the binding.

    `bound_ms` is in milliseconds since the epoch.
    """

    domain: str
    bucket: str
    bound_ms: int


class CnameCertificate(NamedTuple):
    """The certificate chain of a custom domain, as PEM text; the mock stores no private key.

    `put_ms` is the time at which it was stored, in milliseconds since the epoch.
    """

    domain: str
    bucket: str
    certificate: str
    put_ms: int


class CnameToken(NamedTuple):
    """An ownership token, with which the owner of a bucket proves that they own a domain.

    `expires_ms` is in milliseconds since the epoch.
    """

    domain: str
    bucket: str
    token: str
    expires_ms: int


class ObjectRecord(NamedTuple):
    """The database row of one version of an object, or of a delete marker.

    `kind` is an object type of OSS, such as `Normal`, or `DeleteMarker`. `etag` has no quotes, and
    `crc64` is decimal text. `md5` is base64, or empty if it is unknown, such as after a multipart
    upload. `headers` (the stored response headers) and `tagging` are JSON objects as text. A
    version of the same key with a larger `sequence` is newer. `restored` is JSON text about the
    latest RestoreObject request for an archived object: when its data becomes readable, and until
    when; empty if there was none.
    """

    bucket: str
    key: str
    size: int = 0
    etag: str = ""
    crc64: str = "0"
    md5: str = ""
    kind: str = "Normal"
    storage_class: str = "Standard"
    acl: str = "default"
    modified_ms: int = 0
    headers: str = "{}"
    tagging: str = "{}"
    segments_json: str = "[]"
    version_id: str = NULL_VERSION
    sequence: int = 0
    restored: str = ""

    @property
    def is_delete_marker(self) -> bool:
        """Whether the version is a delete marker."""
        return self.kind == DELETE_MARKER

    @property
    def segments(self) -> list[Segment]:
        """The segments (slices of blobs) that make up the data of the object."""
        return load_segments(self.segments_json)

    @property
    def stored_headers(self) -> dict[str, str]:
        """The stored response headers of the object; the names are lower-case."""
        return dict(json.loads(self.headers))

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the object, as a dict from tag key to tag value."""
        return dict(json.loads(self.tagging))


class ExistingObject(NamedTuple):
    """The part of the current version's `ObjectRecord` that a write or delete operation needs."""

    key: str
    size: int
    kind: str
    segments_json: str
    version_id: str
    sequence: int


class ListEntry(NamedTuple):
    """An object as a row of a list: the fields that the response of ListObjects needs."""

    key: str
    size: int
    etag: str
    kind: str
    storage_class: str
    modified_ms: int
    restored: str = ""


class VersionEntry(NamedTuple):
    """A version or delete marker as a row of a list: the fields that ListObjectVersions needs.

    `is_latest` is 1 for the current version or delete marker of a key, and 0 for all others.
    """

    key: str
    size: int
    etag: str
    kind: str
    storage_class: str
    modified_ms: int
    version_id: str
    sequence: int
    restored: str
    is_latest: int


class UploadRecord(NamedTuple):
    """The database row of an unfinished multipart upload.

    `storage_class`, `acl`, `headers` and `tagging` are the properties of the future object.
    `headers` and `tagging` are JSON text.
    """

    upload_id: str
    bucket: str
    key: str
    initiated_ms: int
    storage_class: str
    acl: str
    headers: str
    tagging: str


class PartRecord(NamedTuple):
    """The database row of one uploaded part of a multipart upload."""

    upload_id: str
    number: int
    size: int
    etag: str
    crc64: str
    modified_ms: int
    segments_json: str

    @property
    def segments(self) -> list[Segment]:
        """The segments (slices of blobs) that make up the data of the part."""
        return load_segments(self.segments_json)


class SessionRecord(NamedTuple):
    """The database row of a role session that AssumeRole created.

    `policy` is the session policy as JSON text, or empty text.
    """

    access_key_id: str
    access_key_secret: str
    security_token: str
    role_arn: str
    session_name: str
    policy: str
    expires_ms: int
