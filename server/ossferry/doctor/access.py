"""Requests to the bucket with given credentials, and what a refusal means."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import anyio.to_thread

from ossferry.diagnosis.findings import Finding, failed
from ossferry.errors import OssRefusedError
from ossferry.oss.bucket import TIMEOUT_S
from ossferry.oss.sdk import Sdk, SdkBucket
from ossferry.oss.sts import StsCredentials
from ossferry.settings.model import Settings

ADDRESS_FAULTS: Mapping[str, tuple[str, str]] = {
    "PublicEndpointForbidden": (
        "OSS does not let this account use the public endpoint {} for objects.",
        "Bind a custom domain to the bucket, and set OSSFERRY_ENDPOINT and OSSFERRY_CNAME=1;"
        " docs/custom-domain.md has the steps.",
    ),
    "NonStandardHostForbidden": (
        "The custom domain {} is bound to no bucket.",
        "Bind the domain to the bucket; docs/custom-domain.md has the steps.",
    ),
    "SecondLevelDomainForbidden": (
        "The address {} accepts the bucket only as part of the host name.",
        "Set OSSFERRY_ENDPOINT to the endpoint without the bucket.",
    ),
}
"""Maps OSS's codes for an address that it does not serve to the reason and the fix."""

T = TypeVar("T")


class Access:
    """Sends requests to the bucket."""

    def __init__(self, settings: Settings, sdk: Sdk) -> None:
        self._settings = settings
        self._sdk = sdk

    def bucket(self, credentials: StsCredentials, origin: str) -> SdkBucket:
        """Return the bucket at an address that has the bucket's name, as browsers use it."""
        return self._sdk.bucket(credentials, origin, timeout_s=TIMEOUT_S, is_cname=True)

    def servers_bucket(self, credentials: StsCredentials) -> SdkBucket:
        """Return the bucket at the address that the server itself uses."""
        return self._sdk.bucket(
            credentials,
            self._settings.objects_address,
            timeout_s=TIMEOUT_S,
            is_cname=self._settings.objects_by_cname,
        )

    async def call(self, bucket: SdkBucket, call: Callable[[SdkBucket], T]) -> T:
        """Run a call in a thread.

        Raises:
            OssRefusedError: OSS refuses the request.
            OssLostError: OSS gives no usable answer.
        """
        with self._sdk.errors():
            return await anyio.to_thread.run_sync(call, bucket)

    def refused(self, error: OssRefusedError, origin: str) -> Finding:
        """Return the finding for a request that OSS refuses for another reason than a right."""
        if error.oss_code in ADDRESS_FAULTS:
            reason, fix = ADDRESS_FAULTS[error.oss_code]
            return failed(reason.format(origin), fix)
        if error.oss_code == "SignatureDoesNotMatch" and not self._settings.is_endpoint(origin):
            return failed(
                f"The custom domain {origin} is bound to another bucket than"
                f" {self._settings.bucket}.",
                "Bind the domain to this bucket, or correct OSSFERRY_BUCKET.",
            )
        return failed(
            f"OSS refuses a request to {origin} ({error.oss_code}).",
            explain(error.oss_ec or error.oss_code),
        )


def explain(code: str) -> str:
    """Return a sentence that says where Alibaba Cloud explains a code of OSS."""
    return f"Look up the code at https://api.aliyun.com/troubleshoot?q={code}&product=Oss."
