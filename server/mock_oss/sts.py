"""STS on the same port: AssumeRole and GetCallerIdentity.

Both signature styles are verified: RPC (HMAC-SHA1) with parameters in query or form, and
ACS3-HMAC-SHA256 with action and version in headers. Answers and errors come as JSON or XML.
Source: vendor pages AssumeRole, "Request syntax and structure", "STS error codes".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from mock_oss.body import Body
from mock_oss.documents import document, tag
from mock_oss.errors import RefusedError, STSRefusedError
from mock_oss.identities import Caller
from mock_oss.journal import RequestRecord
from mock_oss.policy import PolicyError, Question, evaluate, evaluate_session, parse_policy, trusts
from mock_oss.request import Request, parse_query
from mock_oss.response import Response
from mock_oss.service import Service
from mock_oss.signing import acs3, rpc
from mock_oss.store import SessionRecord
from mock_oss.world import Role

__all__ = ["STSCall", "is_sts", "serve_sts", "sts_error"]

VERSION = "2015-04-01"
MAX_BODY_BYTES = 1 << 20
MAX_SKEW = timedelta(minutes=15)
MIN_DURATION_S, DEFAULT_DURATION_S = 900, 3600
MAX_POLICY_CHARS = 2048
REMEMBERED_NONCES = 20_000
_SESSION_NAME = re.compile(r"[A-Za-z0-9.@_-]{2,64}")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}")
_ROLE_ARN = re.compile(r"acs:ram::\d+:role/[A-Za-z0-9.-]{1,64}")


def is_sts(request: Request) -> bool:
    """Whether a request at service level is for STS."""
    return (
        "Action" in request.params
        or "x-acs-action" in request.headers
        or (request.method == "POST" and _is_form(request))
    )


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "")
    return kind.startswith("application/x-www-form-urlencoded")


class Nonces:
    """Remembers the last signature nonces; one may be used once."""

    def __init__(self, limit: int = REMEMBERED_NONCES) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._limit = limit

    def use(self, nonce: str) -> None:
        """Refuse a nonce seen before."""
        if nonce in self._seen:
            raise STSRefusedError(
                400, "SignatureNonceUsed", "Specified signature nonce was used already."
            )
        self._seen[nonce] = None
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)


class STSCall:
    """One request to STS, parsed; ``params`` merges query and form."""

    def __init__(self, service: Service, request: Request, record: RequestRecord) -> None:
        self.service = service
        self.request = request
        self.record = record
        self.params: dict[str, str] = {}
        self.action = request.headers.get("x-acs-action", "")
        self.wants_xml = False

    def read(self, body: bytes) -> None:
        """Merge query and form, find action and format."""
        pairs = list(self.request.query)
        if body and _is_form(self.request):
            pairs += parse_query(body)
        self.params = dict(pairs)
        self.action = self.action or self.params.get("Action", "")
        if "x-acs-action" in self.request.headers:
            accept = self.request.headers.get("accept", "application/json")
            self.wants_xml = "xml" in accept and "json" not in accept
        else:
            self.wants_xml = self.params.get("Format", "XML").upper() != "JSON"


async def serve_sts(call: STSCall, body: Body, nonces: Nonces) -> Response:
    """Verify and answer a request.

    Raises:
        STSRefusedError: with the code, status and message of the vendor's pages.
    """
    payload = await body.read(MAX_BODY_BYTES)
    try:
        call.read(payload)
    except RefusedError as e:
        raise STSRefusedError(400, "InvalidParameter", e.message) from e
    call.record.operation = call.action
    call.record.params = call.params
    version = call.request.headers.get("x-acs-version") or call.params.get("Version", "")
    if version != VERSION or call.action not in _ACTIONS:
        raise STSRefusedError(
            404,
            "InvalidApi.NotFound",
            "Specified api is not found, please check your url and method.",
        )
    caller = _authenticate(call, payload, nonces)
    call.record.access_key_id, call.record.caller = caller.access_key_id, caller.arn
    return _answer(call, call.action, _ACTIONS[call.action](call, caller))


def _answer(call: STSCall, action: str, values: Mapping[str, object]) -> Response:
    if call.wants_xml:
        body = document(f"{action}Response", _elements(values))
        return Response(200, [("Content-Type", "text/xml;charset=utf-8")], body)
    return _json_response(200, values)


def _json_response(status: int, values: Mapping[str, object]) -> Response:
    body = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, [("Content-Type", "application/json;charset=utf-8")], body)


def _elements(values: Mapping[str, object]) -> list[str]:
    return [
        tag(name, _elements(value) if isinstance(value, dict) else str(value))
        for name, value in values.items()
    ]


def sts_error(call: STSCall, refused: STSRefusedError, request_id: str) -> Response:
    """Write a refusal of STS."""
    values = {
        "RequestId": request_id,
        "HostId": "sts.aliyuncs.com",
        "Code": refused.code,
        "Message": refused.message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={refused.code}&product=Sts",
    }
    if call.wants_xml:
        body = document("Error", _elements(values))
        return Response(refused.status, [("Content-Type", "text/xml;charset=utf-8")], body)
    return _json_response(refused.status, values)


def _authenticate(call: STSCall, payload: bytes, nonces: Nonces) -> Caller:
    authorization = call.request.headers.get("authorization", "")
    if authorization.startswith(acs3.ALGORITHM):
        return _acs3(call, authorization, payload, nonces)
    return _rpc(call, nonces)


def _missing(name: str) -> STSRefusedError:
    return STSRefusedError(400, f"Missing{name}", f"{name} is mandatory for this action.")


def _incomplete(message: str) -> STSRefusedError:
    return STSRefusedError(400, "IncompleteSignature", message)


def _check_time(call: STSCall, text: str) -> None:
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as e:
        raise STSRefusedError(
            400,
            "InvalidTimeStamp.Format",
            "Specified time stamp or date value is not well formatted.",
        ) from e
    skew = moment - call.service.clock.now()
    if abs(skew) > MAX_SKEW:
        raise STSRefusedError(
            400,
            "InvalidTimeStamp.Expired",
            "Specified time stamp or date value is expired.",
            why={"kind": "clock", "client_minus_server_s": skew.total_seconds()},
        )


def _find(call: STSCall, access_key_id: str, token: str) -> Caller:
    caller = call.service.identities.find(access_key_id)
    if caller is None:
        raise STSRefusedError(
            404,
            "InvalidAccessKeyId.NotFound",
            "Specified access key is not found.",
            why={"kind": "key", "unknown": access_key_id},
        )
    if not caller.enabled:
        raise STSRefusedError(
            400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled."
        )
    if caller.kind == "role":
        if not token:
            raise _missing("SecurityToken")
        if not hmac.compare_digest(token.encode(), caller.token.encode()):
            raise STSRefusedError(
                400,
                "InvalidSecurityToken.MismatchWithAccessKey",
                "Specified SecurityToken mismatch with the AccessKey.",
            )
        if call.service.now_ms() >= caller.expires_ms:
            raise STSRefusedError(
                400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."
            )
    elif token:
        raise STSRefusedError(
            400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed."
        )
    return caller


def _mismatch(text: str, provided: str) -> STSRefusedError:
    return STSRefusedError(
        400,
        "SignatureDoesNotMatch",
        "Specified signature is not matched with our calculation. server string to sign is:" + text,
        why={"kind": "signature", "expected_text": text, "provided": provided},
    )


def _rpc(call: STSCall, nonces: Nonces) -> Caller:
    params = call.params
    for name in ("AccessKeyId", "Signature", "SignatureNonce", "Timestamp", "SignatureMethod"):
        if not params.get(name):
            raise _missing(name)
    if params["SignatureMethod"] != "HMAC-SHA1" or params.get("SignatureVersion") != "1.0":
        raise _incomplete("The mock takes SignatureMethod HMAC-SHA1, SignatureVersion 1.0.")
    _check_time(call, params["Timestamp"])
    caller = _find(call, params["AccessKeyId"], params.get("SecurityToken", ""))
    text = rpc.string_to_sign(call.request.method, params)
    provided = params["Signature"]
    if not hmac.compare_digest(rpc.signature(caller.secret, text).encode(), provided.encode()):
        raise _mismatch(text, provided)
    nonces.use(params["SignatureNonce"])
    return caller


def _acs3(call: STSCall, authorization: str, payload: bytes, nonces: Nonces) -> Caller:
    headers = call.request.headers
    try:
        access_key_id, signed, provided = acs3.parse_authorization(authorization)
    except ValueError as e:
        raise _incomplete(f"{e}.") from e
    payload_hash = hashlib.sha256(payload).hexdigest()
    for name in ("x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"):
        if not headers.get(name) or name not in signed:
            raise _incomplete(f"The header {name} is mandatory and must be signed.")
    if headers["x-acs-content-sha256"] != payload_hash:
        raise _incomplete("x-acs-content-sha256 is not the hash of the body.")
    if unsigned := [n for n in headers if n.startswith("x-acs-") and n not in signed]:
        raise _incomplete(f"The header {unsigned[0]} must be signed.")
    _check_time(call, headers["x-acs-date"])
    caller = _find(call, access_key_id, headers.get("x-acs-security-token", ""))
    canonical = acs3.canonical_request(
        call.request.method,
        "/",
        query=call.request.query,
        headers=headers,
        signed=signed,
        payload_hash=payload_hash,
    )
    text = acs3.string_to_sign(canonical)
    if not hmac.compare_digest(acs3.signature(caller.secret, text).encode(), provided.encode()):
        raise _mismatch(canonical, provided)
    nonces.use(headers["x-acs-signature-nonce"])
    return caller


def _get_caller_identity(call: STSCall, caller: Caller) -> dict[str, object]:
    values: dict[str, object] = {
        "RequestId": call.record.request_id,
        "AccountId": caller.account_id,
        "Arn": caller.arn,
        "PrincipalId": caller.principal_id,
    }
    if caller.kind == "role":
        return {
            **values,
            "IdentityType": "AssumedRoleUser",
            "RoleId": caller.principal_id.split(":")[0],
        }
    if caller.kind == "root":
        return {**values, "IdentityType": "Account"}
    return {**values, "IdentityType": "RAMUser", "UserId": caller.principal_id}


def _assume_role(call: STSCall, caller: Caller) -> dict[str, object]:
    params = call.params
    arn, session_name = params.get("RoleArn", ""), params.get("RoleSessionName", "")
    if not arn:
        raise _missing("RoleArn")
    if not _ROLE_ARN.fullmatch(arn):
        raise _wrong("RoleArn", "The parameter RoleArn is wrongly formed.")
    if not session_name:
        raise _missing("RoleSessionName")
    if not _SESSION_NAME.fullmatch(session_name):
        raise _wrong("RoleSessionName", "The parameter RoleSessionName is wrongly formed.")
    external_id = params.get("ExternalId")
    if external_id is not None and not _EXTERNAL_ID.fullmatch(external_id):
        raise _wrong("ExternalId", "The parameter ExternalId is wrongly formed.")
    policy = _session_policy(params.get("Policy", ""))
    role = call.service.identities.role(arn)
    if role is None:
        raise STSRefusedError(404, "EntityNotExist.Role", "The specified Role not exists.")
    duration_s = _duration(params.get("DurationSeconds", ""), role)
    _check_permission(call, caller, role, external_id)
    session = _new_session(call, role, session_name, policy, duration_s)
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
            "Expiration": _iso(session.expires_ms),
        },
    }
    if identity := params.get("SourceIdentity"):
        values["SourceIdentity"] = identity
    return values


def _iso(timestamp_ms: int) -> str:
    return f"{datetime.fromtimestamp(timestamp_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _wrong(name: str, message: str) -> STSRefusedError:
    return STSRefusedError(400, f"InvalidParameter.{name}", message)


def _session_policy(text: str) -> str:
    if not text:
        return ""
    if len(text) > MAX_POLICY_CHARS:
        raise _wrong(
            "PolicySize", f"The size of Policy must be smaller than {MAX_POLICY_CHARS} bytes."
        )
    try:
        parse_policy(text, "session policy")
    except PolicyError as e:
        raise STSRefusedError(
            400,
            "InvalidParameter.PolicyGrammar",
            "The parameter Policy has not passed grammar check.",
            why={"kind": "policy", "grammar": str(e)},
        ) from e
    return text


def _duration(text: str, role: Role) -> int:
    if not text:
        return DEFAULT_DURATION_S
    if text.isascii() and text.isdigit() and len(text) < 8:
        duration_s = int(text)
        if MIN_DURATION_S <= duration_s <= role.max_session_s:
            return duration_s
    longest = f"{role.max_session_s / 3600:g}hr"
    raise _wrong("DurationSeconds", f"The Min/Max value of DurationSeconds is 15min/{longest}.")


def _check_permission(call: STSCall, caller: Caller, role: Role, external_id: str | None) -> None:
    if caller.kind == "root":
        raise STSRefusedError(403, "NoPermission", "Roles may not be assumed by root accounts.")
    context = {"acs:SourceIp": call.request.client_ip, "acs:AccessId": caller.access_key_id}
    question = Question("sts:AssumeRole", role.arn, context)
    verdict = (
        evaluate(caller.policies, question)
        if caller.kind == "user"
        else evaluate_session(caller.policies, caller.session_policy, question)
    )
    names = [("RAM", f"acs:ram::{caller.account_id}:root"), ("RAM", caller.arn)]
    if caller.kind == "role":
        names.append(("RAM", caller.arn.rpartition("/")[0]))
    conditions = dict(context)
    if external_id is not None:
        conditions["sts:ExternalId"] = external_id
    trusted = trusts(call.service.identities.trust_policy(role), names, conditions)
    if verdict.allowed and trusted:
        return
    raise STSRefusedError(
        403,
        "NoPermission",
        "No permission perform sts:AssumeRole on this Role. Maybe you are not authorized to "
        "perform sts:AssumeRole or the specified role does not trust you.",
        why={
            "kind": "policy",
            "decision": str(verdict.decision),
            "policy": verdict.policy,
            "statement": verdict.statement,
            "action": "sts:AssumeRole",
            "resource": role.arn,
            "trusted": trusted,
            "caller": caller.arn,
        },
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


_ACTIONS = {"AssumeRole": _assume_role, "GetCallerIdentity": _get_caller_identity}
