"""The interface of an SDK of OSS: a bucket with blocking calls, each of which sends one request.

`bucket.OssBucket` decides when to call; a module of this folder only translates a call for its SDK.
Run the calls in a worker thread.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ossferry.oss.objects import Begun, Listed, Part, Stored
from ossferry.oss.sts import StsCredentials

__all__ = ["CorsRule", "Domain", "Lifecycle", "Page", "Sdk", "SdkBucket"]

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Entry]):
    """A page of a list.

    Attributes:
        after: markers with which to request the next page; None on the last page.
    """

    entries: Sequence[Entry]
    after: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsRule:
    """A CORS rule of a bucket."""

    origins: Sequence[str]
    methods: Sequence[str]
    headers: Sequence[str]
    exposed: Sequence[str]
    max_age_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A custom domain that is bound to a bucket.

    Attributes:
        is_enabled: whether OSS serves the domain.
        certificate_ends: end of the certificate's validity, as OSS writes it; empty without a
            certificate.
    """

    name: str
    is_enabled: bool
    certificate_ends: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Key prefixes of the lifecycle rules of a bucket, without rules for objects with tags only.

    Attributes:
        aborts: prefixes below which old multipart uploads are aborted.
        deletes: prefixes below which objects are deleted some days after they were stored.
    """

    aborts: Sequence[str]
    deletes: Sequence[str]


class SdkBucket(Protocol):
    """One bucket with one set of credentials.

    A method raises exceptions of its SDK, or built-in exceptions for an answer that it cannot read;
    `Sdk.errors` converts them.
    """

    def head(self, key: str) -> Stored:
        """Return the metadata of an object (HeadObject)."""
        ...

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the headers of an object (HeadObject)."""
        ...

    def read(self, key: str, start: int, end: int, etag: str) -> bytes:
        """Return the bytes ``[start, end)`` of an object, if it still has this ETag (GetObject)."""
        ...

    def list(self, prefix: str, *, after: str, limit: int) -> Sequence[Listed]:
        """Return at most `limit` objects with keys after `after` (ListObjectsV2)."""
        ...

    def copy(self, source: Stored, target: str, *, forbid_overwrite: bool) -> None:
        """Copy an object of at most 1 GiB with its headers and metadata, if it still has this ETag
        (CopyObject).
        """
        ...

    def delete(self, key: str, version: str) -> str:
        """Delete an object, or one version; return the version id in the answer (DeleteObject)."""
        ...

    def begin(self, key: str, headers: Mapping[str, str]) -> str:
        """Begin a multipart upload and return its id (InitiateMultipartUpload)."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Store bytes as a part; return its ETag (UploadPart)."""
        ...

    def copy_part(
        self, source: Stored, start: int, end: int, *, target: str, upload_id: str, number: int
    ) -> str:
        """Copy the bytes ``[start, end)`` of an object as a part, if it still has this ETag; return
        the ETag of the part (UploadPartCopy).
        """
        ...

    def complete(
        self, key: str, upload_id: str, etags: Mapping[int, str], *, forbid_overwrite: bool
    ) -> None:
        """Complete a multipart upload from the ETags by part number (CompleteMultipartUpload)."""
        ...

    def abort(self, key: str, upload_id: str) -> None:
        """Abort a multipart upload (AbortMultipartUpload)."""
        ...

    def begun(self, prefix: str, after: tuple[str, ...]) -> Page[Begun]:
        """Return a page of unfinished multipart uploads (ListMultipartUploads).

        Args:
            after: `Page.after` of the previous page; empty for the first page.
        """
        ...

    def parts(self, key: str, upload_id: str, after: tuple[str, ...]) -> Page[Part]:
        """Return a page of the stored parts of a multipart upload (ListParts).

        Args:
            after: `Page.after` of the previous page; empty for the first page.
        """
        ...

    def region(self) -> str:
        """Return the bucket's region, such as ``cn-hangzhou`` (GetBucketLocation)."""
        ...

    def blocks_public_access(self) -> bool:
        """Return whether Block Public Access is on (GetBucketPublicAccessBlock)."""
        ...

    def lifecycle(self) -> Lifecycle:
        """Return what the enabled lifecycle rules delete (GetBucketLifecycle)."""
        ...

    def domains(self) -> Sequence[Domain]:
        """Return the custom domains of the bucket (ListCname)."""
        ...

    def link(self, key: str, lives_s: int, params: Mapping[str, str]) -> str:
        """Return a presigned URL for GetObject, in which slashes of the key are not encoded."""
        ...

    def create(self, cors: CorsRule) -> None:
        """Create the bucket with one CORS rule (PutBucket, PutBucketCors); for the demo."""
        ...


class Sdk(Protocol):
    """An SDK with its HTTP connections."""

    def bucket(
        self,
        credentials: StsCredentials,
        address: str,
        *,
        timeout_s: float,
        is_cname: bool = False,
    ) -> SdkBucket:
        """Return the bucket at an address; requests are signed with V4 and never repeated.

        Args:
            timeout_s: seconds to wait for a connection, and for each piece of an answer.
            is_cname: whether the address is a custom domain, or already has the bucket's name.
        """
        ...

    def errors(self) -> AbstractContextManager[None]:
        """Return a context that converts exceptions of the SDK to exceptions of this project."""
        ...

    def close(self) -> None:
        """Close the HTTP connections."""
        ...
