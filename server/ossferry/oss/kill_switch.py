"""The kill switch: a deny policy on the RAM role, which blocks all issued credentials immediately.

The command uses the RAM rights of the person who runs it; the server does not have these rights.
Turning the switch on or off repeatedly is harmless. An administrator should create the policy in
advance. Then an operator does not need the right to write policies. An operator with that right
could extend their own rights.
"""

import json
from urllib.parse import urlsplit

from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_tea_openapi.client import Client as OpenApi
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from ossferry.errors import KillSwitchError
from ossferry.settings.model import Settings

__all__ = ["KillSwitch"]

POLICY_NAME = "ossferry-kill-switch"
DENY = {
    "Version": "1",
    "Statement": [{"Effect": "Deny", "Action": ["oss:*"], "Resource": ["*"]}],
}
VERSION = "2015-05-01"
TIMEOUT_MS = 10_000
NO_POLICY = "EntityNotExist.Policy"
DONE_BEFORE = (
    "EntityAlreadyExists.Policy",
    "EntityAlreadyExists.Role.Policy",
    "EntityNotExist.Role.Policy",
)


class _NoPolicyError(KillSwitchError):
    """Raised if the kill switch's policy does not exist yet."""


class KillSwitch:
    """Blocks or unblocks all credentials of one RAM role with a deny policy.

    Args:
        credentials: credentials for calls to RAM.
        role_arn: ARN of the role, ``acs:ram::ACCOUNT:role/NAME``.
    """

    def __init__(self, settings: Settings, credentials: CredentialClient, role_arn: str) -> None:
        address = urlsplit(settings.ram_endpoint)
        self._api = OpenApi(
            Config(credential=credentials, protocol=address.scheme, endpoint=address.netloc)
        )
        self._scheme = address.scheme
        self._role = role_arn.rpartition("/")[2]

    def on(self) -> None:
        """Deny all OSS actions to every session of the role, including existing sessions.

        Raises:
            KillSwitchError: RAM refuses the request or does not answer.
        """
        try:
            self._ask("AttachPolicyToRole", **self._which())
        except _NoPolicyError:
            self._ask("CreatePolicy", PolicyName=POLICY_NAME, PolicyDocument=json.dumps(DENY))
            self._ask("AttachPolicyToRole", **self._which())

    def off(self) -> None:
        """Remove the deny policy from the role.

        Raises:
            KillSwitchError: RAM refuses the request or does not answer.
        """
        self._ask("DetachPolicyFromRole", **self._which())

    def is_on(self) -> bool:
        """Return whether the deny policy is attached to the role.

        Raises:
            KillSwitchError: RAM refuses the request or does not answer.
        """
        answer = self._ask("ListPoliciesForRole", RoleName=self._role)
        policies = answer.get("Policies", {}).get("Policy", [])
        return any(each.get("PolicyName") == POLICY_NAME for each in policies)

    def _which(self) -> dict[str, str]:
        return {"PolicyType": "Custom", "PolicyName": POLICY_NAME, "RoleName": self._role}

    def _ask(self, action: str, **query: str) -> dict[str, dict[str, list[dict[str, str]]]]:
        params = Params(
            action=action,
            version=VERSION,
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
            if error.code in DONE_BEFORE:
                return {}
            if error.code == NO_POLICY:
                raise _NoPolicyError(f"there is no policy {POLICY_NAME}.") from error
            raise KillSwitchError(
                f"RAM refused {action} ({error.code}): the caller needs the rights in"
                " deploy/ram/kill-switch-operator-policy.json."
            ) from error
        except CredentialException as error:
            raise KillSwitchError(
                "no credentials were found: set ALIBABA_CLOUD_ACCESS_KEY_ID and"
                " ALIBABA_CLOUD_ACCESS_KEY_SECRET, or run this where a RAM role is attached."
            ) from error
        except TeaException as error:
            raise KillSwitchError("RAM does not answer; try again.") from error
        found: dict[str, dict[str, list[dict[str, str]]]] = answer["body"]
        return found
