"""The RAM directory: the users, roles and policies of all accounts, which RAM requests change.

The directory starts with the users and roles of the world. Changes are kept in memory until the
mock is reset or stopped. All times are milliseconds since the epoch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mock_oss.world.model import Role, User, World


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEntry:
    """A user of the directory; `key_created_ms` maps access key ids to times."""

    user: User
    comments: str = ""
    created_ms: int = 0
    key_created_ms: Mapping[str, int] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The ARN of the user, or of the account itself for the user `root`."""
        name = "root" if self.user.name == "root" else f"user/{self.user.name}"
        return f"acs:ram::{self.user.account_id}:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEntry:
    """A role of the directory."""

    role: Role
    description: str = ""
    created_ms: int = 0

    @property
    def arn(self) -> str:
        """The ARN of the role."""
        return self.role.arn


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One version of a custom policy; `number` counts from 1 and is never used again."""

    number: int
    document: str
    created_ms: int

    @property
    def version_id(self) -> str:
        """The id of the version, such as `v1`."""
        return f"v{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    """A custom policy; `versions` are sorted by number, and `default` is in force."""

    account_id: str
    name: str
    description: str = ""
    created_ms: int = 0
    versions: tuple[PolicyVersion, ...]
    default: int = 1

    @property
    def current(self) -> PolicyVersion:
        """The version in force."""
        return next(version for version in self.versions if version.number == self.default)


class Directory:
    """Users, roles and policies, and which policies are attached to which user or role.

    `generation` changes with every change of the directory.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.generation = 0
        self.reset()

    def reset(self) -> None:
        """Restore the users and roles of the world, without policies of RAM requests."""
        self._changed()
        users = (UserEntry(user=user) for user in self._world.users)
        self._users = {(entry.user.account_id, entry.user.name): entry for entry in users}
        self._roles = {role.arn: RoleEntry(role=role) for role in self._world.roles}
        self._policies: dict[tuple[str, str], ManagedPolicy] = {}
        # ARN of a user or role -> names of attached policies, in the order of attachment.
        self._attached: dict[str, tuple[str, ...]] = {}

    def users(self) -> Iterator[UserEntry]:
        """Yield the users of all accounts."""
        yield from self._users.values()

    def user(self, account_id: str, name: str) -> UserEntry | None:
        """Return a user, or None if the user does not exist."""
        return self._users.get((account_id, name))

    def put_user(self, entry: UserEntry) -> None:
        """Create or replace a user."""
        self._changed()
        self._users[entry.user.account_id, entry.user.name] = entry

    def delete_user(self, entry: UserEntry) -> None:
        """Delete a user."""
        self._changed()
        del self._users[entry.user.account_id, entry.user.name]

    def role(self, arn: str) -> RoleEntry | None:
        """Return a role, or None if the role does not exist."""
        return self._roles.get(arn)

    def put_role(self, entry: RoleEntry) -> None:
        """Create or replace a role."""
        self._changed()
        self._roles[entry.arn] = entry

    def delete_role(self, entry: RoleEntry) -> None:
        """Delete a role."""
        self._changed()
        del self._roles[entry.arn]

    def policy(self, account_id: str, name: str) -> ManagedPolicy | None:
        """Return a custom policy, or None if the policy does not exist."""
        return self._policies.get((account_id, name))

    def put_policy(self, policy: ManagedPolicy) -> None:
        """Create or replace a custom policy."""
        self._changed()
        self._policies[policy.account_id, policy.name] = policy

    def delete_policy(self, policy: ManagedPolicy) -> None:
        """Delete a custom policy."""
        self._changed()
        del self._policies[policy.account_id, policy.name]

    def attached(self, entry: UserEntry | RoleEntry) -> list[ManagedPolicy]:
        """Return the policies that are attached to a user or role."""
        account_id = (
            entry.user.account_id if isinstance(entry, UserEntry) else entry.role.account_id
        )
        return [self._policies[account_id, name] for name in self._attached.get(entry.arn, ())]

    def attach(self, policy: ManagedPolicy, entry: UserEntry | RoleEntry) -> None:
        """Attach a policy to a user or role that does not have the policy yet."""
        self._changed()
        self._attached[entry.arn] = (*self._attached.get(entry.arn, ()), policy.name)

    def detach(self, name: str, entry: UserEntry | RoleEntry) -> bool:
        """Detach a policy from a user or role; return whether the policy was attached."""
        names = self._attached.get(entry.arn, ())
        if name not in names:
            return False
        self._changed()
        self._attached[entry.arn] = tuple(other for other in names if other != name)
        return True

    def holders(self, policy: ManagedPolicy) -> list[str]:
        """Return the ARNs of the users and roles to which a policy is attached."""
        account = f"acs:ram::{policy.account_id}:"
        return [
            arn
            for arn, names in self._attached.items()
            if policy.name in names and arn.startswith(account)
        ]

    def _changed(self) -> None:
        self.generation += 1
