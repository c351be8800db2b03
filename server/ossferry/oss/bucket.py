"""The server's own access to the bucket, through `oss2`.

The server uses a RAM role of its own. Browsers get credentials of another role, which can only
upload. A session policy limits the server's credentials to this bucket. `oss2` is synchronous, so
calls run in at most `MAX_CALLS` worker threads. Error codes of OSS are logged. Clients do not
receive the codes; they learn only whether a retry can help.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar
from xml.etree.ElementTree import ParseError

import anyio
import anyio.to_thread
import oss2
from oss2.credentials import StaticCredentialsProvider
from requests.utils import get_environ_proxies

from ossferry.clock import Clock
from ossferry.errors import (
    OssDomainError,
    OssEndpointError,
    OssLostError,
    OssRefusedError,
    StsLostError,
)
from ossferry.observability.logs import logger
from ossferry.oss.objects import Begun, Link, Listed, Part, Stored
from ossferry.oss.policy import objects_policy, policy_text
from ossferry.oss.replies import moment, ours, read_begun, read_parts
from ossferry.oss.sts import AssumeRole, StsCredentials
from ossferry.settings.model import Settings

__all__ = ["ADDRESS_REFUSALS", "OssBucket"]

MAX_CALLS = 64
"""Concurrent calls to OSS; further calls wait."""

MAX_COPY = 1 << 30
"""Largest object to copy in one request, in bytes; larger objects are copied in parts."""

COPY_PART = 256 << 20
COPY_TIMEOUT_S = 60.0
LAST_S = 60.0
"""Do not use credentials in their last seconds: a request could outlast them."""

LEFT_ALONE = timedelta(seconds=2)
"""Pause between attempts to renew credentials while STS does not answer."""

NEW_CREDENTIALS_HELP = ("SecurityTokenExpired", "InvalidSecurityToken", "InvalidAccessKeyId")
ADDRESS_REFUSALS: Mapping[str, type[OssEndpointError]] = {
    "PublicEndpointForbidden": OssEndpointError,
    "NonStandardHostForbidden": OssDomainError,
}
"""Maps OSS's codes for an address that it does not serve to error classes."""

KEPT_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)

UNREADABLE = (TypeError, ValueError, AttributeError, RuntimeError, ParseError)
"""Exceptions of `oss2` for answers that are not from OSS: a proxy's page or a truncated list."""

T = TypeVar("T")

log = logger("ossferry.bucket")


class OssBucket:
    """The configured bucket, accessed through `oss2` with V4 signatures.

    Args:
        assume_role: function that requests credentials of the role `settings.objects_role_arn`.
    """

    def __init__(self, settings: Settings, assume_role: AssumeRole, *, clock: Clock) -> None:
        self._settings = settings
        self._assume_role = assume_role
        self._clock = clock
        self._session = _session(settings.objects_address)
        self._turns = anyio.CapacityLimiter(MAX_CALLS)
        self._credentials: StsCredentials | None = None
        self._renewing = asyncio.Lock()
        self._left_alone_until = datetime.min.replace(tzinfo=UTC)

    async def head(self, key: str) -> Stored | None:
        """Implement `ObjectStore.head` with HeadObject."""
        try:
            return await self._ask(lambda bucket: _stored(key, bucket.head_object(key)))
        except oss2.exceptions.NotFound as error:
            if error.code in ("NoSuchKey", ""):
                return None
            raise _refusal(error) from error

    async def list(self, prefix: str, *, after: str, limit: int) -> Sequence[Listed]:
        """Implement `ObjectStore.list` with ListObjectsV2."""
        return await self._ask_finally(
            lambda bucket: _listed(
                bucket.list_objects_v2(prefix, start_after=after, max_keys=limit)
            )
        )

    async def copy(self, stored: Stored, target: str) -> bool:
        """Implement `ObjectStore.copy`; objects larger than `MAX_COPY` are copied in parts."""
        how = _copy_whole if stored.size <= MAX_COPY else _copy_parts
        try:
            await self._ask(lambda bucket: how(bucket, stored, target), timeout_s=COPY_TIMEOUT_S)
        except oss2.exceptions.NotFound as error:
            if error.code == "NoSuchKey":
                return False
            raise _refusal(error) from error
        return True

    async def delete(self, key: str, version: str = "") -> str:
        """Implement `ObjectStore.delete` with DeleteObject."""
        params = {"versionId": version} if version else None
        return await self._ask_finally(
            lambda bucket: str(ours(bucket.delete_object(key, params=params)).versionid or "")
        )

    async def begun(self, prefix: str) -> Sequence[Begun]:
        """Implement `ObjectStore.begun` with ListMultipartUploads."""
        return await self._ask_finally(lambda bucket: read_begun(bucket, prefix))

    async def parts(self, key: str, upload_id: str) -> Sequence[Part] | None:
        """Implement `ObjectStore.parts` with ListParts."""
        return await self._unless_gone(lambda bucket: read_parts(bucket, key, upload_id))

    async def abort(self, key: str, upload_id: str) -> None:
        """Implement `ObjectStore.abort` with AbortMultipartUpload."""
        await self._unless_gone(lambda bucket: ours(bucket.abort_multipart_upload(key, upload_id)))

    async def link(self, key: str, *, lives_s: int, params: Mapping[str, str]) -> Link:
        """Implement `ObjectStore.link`; the URL is signed locally, without a request to OSS."""
        credentials = await self._link_credentials()
        now = self._clock()
        lives_s = min(lives_s, int((credentials.expires_at - now).total_seconds()))
        bucket = self._bucket(credentials, self._settings.links_address, is_cname=True)
        url = bucket.sign_url("GET", key, lives_s, params=dict(params), slash_safe=True)
        return Link(url=url, expires_at=now.replace(microsecond=0) + timedelta(seconds=lives_s))

    async def close(self) -> None:
        """Close the HTTP connections."""
        self._session.session.close()

    async def _unless_gone(self, call: Callable[[oss2.Bucket], T]) -> T | None:
        """Run a call for a multipart upload; return None if the upload does not exist."""
        try:
            return await self._ask(call)
        except oss2.exceptions.NotFound as error:
            if error.code == "NoSuchUpload":
                return None
            raise _refusal(error) from error

    async def _ask_finally(self, call: Callable[[oss2.Bucket], T]) -> T:
        try:
            return await self._ask(call)
        except oss2.exceptions.NotFound as error:
            raise _refusal(error) from error

    async def _ask(self, call: Callable[[oss2.Bucket], T], *, timeout_s: float | None = None) -> T:
        """Run a call to OSS with the current credentials.

        If OSS rejects the credentials, renew them and repeat the call once.

        Raises:
            oss2.exceptions.NotFound: OSS answers with status 404; the caller handles this case.
            OssRefusedError: OSS refuses the call for another reason.
            OssLostError: OSS gives no usable answer.
        """
        timeout_s = timeout_s or self._settings.oss_timeout_s
        try:
            return await self._once(call, timeout_s)
        except OssRefusedError as error:
            if error.oss_code not in NEW_CREDENTIALS_HELP:
                raise
        self._credentials = None
        return await self._once(call, timeout_s)

    async def _once(self, call: Callable[[oss2.Bucket], T], timeout_s: float) -> T:
        bucket = self._bucket(
            await self._fresh_credentials(),
            self._settings.objects_address,
            timeout_s,
            is_cname=self._settings.objects_by_cname,
        )
        try:
            with anyio.fail_after(timeout_s):
                return await anyio.to_thread.run_sync(
                    partial(call, bucket), limiter=self._turns, abandon_on_cancel=True
                )
        except oss2.exceptions.NotFound as error:
            if not error.request_id:
                raise OssLostError("unreadable") from error  # not an answer of OSS
            raise
        except (TimeoutError, oss2.exceptions.RequestError) as error:
            raise OssLostError("no-answer") from error
        except oss2.exceptions.ServerError as error:
            raise _refusal(error) from error
        except (oss2.exceptions.OssError, *UNREADABLE) as error:
            raise OssLostError("unreadable") from error

    def _bucket(
        self,
        credentials: StsCredentials,
        address: str,
        timeout_s: float | None = None,
        *,
        is_cname: bool = False,
    ) -> oss2.Bucket:
        provider = StaticCredentialsProvider(
            credentials.access_key_id, credentials.access_key_secret, credentials.security_token
        )
        return oss2.Bucket(
            oss2.ProviderAuthV4(provider),
            address,
            self._settings.bucket,
            is_cname=is_cname,
            session=self._session,
            connect_timeout=timeout_s,
            region=self._settings.region,
        )

    async def _link_credentials(self) -> StsCredentials:
        """Return the credentials for signing links.

        If the settings contain an access key for links, use that key, which does not expire.
        Otherwise use the temporary credentials of the server's own role.
        """
        settings = self._settings
        if settings.share_access_key_id and settings.share_access_key_secret:
            return StsCredentials(
                access_key_id=settings.share_access_key_id,
                access_key_secret=settings.share_access_key_secret.get_secret_value(),
                security_token="",
                expires_at=datetime.max.replace(tzinfo=UTC),
            )
        return await self._fresh_credentials()

    async def _fresh_credentials(self) -> StsCredentials:
        """Return the server's own credentials; renew them after half of their lifetime.

        While STS does not answer, existing credentials are used until shortly before they expire.

        Raises:
            StsRefusedError: STS refuses to issue credentials.
            StsLostError: STS does not answer, and there are no usable credentials.
        """
        if self._renewing.locked() and self._credentials and self._life_left_s() > LAST_S:
            return self._credentials
        async with self._renewing:
            if self._life_left_s() <= self._settings.objects_session_s / 2:
                await self._renew()
            if self._credentials is None or self._life_left_s() <= LAST_S:
                raise StsLostError("no-credentials")
            return self._credentials

    async def _renew(self) -> None:
        if self._clock() < self._left_alone_until:
            return
        try:
            self._credentials = await self._assume_role(
                session_name=f"objects-{secrets.token_hex(7)}",
                policy=policy_text(objects_policy(bucket=self._settings.bucket)),
            )
        except StsLostError as error:
            log.warning("own-credentials-not-renewed", reason=error.reason)
            self._left_alone_until = self._clock() + LEFT_ALONE

    def _life_left_s(self) -> float:
        if self._credentials is None:
            return 0.0
        return (self._credentials.expires_at - self._clock()).total_seconds()


def _session(address: str) -> oss2.Session:
    """Return an HTTP session for OSS; a proxy in the environment variables is used.

    The variables are read only once. Otherwise `requests` would read them for each request, and
    would also read credentials from `~/.netrc`.
    """
    session = oss2.Session(pool_size=MAX_CALLS)
    session.session.proxies.update(get_environ_proxies(address))
    session.session.trust_env = False
    return session


def _copy_whole(bucket: oss2.Bucket, stored: Stored, target: str) -> None:
    ours(bucket.copy_object(bucket.bucket_name, stored.key, target))


def _copy_parts(bucket: oss2.Bucket, stored: Stored, target: str) -> None:
    """Copy a large object within OSS in parts.

    Headers and metadata are sent explicitly, because OSS does not copy them with the parts.
    """
    kept = bucket.head_object(stored.key).headers
    headers = {
        name: value
        for name, value in kept.items()
        if name.lower().startswith("x-oss-meta-") or name.lower() in KEPT_HEADERS
    }
    upload_id = bucket.init_multipart_upload(target, headers=headers).upload_id
    part_size = oss2.determine_part_size(stored.size, preferred_size=COPY_PART)
    try:
        parts = []
        for number, start in enumerate(range(0, stored.size, part_size), start=1):
            end = min(start + part_size, stored.size) - 1
            done = bucket.upload_part_copy(
                bucket.bucket_name, stored.key, (start, end), target, upload_id, number
            )
            parts.append(oss2.models.PartInfo(number, done.etag))
        bucket.complete_multipart_upload(target, upload_id, parts)
    except oss2.exceptions.OssError:
        bucket.abort_multipart_upload(target, upload_id)
        raise


def _stored(key: str, found: oss2.models.HeadObjectResult) -> Stored:
    return Stored(
        key=key,
        size=int(found.content_length),
        crc64=found.headers.get("x-oss-hash-crc64ecma", ""),
        etag=ours(found).etag,
        last_modified=moment(found.last_modified),
        content_type=found.content_type or "",
    )


def _listed(found: oss2.models.ListObjectsV2Result) -> Sequence[Listed]:
    return [
        Listed(
            key=each.key,
            size=each.size,
            etag=each.etag,
            last_modified=moment(each.last_modified),
        )
        for each in ours(found).object_list
    ]


def _refusal(error: oss2.exceptions.ServerError) -> OssRefusedError | OssLostError:
    """Convert an error of OSS to the matching exception.

    Status 5xx and clock skew are temporary (`OssLostError`); all other errors are refusals.
    """
    if error.status >= 500 or error.code == "RequestTimeTooSkewed":
        return OssLostError(error.code or f"status-{error.status}")
    kind = ADDRESS_REFUSALS.get(error.code, OssRefusedError)
    return kind(error.code or f"status-{error.status}", error.request_id)
