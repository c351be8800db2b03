"""Finds the owner of an access key: a configured user, or a role session in the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mock_oss.policies.evaluation import Policy, parse_policy, parse_trust_policy
from mock_oss.store import SessionRecord, Store
from mock_oss.world.model import Role, User, World

__all__ = ["ANONYMOUS", "Caller", "Identities"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The identity that sends a request.

    ``token`` and ``expires_ms`` (milliseconds since the epoch) are set for role sessions only. A
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
    """Finds access key owners and roles, and holds the policies created by RAM requests."""

    def __init__(self, world: World, store: Store) -> None:
        self._store = store
        # (account id, policy name) -> JSON document, of CreatePolicy requests.
        self.created_policies: dict[tuple[str, str], str] = {}
        self._attached: dict[str, dict[str, str]] = {}
        self._roles = {role.arn: role for role in world.roles}
        self._users = {
            key: _user(user, key, secret)
            for user in world.users
            for key, secret in user.keys.items()
        }

    def find(self, access_key_id: str) -> Caller | None:
        """Return the owner of an access key, or None if the key does not exist."""
        known = self._users.get(access_key_id)
        if known is not None:
            return known
        session = self._store.sessions.get(access_key_id)
        return None if session is None else self._session(session)

    def is_token(self, token: str) -> bool:
        """Return whether a text is the security token of any role session."""
        return self._store.sessions.has_token(token)

    def secrets(self) -> list[tuple[str, str]]:
        """Return the (access key id, secret) pairs of all users."""
        return [(key, caller.secret) for key, caller in self._users.items()]

    def role(self, arn: str) -> Role | None:
        """Return the role with this ARN, or None if the role does not exist."""
        return self._roles.get(arn)

    def attached_policies(self, role: Role) -> dict[str, str]:
        """Return the policies attached to a role by RAM requests.

        Returns:
            A dict from policy name to JSON document. To attach or detach a policy, the caller
            changes this dict.
        """
        return self._attached.setdefault(role.arn, {})

    def reset_policies(self) -> None:
        """Delete all policies created by RAM requests, and detach all attached policies."""
        self.created_policies.clear()
        self._attached.clear()

    def trust_policy(self, role: Role) -> Policy:
        """Parse and return the trust policy of a role."""
        return parse_trust_policy(role.trust_policy, f"trust policy of {role.name}")

    def _session(self, session: SessionRecord) -> Caller | None:
        role = self._roles.get(session.role_arn)
        if role is None:
            return None
        return Caller(
            kind="role",
            account_id=role.account_id,
            name=f"{role.name}/{session.session_name}",
            arn=f"{role.arn}/{session.session_name}",
            principal_id=f"{role.role_id}:{session.session_name}",
            access_key_id=session.access_key_id,
            secret=session.access_key_secret,
            policies=tuple(
                parse_policy(text, f"role {role.name}")
                for text in (*role.policies, *self.attached_policies(role).values())
            ),
            session_policy=(
                parse_policy(session.policy, "session policy") if session.policy else None
            ),
            token=session.security_token,
            expires_ms=session.expires_ms,
        )


def _user(user: User, access_key_id: str, secret: str) -> Caller:
    is_root = user.name == "root"
    return Caller(
        kind="root" if is_root else "user",
        account_id=user.account_id,
        name=user.name,
        arn=f"acs:ram::{user.account_id}:" + ("root" if is_root else f"user/{user.name}"),
        principal_id=user.account_id if is_root else user.user_id,
        access_key_id=access_key_id,
        secret=secret,
        enabled=access_key_id not in user.disabled_keys,
        policies=tuple(parse_policy(text, f"user {user.name}") for text in user.policies),
    )
