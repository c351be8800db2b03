"""Authorization: decides by policies and ACLs whether a caller may perform an action.

For a signed request, the order is:

1. The session policy, if the role session has one, must allow the action.
2. An explicit deny in an identity policy (of the user or role) refuses the action. An allow permits
   the action in the buckets of the caller's account.
3. If no policy matches, the ACL decides about operations on data: the ACL of the object, or the ACL
   of the bucket if the object is new or has the ACL `default`. A management operation is refused.
   Block Public Access switches this step off.

For a request without a signature, only the ACL decides. The mock has no bucket policies. Source:
OSS documentation, "Authorization process"; RAM documentation, "How RAM evaluates policies". The
object ACL decides about DeleteObject because the vendor page DeleteObject requires "the write
permission on the object"; see also EC 0016-00000616.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple
from urllib.parse import parse_qsl

from mock_oss.errors import RefusedError
from mock_oss.identities import Caller
from mock_oss.policies.evaluation import (
    NOTHING_MATCHED,
    Decision,
    Question,
    Verdict,
    evaluate,
    evaluate_session,
)
from mock_oss.service import Call
from mock_oss.store.data_directory import Store
from mock_oss.store.records import BucketRecord, ObjectRecord

_VERSION_ACTIONS = {
    "oss:GetObject": "oss:GetObjectVersion",
    "oss:DeleteObject": "oss:DeleteObjectVersion",
    "oss:PutObjectAcl": "oss:PutObjectVersionAcl",
    "oss:GetObjectAcl": "oss:GetObjectVersionAcl",
    "oss:PutObjectTagging": "oss:PutObjectVersionTagging",
    "oss:GetObjectTagging": "oss:GetObjectVersionTagging",
    "oss:DeleteObjectTagging": "oss:DeleteObjectVersionTagging",
    "oss:RestoreObject": "oss:RestoreObjectVersion",
}
"""Action -> the action for a request with a version id."""
_READ_OBJECT = {"oss:GetObject", "oss:GetObjectVersion"}
_WRITE_OBJECT = {"oss:PutObject", "oss:DeleteObject", "oss:DeleteObjectVersion"}
_READ = _READ_OBJECT | {"oss:ListObjects", "oss:ListObjectVersions"}
_WRITE = _WRITE_OBJECT | {"oss:AbortMultipartUpload", "oss:ListParts", "oss:ListMultipartUploads"}
_WITH_EXISTING_TAGS = _READ_OBJECT | {"oss:GetObjectTagging", "oss:GetObjectVersionTagging"}
ACL_EC = "0003-00000001"
"""The EC of a refusal by an ACL."""

_ACL_HEADERS = {
    "oss:PutBucketAcl": ("x-oss-acl", "bucket"),
    "oss:PutObject": ("x-oss-object-acl", "object"),
    "oss:PutObjectAcl": ("x-oss-object-acl", "object"),
    "oss:PutObjectVersionAcl": ("x-oss-object-acl", "object"),
}
"""Action -> (the header that sets an ACL, what gets the ACL)."""


def authorize(call: Call, action: str, *, tags: Mapping[str, str] | None = None) -> None:
    """Check that the caller may perform an action on the service, bucket or object in the URL.

    Args:
        call: the request and its caller.
        action: the RAM action, such as `oss:GetObject`. If the URL contains a version id, the
            action for versions is checked instead, if there is one, such as `oss:GetObjectVersion`.
        tags: the object tags in the request body, which are compared with policy conditions such as
            `oss:RequestObjectTag/KEY`; None to use the header or form field `x-oss-tagging`.

    Raises:
        RefusedError: AccessDenied if the action is not allowed, or if the request sets a public ACL
            while Block Public Access is on.
    """
    target, record = call.target, call.bucket_or_none
    version_id = call.request.params.get("versionId", "") if target.key else ""
    if version_id:
        action = _VERSION_ACTIONS.get(action, action)
    _check(call, action, record, _Resource(target.bucket, target.key, version_id), tags)
    if record is not None and record.block_public and action in _ACL_HEADERS:
        header, what = _ACL_HEADERS[action]
        if (call.header(header) or "").startswith("public-"):
            # The vendor's pages give this message, but not its EC.
            raise RefusedError("AccessDenied", f"Put public {what} acl is not allowed")


def authorize_object(
    call: Call, action: str, bucket: BucketRecord, key: str, version_id: str = ""
) -> None:
    """Check that the caller may perform an action on an object that is not the object in the URL.

    Examples are the source object of a copy, and the objects of a batch delete.

    Args:
        call: the request and its caller.
        action: the RAM action, such as `oss:GetObject`. With a version id, the action for versions
            is checked instead, if there is one, such as `oss:GetObjectVersion`.
        bucket: the bucket of the object.
        key: the key of the object.
        version_id: the version id of the object in the request; empty if there is none.

    Raises:
        RefusedError: AccessDenied if the action is not allowed.
    """
    if version_id:
        action = _VERSION_ACTIONS.get(action, action)
    _check(call, action, bucket, _Resource(bucket.name, key, version_id))


class _Resource(NamedTuple):
    """What a request wants to use; fields that do not apply are empty text."""

    bucket: str
    key: str
    version_id: str

    def record(self, store: Store) -> ObjectRecord | None:
        """Return the version that the request names, or the current version, or None."""
        if self.version_id:
            return store.version(self.bucket, self.key, self.version_id)
        return store.objects.get(self.bucket, self.key)


def _check(
    call: Call,
    action: str,
    record: BucketRecord | None,
    resource: _Resource,
    tags: Mapping[str, str] | None = None,
) -> None:
    caller = call.caller
    owner = record.account_id if record is not None else caller.account_id
    if caller.kind == "root" and owner == caller.account_id:
        return
    verdict = NOTHING_MATCHED
    question = None
    if caller.kind in ("user", "role"):
        bucket, key = resource.bucket, resource.key
        relative = f"{bucket}/{key}" if key else (bucket or "*")
        question = Question(
            action,
            f"acs:oss:*:{owner}:{relative}",
            partial(_context, call, action, record, resource, tags),
        )
        verdict = evaluate_session(caller.policies, caller.session_policy, question)
        if verdict.allowed and owner == caller.account_id:
            return
        if verdict.decision is Decision.EXPLICIT_DENY or _session_stops(caller, question):
            raise _denied(call, action, question, verdict)
    if record is not None and _acl_allows(call, action, record, resource):
        return
    raise _denied(call, action, question, verdict)


def _session_stops(caller: Caller, question: Question) -> bool:
    policy = caller.session_policy
    return policy is not None and not evaluate((policy,), question).allowed


def _acl_allows(call: Call, action: str, bucket: BucketRecord, resource: _Resource) -> bool:
    if bucket.block_public:
        return False
    acl = bucket.acl
    if action in _READ_OBJECT | _WRITE_OBJECT:
        record = resource.record(call.store)
        if record is not None and record.acl != "default":
            acl = record.acl
    if acl == "public-read-write":
        return action in _READ or action in _WRITE
    return acl == "public-read" and action in _READ


def _context(
    call: Call,
    action: str,
    bucket: BucketRecord | None,
    resource: _Resource,
    tags: Mapping[str, str] | None,
) -> Mapping[str, str]:
    request = call.request
    context = {
        "acs:SourceIp": request.client_ip,
        "acs:SecureTransport": "true" if request.is_secure else "false",
        "acs:CurrentTime": call.clock.now().isoformat(timespec="seconds"),
        "acs:AccessId": call.caller.access_key_id,
    }
    if (agent := request.headers.get("user-agent")) is not None:
        context["acs:UserAgent"] = agent
    if action in ("oss:ListObjects", "oss:ListObjectVersions", "oss:ListMultipartUploads"):
        context["oss:Prefix"] = request.params.get("prefix", "")
        context["oss:Delimiter"] = request.params.get("delimiter", "")
    elif action in ("oss:PutBucket", "oss:PutBucketAcl"):
        context["oss:x-oss-acl"] = request.headers.get("x-oss-acl", "private")
    elif action in ("oss:PutObject", "oss:PutObjectAcl", "oss:PutObjectVersionAcl"):
        context["oss:x-oss-object-acl"] = call.header("x-oss-object-acl") or "default"
    if action in ("oss:PutObject", "oss:PutObjectTagging", "oss:PutObjectVersionTagging"):
        header = call.header("x-oss-tagging") or ""
        sent = dict(parse_qsl(header, keep_blank_values=True)) if tags is None else tags
        context |= {f"oss:RequestObjectTag/{name}": value for name, value in sent.items()}
    if action in _WITH_EXISTING_TAGS and bucket is not None:
        record = resource.record(call.store)
        if record is not None:
            stored = record.tags.items()
            context |= {f"oss:ExistingObjectTag/{name}": value for name, value in stored}
    return context


def _denied(call: Call, action: str, question: Question | None, verdict: Verdict) -> RefusedError:
    caller = call.caller
    resource = question.resource if question else None
    why = verdict.why(action, resource, caller.arn or "anonymous")
    message, ec = _acl_message(call, action), ACL_EC
    if question is None:  # RAM is not involved
        return RefusedError("AccessDenied", message, why=why)
    if verdict.allowed:  # the bucket belongs to another account, and its ACL refuses the request
        return RefusedError("AccessDenied", message, why={**why, "evaluated": "ACL"})
    explicit = verdict.decision is Decision.EXPLICIT_DENY
    is_role = caller.kind == "role"
    kind = "AssumeRolePolicy" if is_role else "AccountLevelIdentityBasedPolicy"
    why["evaluated"] = ", ".join(policy.name for policy in caller.policies) or "no policy"
    if _session_stops(caller, question):
        kind, why["evaluated"] = "SessionPolicy", "session policy"
    if explicit:
        message, ec = "Access denied by bucket policy.", "0003-00000201"
    elif is_role:
        message, ec = "Access denied by authorizer's policy.", "0003-00000301"
    return RefusedError(
        "AccessDenied",
        message,
        ec=ec,
        why=why,
        AccessDeniedDetail={
            "PolicyType": kind,
            "AuthAction": action,
            "AuthPrincipalType": "AssumedRoleUser" if is_role else "SubUser",
            "AuthPrincipalOwnerId": caller.account_id,
            "AuthPrincipalDisplayName": caller.principal_id,
            "NoPermissionType": "ExplicitDeny" if explicit else "ImplicitDeny",
        },
    )


def _acl_message(call: Call, action: str) -> str:
    if call.caller.kind == "anonymous":
        if not call.target.bucket:
            return "Anonymous access is forbidden for this operation."
        level = "object" if call.target.key else "bucket"
        return f"Anonymous user has no right to access this {level}."
    if action in _READ or action in _WRITE:
        return "You have no right to access this object because of bucket acl."
    return "AccessDenied"
