"""RAM actions for roles, users and the access keys of users."""

from dataclasses import replace

from mock_oss.errors import STSRefusedError
from mock_oss.http.dates import iso
from mock_oss.http.request import whole_number
from mock_oss.identities import RoleEntry, UserEntry
from mock_oss.policies.evaluation import parse_trust_policy
from mock_oss.sts.ram_common import Answer, RamCall
from mock_oss.world.model import SESSION_S, Role, User

MAX_KEYS = 2


def create_role(call: RamCall) -> Answer:
    """Create a role that has a trust policy, but no other policies; return the role."""
    name = call.named("Role")
    trust = call.document("AssumeRolePolicyDocument", parse_trust_policy)
    role = Role(
        name=name,
        account_id=call.account_id,
        role_id=call.ids.ram_id("3"),
        trust_policy=trust,
        max_session_s=_session_s(call, "MaxSessionDuration", 3600),
    )
    if role.arn in call.directory.roles:
        raise STSRefusedError(409, "EntityAlreadyExists.Role", f"The role {name} already exists.")
    entry = RoleEntry(
        role=role, description=call.params.get("Description", ""), created_ms=call.now_ms
    )
    call.directory.roles[role.arn] = entry
    return call.answer(Role=_role(entry))


def get_role(call: RamCall) -> Answer:
    """Return the role that the request names, with its trust policy."""
    return call.answer(Role=_role(call.role()))


def update_role(call: RamCall) -> Answer:
    """Change the trust policy, description or longest session duration of a role, as requested."""
    entry = call.role()
    role = entry.role
    if "NewAssumeRolePolicyDocument" in call.params:
        trust = call.document("NewAssumeRolePolicyDocument", parse_trust_policy)
        role = replace(role, trust_policy=trust)
    longest_s = _session_s(call, "NewMaxSessionDuration", role.max_session_s)
    entry = replace(
        entry,
        role=replace(role, max_session_s=longest_s),
        description=call.params.get("NewDescription", entry.description),
    )
    call.directory.roles[role.arn] = entry
    return call.answer(Role=_role(entry))


def delete_role(call: RamCall) -> Answer:
    """Delete a role; refuse the request if custom policies are attached to the role."""
    entry = call.role()
    if call.directory.attached(entry.role):
        raise _conflict("Role", "Policy")
    del call.directory.roles[entry.role.arn]
    return call.answer()


def create_user(call: RamCall) -> Answer:
    """Create a user who has no policies and no access keys; return the user."""
    name = call.named("User")
    if (call.account_id, name) in call.directory.users:
        raise STSRefusedError(409, "EntityAlreadyExists.User", f"The user {name} already exists.")
    entry = UserEntry(
        user=User(name=name, account_id=call.account_id, user_id=call.ids.ram_id("2")),
        comments=call.params.get("Comments", ""),
        created_ms=call.now_ms,
    )
    call.directory.put_user(entry)
    return call.answer(User=_user(entry))


def get_user(call: RamCall) -> Answer:
    """Return the user that the request names."""
    return call.answer(User=_user(call.user()))


def delete_user(call: RamCall) -> Answer:
    """Delete a user; refuse the request if the user has access keys or attached custom policies."""
    entry = call.user()
    if entry.user.keys:
        raise _conflict("User", "AccessKey")
    if call.directory.attached(entry.user):
        raise _conflict("User", "Policy")
    del call.directory.users[call.account_id, entry.user.name]
    return call.answer()


def create_access_key(call: RamCall) -> Answer:
    """Create an access key for a user, and return it with its secret.

    No other response contains the secret. The request is refused if the user has two access keys.
    """
    entry = call.user()
    if len(entry.user.keys) >= MAX_KEYS:
        message = f"The number of access keys must not exceed {MAX_KEYS}."
        raise STSRefusedError(409, "LimitExceeded.User.AccessKey", message)
    key_id, secret = call.ids.access_key()
    entry = replace(
        entry,
        user=replace(entry.user, keys={**entry.user.keys, key_id: secret}),
        key_created_ms={**entry.key_created_ms, key_id: call.now_ms},
    )
    call.directory.put_user(entry)
    return call.answer(AccessKey={**_key(entry, key_id), "AccessKeySecret": secret})


def list_access_keys(call: RamCall) -> Answer:
    """Return the access keys of a user, without secrets."""
    entry = call.user()
    return call.answer(AccessKeys={"AccessKey": [_key(entry, key) for key in entry.user.keys]})


def delete_access_key(call: RamCall) -> Answer:
    """Delete an access key of a user."""
    entry, key_id = call.user(), call.given("UserAccessKeyId")
    if key_id not in entry.user.keys:
        message = f"The access key {key_id} does not exist."
        raise STSRefusedError(404, "EntityNotExist.User.AccessKey", message)
    keys = {key: secret for key, secret in entry.user.keys.items() if key != key_id}
    call.directory.put_user(replace(entry, user=replace(entry.user, keys=keys)))
    return call.answer()


def _conflict(kind: str, what: str) -> STSRefusedError:
    message = f"The {kind.lower()} can not have any {what} while deleting it."
    return STSRefusedError(409, f"DeleteConflict.{kind}.{what}", message)


def _session_s(call: RamCall, parameter: str, default: int) -> int:
    text = call.params.get(parameter, "")
    if not text:
        return default
    session_s = whole_number(text, SESSION_S[0], SESSION_S[-1])
    if session_s is None:
        message = f"{parameter} must be 3600 to 43200 seconds."
        raise STSRefusedError(400, f"InvalidParameter.{parameter}", message)
    return session_s


def _role(entry: RoleEntry) -> dict[str, object]:
    return {
        "RoleId": entry.role.role_id,
        "RoleName": entry.role.name,
        "Arn": entry.role.arn,
        "Description": entry.description,
        "AssumeRolePolicyDocument": entry.role.trust_policy,
        "MaxSessionDuration": entry.role.max_session_s,
        "CreateDate": iso(entry.created_ms // 1000),
    }


def _user(entry: UserEntry) -> dict[str, object]:
    return {
        "UserId": entry.user.user_id,
        "UserName": entry.user.name,
        "DisplayName": entry.user.name,
        "Comments": entry.comments,
        "CreateDate": iso(entry.created_ms // 1000),
    }


def _key(entry: UserEntry, key_id: str) -> dict[str, object]:
    return {
        "AccessKeyId": key_id,
        "Status": "Inactive" if key_id in entry.user.disabled_keys else "Active",
        "CreateDate": iso(entry.key_created_ms.get(key_id, entry.created_ms) // 1000),
    }
