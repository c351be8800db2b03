"""The world: accounts, users, keys, roles, policies and buckets that exist at the start of a mock.

The constructors check the values. `mock_oss.identities` finds the owner of an access key in the
world. `mock_oss.world.seeding` creates the buckets in the store.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mock_oss.errors import RefusedError, WorldError
from mock_oss.http.addressing import check_bucket_name, check_domain
from mock_oss.http.cors import parse_cors
from mock_oss.policies.evaluation import PolicyError, parse_policy, parse_trust_policy
from mock_oss.world.file import read_record
from mock_oss.world.lifecycle import parse_lifecycle

ACCOUNT_ID = "1000000000000000"
ACCESS_KEY_ID = "LTAI5tMockOssAccessKey01"
ACCESS_KEY_SECRET = "MockOssAccessKeySecret00000001"  # noqa: S105 - valid for mocks only
BUCKET = "web-direct-upload"
ROLE_ARN = f"acs:ram::{ACCOUNT_ID}:role/oss-web-upload"
REGION = "cn-hangzhou"
BUCKET_ACLS = ("private", "public-read", "public-read-write")
STORAGE_CLASSES = ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")
VERSIONING = ("Enabled", "Suspended")
SESSION_S = range(3600, 43201)


def _policy(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


_OPERATOR = _policy(
    {"Effect": "Allow", "Action": ["oss:*"], "Resource": [f"acs:oss:*:{ACCOUNT_ID}:*"]},
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
    """A RAM user that exists when a mock starts. The name `root` stands for the account itself.

    `keys` maps access key ids to secrets. `disabled_keys` are the ids of keys that OSS and STS
    refuse. `policies` are the user's policies as JSON documents.
    """

    name: str
    account_id: str = ACCOUNT_ID
    user_id: str = "200000000000000001"
    keys: Mapping[str, str] = field(default_factory=dict)
    disabled_keys: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        """The ARN of the user, or of the account itself for the user `root`."""
        name = "root" if self.name == "root" else f"user/{self.name}"
        return f"acs:ram::{self.account_id}:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A RAM role that exists when a mock starts.

    `policies` and `trust_policy` are JSON documents. `max_session_s` is the MaxSessionDuration in
    seconds, from 3600 to 43200.
    """

    name: str
    account_id: str = ACCOUNT_ID
    role_id: str = "300000000000000001"
    policies: tuple[str, ...] = ()
    trust_policy: str = TRUST_OWN_ACCOUNT
    max_session_s: int = 3600

    @property
    def arn(self) -> str:
        """The ARN of the role: `acs:ram::ACCOUNT:role/NAME`."""
        return f"acs:ram::{self.account_id}:role/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSpec:
    """The properties of a bucket that exists at the start of a mock.

    `cors` and `lifecycle` are XML documents or empty text. `versioning` is `Enabled`, `Suspended`
    or empty text.
    """

    name: str
    account_id: str = ACCOUNT_ID
    region: str = REGION
    acl: str = "private"
    storage_class: str = "Standard"
    cors: str = ""
    lifecycle: str = ""
    versioning: str = ""

    def __post_init__(self) -> None:
        try:
            check_bucket_name(self.name)
        except RefusedError as e:
            raise WorldError(
                f"{self.name!r} is not a bucket name: 3 to 63 characters a-z, 0-9 and '-', "
                "without '-' at the start or the end"
            ) from e
        for what, value, known in (
            ("acl", self.acl, BUCKET_ACLS),
            ("storage_class", self.storage_class, STORAGE_CLASSES),
            ("versioning", self.versioning, ("", *VERSIONING)),
        ):
            if value not in known:
                raise WorldError(
                    f"bucket {self.name}: {what} must be one of {', '.join(filter(None, known))}, "
                    f"not {value!r}"
                )
        for what, text, parse in (
            ("cors", self.cors, parse_cors),
            ("lifecycle", self.lifecycle, parse_lifecycle),
        ):
            try:
                if text:
                    parse(text.encode())
            except RefusedError as e:
                cause = e.why.get("xml") or e.extras.get("ArgumentValue") or e.message
                raise WorldError(f"bucket {self.name}: {what} is refused, {e.code}: {cause}") from e


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The configuration of a mock: everything that exists before the first request.

    `cnames` maps custom domains to bucket names. `max_buckets` is the largest number of buckets per
    account. With `refuse_public_endpoints`, the public endpoints of regions in mainland China
    refuse operations on objects; OSS does this for accounts opened since 2025-03-20. With
    `block_public_access`, Block Public Access is on in each bucket that a request creates; OSS does
    this since 2025-10-13.
    """

    users: tuple[User, ...] = (
        User(name="mock-oss-user", keys={ACCESS_KEY_ID: ACCESS_KEY_SECRET}, policies=(_OPERATOR,)),
    )
    roles: tuple[Role, ...] = (Role(name="oss-web-upload", policies=(_UPLOADER,)),)
    buckets: tuple[BucketSpec, ...] = (BucketSpec(name=BUCKET),)
    cnames: Mapping[str, str] = field(default_factory=dict)
    refuse_public_endpoints: bool = False
    block_public_access: bool = False
    region: str = REGION
    max_buckets: int = 100

    def __post_init__(self) -> None:
        _check_unique("bucket", [bucket.name for bucket in self.buckets])
        _check_unique("role", [role.arn for role in self.roles])
        _check_unique("key", [key for user in self.users for key in user.keys])
        for domain in self.cnames:
            check_spec_domain(domain)
        for role in self.roles:
            if role.max_session_s not in SESSION_S:
                raise WorldError(f"role {role.name}: max_session_s must be 3600 to 43200 seconds")
        try:
            for user in self.users:
                for text in user.policies:
                    parse_policy(text, user.name)
            for role in self.roles:
                parse_trust_policy(role.trust_policy, role.name)
                for text in role.policies:
                    parse_policy(text, role.name)
        except PolicyError as e:
            raise WorldError(f"a policy of the world is not valid: {e}") from e

    @classmethod
    def load(cls, path: Path) -> "World":
        """Return a world with the values in a TOML file; other fields get their default values.

        Raises:
            WorldError: the file cannot be read, or a name or value in the file is not valid.
        """
        tables = {"users": User, "roles": Role, "buckets": BucketSpec}
        return read_record(path, cls, tables=tables, json_fields=("policies", "trust_policy"))


def check_spec_domain(domain: str) -> None:
    """Raise WorldError if a name is not a valid host name, or is below a domain of the vendor.

    Letter case does not matter.
    """
    try:
        check_domain(domain.lower())
    except RefusedError as e:
        raise WorldError(f"{domain!r} is not allowed as a custom domain: {e.message}") from e


def _check_unique(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise WorldError(f"the {what} {name} is defined {names.count(name)} times")
