"""The users, roles and policies of all accounts, and the lookup of the owner of an access key.

`Directory` starts with the users and roles in the configuration of the mock. RAM requests change
the directory; the changes are kept in memory until the mock is reset or stopped. All times are
milliseconds since the epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mock_oss.policies.evaluation import Policy, parse_policy
from mock_oss.store.data_directory import Store
from mock_oss.store.records import SessionRecord
from mock_oss.world.model import Role, User, World


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEntry:
    """A RAM user in the `Directory`.

    `user` contains the name, the access keys and the policies. `key_created_ms` maps access key ids
    to creation times, in milliseconds since the epoch.
    """

    user: User
    comments: str = ""
    created_ms: int = 0
    key_created_ms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEntry:
    """A RAM role in the `Directory`, with its description and creation time.

    `created_ms` is in milliseconds since the epoch.
    """

    role: Role
    description: str = ""
    created_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One version of a custom RAM policy.

    `number` counts from 1. `document` is the policy as JSON text. `created_ms` is in milliseconds
    since the epoch.
    """

    number: int
    document: str
    created_ms: int

    @property
    def version_id(self) -> str:
        """The id of the version, such as `v1`."""
        return f"v{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    """A custom RAM policy with its versions.

    `versions` are sorted by number. `default` is the number of the version that applies.
    """

    account_id: str
    name: str
    description: str = ""
    created_ms: int = 0
    versions: tuple[PolicyVersion, ...]
    default: int = 1

    @property
    def current(self) -> PolicyVersion:
        """The default version of the policy, which is the version that applies."""
        return next(version for version in self.versions if version.number == self.default)


class Directory:
    """Users, roles and policies, with the attachments of policies to users and roles.

    `users` and `policies` map (account id, name) pairs to `UserEntry` and `ManagedPolicy`. `roles`
    maps ARNs to `RoleEntry`.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.reset()

    def reset(self) -> None:
        """Restore the configured users and roles; delete everything that RAM requests created."""
        users = (UserEntry(user=user) for user in self._world.users)
        self.users = {(entry.user.account_id, entry.user.name): entry for entry in users}
        self.roles = {role.arn: RoleEntry(role=role) for role in self._world.roles}
        self.policies: dict[tuple[str, str], ManagedPolicy] = {}
        # ARN of a user or role -> names of attached policies, in the order of attachment.
        self._attached: dict[str, tuple[str, ...]] = {}

    def put_user(self, entry: UserEntry) -> None:
        """Create or replace a user."""
        self.users[entry.user.account_id, entry.user.name] = entry

    def put_policy(self, policy: ManagedPolicy) -> None:
        """Create or replace a custom policy."""
        self.policies[policy.account_id, policy.name] = policy

    def attached(self, holder: User | Role) -> list[ManagedPolicy]:
        """Return the custom policies that are attached to a user or role."""
        names = self._attached.get(holder.arn, ())
        return [self.policies[holder.account_id, name] for name in names]

    def attach(self, policy: ManagedPolicy, holder: User | Role) -> None:
        """Attach a custom policy to a user or role.

        The caller must have checked that the policy is not attached yet.
        """
        self._attached[holder.arn] = (*self._attached.get(holder.arn, ()), policy.name)

    def detach(self, name: str, holder: User | Role) -> bool:
        """Detach a custom policy from a user or role; return whether the policy was attached.

        Args:
            name: the name of the policy.
            holder: the user or role.
        """
        names = self._attached.get(holder.arn, ())
        self._attached[holder.arn] = tuple(other for other in names if other != name)
        return name in names

    def holders(self, policy: ManagedPolicy) -> list[str]:
        """Return the ARNs of the users and roles to which a custom policy is attached."""
        account = f"acs:ram::{policy.account_id}:"
        return [
            arn
            for arn, names in self._attached.items()
            if policy.name in names and arn.startswith(account)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The identity that sends a request.

    `kind` is `anonymous` for a request without a signature, `root` for the account itself, `user`
    for a RAM user, or `role` for a role session. `enabled` is false if the access key is disabled.
    `policies` are those of the user or role. Only role sessions have a `token`, `expires_ms` (in
    milliseconds since the epoch) and possibly a `session_policy`; for other callers, these fields
    are empty, 0 and None. A role session without a session policy has all rights of its role.
    """

    kind: Literal["anonymous", "root", "user", "role"]
    account_id: str = ""
    name: str = ""
    arn: str = ""
    principal_id: str = ""
    access_key_id: str = ""
    secret: str = ""
    enabled: bool = True
    policies: tuple[Policy, ...] = ()
    session_policy: Policy | None = None
    token: str = ""
    expires_ms: int = 0


ANONYMOUS = Caller(kind="anonymous")


class Identities:
    """Finds the caller to whom an access key belongs, with the policies of this caller.

    `directory` contains the users, roles and policies.
    """

    def __init__(self, world: World, store: Store) -> None:
        self._store = store
        self.directory = Directory(world)

    def find(self, access_key_id: str) -> Caller | None:
        """Return the user or role session that owns an access key.

        The result is None for an unknown key, and for a role session whose role was deleted.
        """
        for entry in self.directory.users.values():
            if access_key_id in entry.user.keys:
                return self._user(entry.user, access_key_id)
        session = self._store.sessions.get(access_key_id)
        return None if session is None else self._session(session)

    def is_token(self, token: str) -> bool:
        """Return whether a text is the security token of any role session."""
        return self._store.sessions.has_token(token)

    def secrets(self) -> list[tuple[str, str]]:
        """Return the (access key id, secret) pairs of all users, without those of role sessions."""
        return [key for entry in self.directory.users.values() for key in entry.user.keys.items()]

    def _user(self, user: User, access_key_id: str) -> Caller:
        is_root = user.name == "root"
        return Caller(
            kind="root" if is_root else "user",
            account_id=user.account_id,
            name=user.name,
            arn=user.arn,
            principal_id=user.account_id if is_root else user.user_id,
            access_key_id=access_key_id,
            secret=user.keys[access_key_id],
            enabled=access_key_id not in user.disabled_keys,
            policies=self._policies(user, f"user {user.name}"),
        )

    def _session(self, session: SessionRecord) -> Caller | None:
        entry = self.directory.roles.get(session.role_arn)
        if entry is None:
            return None
        role = entry.role
        policy = parse_policy(session.policy, "session policy") if session.policy else None
        return Caller(
            kind="role",
            account_id=role.account_id,
            name=f"{role.name}/{session.session_name}",
            arn=f"{role.arn}/{session.session_name}",
            principal_id=f"{role.role_id}:{session.session_name}",
            access_key_id=session.access_key_id,
            secret=session.access_key_secret,
            policies=self._policies(role, f"role {role.name}"),
            session_policy=policy,
            token=session.security_token,
            expires_ms=session.expires_ms,
        )

    def _policies(self, holder: User | Role, name: str) -> tuple[Policy, ...]:
        attached = (policy.current.document for policy in self.directory.attached(holder))
        return tuple(parse_policy(text, name) for text in (*holder.policies, *attached))
