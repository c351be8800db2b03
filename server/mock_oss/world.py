"""The world a mock starts in: accounts, users, keys, roles, policies and buckets.

Values only; ``mock_oss.identities`` answers questions about them and the store keeps the
buckets. ``World.load`` reads the TOML form.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mock_oss.errors import WorldError
from mock_oss.policy import PolicyError, parse_policy, parse_trust_policy

__all__ = [
    "ACCESS_KEY_ID",
    "ACCESS_KEY_SECRET",
    "ACCOUNT_ID",
    "BUCKET",
    "ROLE_ARN",
    "BucketSpec",
    "Role",
    "User",
    "World",
]

ACCOUNT_ID = "1000000000000000"
ACCESS_KEY_ID = "LTAI5tMockOssAccessKey01"
ACCESS_KEY_SECRET = "MockOssAccessKeySecret00000001"  # noqa: S105 - opens nothing but a mock
BUCKET = "web-direct-upload"
ROLE_ARN = f"acs:ram::{ACCOUNT_ID}:role/oss-web-upload"
REGION = "cn-hangzhou"


def _policy(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


_OPERATOR = _policy(
    {
        "Effect": "Allow",
        "Action": ["oss:*"],
        "Resource": [f"acs:oss:*:{ACCOUNT_ID}:*"],
    },
    {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": ["*"]},
)
_UPLOADER = _policy(
    {
        "Effect": "Allow",
        "Action": ["oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload"],
        "Resource": [f"acs:oss:*:*:{BUCKET}/uploads/*"],
    }
)
TRUST_OWN_ACCOUNT = _policy(
    {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"RAM": [f"acs:ram::{ACCOUNT_ID}:root"]},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A RAM user, or the account itself when ``name`` is ``root``.

    ``keys`` maps access key ids to secrets; ``policies`` are JSON documents.
    """

    name: str
    account_id: str = ACCOUNT_ID
    user_id: str = "200000000000000001"
    keys: Mapping[str, str] = field(default_factory=dict)
    disabled_keys: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A RAM role; ``max_session_s`` is its MaxSessionDuration, 3600..43200 seconds."""

    name: str
    account_id: str = ACCOUNT_ID
    role_id: str = "300000000000000001"
    policies: tuple[str, ...] = ()
    trust_policy: str = TRUST_OWN_ACCOUNT
    max_session_s: int = 3600

    @property
    def arn(self) -> str:
        """Return ``acs:ram::account:role/name``."""
        return f"acs:ram::{self.account_id}:role/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSpec:
    """A bucket that exists from the start; ``cors`` is the XML document or empty."""

    name: str
    account_id: str = ACCOUNT_ID
    region: str = REGION
    acl: str = "private"
    storage_class: str = "Standard"
    cors: str = ""
    lifecycle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that exists before the first request.

    ``cnames`` maps host names to the buckets bound to them; ``max_buckets`` is per account.
    """

    users: tuple[User, ...] = (
        User(
            name="mock-oss-user",
            keys={ACCESS_KEY_ID: ACCESS_KEY_SECRET},
            policies=(_OPERATOR,),
        ),
    )
    roles: tuple[Role, ...] = (Role(name="oss-web-upload", policies=(_UPLOADER,)),)
    buckets: tuple[BucketSpec, ...] = (BucketSpec(name=BUCKET),)
    cnames: Mapping[str, str] = field(default_factory=dict)
    region: str = REGION
    max_buckets: int = 100

    def __post_init__(self) -> None:
        try:
            for user in self.users:
                for text in user.policies:
                    parse_policy(text, user.name)
            for role in self.roles:
                parse_trust_policy(role.trust_policy, role.name)
                for text in role.policies:
                    parse_policy(text, role.name)
        except PolicyError as e:
            raise WorldError(f"a policy of the world is wrong: {e}") from e

    @classmethod
    def load(cls, path: Path) -> World:
        """Read a world from TOML; unknown keys are refused.

        Raises:
            WorldError: the file cannot be read or says something unknown.
        """
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
            raise WorldError(f"{path}: {e}") from e
        try:
            return cls(**_world_arguments(document))
        except (TypeError, KeyError, WorldError) as e:
            raise WorldError(f"{path}: {e}") from e


def _world_arguments(document: Mapping[str, Any]) -> dict[str, Any]:
    known = {item.name for item in fields(World)}
    if unknown := document.keys() - known:
        raise WorldError(f"a world has no {sorted(unknown)[0]!r}")
    arguments = dict(document)
    for name, kind in (("users", User), ("roles", Role), ("buckets", BucketSpec)):
        if name in document:
            arguments[name] = tuple(_record(kind, item) for item in document[name])
    return arguments


def _record(kind: type, item: Mapping[str, Any]) -> Any:
    values: dict[str, Any] = {}
    for name, value in item.items():
        if name == "policies":
            values[name] = tuple(_json(policy) for policy in value)
        elif name == "trust_policy":
            values[name] = _json(value)
        elif name == "disabled_keys":
            values[name] = tuple(value)
        else:
            values[name] = value
    return kind(**values)


def _json(value: object) -> str:
    """A policy in TOML is either its JSON text or a table."""
    return value if isinstance(value, str) else json.dumps(value)
