"""A client of RAM, for commands that an administrator runs; the server never calls RAM.

The client sends requests with the vendor's generic client, and converts each failure to one
sentence that says how to fix it. It can also ask STS to whom the credentials belong.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_tea_openapi.client import Client as OpenApi
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from ossferry.errors import CloudError

RAM_VERSION = "2015-05-01"
STS_VERSION = "2015-04-01"
TIMEOUT_MS = 10_000

NO_CREDENTIALS = (
    "no credentials were found: set ALIBABA_CLOUD_ACCESS_KEY_ID and"
    " ALIBABA_CLOUD_ACCESS_KEY_SECRET, or run this where a RAM role is attached."
)
WRONG_CREDENTIALS = (
    "Alibaba Cloud does not accept the credentials ({code}): check ALIBABA_CLOUD_ACCESS_KEY_ID and"
    " ALIBABA_CLOUD_ACCESS_KEY_SECRET; if ALIBABA_CLOUD_SECURITY_TOKEN has expired, get a new one."
)
CLOCK_WRONG = (
    "this machine's clock differs by more than 15 minutes from Alibaba Cloud's ({code}): set the"
    " clock, for example with `timedatectl set-ntp true`, and run the command again."
)

_CREDENTIAL_CODES = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurityToken")
_CLOCK_CODES = ("InvalidTimeStamp",)


class RamApi:
    """Calls RAM, or another service with the same protocol, such as STS.

    Args:
        credentials: credentials for the calls.
        address: URL of the service.
        service: name of the service in error messages.
        version: version of the service's API, such as `2015-05-01`.
    """

    def __init__(
        self,
        credentials: CredentialClient,
        address: str,
        *,
        service: str = "RAM",
        version: str = RAM_VERSION,
    ) -> None:
        url = urlsplit(address)
        self._api = OpenApi(
            Config(credential=credentials, protocol=url.scheme, endpoint=url.netloc)
        )
        self._scheme = url.scheme
        self._host = url.netloc
        self._service = service
        self._version = version

    def call(self, action: str, **query: str) -> dict[str, Any]:
        """Call an action of the service, and return the JSON response as a dictionary.

        Args:
            action: name of the action, such as `GetRole`.
            query: parameters of the action.

        Raises:
            CloudError: there are no credentials, or the service refuses the request or does not
                answer. Its attribute `error_code` is the error code of the service.
        """
        params = Params(
            action=action,
            version=self._version,
            protocol=self._scheme.upper(),
            method="POST",
            auth_type="AK",
            style="RPC",
            pathname="/",
            req_body_type="json",
            body_type="json",
        )
        runtime = RuntimeOptions(connect_timeout=TIMEOUT_MS, read_timeout=TIMEOUT_MS)
        try:
            answer = self._api.call_api(params, OpenApiRequest(query=query), runtime)
        except AlibabaCloudException as error:
            raise self._refusal(action, str(error.code)) from error
        except CredentialException as error:
            raise CloudError(NO_CREDENTIALS) from error
        except TeaException as error:
            if isinstance(getattr(error, "inner_exception", None), CredentialException):
                raise CloudError(NO_CREDENTIALS) from error
            raise CloudError(
                f"{self._service} does not answer at {self._host}: check the network, and a proxy"
                " in HTTPS_PROXY; then run the command again."
            ) from error
        found: dict[str, Any] = answer["body"]
        return found

    def find(self, action: str, **query: str) -> dict[str, Any] | None:
        """Call an action that reads an entity, such as `GetRole`; return the JSON response.

        Args:
            action: name of the action.
            query: parameters of the action.

        Returns:
            The response as a dictionary; None if the entity does not exist.

        Raises:
            CloudError: there are no credentials, or the service refuses the request or does not
                answer.
        """
        try:
            return self.call(action, **query)
        except CloudError as error:
            if error.error_code.startswith("EntityNotExist."):
                return None
            raise

    def _refusal(self, action: str, code: str) -> CloudError:
        if sentence := fault_of_caller(code):
            return CloudError(sentence, code)
        if code.startswith("NoPermission"):
            return CloudError(
                f"{self._service} refused {action} ({code}): use credentials of an administrator,"
                f" or give the caller the right {self._service.lower()}:{action}.",
                code,
            )
        if code.startswith("Throttling"):
            return CloudError(
                f"{self._service} refused {action} ({code}): wait a minute and run the command"
                " again.",
                code,
            )
        return CloudError(f"{self._service} refused {action} ({code}).", code)


def fault_of_caller(code: str) -> str:
    """Return a sentence that explains an error code of RAM or STS, and says how to fix the error.

    The result is empty if the cause is neither wrong credentials nor a wrong clock.

    Args:
        code: the error code, such as `InvalidAccessKeyId`.
    """
    if code.startswith(_CREDENTIAL_CODES):
        return WRONG_CREDENTIALS.format(code=code)
    if code.startswith(_CLOCK_CODES):
        return CLOCK_WRONG.format(code=code)
    return ""


def caller_identity(credentials: CredentialClient, address: str) -> Mapping[str, str]:
    """Return the response of STS to GetCallerIdentity, with fields such as `AccountId` and `Arn`.

    Args:
        credentials: the credentials whose identity is requested.
        address: URL of STS.

    Raises:
        CloudError: there are no credentials, or STS refuses the request or does not answer.
    """
    sts = RamApi(credentials, address, service="STS", version=STS_VERSION)
    return sts.call("GetCallerIdentity")
