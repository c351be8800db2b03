"""Code that all RAM actions share: checks of names, lookup of entities, and checks of permissions.

Sources for all RAM actions: the vendor's pages of each action in "RAM API reference".
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from mock_oss.errors import STSRefusedError
from mock_oss.identities import Caller, ManagedPolicy, RoleEntry, UserEntry
from mock_oss.policies.evaluation import Policy, PolicyError, Question, evaluate_session
from mock_oss.sts.signatures import STSCall, missing
from mock_oss.world.model import Role, User

Answer = dict[str, object]
_Entity = TypeVar("_Entity")

MAX_DOCUMENT_CHARS = 6144
_NAMES = {
    "Policy": re.compile(r"[A-Za-z0-9-]{1,128}"),
    "Role": re.compile(r"[A-Za-z0-9.-]{1,64}"),
    "User": re.compile(r"[A-Za-z0-9._-]{1,64}"),
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

    def named(self, kind: str) -> str:
        """Return the name of the entity in the request, after a check of permissions.

        Args:
            kind: `User`, `Role` or `Policy`; the parameter is `UserName` for a user.

        Raises:
            STSRefusedError: the parameter is missing, the name has characters that are not allowed,
                the request asks for a system policy, or the caller has no permission.
        """
        name = self.given(f"{kind}Name")
        if not _NAMES[kind].fullmatch(name):
            code = f"InvalidParameter.{kind}Name.InvalidChars"
            raise STSRefusedError(400, code, f"The {kind}Name is wrongly formed.")
        if kind == "Policy" and self.params.get("PolicyType", "Custom") != "Custom":
            raise STSRefusedError(404, "EntityNotExist.Policy", "The mock has no system policies.")
        self.permit(f"{kind.lower()}/{name}")
        return name

    def _find(self, kind: str, entities: Mapping[tuple[str, str], _Entity]) -> _Entity:
        name = self.named(kind)
        entity = entities.get((self.account_id, name))
        if entity is None:
            message = f"The {kind.lower()} {name} does not exist."
            raise STSRefusedError(404, f"EntityNotExist.{kind}", message)
        return entity

    def policy(self) -> ManagedPolicy:
        """Return the custom policy in the parameter `PolicyName`, after a check of permissions.

        Raises:
            STSRefusedError: the caller has no permission, or the policy does not exist.
        """
        return self._find("Policy", self.directory.policies)

    def role(self) -> RoleEntry:
        """Return the role in the parameter `RoleName`, after a check of permissions.

        Raises:
            STSRefusedError: the caller has no permission, or the role does not exist.
        """
        roles = self.directory.roles.values()
        return self._find("Role", {(each.role.account_id, each.role.name): each for each in roles})

    def user(self) -> UserEntry:
        """Return the user in the parameter `UserName`, after a check of permissions.

        Raises:
            STSRefusedError: the caller has no permission, or the user does not exist.
        """
        return self._find("User", self.directory.users)

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
            why = {"kind": "policy", "grammar": str(e)}
            message = "The policy document is malformed."
            raise STSRefusedError(400, "MalformedPolicyDocument", message, why=why) from e
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
            message = f"You are not authorized to do this action: {question.action}."
            why = verdict.why(question.action, question.resource, caller.arn)
            raise STSRefusedError(403, "NoPermission", message, why=why)
