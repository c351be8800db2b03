"""Code that all RAM actions share: checks of names, lookup of entities, and checks of permissions.

Sources for all RAM actions: the vendor's pages of each action in "RAM API reference".
"""

import re
from collections.abc import Callable

from mock_oss.errors import STSRefusedError
from mock_oss.identities import Caller, ManagedPolicy, RoleEntry, UserEntry
from mock_oss.policies.evaluation import Policy, PolicyError, Question, evaluate_session
from mock_oss.sts.signatures import STSCall, missing
from mock_oss.world.model import Role, User

Answer = dict[str, object]

MAX_DOCUMENT_CHARS = 6144
_NAMES = {
    "PolicyName": re.compile(r"[A-Za-z0-9-]{1,128}"),
    "RoleName": re.compile(r"[A-Za-z0-9.-]{1,64}"),
    "UserName": re.compile(r"[A-Za-z0-9._-]{1,64}"),
}


class RamCall:
    """One RAM request, with methods that read its parameters and find the entities that it names.

    All users, roles and policies of the request belong to `account_id`, the account of the caller.
    """

    def __init__(self, call: STSCall, caller: Caller) -> None:
        self._call = call
        self._caller = caller
        self.account_id = caller.account_id
        self.params = call.params
        self.ids = call.service.ids
        self.directory = call.service.identities.directory
        self.now_ms = call.service.now_ms()

    def answer(self, **values: object) -> Answer:
        """Return the content of the response as a dict: `RequestId` and the given values."""
        return {"RequestId": self._call.record.request_id, **values}

    def given(self, name: str) -> str:
        """Return a mandatory parameter of the request.

        Raises:
            STSRefusedError: the parameter is missing or empty.
        """
        value = self.params.get(name, "")
        if not value:
            raise missing(name)
        return value

    def name(self, parameter: str) -> str:
        """Return a mandatory parameter that contains the name of a user, role or policy.

        Args:
            parameter: `UserName`, `RoleName` or `PolicyName`.

        Raises:
            STSRefusedError: the parameter is missing, or the name has characters that are not
                allowed.
        """
        name = self.given(parameter)
        if not _NAMES[parameter].fullmatch(name):
            code = f"InvalidParameter.{parameter}.InvalidChars"
            raise STSRefusedError(400, code, f"The {parameter} is wrongly formed.")
        return name

    def policy_name(self) -> str:
        """Return the name of the custom policy in the request.

        Raises:
            STSRefusedError: the name is missing or not valid, or the request asks for a system
                policy.
        """
        name = self.name("PolicyName")
        if self.params.get("PolicyType", "Custom") != "Custom":
            raise STSRefusedError(404, "EntityNotExist.Policy", "The mock has no system policies.")
        return name

    def policy(self) -> ManagedPolicy:
        """Return the custom policy in the parameter `PolicyName`, after a check of permissions.

        Raises:
            STSRefusedError: the caller has no permission, or the policy does not exist.
        """
        name = self.policy_name()
        self.permit(f"policy/{name}")
        policy = self.directory.policies.get((self.account_id, name))
        if policy is None:
            raise STSRefusedError(
                404, "EntityNotExist.Policy", f"The policy {name} does not exist."
            )
        return policy

    def role(self) -> RoleEntry:
        """Return the role in the parameter `RoleName`, after a check of permissions.

        Raises:
            STSRefusedError: the caller has no permission, or the role does not exist.
        """
        name = self.name("RoleName")
        self.permit(f"role/{name}")
        role = self.directory.roles.get(f"acs:ram::{self.account_id}:role/{name}")
        if role is None:
            raise STSRefusedError(404, "EntityNotExist.Role", f"The role {name} does not exist.")
        return role

    def user(self) -> UserEntry:
        """Return the user in the parameter `UserName`, after a check of permissions.

        Raises:
            STSRefusedError: the caller has no permission, or the user does not exist.
        """
        name = self.name("UserName")
        self.permit(f"user/{name}")
        user = self.directory.users.get((self.account_id, name))
        if user is None:
            raise STSRefusedError(404, "EntityNotExist.User", f"The user {name} does not exist.")
        return user

    def holder(self) -> User | Role:
        """Return the role that the request names if the action ends in `Role`, otherwise the user.

        Raises:
            STSRefusedError: the caller has no permission, or the role or user does not exist.
        """
        return self.role().role if self._call.action.endswith("Role") else self.user().user

    def document(self, parameter: str, parse: Callable[[str, str], Policy]) -> str:
        """Return a mandatory parameter that contains a policy document, as JSON text.

        Args:
            parameter: the name of the parameter.
            parse: a function that raises PolicyError if the document is not valid; its arguments
                are the document and a name for the policy.

        Raises:
            STSRefusedError: the parameter is missing, or the document is too long or not valid.
        """
        text = self.given(parameter)
        try:
            if len(text) > MAX_DOCUMENT_CHARS:
                raise PolicyError("too long")
            parse(text, parameter)
        except PolicyError as e:
            raise STSRefusedError(
                400,
                "MalformedPolicyDocument",
                "The policy document is malformed.",
                why={"kind": "policy", "grammar": str(e)},
            ) from e
        return text

    def permit(self, what: str) -> None:
        """Check that the caller may perform the action of this request on a resource.

        Args:
            what: the end of the resource's ARN, such as `role/NAME`.

        Raises:
            STSRefusedError: NoPermission if the caller's policies do not allow the action.
        """
        caller = self._caller
        if caller.kind == "root":
            return
        question = Question(
            f"ram:{self._call.action}",
            f"acs:ram:*:{self.account_id}:{what}",
            {"acs:SourceIp": self._call.request.client_ip},
        )
        verdict = evaluate_session(caller.policies, caller.session_policy, question)
        if not verdict.allowed:
            raise STSRefusedError(
                403,
                "NoPermission",
                f"You are not authorized to do this action: {question.action}.",
                why={
                    "kind": "policy",
                    "decision": str(verdict.decision),
                    "action": question.action,
                    "resource": question.resource,
                    "caller": caller.arn,
                },
            )
