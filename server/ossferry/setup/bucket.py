"""The bucket of a set-up: reads and changes its settings, and deletes it.

Each failure is converted to an error whose message says what to do.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from alibabacloud_credentials.client import Client as CredentialClient

from ossferry.errors import (
    CloudError,
    OssDomainError,
    OssEndpointError,
    OssLostError,
    OssRefusedError,
    StsLostError,
)
from ossferry.oss.cors_rule import Cors
from ossferry.oss.ram import CLOCK_WRONG, NO_CREDENTIALS, WRONG_CREDENTIALS
from ossferry.oss.sdk import BucketInfo, Domain, LifecycleRule, Sdk, SdkBucket
from ossferry.oss.sts import read_credentials
from ossferry.setup.wanted import Wanted

TIMEOUT_S = 15
MANY = 1000
"""Keys in one DeleteMultipleObjects request."""

RIGHTS = {"PutBucketTags": "PutBucketTagging", "GetBucketTags": "GetBucketTagging"}
"""Action -> the right that it needs, if that has another name."""

NOT_VERIFIED = "NeedVerifyDomainOwnership"
WRONG_KEY = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "SecurityTokenExpired")
REFUSALS = {
    "BucketAlreadyExists": (
        "the bucket name {bucket} is taken by another account: choose another name with --bucket."
    ),
    "TooManyBuckets": "the account may not have more buckets: delete one, or use one that exists.",
    "UserDisable": "the account is disabled, for example because of a debt: see the OSS console.",
    "PublicEndpointForbidden": (
        "this account may not use the public endpoint for objects: run the command on an ECS"
        " machine of the region with --oss-endpoint https://oss-{region}-internal.aliyuncs.com."
    ),
    "BucketNotEmpty": (
        "the bucket {bucket} is not empty, so it stays: run the command with --delete-objects,"
        " which also deletes old versions of objects."
    ),
    NOT_VERIFIED: (
        "OSS does not find the TXT record of {domain} yet: add it to the DNS zone, wait some"
        " minutes, and run the same command again; everything else is done."
    ),
    "CnameAlreadyExists": (
        "{domain} is bound to another bucket of this account: unbind it there, or choose another"
        " domain."
    ),
    "CnameDenied": (
        "{domain} is bound to a bucket of another account: unbind it there, or verify the"
        " ownership in the OSS console."
    ),
    "CnameIsForbidden": "{domain} is a domain of Alibaba Cloud: use a domain of your own.",
    "CnameIsRisk": "OSS considers {domain} risky: use another domain.",
    "NoSuchCnameInRecord": (
        "{domain} has no ICP filing, which a bucket in the mainland needs: get one, or use a region"
        " outside the mainland."
    ),
}
"""OSS's code for a refusal -> what to do. Source: the vendor's pages of each operation."""

T = TypeVar("T")


class Bucket:
    """Reads and changes the settings of the bucket that a set-up creates or uses.

    Args:
        wanted: the wanted state, which contains the name and the region of the bucket.
        credentials: credentials of the person who runs the command.
        address: URL of OSS, without the bucket's name.

    Attributes:
        on_deleted: function that `run` calls while it deletes all objects, with the number of
            objects deleted so far.
    """

    def __init__(self, wanted: Wanted, credentials: CredentialClient, address: str) -> None:
        self._wanted = wanted
        self._address = address
        self._credentials = credentials
        self._sdk = Sdk(wanted.bucket, wanted.region, address)
        self.on_deleted: Callable[[int], None] = lambda count: None

    def _bucket(self, address: str = "", *, is_cname: bool = False) -> SdkBucket:
        """Return the bucket with the current credentials."""
        _, credentials = read_credentials(self._credentials)
        return self._sdk.bucket(
            credentials, address or self._address, timeout_s=TIMEOUT_S, is_cname=is_cname
        )

    def close(self) -> None:
        """Close the HTTP connections to OSS."""
        self._sdk.close()

    def info(self) -> BucketInfo | None:
        """Return region, owner, ACL and creation time of the bucket; None if it does not exist.

        Raises:
            CloudError: the bucket belongs to another account or region, or OSS refuses the request
                or does not answer.
        """
        try:
            found = self._read("GetBucketInfo", lambda bucket: bucket.info())
        except CloudError as error:
            if error.error_code == "AccessDenied":
                raise self._foreign(error) from error
            raise
        name, region = self._wanted.bucket, self._wanted.region
        if found is None:
            return None
        if found.region != region:
            there = found.region
            raise CloudError(
                f"the bucket {name} exists in the region {there}: use --region {there}, or choose"
                " another name with --bucket."
            )
        if found.owner != self._wanted.account:
            raise self._foreign(None)
        return found

    def check_region(self) -> None:
        """Raise an error if OSS does not accept the wanted region or the credentials.

        The bucket need not exist. This method sends a ListBuckets request. If OSS refuses it only
        because the caller lacks the right `oss:ListBuckets`, this method does not raise an error.

        Raises:
            CloudError: OSS does not accept the region or the credentials, or does not answer.
        """
        try:
            with self._sentences("ListBuckets"):
                _, credentials = read_credentials(self._credentials)
                self._sdk.list_buckets(credentials, self._address, timeout_s=TIMEOUT_S)
        except CloudError as error:
            if error.error_code != "AccessDenied":
                raise

    def _foreign(self, error: CloudError | None) -> CloudError:
        name, region = self._wanted.bucket, self._wanted.region
        if error is not None and "specified endpoint" in str(error):
            return CloudError(
                f"the bucket {name} exists in another region than {region}: use --region with the"
                " bucket's region, or choose another name with --bucket.",
                error.error_code,
            )
        return CloudError(
            f"the bucket {name} belongs to another account, or the caller may not oss:GetBucketInfo"
            " there: choose another name with --bucket, or use credentials of an administrator.",
            "AccessDenied",
        )

    def tags(self) -> Mapping[str, str]:
        """Return the bucket's tags as a mapping from names to values; empty if it has none."""
        return self._read("GetBucketTags", lambda bucket: bucket.tags()) or {}

    def blocks_public_access(self) -> bool:
        """Return whether Block Public Access is on for the bucket."""
        action = "GetBucketPublicAccessBlock"
        return bool(self._read(action, lambda bucket: bucket.blocks_public_access()))

    def versioning(self) -> str:
        """Return the versioning status, `Enabled` or `Suspended`; empty if it was never enabled."""
        return self._read("GetBucketVersioning", lambda bucket: bucket.versioning()) or ""

    def cors(self) -> Cors | None:
        """Return the bucket's CORS rules; None if it has none."""
        return self._read("GetBucketCors", lambda bucket: bucket.cors())

    def lifecycle_rules(self) -> Sequence[LifecycleRule]:
        """Return the bucket's lifecycle rules; empty if it has none."""
        return self._read("GetBucketLifecycle", lambda bucket: bucket.lifecycle()) or ()

    def domain(self) -> Domain | None:
        """Return the wanted custom domain if it is bound to the bucket; otherwise None."""
        bound = self._read("ListCname", lambda bucket: bucket.domains()) or ()
        return next((each for each in bound if each.name == self._wanted.domain), None)

    def counts(self) -> tuple[int, int]:
        """Return the number of objects and of unfinished multipart uploads in the bucket.

        OSS counts them from time to time, so the numbers may be out of date.
        """
        return self._read("GetBucketStat", lambda bucket: bucket.counts()) or (0, 0)

    def is_untouched(self) -> bool:
        """Return whether the bucket has neither tags, rules, objects nor unfinished uploads.

        The rules are CORS rules and lifecycle rules.
        """
        return not (self.tags() or self.cors() or self.lifecycle_rules() or any(self.counts()))

    def _read(self, action: str, call: Callable[[SdkBucket], T]) -> T | None:
        """Return the answer of a reading call, or None if there is nothing to read."""
        try:
            with self._sentences(action):
                return call(self._bucket())
        except CloudError as error:
            if error.error_code.startswith("NoSuch"):
                return None
            raise

    def run(self, action: str, **params: str) -> str:
        """Send a request that creates, changes or deletes the bucket, or deletes all its objects.

        Args:
            action: name of an OSS operation, such as `PutBucketCors`; or `DeleteObjects`, which
                deletes all objects and their versions, and aborts all unfinished uploads.
            params: parameters as for `SdkBucket.change`, but `CertificateFile` and `PrivateKeyFile`
                are paths of PEM files.

        Returns:
            The token in the response to CreateCnameToken; empty for all other actions.

        Raises:
            CloudError: OSS refuses the request or does not answer, or a PEM file cannot be read.
        """
        with self._sentences(action):
            if action == "DeleteObjects":
                self._delete_objects()
                return ""
            return self._bucket().change(action, **_with_files(params))

    def _delete_objects(self) -> None:
        """Delete all objects with their versions, and abort all unfinished uploads.

        A public endpoint may refuse objects; then the custom domain is used, if it is bound.
        """
        address, is_cname = self._address, False
        try:
            with self._sdk.errors():
                self._bucket().list("", after="", limit=1)
        except OssEndpointError as error:
            if isinstance(error, OssDomainError) or not self._wanted.domain or not self.domain():
                raise
            address, is_cname = f"{urlsplit(address).scheme}://{self._wanted.domain}", True

        def bucket() -> SdkBucket:
            return self._bucket(address, is_cname=is_cname)

        count = self._delete_versions(bucket) if self.versioning() else 0
        while listed := bucket().list("", after="", limit=MANY):
            bucket().delete_all([each.key for each in listed])
            count += len(listed)
            self.on_deleted(count)
        while begun := bucket().begun("", ()).entries:
            for upload in begun:
                bucket().abort(upload.key, upload.upload_id)

    def _delete_versions(self, bucket: Callable[[], SdkBucket]) -> int:
        """Delete all versions of all objects and all delete markers; return their number."""
        count = 0
        after: tuple[str, ...] | None = ()
        while after is not None:
            try:
                with self._sdk.errors():
                    page = bucket().versions(after, limit=MANY)
            except OssRefusedError as error:
                if error.oss_code == "NotImplemented":  # a mock, which keeps one version
                    return count
                raise
            after = page.after
            if page.entries:
                bucket().delete_versions(page.entries)
                count += len(page.entries)
                self.on_deleted(count)
        return count

    @contextmanager
    def _sentences(self, action: str) -> Iterator[None]:
        """Return a context that turns refusals and lost answers of OSS into sentences."""
        try:
            with self._sdk.errors():
                yield
        except OssRefusedError as error:
            raise self._refusal(action, error.oss_code, error.oss_message) from error
        except StsLostError as error:
            raise CloudError(NO_CREDENTIALS) from error
        except OssLostError as error:
            raise self._loss(action, error.reason) from error

    def _loss(self, action: str, reason: str) -> CloudError:
        if reason == "no-answer":
            return CloudError(
                f"OSS does not answer at {self._address}: if {self._wanted.region} is the name of a"
                " region, check the network, and a proxy in HTTPS_PROXY; then run the command"
                " again."
            )
        if reason == "unreadable":
            return CloudError(
                f"the answer to {action} at {self._address} is not from OSS: check the network."
            )
        if reason == "RequestTimeTooSkewed":
            return CloudError(CLOCK_WRONG.format(code=reason), reason)
        return CloudError(f"OSS failed at {action} ({reason}): run the command again.", reason)

    def _refusal(self, action: str, code: str, message: str) -> CloudError:
        if code in REFUSALS:
            wanted = self._wanted
            text = REFUSALS[code].format(
                bucket=wanted.bucket, domain=wanted.domain, region=wanted.region
            )
            return CloudError(text, code)
        if "signing region" in message:
            return CloudError(
                f"OSS does not accept the region {self._wanted.region} at {self._address}: give"
                " --region with the region of this endpoint and of the bucket.",
                code,
            )
        if code in WRONG_KEY:
            return CloudError(WRONG_CREDENTIALS.format(code=code), code)
        if code == "AccessDenied":
            return CloudError(
                f"OSS refused {action} (AccessDenied: {message}): use credentials of an"
                f" administrator, or give the caller the right oss:{RIGHTS.get(action, action)}.",
                code,
            )
        return CloudError(f"OSS refused {action} ({code}: {message}).", code)


def _with_files(params: Mapping[str, str]) -> dict[str, str]:
    """Return parameters with the texts of the files that they name.

    Raises:
        CloudError: a file cannot be read.
    """
    given = dict(params)
    for member in ("Certificate", "PrivateKey"):
        if name := given.pop(f"{member}File", ""):
            try:
                given[member] = Path(name).read_text("ascii")
            except (OSError, UnicodeDecodeError) as error:
                raise CloudError(f"{name} is not a readable PEM file.") from error
    return given
