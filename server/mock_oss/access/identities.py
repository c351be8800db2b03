"""Finds the owner of an access key: a user of the directory, or a role session in the store."""

from dataclasses import dataclass
from typing import Literal

from mock_oss.access.directory import Directory, RoleEntry, UserEntry
from mock_oss.policies.evaluation import Policy, parse_policy, parse_trust_policy
from mock_oss.store import SessionRecord, Store
from mock_oss.world.model import Role, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The identity that sends a request.

    `token` and `expires_ms` (milliseconds since the epoch) are set for role sessions only. A
    role session without a session policy has all rights of its role.
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
    """Finds the owners of access keys, with their policies, and the roles."""

    def __init__(self, world: World, store: Store) -> None:
        self._store = store
        self.directory = Directory(world)
        self._generation = 0
        self._users: dict[str, Caller] = {}

    def find(self, access_key_id: str) -> Caller | None:
        """Return the owner of an access key, or None if the key does not exist."""
        known = self._callers().get(access_key_id)
        if known is not None:
            return known
        session = self._store.sessions.get(access_key_id)
        return None if session is None else self._session(session)

    def is_token(self, token: str) -> bool:
        """Return whether a text is the security token of any role session."""
        return self._store.sessions.has_token(token)

    def secrets(self) -> list[tuple[str, str]]:
        """Return the (access key id, secret) pairs of all users."""
        return [(key, caller.secret) for key, caller in self._callers().items()]

    def role(self, arn: str) -> Role | None:
        """Return the role with this ARN, or None if the role does not exist."""
        entry = self.directory.role(arn)
        return None if entry is None else entry.role

    def trust_policy(self, role: Role) -> Policy:
        """Parse and return the trust policy of a role."""
        return parse_trust_policy(role.trust_policy, f"trust policy of {role.name}")

    def _callers(self) -> dict[str, Caller]:
        """Return the users by access key id; a cache holds them until the directory changes."""
        if self._generation != self.directory.generation:
            self._users = {
                key: self._user(entry, key, secret)
                for entry in self.directory.users()
                for key, secret in entry.user.keys.items()
            }
            self._generation = self.directory.generation
        return self._users

    def _user(self, entry: UserEntry, access_key_id: str, secret: str) -> Caller:
        user = entry.user
        is_root = user.name == "root"
        return Caller(
            kind="root" if is_root else "user",
            account_id=user.account_id,
            name=user.name,
            arn=entry.arn,
            principal_id=user.account_id if is_root else user.user_id,
            access_key_id=access_key_id,
            secret=secret,
            enabled=access_key_id not in user.disabled_keys,
            policies=self._policies(entry, user.policies, f"user {user.name}"),
        )

    def _session(self, session: SessionRecord) -> Caller | None:
        entry = self.directory.role(session.role_arn)
        if entry is None:
            return None
        role = entry.role
        return Caller(
            kind="role",
            account_id=role.account_id,
            name=f"{role.name}/{session.session_name}",
            arn=f"{role.arn}/{session.session_name}",
            principal_id=f"{role.role_id}:{session.session_name}",
            access_key_id=session.access_key_id,
            secret=session.access_key_secret,
            policies=self._policies(entry, role.policies, f"role {role.name}"),
            session_policy=(
                parse_policy(session.policy, "session policy") if session.policy else None
            ),
            token=session.security_token,
            expires_ms=session.expires_ms,
        )

    def _policies(
        self, entry: UserEntry | RoleEntry, own: tuple[str, ...], name: str
    ) -> tuple[Policy, ...]:
        attached = (policy.current.document for policy in self.directory.attached(entry))
        return tuple(parse_policy(text, name) for text in (*own, *attached))
