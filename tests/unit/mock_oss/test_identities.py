"""Identities: owners of access keys, roles, and policies of RAM requests."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mock_oss.identities import Caller, Identities, ManagedPolicy, PolicyVersion
from mock_oss.policies.evaluation import parse_policy
from mock_oss.store import SessionRecord, Store
from mock_oss.world.model import Role, User, World


def policy(action: str, **more: object) -> str:
    """Return a policy that allows an action."""
    statement = {"Effect": "Allow", "Action": action, **more}
    return json.dumps({"Version": "1", "Statement": [statement]})


def version(number: int, document: str) -> PolicyVersion:
    """Return a version of a custom policy."""
    return PolicyVersion(number=number, document=document, created_ms=0)


READ, WRITE, LIST = (policy(f"oss:{name}", Resource="*") for name in ("Get*", "Put*", "List*"))
TRUST = policy("sts:AssumeRole", Principal={"RAM": "acs:ram::1:user/alice"})
ROLE = Role(
    name="uploader", account_id="1", role_id="300001", policies=(READ, WRITE), trust_policy=TRUST
)
OTHER_ROLE = Role(name="reader", account_id="1")
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
    roles=(ROLE, OTHER_ROLE),
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


def test_a_key_of_a_user_is_used_with_the_rights_of_the_user(identities: Identities) -> None:
    assert identities.find("LTAIalice") == ALICE
    old = replace(ALICE, access_key_id="LTAIold", secret="o", enabled=False)
    assert identities.find("LTAIold") == old


def test_a_key_of_the_user_root_is_used_with_the_rights_of_the_account(
    identities: Identities,
) -> None:
    assert identities.find("LTAIroot") == Caller(
        kind="root",
        account_id="1",
        name="root",
        arn="acs:ram::1:root",
        principal_id="1",
        access_key_id="LTAIroot",
        secret="r",
    )


def test_a_temporary_key_is_used_with_the_rights_of_its_role_and_session(
    identities: Identities,
) -> None:
    assert identities.find("STS.bob") == BOB
    limited = identities.find("STS.limited")
    assert limited is not None
    assert limited.session_policy == parse_policy(LIST, "session policy")


@pytest.mark.parametrize("key", ["LTAIunknown", "STS.unknown", "STS.gone", ""])
def test_a_key_without_an_owner_is_unknown(identities: Identities, key: str) -> None:
    assert identities.find(key) is None


def test_the_secrets_are_those_of_users(identities: Identities) -> None:
    assert identities.secrets() == [("LTAIroot", "r"), ("LTAIalice", "a"), ("LTAIold", "o")]


def test_a_token_belongs_to_a_session(identities: Identities) -> None:
    assert identities.is_token("token of bob")
    assert not identities.is_token("token of Bob")


def test_an_attached_policy_gives_rights_to_open_sessions_of_its_role_until_the_reset(
    identities: Identities,
) -> None:
    directory = identities.directory
    role, other = directory.roles[ROLE.arn], directory.roles[OTHER_ROLE.arn]
    listing = ManagedPolicy(account_id="1", name="listing", versions=(version(1, LIST),))
    directory.put_policy(listing)
    directory.attach(listing, role)

    found = identities.find("STS.bob")
    assert found is not None
    assert found.policies == (*BOB.policies, parse_policy(LIST, "role uploader"))
    assert directory.attached(other) == []

    directory.reset()

    assert identities.find("STS.bob") == BOB
    assert directory.policies == {}
    assert directory.attached(role) == []


def test_the_version_in_force_gives_rights_to_users_and_to_keys_made_later(
    identities: Identities,
) -> None:
    directory = identities.directory
    alice = directory.users["1", "alice"]
    versions = (version(1, READ), version(2, LIST))
    policy = ManagedPolicy(account_id="1", name="listing", versions=versions)
    directory.put_policy(policy)
    directory.attach(policy, alice)
    assert identities.find("LTAIalice") == replace(
        ALICE, policies=(*ALICE.policies, parse_policy(READ, "user alice"))
    )

    directory.put_policy(replace(policy, default=2))
    directory.put_user(replace(alice, user=replace(alice.user, keys={"LTAInew": "n"})))

    found = identities.find("LTAInew")
    assert found is not None
    assert found.policies == (*ALICE.policies, parse_policy(LIST, "user alice"))
    assert identities.find("LTAIalice") is None


@pytest.mark.parametrize("kind", ["user", "role"])
def test_only_a_policy_that_is_attached_is_detached(identities: Identities, kind: str) -> None:
    directory = identities.directory
    entry = directory.users["1", "alice"] if kind == "user" else directory.roles[ROLE.arn]
    policies = [
        ManagedPolicy(account_id="1", name=name, versions=(version(1, LIST),)) for name in "ab"
    ]
    for policy in policies:
        directory.put_policy(policy)
        directory.attach(policy, entry)

    assert directory.detach("a", entry)
    assert not directory.detach("a", entry)

    assert directory.attached(entry) == policies[1:]
