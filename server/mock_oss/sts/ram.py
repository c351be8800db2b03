"""RAM actions that create policies, and that attach, detach and list the policies of roles.

For example, an application can stop all uploads by attaching a deny policy to a role. The mock
keeps created and attached policies only in memory, until a restart or ``reset``. The roles come
from the ``World`` configuration. Sources: vendor pages CreatePolicy, AttachPolicyToRole,
DetachPolicyFromRole and ListPoliciesForRole.
"""

from __future__ import annotations

import re

from mock_oss.access.identities import Caller
from mock_oss.errors import STSRefusedError
from mock_oss.policies.evaluation import (
    PolicyError,
    Question,
    evaluate,
    evaluate_session,
    parse_policy,
)
from mock_oss.sts.signatures import STSCall, missing
from mock_oss.world.model import Role

__all__ = ["RAM_ACTIONS", "RAM_VERSION"]

RAM_VERSION = "2015-05-01"
MAX_DOCUMENT_CHARS = 6144
_POLICY_NAME = re.compile(r"[A-Za-z0-9-]{1,128}")


def _create_policy(call: STSCall, caller: Caller) -> dict[str, object]:
    name = _policy_name(call)
    document = call.params.get("PolicyDocument", "")
    if not document:
        raise missing("PolicyDocument")
    _permit(call, caller, f"policy/{name}")
    try:
        if len(document) > MAX_DOCUMENT_CHARS:
            raise PolicyError("too long")
        parse_policy(document, name)
    except PolicyError as e:
        raise STSRefusedError(
            400, "MalformedPolicyDocument", "The policy document is malformed."
        ) from e
    made = call.service.identities.created_policies
    if (caller.account_id, name) in made:
        raise STSRefusedError(
            409, "EntityAlreadyExists.Policy", f"The policy {name} already exists."
        )
    made[caller.account_id, name] = document
    policy = {"PolicyName": name, "PolicyType": "Custom", "DefaultVersion": "v1"}
    return {"RequestId": call.record.request_id, "Policy": policy}


def _attach(call: STSCall, caller: Caller) -> dict[str, object]:
    name, role = _policy_name(call), _role(call, caller)
    document = call.service.identities.created_policies.get((caller.account_id, name))
    if document is None:
        raise STSRefusedError(404, "EntityNotExist.Policy", f"The policy {name} does not exist.")
    attached = call.service.identities.attached_policies(role)
    if name in attached:
        raise STSRefusedError(
            409, "EntityAlreadyExists.Role.Policy", f"The policy {name} is attached already."
        )
    attached[name] = document
    return {"RequestId": call.record.request_id}


def _detach(call: STSCall, caller: Caller) -> dict[str, object]:
    name, role = _policy_name(call), _role(call, caller)
    if call.service.identities.attached_policies(role).pop(name, None) is None:
        raise STSRefusedError(
            404, "EntityNotExist.Role.Policy", f"The policy {name} is not attached."
        )
    return {"RequestId": call.record.request_id}


def _list(call: STSCall, caller: Caller) -> dict[str, object]:
    attached = call.service.identities.attached_policies(_role(call, caller))
    policies = [{"PolicyName": name, "PolicyType": "Custom"} for name in attached]
    return {"RequestId": call.record.request_id, "Policies": {"Policy": policies}}


def _policy_name(call: STSCall) -> str:
    name = call.params.get("PolicyName", "")
    if not name:
        raise missing("PolicyName")
    if not _POLICY_NAME.fullmatch(name):
        raise STSRefusedError(
            400, "InvalidParameter.PolicyName.InvalidChars", "The PolicyName is wrongly formed."
        )
    if call.params.get("PolicyType", "Custom") != "Custom":
        raise STSRefusedError(404, "EntityNotExist.Policy", "The mock has no system policies.")
    return name


def _role(call: STSCall, caller: Caller) -> Role:
    name = call.params.get("RoleName", "")
    if not name:
        raise missing("RoleName")
    _permit(call, caller, f"role/{name}")
    role = call.service.identities.role(f"acs:ram::{caller.account_id}:role/{name}")
    if role is None:
        raise STSRefusedError(404, "EntityNotExist.Role", f"The role {name} does not exist.")
    return role


def _permit(call: STSCall, caller: Caller, what: str) -> None:
    if caller.kind == "root":
        return
    question = Question(
        f"ram:{call.action}",
        f"acs:ram:*:{caller.account_id}:{what}",
        {"acs:SourceIp": call.request.client_ip},
    )
    verdict = (
        evaluate(caller.policies, question)
        if caller.kind == "user"
        else evaluate_session(caller.policies, caller.session_policy, question)
    )
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


RAM_ACTIONS = {
    "CreatePolicy": _create_policy,
    "AttachPolicyToRole": _attach,
    "DetachPolicyFromRole": _detach,
    "ListPoliciesForRole": _list,
}
