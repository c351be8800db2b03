"""Types for objects and multipart uploads in OSS, and the interface for access to the bucket.

Other folders use this interface; the class `bucket.OssBucket` implements it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

METADATA = "x-oss-meta-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An entry of OSS's object listing: the key, size, ETag and time of one object.

    Attributes:
        size: size in bytes.
        etag: the ETag without quotes.
        last_modified: time of the last change, in UTC.
        is_symlink: True if the object is a symbolic link. It leads to another key, which may belong
            to another principal.
    """

    key: str
    size: int
    etag: str
    last_modified: datetime
    is_symlink: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Listed):
    """An object with the data that OSS returns for HeadObject.

    Attributes:
        crc64: CRC-64/ECMA as decimal text; empty if OSS has no checksum.
        version: id of this version of the object; empty if another object can replace it under the
            same id, because the bucket does not keep versions.
        metadata: the headers ``x-oss-meta-*`` of the upload, by their names without this beginning
            and in lower case. The uploader has chosen them.
    """

    crc64: str
    content_type: str
    version: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def is_encrypted(self) -> bool:
        """Whether the uploader says that the bytes are encrypted, in the way of OSS's SDKs."""
        return "client-side-encryption-key" in self.metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A presigned URL, which is a secret until it expires."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A multipart upload that is neither completed nor aborted."""

    key: str
    upload_id: str
    began_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stored part of a multipart upload.

    Attributes:
        size: size in bytes.
    """

    number: int
    size: int
    last_modified: datetime


class ObjectStore(Protocol):
    """Interface for access to the bucket.

    Uploaders can create symlinks, which refer to keys of other people, and the server has the right
    to read those. No method follows a symlink.

    Every method that sends a request raises `OssRefusedError` if OSS refuses the request, and
    `OssLostError` if OSS does not answer.
    """

    async def head(self, key: str) -> Stored | None:
        """Return the metadata of an object, or None if OSS has none, or only a symlink."""
        ...

    async def list(self, prefix: str, *, after: str, limit: int) -> Sequence[Listed]:
        """Return objects below a prefix, sorted by key.

        Args:
            after: only objects with greater keys are returned.
            limit: the highest number of objects.
        """
        ...

    async def copy(self, stored: Stored, target: str, *, forbid_overwrite: bool = False) -> bool:
        """Copy an object with its headers and metadata to the key `target`.

        Args:
            forbid_overwrite: whether an object under `target` stays. OSS ignores this in a bucket
                with versioning, which keeps that object as an old version.

        Returns:
            False if OSS does not have this object, or no longer; then there is no copy.

        Raises:
            KeyTakenError: with `forbid_overwrite`, another object is under `target`.
        """
        ...

    async def delete(self, key: str, version: str = "") -> str:
        """Delete an object, or one of its versions.

        Args:
            version: id of the version to delete; empty for the current object.

        Returns:
            The version id of the delete marker; empty if OSS created no delete marker.
        """
        ...

    async def begun(self, prefix: str) -> Sequence[Begun]:
        """Return the unfinished multipart uploads below a prefix, at most 10,000."""
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
            lives_s: seconds until the URL expires. A URL that lives longer than the server's own
                credentials reads one version. If the object has no version, the URL expires with
                these credentials.
            params: query parameters that are included in the signature, such as
                `response-content-type`.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
