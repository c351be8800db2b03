"""Asks STS for credentials through the official client, and names each way in which that fails.

The client runs in a worker thread: its asynchronous twin builds a TLS context for every call, which
would hold up the event loop for some ten milliseconds each time.
Nothing that STS says is passed on to clients: codes and request ids go into the log.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
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

from ossferry.errors import StsLostError, StsRefusedError
from ossferry.settings import Settings

__all__ = ["AssumeRole", "StsClient", "StsCredentials", "access_key", "default_credentials"]

MAX_CALLS = 32
"""Calls to STS at one time; the rest wait their turn."""

# The SDK's base logs whole requests, keys included, when DEBUG=sdk is in the environment.
logging.getLogger("darabonba-core").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class StsCredentials:
    """What AssumeRole answers; `repr` shows neither secret nor token."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(repr=False)
    expires_at: datetime


class AssumeRole(Protocol):
    """The port through which grants reach STS."""

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        """Return credentials that are limited by `policy`.

        Raises:
            StsRefusedError: STS said no.
            StsLostError: STS gave no usable answer.
        """
        ...


def default_credentials() -> CredentialClient:
    """Return the vendor's default chain: environment, OIDC, profile file, ECS RAM role, URI."""
    return CredentialClient()


def access_key(access_key_id: str, access_key_secret: str) -> CredentialClient:
    """Return exactly this key; the environment is not looked at."""
    config = CredentialConfig(
        type="access_key", access_key_id=access_key_id, access_key_secret=access_key_secret
    )
    return CredentialClient(config)


class StsClient:
    """AssumeRole on the configured role, for the configured time."""

    def __init__(self, settings: Settings, credentials: CredentialClient) -> None:
        address = urlsplit(settings.sts_address)
        self._api = StsApi(
            Config(credential=credentials, protocol=address.scheme, endpoint=address.netloc)
        )
        self._role_arn = settings.role_arn
        self._duration_s = settings.session_duration_s
        self._timeout_s = settings.sts_timeout_s
        self._turns = anyio.CapacityLimiter(MAX_CALLS)

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        """See `AssumeRole`."""
        request = AssumeRoleRequest(
            role_arn=self._role_arn,
            role_session_name=session_name,
            duration_seconds=self._duration_s,
            policy=policy,
        )
        try:
            with anyio.fail_after(self._timeout_s):
                answer = await anyio.to_thread.run_sync(
                    partial(self._ask, request), limiter=self._turns, abandon_on_cancel=True
                )
        except AlibabaCloudException as error:
            raise _refusal(error) from error
        except TimeoutError as error:
            raise StsLostError("no-answer") from error
        except CredentialException as error:
            raise StsLostError("no-server-credentials", retry_after_s=30) from error
        except TeaException as error:
            raise _loss(error) from error
        return _credentials(answer)

    def _ask(self, request: AssumeRoleRequest) -> AssumeRoleResponse:
        timeout_ms = int(self._timeout_s * 1000)
        runtime = RuntimeOptions(connect_timeout=timeout_ms, read_timeout=timeout_ms)
        return self._api.assume_role_with_options(request, runtime)


def _refusal(error: AlibabaCloudException) -> StsRefusedError | StsLostError:
    """Tell a no from a not-now.

    Source: RAM page "STS error codes": Throttling* and 5xx may be tried again, the rest not.
    """
    code = str(error.code)
    if code.startswith("Throttling"):
        return StsLostError("throttled", retry_after_s=5)
    if error.status_code is None or error.status_code >= 500:
        return StsLostError(code)
    return StsRefusedError(code, str(error.request_id))


def _loss(error: TeaException) -> StsLostError:
    """Name what the SDK wraps in its `UnretryableException`."""
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
