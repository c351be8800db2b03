"""RAM actions for roles, users and the access keys of users."""

from dataclasses import replace

from mock_oss.access.directory import RoleEntry, UserEntry
from mock_oss.errors import STSRefusedError
from mock_oss.policies.evaluation import parse_trust_policy
from mock_oss.sts.ram_common import Answer, RamCall, iso, refusal
from mock_oss.world.model import SESSION_S, Role, User

MAX_KEYS = 2


def create_role(call: RamCall) -> Answer:
    """Create a role without policies."""
    name = call.name("RoleName")
    call.permit(f"role/{name}")
    trust = call.document("AssumeRolePolicyDocument", parse_trust_policy)
    role = Role(
        name=name,
        account_id=call.account_id,
        role_id=call.ids.ram_id("3"),
        trust_policy=trust,
        max_session_s=_session_s(call, "MaxSessionDuration", 3600),
    )
    if call.directory.role(role.arn) is not None:
        raise refusal(409, "EntityAlreadyExists.Role", f"The role {name} already exists.")
    entry = RoleEntry(
        role=role, description=call.params.get("Description", ""), created_ms=call.now_ms
    )
    call.directory.put_role(entry)
    return call.answer(Role=_role(entry))


def get_role(call: RamCall) -> Answer:
    """Return a role with its trust policy."""
    return call.answer(Role=_role(call.role()))


def update_role(call: RamCall) -> Answer:
    """Change the trust policy, the description or the longest session of a role."""
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
    call.directory.put_role(entry)
    return call.answer(Role=_role(entry))


def delete_role(call: RamCall) -> Answer:
    """Delete a role to which no policy of RAM requests is attached."""
    entry = call.role()
    if call.directory.attached(entry):
        raise _conflict("Role", "Policy")
    call.directory.delete_role(entry)
    return call.answer()


def create_user(call: RamCall) -> Answer:
    """Create a user without policies and keys."""
    name = call.name("UserName")
    call.permit(f"user/{name}")
    if call.directory.user(call.account_id, name) is not None:
        raise refusal(409, "EntityAlreadyExists.User", f"The user {name} already exists.")
    entry = UserEntry(
        user=User(name=name, account_id=call.account_id, user_id=call.ids.ram_id("2")),
        comments=call.params.get("Comments", ""),
        created_ms=call.now_ms,
    )
    call.directory.put_user(entry)
    return call.answer(User=_user(entry))


def get_user(call: RamCall) -> Answer:
    """Return a user."""
    return call.answer(User=_user(call.user()))


def delete_user(call: RamCall) -> Answer:
    """Delete a user that has neither access keys nor policies of RAM requests."""
    entry = call.user()
    if entry.user.keys:
        raise _conflict("User", "AccessKey")
    if call.directory.attached(entry):
        raise _conflict("User", "Policy")
    call.directory.delete_user(entry)
    return call.answer()


def create_access_key(call: RamCall) -> Answer:
    """Create an access key of a user; only this response contains the secret."""
    entry = call.user()
    if len(entry.user.keys) >= MAX_KEYS:
        raise refusal(
            409,
            "LimitExceeded.User.AccessKey",
            f"The number of access keys must not exceed {MAX_KEYS}.",
        )
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
        raise refusal(
            404, "EntityNotExist.User.AccessKey", f"The access key {key_id} does not exist."
        )
    keys = {key: secret for key, secret in entry.user.keys.items() if key != key_id}
    call.directory.put_user(replace(entry, user=replace(entry.user, keys=keys)))
    return call.answer()


def _conflict(kind: str, what: str) -> STSRefusedError:
    return refusal(
        409,
        f"DeleteConflict.{kind}.{what}",
        f"The {kind.lower()} can not have any {what} while deleting it.",
    )


def _session_s(call: RamCall, parameter: str, default: int) -> int:
    text = call.params.get(parameter, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 8 and int(text) in SESSION_S):
        raise refusal(
            400, f"InvalidParameter.{parameter}", f"{parameter} must be 3600 to 43200 seconds."
        )
    return int(text)


def _role(entry: RoleEntry) -> dict[str, object]:
    return {
        "RoleId": entry.role.role_id,
        "RoleName": entry.role.name,
        "Arn": entry.arn,
        "Description": entry.description,
        "AssumeRolePolicyDocument": entry.role.trust_policy,
        "MaxSessionDuration": entry.role.max_session_s,
        "CreateDate": iso(entry.created_ms),
    }


def _user(entry: UserEntry) -> dict[str, object]:
    return {
        "UserId": entry.user.user_id,
        "UserName": entry.user.name,
        "DisplayName": entry.user.name,
        "Comments": entry.comments,
        "CreateDate": iso(entry.created_ms),
    }


def _key(entry: UserEntry, key_id: str) -> dict[str, object]:
    return {
        "AccessKeyId": key_id,
        "Status": "Inactive" if key_id in entry.user.disabled_keys else "Active",
        "CreateDate": iso(entry.key_created_ms.get(key_id, entry.created_ms)),
    }
