"""Identities: owners of access keys, roles, and policies of RAM requests."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mock_oss.identities import Caller, Identities, ManagedPolicy, PolicyVersion
from mock_oss.policies.evaluation import parse_policy
from mock_oss.store.data_directory import Store
from mock_oss.store.records import SessionRecord
from mock_oss.world.model import Role, User, World


def policy(action: str, **more: object) -> str:
    """Return a policy that allows an action."""
    statement = {"Effect": "Allow", "Action": action, **more}
    return json.dumps({"Version": "1", "Statement": [statement]})


READ, WRITE, LIST = (policy(f"oss:{name}", Resource="*") for name in ("Get*", "Put*", "List*"))
TRUST = policy("sts:AssumeRole", Principal={"RAM": "acs:ram::1:user/alice"})
ROLE = Role(
    name="uploader", account_id="1", role_id="300001", policies=(READ, WRITE), trust_policy=TRUST
)


WORLD = World(
    users=(
        User(name="root", account_id="1", user_id="200000", keys={"LTAIroot": "r"}),
        User(
            name="alice",
            account_id="1",
            user_id="200001",
            keys={"LTAIalice": "a", "LTAIold": "o"},
            disabled_keys=("LTAIold",),
            policies=(READ, WRITE),
        ),
    ),
    roles=(ROLE,),
)
ROOT = Caller(
    kind="root",
    account_id="1",
    name="root",
    arn="acs:ram::1:root",
    principal_id="1",
    access_key_id="LTAIroot",
    secret="r",
)
ALICE = Caller(
    kind="user",
    account_id="1",
    name="alice",
    arn="acs:ram::1:user/alice",
    principal_id="200001",
    access_key_id="LTAIalice",
    secret="a",
    policies=(parse_policy(READ, "user alice"), parse_policy(WRITE, "user alice")),
)
SESSION = SessionRecord(
    access_key_id="STS.bob",
    access_key_secret="b",
    security_token="token of bob",
    role_arn="acs:ram::1:role/uploader",
    session_name="bob",
    policy="",
    expires_ms=1_773_480_413_250,
)
BOB = Caller(
    kind="role",
    account_id="1",
    name="uploader/bob",
    arn="acs:ram::1:role/uploader/bob",
    principal_id="300001:bob",
    access_key_id="STS.bob",
    secret="b",
    policies=(parse_policy(READ, "role uploader"), parse_policy(WRITE, "role uploader")),
    token="token of bob",
    expires_ms=1_773_480_413_250,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    store.sessions.put(SESSION)
    store.sessions.put(SESSION._replace(access_key_id="STS.limited", policy=LIST))
    store.sessions.put(
        SESSION._replace(access_key_id="STS.gone", role_arn="acs:ram::2:role/uploader")
    )
    yield store
    store.close()


@pytest.fixture
def identities(store: Store) -> Identities:
    return Identities(WORLD, store)


LIMITED = parse_policy(LIST, "session policy")


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        ("LTAIalice", ALICE),
        ("LTAIold", replace(ALICE, access_key_id="LTAIold", secret="o", enabled=False)),
        ("LTAIroot", ROOT),
        ("STS.bob", BOB),
        ("STS.limited", replace(BOB, access_key_id="STS.limited", session_policy=LIMITED)),
        *((unknown, None) for unknown in ("LTAIunknown", "STS.unknown", "STS.gone", "")),
    ],
)
def test_a_key_is_used_with_the_rights_of_its_owner(
    identities: Identities, key: str, owner: Caller | None
) -> None:
    assert identities.find(key) == owner


def test_the_secrets_are_those_of_users(identities: Identities) -> None:
    assert identities.secrets() == [("LTAIroot", "r"), ("LTAIalice", "a"), ("LTAIold", "o")]


def test_a_token_belongs_to_a_session(identities: Identities) -> None:
    assert identities.is_token("token of bob")
    assert not identities.is_token("token of Bob")


@pytest.mark.parametrize("kind", ["user", "role"])
def test_only_a_policy_that_is_attached_is_detached(identities: Identities, kind: str) -> None:
    directory = identities.directory
    users, roles = directory.users, directory.roles
    holder = users["1", "alice"].user if kind == "user" else roles[ROLE.arn].role
    versions = (PolicyVersion(number=1, document=LIST, created_ms=0),)
    policies = [ManagedPolicy(account_id="1", name=name, versions=versions) for name in "ab"]
    for policy in policies:
        directory.put_policy(policy)
        directory.attach(policy, holder)

    assert directory.detach("a", holder)
    assert not directory.detach("a", holder)

    assert directory.attached(holder) == policies[1:]
