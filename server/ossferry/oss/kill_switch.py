"""The kill switch: a deny policy on the RAM role, which blocks all issued credentials immediately.

The command `ossferry admin kill-switch` uses the RAM rights of the person who runs it; the server
does not have these rights. Turning the switch on or off repeatedly is harmless. An administrator
should create the policy in advance. Otherwise the person needs the right to write policies, with
which they could also extend their own rights.
"""

import json
from typing import Any

from alibabacloud_credentials.client import Client as CredentialClient

from ossferry.errors import CloudError
from ossferry.oss.ram import RamApi
from ossferry.settings.model import Settings

POLICY_NAME = "ossferry-kill-switch"
DENY = {"Version": "1", "Statement": [{"Effect": "Deny", "Action": ["oss:*"], "Resource": ["*"]}]}
NO_POLICY = "EntityNotExist.Policy"
DONE_BEFORE = (
    "EntityAlreadyExists.Policy",
    "EntityAlreadyExists.Role.Policy",
    "EntityNotExist.Role.Policy",
)


class KillSwitch:
    """Blocks or unblocks all credentials of one RAM role by a policy that denies all OSS actions.

    Args:
        credentials: credentials for calls to RAM; those of the person who runs the command
            `ossferry admin kill-switch`.
        role_arn: ARN of the role, `acs:ram::ACCOUNT:role/NAME`.
    """

    def __init__(self, settings: Settings, credentials: CredentialClient, role_arn: str) -> None:
        self._ram = RamApi(credentials, settings.ram_address)
        self._role = role_arn.rpartition("/")[2]

    def on(self) -> None:
        """Attach the deny policy to the role; create the policy if the account does not have it.

        OSS then refuses all requests with credentials of the role, even if they were issued before.

        Raises:
            CloudError: RAM refuses the request or does not answer.
        """
        try:
            self._ask("AttachPolicyToRole", **self._which())
        except CloudError as error:
            if error.error_code != NO_POLICY:
                raise
            self._ask("CreatePolicy", PolicyName=POLICY_NAME, PolicyDocument=json.dumps(DENY))
            self._ask("AttachPolicyToRole", **self._which())

    def off(self) -> None:
        """Detach the deny policy from the role, so that its credentials work again.

        Raises:
            CloudError: RAM refuses the request or does not answer.
        """
        self._ask("DetachPolicyFromRole", **self._which())

    def is_on(self) -> bool:
        """Return whether the deny policy is attached to the role.

        Raises:
            CloudError: RAM refuses the request or does not answer.
        """
        answer = self._ask("ListPoliciesForRole", RoleName=self._role)
        policies = answer.get("Policies", {}).get("Policy", [])
        return any(each.get("PolicyName") == POLICY_NAME for each in policies)

    def _which(self) -> dict[str, str]:
        return {"PolicyType": "Custom", "PolicyName": POLICY_NAME, "RoleName": self._role}

    def _ask(self, action: str, **query: str) -> dict[str, Any]:
        try:
            return self._ram.call(action, **query)
        except CloudError as error:
            code = error.error_code
            if code in DONE_BEFORE:
                return {}
            if code.startswith("NoPermission"):
                raise CloudError(
                    f"RAM refused {action} ({code}): the caller needs the rights in"
                    " deploy/ram/kill-switch-operator-policy.json.",
                    code,
                ) from error
            raise
