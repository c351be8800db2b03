"""The bucket of a set-up through `oss2`: reads and changes its settings, and deletes it.

Each failure becomes one sentence that says what to do.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import oss2
from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials.exceptions import CredentialException
from requests import RequestException

from ossferry.errors import CloudError
from ossferry.oss.ram import CLOCK_WRONG, NO_CREDENTIALS, WRONG_CREDENTIALS
from ossferry.oss.sdks.common import http_session
from ossferry.setup.wanted import Wanted

__all__ = ["Bucket"]

TIMEOUT_S = 15
MANY = 1000
"""Keys in one DeleteMultipleObjects request."""

RIGHTS = {"PutBucketTags": "PutBucketTagging", "GetBucketTags": "GetBucketTagging"}
"""Action -> the right that it needs, if that has another name."""

WRONG_KEY = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "SecurityTokenExpired")
UNREADABLE = (TypeError, ValueError, AttributeError, ParseError)
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


class _Credentials(oss2.credentials.CredentialsProvider):  # type: ignore[misc]  # untyped
    """Gives the credentials of the vendor's chain to `oss2`."""

    def __init__(self, client: CredentialClient) -> None:
        self._client = client

    def get_credentials(self) -> Any:
        """Return the current credentials."""
        found = self._client.get_credential()
        return oss2.credentials.Credentials(
            found.access_key_id, found.access_key_secret, found.security_token
        )


class Bucket:
    """The bucket that a set-up makes.

    Args:
        wanted: the names.
        credentials: credentials for the calls.
        address: URL of OSS, without the bucket.
    """

    def __init__(self, wanted: Wanted, credentials: CredentialClient, address: str) -> None:
        self._wanted = wanted
        self._address = address
        self._auth = oss2.ProviderAuthV4(_Credentials(credentials))
        self._session = oss2.Session()
        self._session.session = http_session(address)
        self._bucket = self._open(address)
        self.on_deleted: Callable[[int], None] = lambda count: None

    def _open(self, address: str, *, is_cname: bool = False) -> Any:
        return oss2.Bucket(
            self._auth,
            address,
            self._wanted.bucket,
            is_cname=is_cname,
            session=self._session,
            connect_timeout=TIMEOUT_S,
            region=self._wanted.region,
        )

    def close(self) -> None:
        """Close the HTTP connections."""
        self._session.session.close()

    def info(self) -> Any:
        """Return owner, ACL, region and switches of the bucket; None if it does not exist.

        Raises:
            CloudError: the bucket belongs to another account or region, or OSS refuses the request
                or does not answer.
        """
        try:
            found = self._read("GetBucketInfo", self._bucket.get_bucket_info)
        except CloudError as error:
            if error.error_code == "AccessDenied":
                raise self._foreign(error) from error
            raise
        name, region = self._wanted.bucket, self._wanted.region
        if found is None:
            return None
        if found.location != f"oss-{region}":
            there = str(found.location).removeprefix("oss-")
            raise CloudError(
                f"the bucket {name} exists in the region {there}: use --region {there}, or choose"
                " another name with --bucket."
            )
        if found.owner.id != self._wanted.account:
            raise self._foreign(None)
        return found

    def check_region(self) -> None:
        """Check that OSS at this address has the wanted region; the bucket need not exist.

        The request needs the right oss:ListBuckets; a caller without it is not told here.

        Raises:
            CloudError: OSS does not accept the region or the credentials, or does not answer.
        """
        service = oss2.Service(
            self._auth,
            self._address,
            session=self._session,
            connect_timeout=TIMEOUT_S,
            region=self._wanted.region,
        )
        try:
            with self._sentences("ListBuckets"):
                service.list_buckets(max_keys=1)
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
        """Return the tags of the bucket."""
        found = self._read("GetBucketTags", self._bucket.get_bucket_tagging)
        return {} if found is None else found.tag_set.tagging_rule

    def blocks_public_access(self) -> bool:
        """Return whether Block Public Access is on."""
        found = self._read(
            "GetBucketPublicAccessBlock", self._bucket.get_bucket_public_access_block
        )
        return found is not None and bool(found.block_public_access)

    def versioning(self) -> str:
        """Return the status of versioning, or empty text if it was never on."""
        found = self._read("GetBucketVersioning", self._bucket.get_bucket_versioning)
        return "" if found is None else found.status or ""

    def cors(self) -> Any:
        """Return the CORS rules as `oss2` models; None if CORS is off."""
        return self._read("GetBucketCors", self._bucket.get_bucket_cors)

    def lifecycle_rules(self) -> list[Any]:
        """Return the lifecycle rules as `oss2` models."""
        found = self._read("GetBucketLifecycle", self._bucket.get_bucket_lifecycle)
        return [] if found is None else list(found.rules)

    def domain(self) -> Any:
        """Return the binding of the wanted custom domain; None if the domain is not bound."""
        found = self._read("ListCname", self._bucket.list_bucket_cname)
        bound = [] if found is None else found.cname
        return next((each for each in bound if each.domain == self._wanted.domain), None)

    def counts(self) -> tuple[int, int]:
        """Return the numbers of objects and of unfinished uploads, as OSS last counted them."""
        found = self._read("GetBucketStat", self._bucket.get_bucket_stat)
        return (0, 0) if found is None else (found.object_count, found.multi_part_upload_count)

    def is_untouched(self) -> bool:
        """Return whether the bucket has no tags, rules, objects and unfinished uploads."""
        return not (self.tags() or self.cors() or self.lifecycle_rules() or any(self.counts()))

    def _read(self, action: str, call: Callable[[], T]) -> T | None:
        """Return the answer of a reading call, or None if there is nothing to read."""
        try:
            with self._sentences(action):
                return call()
        except CloudError as error:
            if error.error_code.startswith("NoSuch"):
                return None
            raise

    def run(self, action: str, **params: str) -> str:
        """Make a call that changes the bucket.

        Returns:
            The token of CreateCnameToken; otherwise empty text.

        Raises:
            CloudError: OSS refuses the request or does not answer.
        """
        bucket = self._bucket
        actions: dict[str, Callable[[], Any]] = {
            "PutBucket": lambda: bucket.create_bucket(
                oss2.BUCKET_ACL_PRIVATE, params["Configuration"]
            ),
            "PutBucketTags": lambda: bucket.put_bucket_tagging(params["Configuration"]),
            "PutBucketAcl": lambda: bucket.put_bucket_acl(oss2.BUCKET_ACL_PRIVATE),
            "PutBucketPublicAccessBlock": lambda: bucket.put_bucket_public_access_block(True),
            "PutBucketVersioning": lambda: bucket.put_bucket_versioning(params["Configuration"]),
            "PutBucketCors": lambda: bucket.put_bucket_cors(params["Configuration"]),
            "DeleteBucketCors": bucket.delete_bucket_cors,
            "PutBucketLifecycle": lambda: bucket.put_bucket_lifecycle(params["Configuration"]),
            "DeleteBucketLifecycle": bucket.delete_bucket_lifecycle,
            "CreateCnameToken": lambda: bucket.create_bucket_cname_token(params["Domain"]),
            "PutCname": lambda: bucket.put_bucket_cname(_cname(params)),
            "DeleteCname": lambda: bucket.delete_bucket_cname(params["Domain"]),
            "DeleteObjects": self._delete_objects,
            "DeleteBucket": bucket.delete_bucket,
        }
        with self._sentences(action):
            answer = actions[action]()
        return str(answer.token) if action == "CreateCnameToken" else ""

    def _delete_objects(self) -> None:
        """Delete all objects with their versions, and abort all unfinished uploads.

        A public endpoint may refuse objects; then the custom domain is used, if it is bound.
        """
        bucket = self._bucket
        try:
            bucket.list_objects_v2(max_keys=1)
        except oss2.exceptions.ServerError as error:
            is_bound = self._wanted.domain and self.domain() is not None
            if error.code != "PublicEndpointForbidden" or not is_bound:
                raise
            scheme = urlsplit(self._address).scheme
            bucket = self._open(f"{scheme}://{self._wanted.domain}", is_cname=True)
        count = self._delete_versions(bucket) if self.versioning() else 0
        while keys := [each.key for each in bucket.list_objects_v2(max_keys=MANY).object_list]:
            bucket.batch_delete_objects(keys)
            count += len(keys)
            self.on_deleted(count)
        for upload in oss2.MultipartUploadIterator(bucket, max_uploads=MANY):
            bucket.abort_multipart_upload(upload.key, upload.upload_id)

    def _delete_versions(self, bucket: Any) -> int:
        """Delete all versions of all objects and all delete markers; return their number."""
        count, key, version, is_last = 0, "", "", False
        while not is_last:
            try:
                page = bucket.list_object_versions(
                    key_marker=key, versionid_marker=version, max_keys=MANY
                )
            except oss2.exceptions.ServerError as error:
                if error.code == "NotImplemented":  # a mock, which keeps one version
                    return count
                raise
            key, version = page.next_key_marker, page.next_versionid_marker
            is_last = not page.is_truncated
            versions = [
                oss2.models.BatchDeleteObjectVersion(each.key, each.versionid)
                for each in (*page.versions, *page.delete_marker)
            ]
            if versions:
                bucket.delete_object_versions(oss2.models.BatchDeleteObjectVersionList(versions))
                count += len(versions)
                self.on_deleted(count)
        return count

    @contextmanager
    def _sentences(self, action: str) -> Iterator[None]:
        """Return a context that turns exceptions of `oss2` into sentences."""
        try:
            yield
        except oss2.exceptions.ServerError as error:
            raise self._refusal(action, error) from error
        except CredentialException as error:
            raise CloudError(NO_CREDENTIALS) from error
        except (oss2.exceptions.RequestError, RequestException) as error:
            raise CloudError(
                f"OSS does not answer at {self._address}: if {self._wanted.region} is the name of a"
                " region, check the network, and a proxy in HTTPS_PROXY; then run the command"
                " again."
            ) from error
        except (oss2.exceptions.OssError, *UNREADABLE) as error:
            raise CloudError(
                f"the answer to {action} at {self._address} is not from OSS: check the network."
            ) from error

    def _refusal(self, action: str, error: oss2.exceptions.ServerError) -> CloudError:
        code = error.code or f"status {error.status}"
        if code in REFUSALS:
            wanted = self._wanted
            text = REFUSALS[code].format(
                bucket=wanted.bucket, domain=wanted.domain, region=wanted.region
            )
            return CloudError(text, code)
        if "signing region" in str(error.message):
            return CloudError(
                f"OSS does not accept the region {self._wanted.region} at {self._address}: give"
                " --region with the region of this endpoint and of the bucket.",
                code,
            )
        if code == "RequestTimeTooSkewed":
            return CloudError(CLOCK_WRONG.format(code=code), code)
        if code in WRONG_KEY:
            return CloudError(WRONG_CREDENTIALS.format(code=code), code)
        if code == "AccessDenied":
            return CloudError(
                f"OSS refused {action} (AccessDenied: {error.message}): use credentials of an"
                f" administrator, or give the caller the right oss:{RIGHTS.get(action, action)}.",
                code,
            )
        return CloudError(f"OSS refused {action} ({code}: {error.message}).", code)


def _cname(params: dict[str, str]) -> Any:
    """Return the request that binds a domain, with the certificate in the given files.

    Raises:
        CloudError: a file cannot be read.
    """
    certificate = None
    if "CertificateFile" in params:
        texts = []
        for name in (params["CertificateFile"], params["PrivateKeyFile"]):
            try:
                texts.append(Path(name).read_text("ascii"))
            except (OSError, UnicodeDecodeError) as error:
                raise CloudError(f"{name} is not a readable PEM file.") from error
        certificate = oss2.models.CertInfo(certificate=texts[0], private_key=texts[1], force=True)
    return oss2.models.PutBucketCnameRequest(params["Domain"], certificate)
