"""The server's own access to the bucket: credentials, time limits, and the meaning of errors.

The server uses a RAM role of its own (`OSSFERRY_OBJECTS_ROLE_ARN`). Browsers get credentials of
another role, which can only upload. A session policy limits the server's credentials to this
bucket. To read the bytes of an object, the server uses another session policy, which also limits
the credentials to the folder of the object's owner. So OSS refuses the request if the object has
become a symlink to an upload of somebody else. Sessions are renewed after half of their lifetime;
while STS does not answer, existing credentials are used until shortly before they expire.

The SDK is synchronous, so calls run in at most `MAX_CALLS` worker threads. Error codes of OSS are
logged. Clients do not receive the codes; they learn only whether a retry can help.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread

from ossferry.clock import Clock
from ossferry.errors import KeyTakenError, OssLostError, OssRefusedError, StsLostError
from ossferry.identity.object_keys import folder_of
from ossferry.observability.log_format import logger
from ossferry.oss.objects import METADATA, Begun, Link, Listed, Part, Stored
from ossferry.oss.policy import objects_policy, policy_text, reading_policy
from ossferry.oss.sts import OBJECTS_SESSION_S, AssumeRole, StsCredentials
from ossferry.settings.model import Settings

if TYPE_CHECKING:
    from ossferry.oss.sdk import Page, SdkBucket

LAST_S = 60.0
"""Do not use credentials in their last seconds: a request could outlast them."""

LEFT_ALONE = timedelta(seconds=2)
"""Pause between attempts to renew credentials while STS does not answer."""

MAX_KEPT = 10_000


@dataclass(slots=True)
class _Session:
    credentials: StsCredentials | None = None
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sessions:
    """A cache of STS credentials of one role, by the session policy that limits the credentials.

    Args:
        assume_role: function that requests credentials of the role.
    """

    def __init__(self, assume_role: AssumeRole, *, clock: Clock) -> None:
        self._assume_role = assume_role
        self._clock = clock
        self._kept: OrderedDict[str, _Session] = OrderedDict()
        self._left_alone_until = datetime.min.replace(tzinfo=UTC)
        self._loss = "no-credentials"

    async def fresh(self, policy: str) -> StsCredentials:
        """Return STS credentials that are limited by a session policy.

        Cached credentials are renewed when half of their lifetime is over. While STS does not
        answer, they are used until `LAST_S` seconds before they expire.

        Args:
            policy: the session policy as JSON.

        Raises:
            StsRefusedError: STS refuses to issue credentials.
            StsLostError: STS does not answer, and the cache has no credentials that last longer
                than `LAST_S` seconds.
        """
        session = self._kept.setdefault(policy, _Session())
        self._kept.move_to_end(policy)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        if session.renewing.locked() and session.credentials and self._left_s(session) > LAST_S:
            return session.credentials
        async with session.renewing:
            if self._left_s(session) <= OBJECTS_SESSION_S / 2:
                await self._renew(session, policy)
            if session.credentials is None or self._left_s(session) <= LAST_S:
                raise StsLostError(self._loss)
            return session.credentials

    def forget(self, policy: str) -> None:
        """Remove the credentials for a session policy from the cache.

        Call this method if OSS does not accept the credentials.
        """
        self._kept.pop(policy, None)

    async def _renew(self, session: _Session, policy: str) -> None:
        if self._clock() < self._left_alone_until:
            return
        try:
            session.credentials = await self._assume_role(
                session_name=f"objects-{secrets.token_hex(7)}", policy=policy
            )
        except StsLostError as error:
            log.warning("own-credentials-not-renewed", reason=error.reason)
            self._left_alone_until = self._clock() + LEFT_ALONE
            self._loss = error.reason

    def _left_s(self, session: _Session) -> float:
        if session.credentials is None:
            return 0.0
        return (session.credentials.expires_at - self._clock()).total_seconds()


MAX_COPY = 1 << 30
COPY_PART = 256 << 20
MAX_PARTS = 10_000
TIMEOUT_S = 5.0
"""For requests without a file, which OSS answers in less than a second; people wait for some."""

COPY_TIMEOUT_S = 60.0
READ_TIMEOUT_S = 60.0
MAX_PAGES = 10
"""Pages of 1,000 entries. An upload has at most 10,000 parts; further uploads are not listed."""

NEW_CREDENTIALS_HELP = (
    "SecurityTokenExpired",
    "InvalidSecurityToken",
    "AccessKeyIdAndSecurityTokenNotMatch",
    "InvalidAccessKeyId",
)
NO_OBJECT = ("NoSuchKey", "status-404", "SymlinkTargetNotExist", "InvalidTargetType")
"""Codes for a missing object, and for a symlink that leads to no object.

An answer to HEAD has no body, and possibly no code.
"""

NO_UPLOAD = ("NoSuchUpload",)
OTHER_OBJECT = ("NoSuchKey", "PreconditionFailed")
"""Codes for a copy of an object that was deleted or replaced."""

KEPT_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-oss-storage-class",
)

T = TypeVar("T")

log = logger("ossferry.bucket")


class OssBucket:
    """Reads and changes the objects in the configured bucket, as the server's role for objects.

    This RAM role is `settings.objects_role_arn`. The class implements `ObjectStore`.

    Args:
        assume_role: function that requests credentials of this role.
        max_copy: largest object to copy in one request, in bytes; larger objects are copied in
            parts.
        copy_part: size of these parts in bytes; larger if 10,000 parts would not be enough.
    """

    def __init__(
        self,
        settings: Settings,
        assume_role: AssumeRole,
        *,
        clock: Clock,
        max_copy: int = MAX_COPY,
        copy_part: int = COPY_PART,
    ) -> None:
        from ossferry.oss.sdk import MAX_CALLS, Sdk  # slow; without this role, the start is faster

        self._settings = settings
        self._clock = clock
        self._max_copy = max_copy
        self._copy_part = copy_part
        self._sdk = Sdk(settings.bucket, settings.region, settings.objects_address)
        self._turns = anyio.CapacityLimiter(MAX_CALLS)
        self._sessions = Sessions(assume_role, clock=clock)
        versions = settings.undo == "versions"
        self._policy = policy_text(objects_policy(bucket=settings.bucket, versions=versions))

    async def head(self, key: str) -> Stored | None:
        """Return the metadata of an object; None if the key has no object, or only a symlink.

        The request is HeadObject. For a symlink, OSS returns the metadata of the target and
        `x-oss-object-type: Symlink`; the result is then None.
        """
        stored = await self._find(lambda bucket: bucket.head(key), NO_OBJECT)
        return None if stored is None or stored.is_symlink else stored

    async def read(self, stored: Stored, start: int, end: int) -> bytes:
        """Return the bytes `[start, end)` of an object.

        Args:
            stored: the object, as `head` returned it.

        Raises:
            OssRefusedError: the object is missing or has another ETag, or OSS refuses the request.
            OssLostError: OSS gives no usable answer.
        """
        piece = await self._ask(
            lambda bucket: bucket.read(stored.key, start, end, stored.etag),
            timeout_s=READ_TIMEOUT_S,
            policy=self._reading(stored.key),
        )
        if len(piece) != end - start:
            raise OssLostError("unreadable")
        return piece

    async def list(self, prefix: str, *, after: str, limit: int) -> Sequence[Listed]:
        """Return the objects whose keys begin with a prefix, sorted by key (ListObjectsV2).

        Args:
            after: return only objects whose keys are greater than this text.
            limit: the highest number of objects.
        """
        return await self._ask(lambda bucket: bucket.list(prefix, after=after, limit=limit))

    async def copy(self, stored: Stored, target: str, *, forbid_overwrite: bool = False) -> bool:
        """Copy an object to the key `target`; return whether the copy is correct.

        The result is False in two cases:
        - The object no longer exists, or has another ETag than `stored`. Then nothing is copied.
        - The copy has another size or checksum than `stored`. Then the copy is removed.

        Args:
            stored: the object to copy, as `head` returned it.
            forbid_overwrite: whether to keep other objects under `target`. A bucket with versioning
                overwrites an existing object anyway, and keeps it as an old version.

        Raises:
            KeyTakenError: `forbid_overwrite` is set, and `target` already had an object (never in a
                bucket with versioning), or another upload has replaced the copy.
        """

        def copy(bucket: "SdkBucket") -> bool:
            if stored.size <= self._max_copy:
                bucket.copy(stored, target, forbid_overwrite=forbid_overwrite)
            else:
                _copy_parts(
                    bucket, stored, target, self._copy_part, forbid_overwrite=forbid_overwrite
                )
            return True

        try:
            copied = await self._find(
                copy,
                OTHER_OBJECT,
                timeout_s=COPY_TIMEOUT_S,
                policy=self._reading(stored.key, target),
            )
        except OssRefusedError as error:
            if error.oss_code != "FileAlreadyExists":
                raise
            raise KeyTakenError from error
        if not copied:
            return False
        made = await self.head(target)
        is_same = made is not None and made.size == stored.size
        if made and is_same and (not stored.crc64 or made.crc64 == stored.crc64):
            return True
        if made and forbid_overwrite:
            raise KeyTakenError
        await self.delete(target)
        return False

    async def delete(self, key: str, version: str = "") -> str:
        """Delete an object, or one of its versions (DeleteObject); a missing object is no error.

        Args:
            version: id of the version to delete; empty for the current object.

        Returns:
            The id of the deleted version or, without `version`, the version id of the new delete
            marker; empty if the bucket has no versioning.
        """
        return await self._ask(lambda bucket: bucket.delete(key, version))

    async def begun(self, prefix: str) -> Sequence[Begun]:
        """Return the unfinished multipart uploads below a key prefix; at most 10,000.

        The requests are ListMultipartUploads.
        """
        return await self._ask(lambda bucket: _entries(partial(bucket.begun, prefix)))

    async def parts(self, key: str, upload_id: str) -> Sequence[Part] | None:
        """Return the stored parts of a multipart upload; None if OSS has no such upload.

        The requests are ListParts.
        """
        return await self._find(
            lambda bucket: _entries(partial(bucket.parts, key, upload_id)), NO_UPLOAD
        )

    async def abort(self, key: str, upload_id: str) -> None:
        """Abort a multipart upload (AbortMultipartUpload); do nothing if OSS has no such upload."""
        await self._find(lambda bucket: bucket.abort(key, upload_id), NO_UPLOAD)

    async def link(self, stored: Stored, *, lives_s: int, params: Mapping[str, str]) -> Link:
        """Return a presigned URL for reading an object.

        Usually the server signs the URL with its STS credentials, and the URL expires with them at
        the latest. Before the signature, a HeadObject request tests whether OSS still accepts the
        credentials. If not, they are renewed.

        If the URL should outlive the STS credentials, the access key for links in the settings
        signs it instead. No session policy limits this key, and an uploader can replace an object
        by a symlink after the signature. Therefore the key signs only the URL of an object version,
        which cannot be replaced. Without this key or a version, the URL expires earlier.

        Args:
            stored: the object, as `head` returned it.
            lives_s: seconds until the URL should expire.
            params: query parameters that are included in the signature, such as
                `response-content-type`.
        """
        policy = self._reading(stored.key)
        await self._find(lambda bucket: bucket.head(stored.key), NO_OBJECT, policy=policy)
        credentials = await self._sessions.fresh(policy)
        now = self._clock()
        key = self._links_key()
        if lives_s > (credentials.expires_at - now).total_seconds() and key:
            if stored.version:
                credentials, params = key, {**params, "versionId": stored.version}
            else:
                log.warning("link-shortened", reason="the bucket does not keep versions")
        lives_s = min(lives_s, int((credentials.expires_at - now).total_seconds()))
        bucket = self._sdk.bucket(
            credentials, self._settings.links_address, timeout_s=TIMEOUT_S, is_cname=True
        )
        url = bucket.link(stored.key, lives_s, params)
        return Link(url=url, expires_at=now.replace(microsecond=0) + timedelta(seconds=lives_s))

    async def close(self) -> None:
        """Close the HTTP connections to OSS."""
        self._sdk.close()

    async def _find(
        self, call: Callable[["SdkBucket"], T], none_if: Sequence[str], **options: Any
    ) -> T | None:
        """Run a call to OSS, like `_ask`; return None if OSS refuses it with one of these codes."""
        try:
            return await self._ask(call, **options)
        except OssRefusedError as error:
            if error.oss_code not in none_if:
                raise
            return None

    async def _ask(
        self, call: Callable[["SdkBucket"], T], *, timeout_s: float = TIMEOUT_S, policy: str = ""
    ) -> T:
        """Run a call to OSS with the current credentials.

        If OSS rejects the credentials, renew them and repeat the call once.

        Args:
            policy: the session policy of the credentials; by default that for all uploads.

        Raises:
            OssRefusedError: OSS refuses the call.
            OssLostError: OSS gives no usable answer.
        """
        policy = policy or self._policy
        try:
            return await self._once(call, timeout_s, policy)
        except OssRefusedError as error:
            if error.oss_code not in NEW_CREDENTIALS_HELP:
                raise
        self._sessions.forget(policy)
        return await self._once(call, timeout_s, policy)

    async def _once(self, call: Callable[["SdkBucket"], T], timeout_s: float, policy: str) -> T:
        bucket = self._sdk.bucket(
            await self._sessions.fresh(policy),
            self._settings.objects_address,
            timeout_s=timeout_s,
            is_cname=self._settings.objects_by_cname,
        )
        try:
            with anyio.fail_after(timeout_s), self._sdk.errors():
                return await anyio.to_thread.run_sync(
                    partial(call, bucket), limiter=self._turns, abandon_on_cancel=True
                )
        except TimeoutError as error:
            raise OssLostError("no-answer") from error

    def _links_key(self) -> StsCredentials | None:
        """Return the access key for links, which never expires; None if the settings have none."""
        settings = self._settings
        if not settings.share_access_key_id or not settings.share_access_key_secret:
            return None
        return StsCredentials(
            access_key_id=settings.share_access_key_id,
            access_key_secret=settings.share_access_key_secret.get_secret_value(),
        )

    def _reading(self, source: str, target: str = "") -> str:
        """Return the session policy for reading an object, and for its copy."""
        policy = reading_policy(
            bucket=self._settings.bucket,
            source=folder_of(source),
            target=folder_of(target) if target else "",
        )
        return policy_text(policy)


def _copy_parts(
    bucket: "SdkBucket", stored: Stored, target: str, part_size: int, *, forbid_overwrite: bool
) -> None:
    """Copy a large object within OSS in parts.

    Headers, metadata and tags are sent explicitly, because OSS does not copy them with the parts.
    """
    found = {name.lower(): value for name, value in bucket.headers(stored.key).items()}
    headers = {
        name: value
        for name, value in found.items()
        if name.startswith(METADATA) or name in KEPT_HEADERS
    }
    if "x-oss-tagging-count" in found:
        headers["x-oss-tagging"] = bucket.object_tags(stored.key)
    upload_id = bucket.begin(target, headers)
    part_size = max(part_size, -(-stored.size // MAX_PARTS))
    try:
        etags = {
            number: bucket.copy_part(
                stored, start, min(start + part_size, stored.size), target, upload_id, number
            )
            for number, start in enumerate(range(0, stored.size, part_size), start=1)
        }
        bucket.complete(target, upload_id, etags, forbid_overwrite=forbid_overwrite)
    except Exception:
        bucket.abort(target, upload_id)
        raise


def _entries(page_after: Callable[[tuple[str, ...]], "Page[T]"]) -> Sequence[T]:
    """Return the entries of the first `MAX_PAGES` pages of a list."""
    page = page_after(())
    found = [*page.entries]
    for _ in range(MAX_PAGES - 1):
        if page.after is None:
            break
        page = page_after(page.after)
        found += page.entries
    return found
