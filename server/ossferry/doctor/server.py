"""The server that `ossferry doctor` examines: its requests to OSS, and reasons of refusals."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import anyio.to_thread
import httpx

from ossferry.clock import Clock
from ossferry.diagnosis.findings import Finding, failed
from ossferry.diagnosis.probes import StsTime, ask_sts_date
from ossferry.errors import OssRefusedError
from ossferry.identity.object_keys import INCOMING, UPLOADS
from ossferry.oss.bucket import TIMEOUT_S
from ossferry.oss.sdk import Sdk, SdkBucket
from ossferry.oss.sts import StsClient, StsCredentials, default_credentials
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


def new_prefix(parent: str) -> str:
    """Return a new random key prefix below the prefix `parent`, so that no object is below it."""
    return f"{parent}doctor-{secrets.token_hex(8)}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response of OSS to a request without a signature.

    Attributes:
        code: the error code, such as `AccessDenied`; empty if the response has none.
        endpoint: the endpoint that OSS recommends instead; empty if it recommends none.
        skew_s: seconds by which this machine's clock is ahead of the date in the response.
    """

    code: str
    endpoint: str
    headers: httpx.Headers
    skew_s: float


NO_CREDENTIALS = StsCredentials(access_key_id="", access_key_secret="")
"""In place of the server's own credentials, until a probe has found them."""
CreateApp: TypeAlias = Callable[..., object]
"""Creates the application as `ossferry.app.create_app` does, without opening a connection."""


class Server:
    """The server whose set-up is examined, and the results that later probes need.

    Args:
        client: the HTTP client for requests without the SDK; it may use a proxy.
        create_app: creates the application as the command `serve` does, or raises a `SettingsError`
            if the command refuses the settings.

    Attributes:
        credentials: the source of the server's own credentials.
        sts: client of STS for the role for uploads.
        time: the probes `sts` and `clock`, which share one request to STS.
        sdk: makes clients of the bucket.
        pages: origins of the pages that upload: our own page, and pages that use the API.
        prefix: the prefix of everything that probes write.
        key: the key of an object below `prefix` that does not exist.
        own: the server's own credentials, after the probe `credentials`.
        caller: the ARN of the server's identity, after the probe `credentials`.
        answers: the response of OSS at each address of the bucket, by the address, after the probe
            `endpoint`.
    """

    def __init__(
        self, settings: Settings, client: httpx.AsyncClient, clock: Clock, create_app: CreateApp
    ) -> None:
        self.settings = settings
        self.client = client
        self.clock = clock
        self.create_app = create_app
        self.credentials = default_credentials()
        self.sts = StsClient(settings, self.credentials)
        self.time = StsTime(ask_sts_date(settings), clock)
        self.sdk = Sdk(settings.bucket, settings.region, settings.objects_address)
        self.pages = tuple(
            dict.fromkeys((*settings.own_origins(settings.port), *settings.cors_origins))
        )
        place = INCOMING if settings.release == "checked" else ""
        self.prefix = place + new_prefix(UPLOADS)
        self.key = f"{self.prefix}check"
        self.own = NO_CREDENTIALS
        self.caller = "the server's identity"
        self.answers: dict[str, Answer] = {}

    def bucket(
        self, credentials: StsCredentials, address: str, *, is_cname: bool = True
    ) -> SdkBucket:
        """Return a client of the bucket.

        Args:
            credentials: credentials with which the client signs its requests.
            address: URL of the bucket, which may be a custom domain, or URL of the OSS endpoint.
            is_cname: True for the URL of the bucket, False for the URL of the endpoint.
        """
        return self.sdk.bucket(credentials, address, timeout_s=TIMEOUT_S, is_cname=is_cname)

    async def call(self, bucket: SdkBucket, call: Callable[[SdkBucket], T]) -> T:
        """Run `call(bucket)`, which sends a request to OSS, in a thread, and return its result.

        Raises:
            OssRefusedError: OSS refuses the request.
            OssLostError: OSS gives no usable answer.
        """
        with self.sdk.errors():
            return await anyio.to_thread.run_sync(call, bucket)

    def refused(self, error: OssRefusedError, origin: str) -> Finding:
        """Return the finding for a request that OSS refuses, but not because of a missing right.

        Args:
            origin: the address to which the request was sent.
        """
        if error.oss_code in ADDRESS_FAULTS:
            reason, fix = ADDRESS_FAULTS[error.oss_code]
            return failed(reason.format(origin), fix)
        if error.oss_code == "SignatureDoesNotMatch" and not self.settings.is_endpoint(origin):
            return failed(
                f"The custom domain {origin} is bound to another bucket than"
                f" {self.settings.bucket}.",
                "Bind the domain to this bucket, or correct OSSFERRY_BUCKET.",
            )
        return failed(
            f"OSS refuses a request to {origin} ({error.oss_code}).",
            explain(error.oss_ec or error.oss_code),
        )


def explain(code: str) -> str:
    """Return a sentence with the URL where Alibaba Cloud explains an error code of OSS."""
    return f"Look up the code at https://api.aliyun.com/troubleshoot?q={code}&product=Oss."
