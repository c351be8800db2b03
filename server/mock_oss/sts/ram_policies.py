"""RAM actions for custom policies, their versions, and their attachment to users and roles."""

from dataclasses import replace

from mock_oss.errors import STSRefusedError
from mock_oss.http.dates import iso
from mock_oss.identities import ManagedPolicy, PolicyVersion
from mock_oss.policies.evaluation import parse_policy
from mock_oss.sts.ram_common import Answer, RamCall

MAX_VERSIONS = 5
ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"


def create_policy(call: RamCall) -> Answer:
    """Create a custom policy, whose document becomes the version `v1`; return the policy."""
    name = call.named("Policy")
    document = call.document("PolicyDocument", parse_policy)
    if (call.account_id, name) in call.directory.policies:
        message = f"The policy {name} already exists."
        raise STSRefusedError(409, "EntityAlreadyExists.Policy", message)
    policy = ManagedPolicy(
        account_id=call.account_id,
        name=name,
        description=call.params.get("Description", ""),
        created_ms=call.now_ms,
        versions=(PolicyVersion(number=1, document=document, created_ms=call.now_ms),),
    )
    call.directory.put_policy(policy)
    return call.answer(Policy=_summary(policy))


def get_policy(call: RamCall) -> Answer:
    """Return the custom policy that the request names, with its default version."""
    policy = call.policy()
    summary = {
        **_summary(policy),
        "UpdateDate": iso(policy.current.created_ms // 1000),
        "AttachmentCount": len(call.directory.holders(policy)),
    }
    return call.answer(Policy=summary, DefaultPolicyVersion=_version(policy, policy.current))


def delete_policy(call: RamCall) -> Answer:
    """Delete a custom policy; refuse the request if it is attached or has more than one version."""
    policy = call.policy()
    for arn in call.directory.holders(policy):
        kind = "Role" if ":role/" in arn else "User"
        message = f"The policy can not be attached to any {kind.lower()} while deleting the policy."
        raise STSRefusedError(409, f"DeleteConflict.Policy.{kind}", message)
    if len(policy.versions) > 1:
        message = "The policy can not have any version except the default version."
        raise STSRefusedError(409, "DeleteConflict.Policy.Version", message)
    del call.directory.policies[policy.account_id, policy.name]
    return call.answer()


def create_version(call: RamCall) -> Answer:
    """Create a version of a custom policy, and return the version.

    With the parameter `SetAsDefault`, the new version becomes the default version, which is the one
    that applies. If the policy already has five versions, the request is refused, unless it has the
    parameter `RotateStrategy`: the oldest version that is not the default version is then deleted.
    """
    policy = call.policy()
    document = call.document("PolicyDocument", parse_policy)
    versions = policy.versions
    if len(versions) >= MAX_VERSIONS:
        if call.params.get("RotateStrategy") != ROTATE:
            message = f"The number of versions must not exceed {MAX_VERSIONS}."
            raise STSRefusedError(409, "LimitExceeded.Policy.Version", message)
        oldest = next(version for version in versions if version.number != policy.default)
        versions = tuple(version for version in versions if version is not oldest)
    number = policy.versions[-1].number + 1
    made = PolicyVersion(number=number, document=document, created_ms=call.now_ms)
    in_force = call.params.get("SetAsDefault", "false").lower() == "true"
    policy = replace(
        policy, versions=(*versions, made), default=number if in_force else policy.default
    )
    call.directory.put_policy(policy)
    return call.answer(PolicyVersion=_version(policy, made))


def list_versions(call: RamCall) -> Answer:
    """Return all versions of a custom policy."""
    policy = call.policy()
    versions = [_version(policy, version) for version in policy.versions]
    return call.answer(PolicyVersions={"PolicyVersion": versions})


def delete_version(call: RamCall) -> Answer:
    """Delete a version of a custom policy; refuse the request for the default version."""
    policy, wanted = call.policy(), call.given("VersionId")
    version = next((v for v in policy.versions if v.version_id == wanted), None)
    if version is None:
        message = f"The version {wanted} does not exist."
        raise STSRefusedError(404, "EntityNotExist.Policy.Version", message)
    if version.number == policy.default:
        message = "The default version of a policy can not be deleted."
        raise STSRefusedError(409, "DeleteConflict.PolicyVersion.Default", message)
    kept = tuple(v for v in policy.versions if v is not version)
    call.directory.put_policy(replace(policy, versions=kept))
    return call.answer()


def attach(call: RamCall) -> Answer:
    """Attach a custom policy to a user or role.

    The request is refused if the policy is attached already.
    """
    holder = call.holder()
    policy = call.policy()
    if policy in call.directory.attached(holder):
        message = f"The policy {policy.name} is attached already."
        raise STSRefusedError(409, f"EntityAlreadyExists.{type(holder).__name__}.Policy", message)
    call.directory.attach(policy, holder)
    return call.answer()


def detach(call: RamCall) -> Answer:
    """Detach a custom policy from a user or role.

    Raises:
        STSRefusedError: the policy is not attached, the user or role does not exist, or the caller
            has no permission.
    """
    holder = call.holder()
    name = call.named("Policy")
    if not call.directory.detach(name, holder):
        message = f"The policy {name} is not attached."
        raise STSRefusedError(404, f"EntityNotExist.{type(holder).__name__}.Policy", message)
    return call.answer()


def list_attached(call: RamCall) -> Answer:
    """Return the custom policies that are attached to a user or role."""
    policies = [_summary(policy) for policy in call.directory.attached(call.holder())]
    return call.answer(Policies={"Policy": policies})


def _summary(policy: ManagedPolicy) -> dict[str, object]:
    return {
        "PolicyName": policy.name,
        "PolicyType": "Custom",
        "Description": policy.description,
        "DefaultVersion": policy.current.version_id,
        "CreateDate": iso(policy.created_ms // 1000),
    }


def _version(policy: ManagedPolicy, version: PolicyVersion) -> dict[str, object]:
    return {
        "VersionId": version.version_id,
        "IsDefaultVersion": version.number == policy.default,
        "PolicyDocument": version.document,
        "CreateDate": iso(version.created_ms // 1000),
    }
