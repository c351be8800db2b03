"""STS on the same port as OSS: AssumeRole, GetCallerIdentity and some RAM actions.

The RAM actions are in `mock_oss.sts.ram_identities` and `ram_policies`. The client chooses JSON or
XML for the response. Sources: vendor pages AssumeRole and "STS error codes".
"""

import json
import re
from collections.abc import Callable, Mapping

from mock_oss.errors import RefusedError, STSRefusedError
from mock_oss.http.body import Body
from mock_oss.http.dates import iso
from mock_oss.http.documents import document
from mock_oss.http.request import Request, whole_number
from mock_oss.http.response import Response
from mock_oss.identities import Caller
from mock_oss.policies.evaluation import (
    PolicyError,
    Question,
    evaluate_session,
    parse_policy,
    parse_trust_policy,
    trusts,
)
from mock_oss.store.records import SessionRecord
from mock_oss.sts import ram_identities as identities
from mock_oss.sts import ram_policies as policies
from mock_oss.sts.ram_common import Answer, RamCall
from mock_oss.sts.signatures import Nonces, STSCall, is_form, missing, verify
from mock_oss.world.model import Role

VERSION = "2015-04-01"
RAM_VERSION = "2015-05-01"
RAM_ACTIONS: dict[str, Callable[[RamCall], Answer]] = {
    "CreatePolicy": policies.create_policy,
    "GetPolicy": policies.get_policy,
    "DeletePolicy": policies.delete_policy,
    "CreatePolicyVersion": policies.create_version,
    "ListPolicyVersions": policies.list_versions,
    "DeletePolicyVersion": policies.delete_version,
    "AttachPolicyToRole": policies.attach,
    "AttachPolicyToUser": policies.attach,
    "DetachPolicyFromRole": policies.detach,
    "DetachPolicyFromUser": policies.detach,
    "ListPoliciesForRole": policies.list_attached,
    "ListPoliciesForUser": policies.list_attached,
    "CreateRole": identities.create_role,
    "GetRole": identities.get_role,
    "UpdateRole": identities.update_role,
    "DeleteRole": identities.delete_role,
    "CreateUser": identities.create_user,
    "GetUser": identities.get_user,
    "DeleteUser": identities.delete_user,
    "CreateAccessKey": identities.create_access_key,
    "ListAccessKeys": identities.list_access_keys,
    "DeleteAccessKey": identities.delete_access_key,
}
"""RAM actions; they change the directory of users, roles and policies, which STS and OSS use."""
MAX_BODY_BYTES = 1 << 20
MIN_DURATION_S, DEFAULT_DURATION_S = 900, 3600
MAX_POLICY_CHARS = 2048
_FORMS = {
    "RoleArn": re.compile(r"acs:ram::\d+:role/[A-Za-z0-9.-]{1,64}"),
    "RoleSessionName": re.compile(r"[A-Za-z0-9.@_-]{2,64}"),
    "ExternalId": re.compile(r"[\w+=,.@:/-]{2,1224}"),
}


def is_sts(request: Request) -> bool:
    """Return whether a request is for STS or RAM.

    Such a request has the query parameter `Action` or the header `x-acs-action`, or it is a POST
    request with a URL-encoded form.

    Args:
        request: a request that does not address a bucket.
    """
    return (
        "Action" in request.params
        or "x-acs-action" in request.headers
        or (request.method == "POST" and is_form(request))
    )


async def serve_sts(call: STSCall, body: Body, nonces: Nonces) -> Response:
    """Verify an STS or RAM request, run its action and return the response.

    Args:
        call: the request.
        body: the body of the request.
        nonces: the nonces of earlier requests, to which the nonce of this request is added.

    Raises:
        STSRefusedError: the request is not valid, or the caller has no permission for the action.
    """
    payload = await body.read(MAX_BODY_BYTES)
    try:
        call.read(payload)
    except RefusedError as e:
        raise STSRefusedError(400, "InvalidParameter", e.message) from e
    call.record.operation = call.action
    call.record.params = call.params
    version = call.request.headers.get("x-acs-version") or call.params.get("Version", "")
    action = _ACTIONS.get((version, call.action))
    if action is None:
        message = "Specified api is not found, please check your url and method."
        raise STSRefusedError(404, "InvalidApi.NotFound", message)
    caller = verify(call, payload, nonces)
    return _answer(call, 200, f"{call.action}Response", action(call, caller))


def _answer(call: STSCall, status: int, root: str, values: Mapping[str, object]) -> Response:
    if call.wants_xml:
        kind, body = "text/xml", document(root, values)
    else:
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        kind, body = "application/json", text.encode()
    return Response(status, [("Content-Type", f"{kind};charset=utf-8")], body)


def sts_error(call: STSCall, refused: STSRefusedError, request_id: str) -> Response:
    """Return the error response for a refused STS or RAM request.

    Args:
        call: the request.
        refused: the error.
        request_id: the id of the request.
    """
    values = {
        "RequestId": request_id,
        "HostId": "sts.aliyuncs.com",
        "Code": refused.code,
        "Message": refused.message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={refused.code}&product=Sts",
    }
    return _answer(call, refused.status, "Error", values)


def _get_caller_identity(call: STSCall, caller: Caller) -> dict[str, object]:
    """Return the account, the ARN and the type of the caller."""
    kind = {"IdentityType": "RAMUser", "UserId": caller.principal_id}
    if caller.kind == "role":
        role_id = caller.principal_id.split(":")[0]
        kind = {"IdentityType": "AssumedRoleUser", "RoleId": role_id}
    elif caller.kind == "root":
        kind = {"IdentityType": "Account"}
    return {
        "RequestId": call.record.request_id,
        "AccountId": caller.account_id,
        "Arn": caller.arn,
        "PrincipalId": caller.principal_id,
        **kind,
    }


def _assume_role(call: STSCall, caller: Caller) -> dict[str, object]:
    """Issue temporary credentials of a role, which a session policy may limit."""
    params = call.params
    arn, session_name = params.get("RoleArn", ""), params.get("RoleSessionName", "")
    for name, form in _FORMS.items():
        value = params.get(name, "")
        if not value and name != "ExternalId":
            raise missing(name)
        if name in params and not form.fullmatch(value):
            raise _wrong(name, f"The parameter {name} is wrongly formed.")
    external_id = params.get("ExternalId")
    policy = "" if call.ignores_policy else _session_policy(params.get("Policy", ""))
    entry = call.service.identities.directory.roles.get(arn)
    if entry is None:
        raise STSRefusedError(404, "EntityNotExist.Role", "The specified Role not exists.")
    role = entry.role
    duration_s = _duration(params.get("DurationSeconds", ""), role)
    _check_permission(call, caller, role, external_id)
    session = _new_session(call, role, session_name, policy, call.lifetime_s or duration_s)
    values: dict[str, object] = {
        "RequestId": call.record.request_id,
        "AssumedRoleUser": {
            "Arn": f"{role.arn}/{session_name}",
            "AssumedRoleId": f"{role.role_id}:{session_name}",
        },
        "Credentials": {
            "SecurityToken": session.security_token,
            "AccessKeyId": session.access_key_id,
            "AccessKeySecret": session.access_key_secret,
            "Expiration": iso(session.expires_ms // 1000),
        },
    }
    if identity := params.get("SourceIdentity"):
        values["SourceIdentity"] = identity
    return values


def _wrong(name: str, message: str) -> STSRefusedError:
    return STSRefusedError(400, f"InvalidParameter.{name}", message)


def _session_policy(text: str) -> str:
    if not text:
        return ""
    if len(text) > MAX_POLICY_CHARS:
        message = f"The size of Policy must be smaller than {MAX_POLICY_CHARS} bytes."
        raise _wrong("PolicySize", message)
    try:
        parse_policy(text, "session policy")
    except PolicyError as e:
        message = "The parameter Policy has not passed grammar check."
        why = {"kind": "policy", "grammar": str(e)}
        raise STSRefusedError(400, "InvalidParameter.PolicyGrammar", message, why=why) from e
    return text


def _duration(text: str, role: Role) -> int:
    if not text:
        return DEFAULT_DURATION_S
    duration_s = whole_number(text, MIN_DURATION_S, role.max_session_s)
    if duration_s is None:
        longest = f"{role.max_session_s / 3600:g}hr"
        raise _wrong("DurationSeconds", f"The Min/Max value of DurationSeconds is 15min/{longest}.")
    return duration_s


def _check_permission(call: STSCall, caller: Caller, role: Role, external_id: str | None) -> None:
    if caller.kind == "root":
        raise STSRefusedError(403, "NoPermission", "Roles may not be assumed by root accounts.")
    context = {"acs:SourceIp": call.request.client_ip, "acs:AccessId": caller.access_key_id}
    question = Question("sts:AssumeRole", role.arn, context)
    verdict = evaluate_session(caller.policies, caller.session_policy, question)
    names = [("RAM", f"acs:ram::{caller.account_id}:root"), ("RAM", caller.arn)]
    if caller.kind == "role":
        names.append(("RAM", caller.arn.rpartition("/")[0]))
    if external_id is not None:
        context["sts:ExternalId"] = external_id
    trusted = trusts(parse_trust_policy(role.trust_policy, role.name), names, context)
    if verdict.allowed and trusted:
        return
    raise STSRefusedError(
        403,
        "NoPermission",
        "No permission perform sts:AssumeRole on this Role. Maybe you are not authorized to "
        "perform sts:AssumeRole or the specified role does not trust you.",
        why=verdict.why("sts:AssumeRole", role.arn, caller.arn, trusted=trusted),
    )


def _new_session(
    call: STSCall, role: Role, session_name: str, policy: str, duration_s: int
) -> SessionRecord:
    key_id, secret, token = call.service.ids.temporary_key()
    session = SessionRecord(
        access_key_id=key_id,
        access_key_secret=secret,
        security_token=token,
        role_arn=role.arn,
        session_name=session_name,
        policy=policy,
        expires_ms=(call.service.now_ms() // 1000 + duration_s) * 1000,
    )
    call.service.store.sessions.put(session)
    return session


def _run_ram(call: STSCall, caller: Caller) -> Answer:
    return RAM_ACTIONS[call.action](RamCall(call, caller))


_ACTIONS = {
    (VERSION, "AssumeRole"): _assume_role,
    (VERSION, "GetCallerIdentity"): _get_caller_identity,
    **{(RAM_VERSION, name): _run_ram for name in RAM_ACTIONS},
}
ACTION_NAMES = frozenset(name for _version, name in _ACTIONS)
