"""The bucket through `oss2`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from xml.etree.ElementTree import ParseError

import oss2
from oss2.credentials import StaticCredentialsProvider
from requests import RequestException

from ossferry.errors import OssLostError
from ossferry.oss.objects import Begun, Listed, Part, Stored
from ossferry.oss.sdks.common import (
    SYMLINK,
    http_session,
    metadata_of,
    moment,
    ours,
    refusal,
    version_of,
)
from ossferry.oss.sdks.interface import CorsRule, Domain, Lifecycle, Page
from ossferry.oss.sts import StsCredentials
from ossferry.settings.model import Settings

__all__ = ["Oss2", "bucket_cors"]

UNREADABLE = (TypeError, ValueError, AttributeError, RuntimeError, ParseError)
"""Exceptions of `oss2` for answers that are not from OSS: a proxy's page or a truncated list."""


class Oss2:
    """Implements `Sdk`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = oss2.Session()
        self._session.session = http_session(settings.objects_address)

    def bucket(
        self, credentials: StsCredentials, address: str, *, timeout_s: float, is_cname: bool = False
    ) -> "Oss2Bucket":
        """Implement `Sdk.bucket`."""
        provider = StaticCredentialsProvider(
            credentials.access_key_id, credentials.access_key_secret, credentials.security_token
        )
        return Oss2Bucket(
            oss2.Bucket(
                oss2.ProviderAuthV4(provider),
                address,
                self._settings.bucket,
                is_cname=is_cname,
                session=self._session,
                connect_timeout=timeout_s,
                region=self._settings.region,
            )
        )

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Implement `Sdk.errors`."""
        try:
            yield
        except (oss2.exceptions.RequestError, RequestException) as error:
            raise OssLostError("no-answer") from error
        except oss2.exceptions.ServerError as error:
            raise refusal(error.status, error.code, error.request_id, error.ec or "") from error
        except (oss2.exceptions.OssError, *UNREADABLE) as error:
            raise OssLostError("unreadable") from error

    def close(self) -> None:
        """Implement `Sdk.close`."""
        self._session.session.close()


class Oss2Bucket:
    """Implements `SdkBucket`."""

    def __init__(self, bucket: oss2.Bucket) -> None:
        self._bucket = bucket

    def head(self, key: str) -> Stored:
        """Implement `SdkBucket.head`."""
        found = ours(self._bucket.head_object(key))
        return Stored(
            key=key,
            size=int(found.content_length),
            crc64=found.headers.get("x-oss-hash-crc64ecma", ""),
            etag=found.etag,
            last_modified=moment(found.last_modified),
            content_type=found.content_type or "",
            is_symlink=found.object_type == SYMLINK,
            version=version_of(found.headers),
            metadata=metadata_of(found.headers),
        )

    def headers(self, key: str) -> Mapping[str, str]:
        """Implement `SdkBucket.headers`."""
        return dict(ours(self._bucket.head_object(key)).headers)

    def read(self, key: str, start: int, end: int, etag: str) -> bytes:
        """Implement `SdkBucket.read`."""
        headers = {"if-match": f'"{etag}"'}
        found = ours(self._bucket.get_object(key, byte_range=(start, end - 1), headers=headers))
        return bytes(found.read())

    def list(self, prefix: str, *, after: str, limit: int) -> Sequence[Listed]:
        """Implement `SdkBucket.list`."""
        found = self._bucket.list_objects_v2(prefix, start_after=after, max_keys=limit)
        return [
            Listed(
                key=each.key,
                size=each.size,
                etag=each.etag,
                last_modified=moment(each.last_modified),
                is_symlink=each.type == SYMLINK,
            )
            for each in ours(found).object_list
        ]

    def copy(self, source: Stored, target: str, *, forbid_overwrite: bool) -> None:
        """Implement `SdkBucket.copy`."""
        name, headers = self._bucket.bucket_name, _only(source) | _forbid(forbid_overwrite)
        ours(self._bucket.copy_object(name, source.key, target, headers=headers))

    def delete(self, key: str, version: str) -> str:
        """Implement `SdkBucket.delete`."""
        params = {"versionId": version} if version else None
        return str(ours(self._bucket.delete_object(key, params=params)).versionid or "")

    def begin(self, key: str, headers: Mapping[str, str]) -> str:
        """Implement `SdkBucket.begin`."""
        return str(ours(self._bucket.init_multipart_upload(key, headers=headers)).upload_id)

    def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Implement `SdkBucket.put_part`."""
        return str(ours(self._bucket.upload_part(key, upload_id, number, data)).etag)

    def copy_part(
        self, source: Stored, start: int, end: int, *, target: str, upload_id: str, number: int
    ) -> str:
        """Implement `SdkBucket.copy_part`."""
        done = self._bucket.upload_part_copy(
            self._bucket.bucket_name,
            source.key,
            (start, end - 1),
            target,
            upload_id,
            number,
            headers=_only(source),
        )
        return str(ours(done).etag)

    def complete(
        self, key: str, upload_id: str, etags: Mapping[int, str], *, forbid_overwrite: bool
    ) -> None:
        """Implement `SdkBucket.complete`."""
        parts = [oss2.models.PartInfo(number, etag) for number, etag in etags.items()]
        headers = _forbid(forbid_overwrite)
        ours(self._bucket.complete_multipart_upload(key, upload_id, parts, headers=headers))

    def abort(self, key: str, upload_id: str) -> None:
        """Implement `SdkBucket.abort`."""
        ours(self._bucket.abort_multipart_upload(key, upload_id))

    def begun(self, prefix: str, after: tuple[str, ...]) -> Page[Begun]:
        """Implement `SdkBucket.begun`."""
        key_marker, id_marker = after or ("", "")
        found = ours(
            self._bucket.list_multipart_uploads(
                prefix, key_marker=key_marker, upload_id_marker=id_marker
            )
        )
        return Page(
            entries=[
                Begun(key=each.key, upload_id=each.upload_id, began_at=moment(each.initiation_date))
                for each in found.upload_list
            ],
            after=(found.next_key_marker, found.next_upload_id_marker)
            if found.is_truncated
            else None,
        )

    def parts(self, key: str, upload_id: str, after: tuple[str, ...]) -> Page[Part]:
        """Implement `SdkBucket.parts`."""
        (marker,) = after or ("",)
        found = ours(self._bucket.list_parts(key, upload_id, marker=marker))
        return Page(
            entries=[
                Part(
                    number=each.part_number,
                    size=each.size,
                    last_modified=moment(each.last_modified),
                )
                for each in found.parts
            ],
            after=(found.next_marker,) if found.is_truncated else None,
        )

    def region(self) -> str:
        """Implement `SdkBucket.region`."""
        return str(ours(self._bucket.get_bucket_location()).location).removeprefix("oss-")

    def blocks_public_access(self) -> bool:
        """Implement `SdkBucket.blocks_public_access`."""
        found = ours(self._bucket.get_bucket_public_access_block())
        return str(found.block_public_access).lower() == "true"

    def lifecycle(self) -> Lifecycle:
        """Implement `SdkBucket.lifecycle`."""
        rules = [
            rule
            for rule in ours(self._bucket.get_bucket_lifecycle()).rules
            if rule.status == oss2.models.LifecycleRule.ENABLED and rule.tagging is None
        ]
        return Lifecycle(
            aborts=[rule.prefix or "" for rule in rules if rule.abort_multipart_upload],
            deletes=[
                rule.prefix or "" for rule in rules if rule.expiration and rule.expiration.days
            ],
        )

    def domains(self) -> Sequence[Domain]:
        """Implement `SdkBucket.domains`."""
        return [
            Domain(
                name=each.domain,
                is_enabled=each.status == "Enabled",
                certificate_ends=each.certificate.valid_end_date if each.certificate else "",
            )
            for each in ours(self._bucket.list_bucket_cname()).cname
        ]

    def link(self, key: str, lives_s: int, params: Mapping[str, str]) -> str:
        """Implement `SdkBucket.link`."""
        return str(self._bucket.sign_url("GET", key, lives_s, params=dict(params), slash_safe=True))

    def create(self, cors: CorsRule) -> None:
        """Implement `SdkBucket.create`."""
        self._bucket.create_bucket()
        self._bucket.put_bucket_cors(bucket_cors(cors))


def _only(source: Stored) -> dict[str, str]:
    """Return the header by which OSS copies an object only if it still has its ETag."""
    return {"x-oss-copy-source-if-match": source.etag}


def _forbid(forbid_overwrite: bool) -> dict[str, str]:
    return {"x-oss-forbid-overwrite": "true"} if forbid_overwrite else {}


def bucket_cors(rule: CorsRule) -> oss2.models.BucketCors:
    """Return a configuration with one CORS rule, which also asks for the header `Vary`."""
    model = oss2.models.CorsRule(
        allowed_origins=list(rule.origins),
        allowed_methods=list(rule.methods),
        allowed_headers=list(rule.headers),
        expose_headers=list(rule.exposed),
        max_age_seconds=rule.max_age_s,
    )
    return oss2.models.BucketCors([model], response_vary=True)
