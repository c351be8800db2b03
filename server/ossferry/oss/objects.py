"""Types for objects and multipart uploads in OSS, and the `ObjectStore` interface of the bucket.

Other packages use this interface; the class `bucket.OssBucket` implements it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ossferry.errors import NotStoredError

METADATA = "x-oss-meta-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One object as OSS describes it in a list of objects.

    Attributes:
        size: size in bytes.
        etag: the ETag without quotes.
        last_modified: time of the last change, in UTC.
        is_symlink: True if the object is a symbolic link. Its target is another key, which may
            belong to another principal.
        place: the prefix of the object's key in the bucket that `key` does not contain: `INCOMING`
            for a held upload, otherwise empty.
    """

    key: str
    size: int
    etag: str
    last_modified: datetime
    is_symlink: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Listed):
    """One object as OSS describes it in the response to HeadObject.

    Attributes:
        crc64: CRC-64/ECMA as decimal text; empty if OSS has no checksum.
        version: id of this version of the object; empty if the bucket has no versioning. A new
            upload with the same key then overwrites the object.
        is_held: whether only the server and the scanner may read the object.
        metadata: a mapping from names to values of the headers `x-oss-meta-*`, which the uploader
            chose. The names are in lower case, without `x-oss-meta-`.
        details: what the metadata say about the operator's fields, as `uploads.details` has
            validated it; None if it has not.
    """

    crc64: str
    content_type: str
    version: str = ""
    storage_class: str = ""
    is_held: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    details: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def is_encrypted(self) -> bool:
        """Whether the metadata say that the uploader encrypted the bytes before the upload.

        This is the client-side encryption of OSS's SDKs.
        """
        return "client-side-encryption-key" in self.metadata


def existing(stored: Stored | None) -> Stored:
    """Return the object that OSS has described.

    Raises:
        NotStoredError: OSS has no such object: `stored` is None.
    """
    if stored is None:
        raise NotStoredError("OSS has no object under this key.")
    return stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A presigned URL with its expiry time; the URL is a secret until then."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An unfinished multipart upload, which is neither completed nor aborted."""

    key: str
    upload_id: str
    began_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stored part of a multipart upload; `size` is in bytes."""

    number: int
    size: int
    last_modified: datetime


class ObjectStore(Protocol):
    """Interface for the server's own access to the objects in the bucket.

    An uploader can create symlinks to objects of other principals. The server may read these
    objects, but the uploader may not. Therefore no method follows a symlink.

    Every method that sends a request raises `OssRefusedError` if OSS refuses the request, and
    `OssLostError` if OSS does not answer.
    """

    async def head(self, key: str) -> Stored | None:
        """Return the metadata of an object, or None if the key has no object, or only a symlink."""
        ...

    async def list(self, prefix: str, *, after: str, limit: int) -> Sequence[Listed]:
        """Return the objects whose keys begin with a prefix, sorted by key.

        Args:
            after: return only objects whose keys are greater than this text.
            limit: the highest number of objects.
        """
        ...

    async def copy(self, stored: Stored, target: str, *, forbid_overwrite: bool = False) -> bool:
        """Copy an object with its headers, metadata and tags to the key `target`.

        Args:
            stored: the object to copy, as `head` returned it.
            forbid_overwrite: whether to keep other objects under `target`. A bucket with versioning
                overwrites an existing object anyway, and keeps it as an old version.

        Returns:
            True if the copy is complete. False if OSS no longer has exactly this object, or if the
            copy differs from it; then no copy is left.

        Raises:
            KeyTakenError: `forbid_overwrite` is set, and `target` already had an object (never in a
                bucket with versioning), or another upload has replaced the copy.
        """
        ...

    async def delete(self, key: str, version: str = "") -> str:
        """Delete an object, or one of its versions; a missing object is no error.

        Args:
            version: id of the version to delete; empty for the current object.

        Returns:
            The id of the deleted version or, without `version`, the version id of the new delete
            marker; empty if the bucket has no versioning.
        """
        ...

    async def begun(self, prefix: str) -> Sequence[Begun]:
        """Return the unfinished multipart uploads below a key prefix; at most 10,000."""
        ...

    async def parts(self, key: str, upload_id: str) -> Sequence[Part] | None:
        """Return the stored parts of a multipart upload, or None if OSS has no such upload."""
        ...

    async def abort(self, key: str, upload_id: str) -> None:
        """Abort a multipart upload and delete its parts; do nothing if OSS has no such upload."""
        ...

    async def link(self, stored: Stored, *, lives_s: int, params: Mapping[str, str]) -> Link:
        """Return a presigned URL for reading an object.

        Args:
            stored: the object, as `head` returned it.
            lives_s: seconds until the URL should expire. The URL can outlive the server's own
                credentials only if the settings have an access key for links and the object has a
                version. Then the URL reads this version. Otherwise the URL expires with the
                credentials at the latest.
            params: query parameters that are included in the signature, such as
                `response-content-type`.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
