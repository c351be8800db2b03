"""The bucket through `alibabacloud-oss-v2`, the successor of `oss2`.

By default this SDK repeats failed requests itself. Here it does not, because the callers have their
own time limits and know which requests to repeat.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, timedelta
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import alibabacloud_oss_v2 as oss_v2
from alibabacloud_oss_v2 import exceptions
from alibabacloud_oss_v2.retry import NopRetryer
from alibabacloud_oss_v2.transport import RequestsHttpClient

from ossferry.errors import OssLostError, OssRefusedError
from ossferry.oss.objects import Begun, Listed, Part, Stored
from ossferry.oss.sdks.common import (
    SYMLINK,
    http_session,
    metadata_of,
    ours,
    refusal,
    version_of,
)
from ossferry.oss.sdks.interface import CorsRule, Domain, Lifecycle, Page
from ossferry.oss.sts import StsCredentials
from ossferry.settings.model import Settings

__all__ = ["OssV2"]

MAX_LIFE = timedelta(days=7)
"""Longest lifetime of a presigned URL."""

NO_CODE = "BadErrorResponse"
"""The SDK's own code for an error answer in which it finds no code of OSS."""

UNREADABLE = (exceptions.BaseError, TypeError, ValueError, AttributeError, ParseError)
"""Exceptions of the SDK for answers that are not from OSS: a proxy's page or a truncated list."""


class OssV2:
    """Implements `Sdk`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = http_session(settings.objects_address)

    def bucket(
        self, credentials: StsCredentials, address: str, *, timeout_s: float, is_cname: bool = False
    ) -> "OssV2Bucket":
        """Implement `Sdk.bucket`."""
        provider = oss_v2.credentials.StaticCredentialsProvider(
            credentials.access_key_id, credentials.access_key_secret, credentials.security_token
        )
        http = RequestsHttpClient(
            session=self._session, connect_timeout=timeout_s, readwrite_timeout=timeout_s
        )
        config = oss_v2.Config(
            region=self._settings.region,
            endpoint=address,
            signature_version="v4",
            credentials_provider=provider,
            retryer=NopRetryer(),
            http_client=http,
            use_cname=is_cname,
            # Not every system resolves names below `localhost`; `oss2` does the same.
            use_path_style=urlsplit(address).hostname == "localhost",
        )
        return OssV2Bucket(oss_v2.Client(config), self._settings.bucket)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Implement `Sdk.errors`."""
        try:
            yield
        except exceptions.OperationError as error:
            raise _meaning(error.unwrap()) from error
        except UNREADABLE as error:
            raise OssLostError("unreadable") from error

    def close(self) -> None:
        """Implement `Sdk.close`."""
        self._session.close()


class OssV2Bucket:
    """Implements `SdkBucket`."""

    def __init__(self, client: oss_v2.Client, name: str) -> None:
        self._client = client
        self._name = name

    def head(self, key: str) -> Stored:
        """Implement `SdkBucket.head`."""
        found = self._head(key)
        return Stored(
            key=key,
            size=int(found.content_length),
            crc64=found.hash_crc64 or "",
            etag=found.etag.strip('"'),
            last_modified=found.last_modified.astimezone(UTC),
            content_type=found.content_type or "",
            is_symlink=found.object_type == SYMLINK,
            version=version_of(found.headers),
            metadata=metadata_of(found.headers),
        )

    def headers(self, key: str) -> Mapping[str, str]:
        """Implement `SdkBucket.headers`."""
        return dict(self._head(key).headers)

    def _head(self, key: str) -> oss_v2.HeadObjectResult:
        request = oss_v2.HeadObjectRequest(bucket=self._name, key=key)
        return ours(self._client.head_object(request))

    def read(self, key: str, start: int, end: int, etag: str) -> bytes:
        """Implement `SdkBucket.read`."""
        request = oss_v2.GetObjectRequest(
            bucket=self._name,
            key=key,
            range_header=f"bytes={start}-{end - 1}",
            if_match=f'"{etag}"',
        )
        with ours(self._client.get_object(request)).body as body:
            return bytes(body.read())

    def list(self, prefix: str, *, after: str, limit: int) -> Sequence[Listed]:
        """Implement `SdkBucket.list`."""
        found = self._client.list_objects_v2(
            oss_v2.ListObjectsV2Request(
                bucket=self._name, prefix=prefix, start_after=after, max_keys=limit
            )
        )
        _has_next(found)
        return [
            Listed(
                key=each.key,
                size=each.size,
                etag=each.etag.strip('"'),
                last_modified=each.last_modified.astimezone(UTC),
                is_symlink=each.object_type == SYMLINK,
            )
            for each in found.contents or []
        ]

    def copy(self, source: Stored, target: str, *, forbid_overwrite: bool) -> None:
        """Implement `SdkBucket.copy`."""
        request = oss_v2.CopyObjectRequest(
            bucket=self._name,
            key=target,
            source_key=source.key,
            if_match=source.etag,
            forbid_overwrite=forbid_overwrite,
        )
        ours(self._client.copy_object(request))

    def delete(self, key: str, version: str) -> str:
        """Implement `SdkBucket.delete`."""
        request = oss_v2.DeleteObjectRequest(bucket=self._name, key=key, version_id=version or None)
        return ours(self._client.delete_object(request)).version_id or ""

    def begin(self, key: str, headers: Mapping[str, str]) -> str:
        """Implement `SdkBucket.begin`."""
        request = oss_v2.InitiateMultipartUploadRequest(
            bucket=self._name, key=key, headers=dict(headers)
        )
        return _given(ours(self._client.initiate_multipart_upload(request)).upload_id)

    def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Implement `SdkBucket.put_part`."""
        request = oss_v2.UploadPartRequest(
            bucket=self._name, key=key, upload_id=upload_id, part_number=number, body=data
        )
        return _given(ours(self._client.upload_part(request)).etag)

    def copy_part(
        self, source: Stored, start: int, end: int, *, target: str, upload_id: str, number: int
    ) -> str:
        """Implement `SdkBucket.copy_part`."""
        request = oss_v2.UploadPartCopyRequest(
            bucket=self._name,
            key=target,
            part_number=number,
            upload_id=upload_id,
            source_key=source.key,
            if_match=source.etag,
            source_range=f"bytes={start}-{end - 1}",
        )
        return _given(ours(self._client.upload_part_copy(request)).etag)

    def complete(
        self, key: str, upload_id: str, etags: Mapping[int, str], *, forbid_overwrite: bool
    ) -> None:
        """Implement `SdkBucket.complete`."""
        parts = [oss_v2.UploadPart(part_number=number, etag=tag) for number, tag in etags.items()]
        request = oss_v2.CompleteMultipartUploadRequest(
            bucket=self._name,
            key=key,
            upload_id=upload_id,
            complete_multipart_upload=oss_v2.CompleteMultipartUpload(parts=parts),
            forbid_overwrite=forbid_overwrite,
        )
        ours(self._client.complete_multipart_upload(request))

    def abort(self, key: str, upload_id: str) -> None:
        """Implement `SdkBucket.abort`."""
        request = oss_v2.AbortMultipartUploadRequest(
            bucket=self._name, key=key, upload_id=upload_id
        )
        ours(self._client.abort_multipart_upload(request))

    def begun(self, prefix: str, after: tuple[str, ...]) -> Page[Begun]:
        """Implement `SdkBucket.begun`."""
        key_marker, id_marker = after or (None, None)
        found = self._client.list_multipart_uploads(
            oss_v2.ListMultipartUploadsRequest(
                bucket=self._name,
                prefix=prefix,
                max_uploads=1000,
                key_marker=key_marker,
                upload_id_marker=id_marker,
            )
        )
        return Page(
            entries=[
                Begun(
                    key=each.key,
                    upload_id=each.upload_id,
                    began_at=each.initiated.astimezone(UTC),
                )
                for each in found.uploads or []
            ],
            after=(found.next_key_marker, found.next_upload_id_marker)
            if _has_next(found)
            else None,
        )

    def parts(self, key: str, upload_id: str, after: tuple[str, ...]) -> Page[Part]:
        """Implement `SdkBucket.parts`."""
        (marker,) = after or (None,)
        found = self._client.list_parts(
            oss_v2.ListPartsRequest(
                bucket=self._name,
                key=key,
                upload_id=upload_id,
                max_parts=1000,
                part_number_marker=marker,
            )
        )
        return Page(
            entries=[
                Part(
                    number=each.part_number,
                    size=each.size,
                    last_modified=each.last_modified.astimezone(UTC),
                )
                for each in found.parts or []
            ],
            after=(str(found.next_part_number_marker),) if _has_next(found) else None,
        )

    def region(self) -> str:
        """Implement `SdkBucket.region`."""
        request = oss_v2.GetBucketLocationRequest(bucket=self._name)
        found = ours(self._client.get_bucket_location(request))
        return _given(found.location).removeprefix("oss-")

    def blocks_public_access(self) -> bool:
        """Implement `SdkBucket.blocks_public_access`."""
        request = oss_v2.GetBucketPublicAccessBlockRequest(bucket=self._name)
        found = ours(self._client.get_bucket_public_access_block(request))
        return bool(found.public_access_block_configuration.block_public_access)

    def lifecycle(self) -> Lifecycle:
        """Implement `SdkBucket.lifecycle`."""
        request = oss_v2.GetBucketLifecycleRequest(bucket=self._name)
        found = ours(self._client.get_bucket_lifecycle(request)).lifecycle_configuration
        rules = [rule for rule in found.rules if rule.status == "Enabled" and not rule.tags]
        return Lifecycle(
            aborts=[rule.prefix or "" for rule in rules if rule.abort_multipart_upload],
            deletes=[
                rule.prefix or "" for rule in rules if rule.expiration and rule.expiration.days
            ],
        )

    def domains(self) -> Sequence[Domain]:
        """Implement `SdkBucket.domains`."""
        request = oss_v2.ListCnameRequest(bucket=self._name)
        return [
            Domain(
                name=each.domain,
                is_enabled=each.status == "Enabled",
                certificate_ends=each.certificate.valid_end_date if each.certificate else "",
            )
            for each in ours(self._client.list_cname(request)).cnames or []
        ]

    def link(self, key: str, lives_s: int, params: Mapping[str, str]) -> str:
        """Implement `SdkBucket.link`.

        The SDK reads the clock twice and drops the fraction of a second in between. Half a second
        more keeps the lifetime exact, except for the longest one, which becomes a second shorter.
        """
        request = oss_v2.GetObjectRequest(bucket=self._name, key=key, parameters=dict(params))
        expires = min(timedelta(seconds=lives_s + 0.5), MAX_LIFE)
        return str(self._client.presign(request, expires=expires).url)

    def create(self, cors: CorsRule) -> None:
        """Implement `SdkBucket.create`."""
        rule = oss_v2.CORSRule(
            allowed_origins=list(cors.origins),
            allowed_methods=list(cors.methods),
            allowed_headers=list(cors.headers),
            expose_headers=list(cors.exposed),
            max_age_seconds=cors.max_age_s,
        )
        self._client.put_bucket(oss_v2.PutBucketRequest(bucket=self._name))
        self._client.put_bucket_cors(
            oss_v2.PutBucketCorsRequest(
                bucket=self._name,
                cors_configuration=oss_v2.CORSConfiguration(cors_rules=[rule], response_vary=True),
            )
        )


def _meaning(error: Exception) -> OssRefusedError | OssLostError:
    """Convert the cause of a failed operation to the matching exception."""
    match error:
        case exceptions.ServiceError():
            code = "" if error.code == NO_CODE else error.code or ""
            return refusal(error.status_code, code, error.request_id, error.ec or "")
        case exceptions.RequestError() | exceptions.ResponseError():
            return OssLostError("no-answer")
    return OssLostError("unreadable")


def _has_next(found: oss_v2.ListObjectsV2Result) -> bool:
    """Return whether a list continues on another page.

    Raises:
        ValueError: the answer is not a list of OSS. The SDK reads an empty answer as an empty list.
    """
    if ours(found).is_truncated is None:
        raise ValueError("not a list")
    return bool(found.is_truncated)


def _given(text: str | None) -> str:
    """Return a text of an answer.

    Raises:
        ValueError: the answer does not have the text.
    """
    if not text:
        raise ValueError("missing in the answer")
    return text
