"""A client of STS: calls the official SDK, and converts its errors to this project's exceptions.

The SDK's synchronous version runs in worker threads. The asynchronous version would block the event
loop for about ten milliseconds per call, because it builds a new TLS context and connection each
time. Error codes and request ids of STS are logged; clients never receive them.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_sts20150401.client import Client as StsApi
from alibabacloud_sts20150401.models import AssumeRoleRequest, AssumeRoleResponse
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import RetryError
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from ossferry.errors import SettingsError, StsLostError, StsRefusedError
from ossferry.observability.log_format import hush, logger
from ossferry.oss import IMDS_V1_DISABLED, IS_TOO_LATE
from ossferry.settings.model import Settings
from ossferry.settings.rules import MOCK_KEYS

KEY_VARIABLES = ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")
OBJECTS_SESSION_S = 3600
"""Lifetime of the server's own credentials: the longest that every RAM role allows."""

TIMEOUT_S = 3.0
"""For a call to STS, which answers in less than a second; a person waits for it."""

MAX_CALLS = 32
"""Concurrent calls to STS; further calls wait."""

# With DEBUG=sdk in the environment, the SDK logs whole requests; after errors, whole answers.
logging.getLogger("darabonba-core").setLevel(logging.WARNING)
hush("darabonba-core", "alibabacloud-tea", "credentials")

NEVER = datetime.max.replace(tzinfo=UTC)
T = TypeVar("T")

log = logger("ossferry.sts")


@dataclass(frozen=True, slots=True, kw_only=True)
class StsCredentials:
    """Credentials for calls to Alibaba Cloud; `repr` shows neither secret nor token.

    Attributes:
        security_token: empty for a long-term access key.
        expires_at: time when the credentials expire, in UTC; `NEVER` if it is not known.
        session_name: name of the STS session in the audit trails of the server and of the cloud;
            empty for the server's own credentials.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    expires_at: datetime = NEVER
    session_name: str = ""


class AssumeRole(Protocol):
    """Interface of an async function that requests credentials of a RAM role from STS.

    A session policy, which is an argument of the function, limits the credentials.
    """

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        """Return credentials that are limited by a session policy.

        Args:
            session_name: name of the session in the logs of Alibaba Cloud.
            policy: the session policy as JSON.

        Raises:
            StsRefusedError: STS refuses the request.
            StsLostError: STS gave no usable answer, or is a mock although no mock is allowed.
        """
        ...


def default_credentials() -> CredentialClient:
    """Return a client for the default chain of credential sources of Alibaba Cloud's SDK.

    The chain is: environment, OIDC, profile file, ECS RAM role, URI. The ECS metadata service is
    used only in its hardened mode, see the package `ossferry.oss`.

    Raises:
        SettingsError: the application imported the SDK's package `alibabacloud_credentials` before
            `ossferry.oss`, which therefore could not set the hardened mode.
    """
    if IS_TOO_LATE:
        raise SettingsError(
            f"{IMDS_V1_DISABLED}: set it to true in the environment, or import `ossferry.app`"
            " before any package of Alibaba Cloud."
        )
    return CredentialClient()


def warn_of_long_term_key() -> None:
    """Log a warning if the environment variables contain an access key without a security token."""
    given = {name for name in KEY_VARIABLES if os.environ.get(f"ALIBABA_CLOUD_{name}")}
    if given == {"ACCESS_KEY_ID", "ACCESS_KEY_SECRET"}:
        log.warning("long-term-key-in-environment", instead="a role of ECS or of the cluster")


def read_credentials(client: CredentialClient) -> tuple[str, StsCredentials]:
    """Return the name of the first source that has credentials, and the credentials.

    Alibaba Cloud's SDK chooses the name, such as `env` or `ecs_ram_role`.

    Raises:
        StsLostError: no source has credentials.
    """
    try:
        found = client.get_credential()
    except CredentialException as error:
        raise StsLostError("no-server-credentials", retry_after_s=30) from error
    source = (found.provider_name or "").removeprefix("default/").partition("/")[0]
    return source, StsCredentials(
        access_key_id=found.access_key_id,
        access_key_secret=found.access_key_secret,
        security_token=found.security_token or "",
    )


async def find_credentials(client: CredentialClient) -> tuple[str, StsCredentials]:
    """Return the name of the first source that has credentials, and the credentials.

    They are read in a worker thread with `read_credentials`, because a source may be slow.

    Raises:
        StsLostError: no source has credentials.
    """
    return await asyncio.to_thread(read_credentials, client)


def access_key(access_key_id: str, access_key_secret: str) -> CredentialClient:
    """Return a credential client for the given access key; environment variables are ignored."""
    config = CredentialConfig(
        type="access_key", access_key_id=access_key_id, access_key_secret=access_key_secret
    )
    return CredentialClient(config)


class StsClient:
    """Calls AssumeRole for one role, and requests credentials with a fixed lifetime.

    Args:
        credentials: client for the server's long-term or temporary credentials.
        role_arn: ARN of the role; by default the option `role_arn`.
        duration_s: lifetime in seconds; by default the option `session_duration_s`.
    """

    def __init__(
        self,
        settings: Settings,
        credentials: CredentialClient,
        *,
        role_arn: str | None = None,
        duration_s: int | None = None,
    ) -> None:
        address = urlsplit(settings.sts_address)
        self._api = StsApi(
            Config(credential=credentials, protocol=address.scheme, endpoint=address.netloc)
        )
        self._role_arn = role_arn or settings.role_arn
        self._duration_s = duration_s or settings.session_duration_s
        self._allow_mock = settings.allow_mock
        self._timeout_s = TIMEOUT_S
        timeout_ms = int(self._timeout_s * 1000)
        self._runtime = RuntimeOptions(connect_timeout=timeout_ms, read_timeout=timeout_ms)
        self._threads = ThreadPoolExecutor(MAX_CALLS, "ossferry-sts")

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        """Return credentials from STS; implements `AssumeRole`."""
        request = AssumeRoleRequest(
            role_arn=self._role_arn,
            role_session_name=session_name,
            duration_seconds=self._duration_s,
            policy=policy,
        )
        answer = await self._ask(partial(self._api.assume_role_with_options, request))
        found = _credentials(answer)
        if found.access_key_id.startswith(MOCK_KEYS) and not self._allow_mock:
            raise StsLostError("a-mock")
        return found

    async def caller(self) -> str:
        """Return the ARN of the RAM user or role whose credentials this client uses.

        The ARN is like `acs:ram::1000000000000000:user/ossferry-server`. Every identity has the
        right to request it.

        Raises:
            StsRefusedError: STS refuses the credentials.
            StsLostError: STS gave no usable answer, or there are no credentials.
        """
        answer = await self._ask(self._api.get_caller_identity_with_options)
        if answer.body is None or not answer.body.arn:
            raise StsLostError("unreadable")
        return str(answer.body.arn)

    async def _ask(self, call: Callable[[RuntimeOptions], T]) -> T:
        """Run a call to STS in a thread, and convert its errors."""
        try:
            async with asyncio.timeout(self._timeout_s):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, call, self._runtime)
        except AlibabaCloudException as error:
            raise _refusal(error) from error
        except TimeoutError as error:
            raise StsLostError("no-answer") from error
        except CredentialException as error:
            raise StsLostError("no-server-credentials", retry_after_s=30) from error
        except TeaException as error:
            raise _loss(error) from error


def objects_sts(settings: Settings, credentials: CredentialClient) -> StsClient:
    """Return a client that requests credentials of the role for the server's access to objects.

    The role is `settings.objects_role_arn`.

    Args:
        credentials: client for the credentials with which the server calls STS.
    """
    return StsClient(
        settings, credentials, role_arn=settings.objects_role_arn, duration_s=OBJECTS_SESSION_S
    )


def _refusal(error: AlibabaCloudException) -> StsRefusedError | StsLostError:
    """Convert an error of STS to the matching exception.

    Throttling and status 5xx are temporary (`StsLostError`); all other errors are refusals. Source:
    RAM page "STS error codes".
    """
    code = str(error.code)
    if code.startswith("Throttling"):
        return StsLostError("throttled", retry_after_s=5)
    if error.status_code is None or error.status_code >= 500:
        return StsLostError(code)
    return StsRefusedError(code, str(error.request_id))


def _loss(error: TeaException) -> StsLostError:
    """Convert a failure inside the SDK to the matching exception.

    The SDK wraps the cause of such a failure in its `UnretryableException`.
    """
    cause = getattr(error, "inner_exception", None)
    if isinstance(cause, CredentialException):
        return StsLostError("no-server-credentials", retry_after_s=30)
    if isinstance(cause, RetryError):
        return StsLostError("no-answer")
    return StsLostError("unreadable")


def _credentials(answer: AssumeRoleResponse) -> StsCredentials:
    found = answer.body.credentials if answer.body is not None else None
    if found is None or not found.security_token:
        raise StsLostError("unreadable")
    try:
        expires_at = datetime.strptime(found.expiration, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError) as error:
        raise StsLostError("unreadable") from error
    return StsCredentials(
        access_key_id=found.access_key_id,
        access_key_secret=found.access_key_secret,
        security_token=found.security_token,
        expires_at=expires_at,
    )
