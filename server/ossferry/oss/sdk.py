"""A typed wrapper of the SDK `oss2`; no other module imports `oss2`, which is slow to import.

Each method of `SdkBucket` sends one request and blocks, so it must run in a worker thread. It
raises exceptions of `oss2`, or built-in exceptions if it cannot parse the response. The context
manager `Sdk.errors` converts all these to errors of this server.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import unquote
from xml.etree.ElementTree import ParseError

import oss2
from oss2.credentials import StaticCredentialsProvider
from requests import RequestException, Session
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from ossferry.errors import OssDomainError, OssEndpointError, OssLostError, OssRefusedError
from ossferry.oss.cors_rule import Cors, CorsRule
from ossferry.oss.objects import METADATA, Begun, Listed, Part, Stored
from ossferry.oss.sts import StsCredentials

MAX_CALLS = 64
"""Concurrent calls to OSS, and open connections; further calls wait."""

PRIVATE: str = oss2.BUCKET_ACL_PRIVATE
ENABLED: str = oss2.BUCKET_VERSIONING_ENABLE

SYMLINK = "Symlink"
"""The type that OSS gives to a symlink, in lists and in `x-oss-object-type`."""

ADDRESS_REFUSALS: Mapping[str, type[OssEndpointError]] = {
    "PublicEndpointForbidden": OssEndpointError,
    "NonStandardHostForbidden": OssDomainError,
}
"""Maps OSS's codes for an address that it does not serve to error classes."""

UNREADABLE = (TypeError, ValueError, AttributeError, RuntimeError, ParseError)
"""Exceptions of `oss2` for answers that are not from OSS: a proxy's page or a truncated list."""

Entry = TypeVar("Entry")


class Answer(Protocol):
    """A parsed response of OSS, as `oss2` returns it."""

    request_id: str


A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Entry]):
    """One page of a list that OSS returns in several responses.

    Attributes:
        entries: the entries of this page.
        after: markers with which to request the next page; None on the last page.
    """

    entries: Sequence[Entry]
    after: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketInfo:
    """Properties of a bucket, from GetBucketInfo.

    Attributes:
        region: such as `cn-hangzhou`.
        owner: id of the Alibaba Cloud account that owns the bucket.
        acl: such as `private`.
        created: creation time as OSS writes it, such as `2026-03-14T09:26:53.000Z`.
    """

    region: str
    owner: str
    acl: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A custom domain that is bound to a bucket.

    Attributes:
        is_enabled: whether OSS serves the domain.
        certificate_ends: time when the domain's certificate expires, as OSS writes it; empty
            without a certificate.
    """

    name: str
    is_enabled: bool
    certificate_ends: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleRule:
    """A lifecycle rule of a bucket.

    Attributes:
        prefix: the rule applies to objects below this key prefix.
        is_for_all: whether the rule is enabled, and applies to all objects below the prefix, not
            only to objects with certain tags.
        abort_days: days after which the rule aborts a multipart upload; None for never.
        delete_days: days after which the rule deletes an object; None for never.
    """

    id: str
    prefix: str
    is_for_all: bool
    abort_days: int | None
    delete_days: int | None

    def covers(self, prefix: str) -> bool:
        """Return whether the rule is enabled and applies to all objects below a key prefix."""
        return self.is_for_all and prefix.startswith(self.prefix)


class Sdk:
    """HTTP connections to OSS, shared by all `SdkBucket` objects that the method `bucket` returns.

    Args:
        name: name of the bucket.
        region: region of the bucket, such as `cn-hangzhou`.
        address: URL of OSS; used to find a proxy in the environment variables.
    """

    def __init__(self, name: str, region: str, address: str) -> None:
        self._name = name
        self._region = region
        self._session = oss2.Session()
        self._session.session = _http_session(address)

    def bucket(
        self, credentials: StsCredentials, address: str, *, timeout_s: float, is_cname: bool = False
    ) -> "SdkBucket":
        """Return a client of the bucket; its requests are signed with V4 and never repeated.

        Args:
            credentials: credentials that sign the requests.
            address: URL of OSS or of the bucket.
            timeout_s: seconds to wait for a connection, and for each piece of a response.
            is_cname: whether the address is a custom domain, or already contains the bucket's name.
        """
        return SdkBucket(
            oss2.Bucket(
                _auth(credentials),
                address,
                self._name,
                is_cname=is_cname,
                session=self._session,
                connect_timeout=timeout_s,
                region=self._region,
            )
        )

    def list_buckets(self, credentials: StsCredentials, address: str, *, timeout_s: float) -> None:
        """Send a ListBuckets request, and raise an error if OSS does not accept it.

        The request is signed for the region of this `Sdk`, so it tests whether OSS accepts the
        region and the credentials.

        Args:
            address: URL of OSS.

        Raises:
            oss2.exceptions.OssError: OSS refuses the request or does not answer. `errors` converts
                this exception.
        """
        oss2.Service(
            _auth(credentials),
            address,
            session=self._session,
            connect_timeout=timeout_s,
            region=self._region,
        ).list_buckets(max_keys=1)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Convert exceptions of `oss2` and `requests` to this server's errors (context manager).

        Raises:
            OssRefusedError: OSS refuses the request. The error contains the error code and request
                id of OSS.
            OssLostError: OSS does not answer, or the response is not from OSS.
        """
        try:
            yield
        except (oss2.exceptions.RequestError, RequestException) as error:
            raise OssLostError("no-answer") from error
        except oss2.exceptions.ServerError as error:
            raise _refusal(error) from error
        except (oss2.exceptions.OssError, *UNREADABLE) as error:
            raise OssLostError("unreadable") from error

    def close(self) -> None:
        """Close the HTTP connections to OSS."""
        self._session.session.close()


class SdkBucket:
    """A client of one bucket with one set of credentials; `Sdk.bucket` creates it.

    If OSS refuses a request or does not answer, each method raises an exception of `oss2`.
    """

    def __init__(self, bucket: oss2.Bucket) -> None:
        self._bucket = bucket

    def head(self, key: str) -> Stored:
        """Return the metadata of an object (HeadObject).

        Raises:
            oss2.exceptions.ServerError: the key has no object, or OSS refuses the request.
        """
        found = _ours(self._bucket.head_object(key))
        return Stored(
            key=key,
            size=int(found.content_length),
            crc64=found.headers.get("x-oss-hash-crc64ecma", ""),
            etag=found.etag,
            last_modified=_moment(found.last_modified),
            content_type=found.content_type or "",
            is_symlink=found.object_type == SYMLINK,
            version=_version_of(found.headers),
            storage_class=found.headers.get("x-oss-storage-class", ""),
            metadata=_metadata_of(found.headers),
        )

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the headers of the response to a HeadObject request for an object."""
        return dict(_ours(self._bucket.head_object(key)).headers)

    def object_tags(self, key: str) -> str:
        """Return the tags of an object as text for `x-oss-tagging` (GetObjectTagging)."""
        return str(_ours(self._bucket.get_object_tagging(key)).tag_set.to_query_string())

    def read(self, key: str, start: int, end: int, etag: str) -> bytes:
        """Return the bytes `[start, end)` of an object (GetObject).

        OSS refuses the request if the object no longer has the ETag `etag`.
        """
        headers = {"if-match": f'"{etag}"'}
        found = _ours(self._bucket.get_object(key, byte_range=(start, end - 1), headers=headers))
        return bytes(found.read())

    def list(self, prefix: str, *, after: str, limit: int) -> Sequence[Listed]:
        """Return the objects whose keys begin with a prefix, sorted by key (ListObjectsV2).

        Args:
            after: return only objects whose keys are greater than this text.
            limit: the highest number of objects.
        """
        found = self._bucket.list_objects_v2(prefix, start_after=after, max_keys=limit)
        return [
            Listed(
                key=each.key,
                size=each.size,
                etag=each.etag,
                last_modified=_moment(each.last_modified),
                is_symlink=each.type == SYMLINK,
            )
            for each in _ours(found).object_list
        ]

    def versions(self, after: tuple[str, ...], *, limit: int) -> Page[tuple[str, str]]:
        """Return a page of all object versions in the bucket (ListObjectVersions).

        Each entry is a pair of object key and version id. Delete markers are included.

        Args:
            after: `Page.after` of the previous page; empty for the first page.
            limit: the highest number of entries.
        """
        key, version = after or ("", "")
        found = _ours(
            self._bucket.list_object_versions(
                key_marker=key, versionid_marker=version, max_keys=limit
            )
        )
        return Page(
            entries=[
                (each.key, each.versionid) for each in (*found.versions, *found.delete_marker)
            ],
            after=(found.next_key_marker, found.next_versionid_marker)
            if found.is_truncated
            else None,
        )

    def copy(self, source: Stored, target: str, *, forbid_overwrite: bool) -> None:
        """Copy an object of at most 1 GiB with its headers, metadata and tags (CopyObject).

        OSS refuses the request if the object no longer has the ETag of `source`.

        Args:
            source: the object to copy, as `head` returned it.
            target: object key of the copy.
            forbid_overwrite: whether OSS must refuse the request if `target` already has an object.
        """
        name, headers = self._bucket.bucket_name, _only(source) | _forbid(forbid_overwrite)
        if source.storage_class:
            headers["x-oss-storage-class"] = source.storage_class
        _ours(self._bucket.copy_object(name, source.key, target, headers=headers))

    def delete(self, key: str, version: str) -> str:
        """Delete an object, or one of its versions (DeleteObject).

        Args:
            version: id of the version to delete; empty for the current object.

        Returns:
            The version id in the response: that of the new delete marker, or of the deleted
            version. Empty if the response has no version id.
        """
        params = {"versionId": version} if version else None
        return str(_ours(self._bucket.delete_object(key, params=params)).versionid or "")

    def delete_all(self, keys: Sequence[str]) -> None:
        """Delete the objects with these keys, at most 1,000 (DeleteMultipleObjects)."""
        _ours(self._bucket.batch_delete_objects(keys))

    def delete_versions(self, versions: Sequence[tuple[str, str]]) -> None:
        """Delete object versions, at most 1,000 (DeleteMultipleObjects).

        Args:
            versions: pairs of object key and version id.
        """
        listed = [oss2.models.BatchDeleteObjectVersion(*each) for each in versions]
        _ours(self._bucket.delete_object_versions(oss2.models.BatchDeleteObjectVersionList(listed)))

    def begin(self, key: str, headers: Mapping[str, str]) -> str:
        """Begin a multipart upload, and return its upload id (InitiateMultipartUpload).

        Args:
            headers: headers that OSS stores with the object, such as `content-type`.
        """
        return str(_ours(self._bucket.init_multipart_upload(key, headers=headers)).upload_id)

    def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Upload bytes as one part of a multipart upload (UploadPart).

        Args:
            number: number of the part.

        Returns:
            The ETag of the part, without quotes.
        """
        return str(_ours(self._bucket.upload_part(key, upload_id, number, data)).etag)

    def copy_part(
        self, source: Stored, start: int, end: int, target: str, upload_id: str, number: int
    ) -> str:
        """Copy the bytes `[start, end)` of an object to a part of a multipart upload.

        The request is UploadPartCopy. OSS refuses it if the object no longer has the ETag of
        `source`.

        Args:
            source: the object to copy from, as `head` returned it.
            target: object key of the multipart upload.
            number: number of the part to create.

        Returns:
            The ETag of the part, without quotes.
        """
        done = self._bucket.upload_part_copy(
            self._bucket.bucket_name,
            source.key,
            (start, end - 1),
            target,
            upload_id,
            number,
            headers=_only(source),
        )
        return str(_ours(done).etag)

    def complete(
        self, key: str, upload_id: str, etags: Mapping[int, str], *, forbid_overwrite: bool
    ) -> None:
        """Complete a multipart upload (CompleteMultipartUpload).

        Args:
            etags: a mapping from part numbers to ETags.
            forbid_overwrite: whether OSS must refuse the request if the key already has an object.
        """
        parts = [oss2.models.PartInfo(number, etag) for number, etag in etags.items()]
        headers = _forbid(forbid_overwrite)
        _ours(self._bucket.complete_multipart_upload(key, upload_id, parts, headers=headers))

    def abort(self, key: str, upload_id: str) -> None:
        """Abort a multipart upload (AbortMultipartUpload)."""
        _ours(self._bucket.abort_multipart_upload(key, upload_id))

    def begun(self, prefix: str, after: tuple[str, ...]) -> Page[Begun]:
        """Return a page of unfinished multipart uploads below a key prefix (ListMultipartUploads).

        Args:
            after: `Page.after` of the previous page; empty for the first page.
        """
        key_marker, id_marker = after or ("", "")
        found = _ours(
            self._bucket.list_multipart_uploads(
                prefix, key_marker=key_marker, upload_id_marker=id_marker
            )
        )
        return Page(
            entries=[
                Begun(
                    key=each.key, upload_id=each.upload_id, began_at=_moment(each.initiation_date)
                )
                for each in found.upload_list
            ],
            after=(found.next_key_marker, found.next_upload_id_marker)
            if found.is_truncated
            else None,
        )

    def parts(self, key: str, upload_id: str, after: tuple[str, ...]) -> Page[Part]:
        """Return a page of the stored parts of a multipart upload (ListParts).

        Args:
            after: `Page.after` of the previous page; empty for the first page.
        """
        (marker,) = after or ("",)
        found = _ours(self._bucket.list_parts(key, upload_id, marker=marker))
        return Page(
            entries=[
                Part(
                    number=each.part_number,
                    size=each.size,
                    last_modified=_moment(each.last_modified),
                )
                for each in found.parts
            ],
            after=(found.next_marker,) if found.is_truncated else None,
        )

    def link(self, key: str, lives_s: int, params: Mapping[str, str]) -> str:
        """Return a presigned URL for GetObject that expires after `lives_s` seconds.

        Slashes of the key are not encoded in the URL.

        Args:
            params: query parameters that are included in the signature.
        """
        return str(self._bucket.sign_url("GET", key, lives_s, params=dict(params), slash_safe=True))

    def info(self) -> BucketInfo:
        """Return region, owner, ACL and creation time of the bucket (GetBucketInfo)."""
        found = _ours(self._bucket.get_bucket_info())
        return BucketInfo(
            region=str(found.location).removeprefix("oss-"),
            owner=found.owner.id,
            acl=found.acl.grant,
            created=str(found.creation_date),
        )

    def region(self) -> str:
        """Return the bucket's region, such as `cn-hangzhou` (GetBucketLocation)."""
        return str(_ours(self._bucket.get_bucket_location()).location).removeprefix("oss-")

    def counts(self) -> tuple[int, int]:
        """Return the number of objects and of unfinished multipart uploads in the bucket.

        The request is GetBucketStat. OSS counts from time to time, so the numbers may be out of
        date.
        """
        found = _ours(self._bucket.get_bucket_stat())
        return found.object_count, found.multi_part_upload_count

    def tags(self) -> Mapping[str, str]:
        """Return the bucket's tags as a mapping from names to values (GetBucketTags)."""
        return dict(_ours(self._bucket.get_bucket_tagging()).tag_set.tagging_rule)

    def blocks_public_access(self) -> bool:
        """Return whether Block Public Access is on for the bucket (GetBucketPublicAccessBlock)."""
        found = _ours(self._bucket.get_bucket_public_access_block())
        return str(found.block_public_access).lower() == "true"

    def versioning(self) -> str:
        """Return the versioning status, `Enabled` or `Suspended` (GetBucketVersioning).

        The result is empty if versioning was never enabled.
        """
        return _ours(self._bucket.get_bucket_versioning()).status or ""

    def cors(self) -> Cors:
        """Return the bucket's CORS rules (GetBucketCors).

        Raises:
            oss2.exceptions.ServerError: the bucket has no rules; the error code is
                `NoSuchCORSConfiguration`.
        """
        found = _ours(self._bucket.get_bucket_cors())
        rules = [
            CorsRule(
                origins=each.allowed_origins,
                methods=each.allowed_methods,
                headers=each.allowed_headers,
                exposed=each.expose_headers,
                max_age_s=each.max_age_seconds,
            )
            for each in found.rules
        ]
        return Cors(rules=rules, varies=bool(found.response_vary))

    def lifecycle(self) -> Sequence[LifecycleRule]:
        """Return the bucket's lifecycle rules (GetBucketLifecycle).

        Raises:
            oss2.exceptions.ServerError: the bucket has no rules; the error code is
                `NoSuchLifecycle`.
        """
        enabled = oss2.models.LifecycleRule.ENABLED
        return [
            LifecycleRule(
                id=each.id,
                prefix=each.prefix or "",
                is_for_all=each.status == enabled and each.tagging is None,
                abort_days=each.abort_multipart_upload and each.abort_multipart_upload.days,
                delete_days=each.expiration and each.expiration.days,
            )
            for each in _ours(self._bucket.get_bucket_lifecycle()).rules
        ]

    def domains(self) -> Sequence[Domain]:
        """Return the custom domains that are bound to the bucket (ListCname)."""
        return [
            Domain(
                name=each.domain,
                is_enabled=each.status == "Enabled",
                certificate_ends=each.certificate.valid_end_date if each.certificate else "",
            )
            for each in _ours(self._bucket.list_bucket_cname()).cname
        ]

    def change(self, action: str, **params: str) -> str:
        """Send a request that creates, changes or deletes the bucket or one of its settings.

        Args:
            action: name of the operation, such as `PutBucketCors`.
            params: `Configuration` is the body of the request. For a custom domain, `Domain` is its
                name, and `Certificate` and `PrivateKey` are PEM texts.

        Returns:
            The token in the response to CreateCnameToken; empty for all other operations.
        """
        bucket = self._bucket
        configuration, domain = params.get("Configuration"), params.get("Domain")
        calls: dict[str, Any] = {
            "PutBucket": lambda: bucket.create_bucket(PRIVATE, configuration),
            "PutBucketTags": lambda: bucket.put_bucket_tagging(configuration),
            "PutBucketAcl": lambda: bucket.put_bucket_acl(PRIVATE),
            "PutBucketPublicAccessBlock": lambda: bucket.put_bucket_public_access_block(True),
            "PutBucketVersioning": lambda: bucket.put_bucket_versioning(configuration),
            "PutBucketCors": lambda: bucket.put_bucket_cors(configuration),
            "DeleteBucketCors": bucket.delete_bucket_cors,
            "PutBucketLifecycle": lambda: bucket.put_bucket_lifecycle(configuration),
            "DeleteBucketLifecycle": bucket.delete_bucket_lifecycle,
            "CreateCnameToken": lambda: bucket.create_bucket_cname_token(domain),
            "PutCname": lambda: bucket.put_bucket_cname(_binding(params)),
            "DeleteCname": lambda: bucket.delete_bucket_cname(domain),
            "DeleteBucket": bucket.delete_bucket,
        }
        answer = _ours(calls[action]())
        return str(answer.token) if action == "CreateCnameToken" else ""


def _auth(credentials: StsCredentials) -> oss2.ProviderAuthV4:
    return oss2.ProviderAuthV4(
        StaticCredentialsProvider(
            credentials.access_key_id, credentials.access_key_secret, credentials.security_token
        )
    )


def _http_session(address: str) -> Session:
    """Return an HTTP session for OSS; a proxy in the environment variables is used.

    The variables are read only once. Otherwise `requests` would read them for each request, and
    would also read credentials from `~/.netrc`.
    """
    session = Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=MAX_CALLS, pool_maxsize=MAX_CALLS))
    session.proxies.update(get_environ_proxies(address))
    session.trust_env = False
    return session


def _refusal(error: oss2.exceptions.ServerError) -> OssRefusedError | OssLostError:
    """Convert an error answer to the matching exception.

    Status 5xx and clock skew are temporary (`OssLostError`). Every answer of OSS has a request id;
    an answer without one is from a proxy. All other errors are refusals.
    """
    code = error.code or f"status-{error.status}"
    if error.status >= 500 or code == "RequestTimeTooSkewed":
        return OssLostError(code)
    if not error.request_id:
        return OssLostError("unreadable")
    kind = ADDRESS_REFUSALS.get(code, OssRefusedError)
    return kind(code, error.request_id, error.ec or "", error.message or "")


def _ours(answer: A) -> A:
    """Return an answer unchanged after checking that it comes from OSS.

    Every answer of OSS has a request id.

    Raises:
        ValueError: the answer has no request id.
    """
    if not answer.request_id:
        raise ValueError("not an answer of OSS")
    return answer


def _metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of an object by their names without `METADATA`, in lower case.

    The values are percent-decoded, because headers have ASCII characters only, and the page encodes
    all others.
    """
    return {
        name.lower().removeprefix(METADATA): unquote(value)
        for name, value in headers.items()
        if name.lower().startswith(METADATA)
    }


def _version_of(headers: Mapping[str, str]) -> str:
    """Return the version id of an object; empty for `null`, which OSS may overwrite."""
    version = headers.get("x-oss-version-id", "")
    return "" if version == "null" else version


def _moment(timestamp: float) -> datetime:
    """Convert seconds since 1970 to a timezone-aware time in UTC."""
    return datetime.fromtimestamp(timestamp, UTC)


def _only(source: Stored) -> dict[str, str]:
    """Return the header by which OSS copies an object only if it still has its ETag."""
    return {"x-oss-copy-source-if-match": source.etag}


def _forbid(forbid_overwrite: bool) -> dict[str, str]:
    return {"x-oss-forbid-overwrite": "true"} if forbid_overwrite else {}


def _binding(params: Mapping[str, str]) -> oss2.models.PutBucketCnameRequest:
    certificate = None
    if "Certificate" in params:
        certificate = oss2.models.CertInfo(
            certificate=params["Certificate"], private_key=params["PrivateKey"], force=True
        )
    return oss2.models.PutBucketCnameRequest(params["Domain"], certificate)
