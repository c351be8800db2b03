"""The RAM directory: its generation, and the policies of its users and roles."""

from collections.abc import Callable

import pytest

from mock_oss.access.directory import Directory, ManagedPolicy, PolicyVersion, RoleEntry, UserEntry
from mock_oss.world.model import Role, User, World

USER = UserEntry(user=User(name="alice"))
ROLE = RoleEntry(role=Role(name="uploader"))
POLICY = ManagedPolicy(
    account_id=USER.user.account_id,
    name="write",
    versions=(PolicyVersion(number=1, document="{}", created_ms=0),),
)

CHANGES: list[Callable[[Directory], object]] = [
    lambda directory: directory.put_user(USER),
    lambda directory: directory.put_role(ROLE),
    lambda directory: directory.put_policy(POLICY),
    lambda directory: directory.attach(POLICY, USER),
    lambda directory: directory.detach(POLICY.name, USER),
    lambda directory: directory.delete_policy(POLICY),
    lambda directory: directory.delete_role(ROLE),
    lambda directory: directory.delete_user(USER),
    lambda directory: directory.reset(),
]


@pytest.fixture
def directory() -> Directory:
    return Directory(World(users=(), roles=(), buckets=()))


def test_every_change_gives_a_generation_that_was_not_there_before(directory: Directory) -> None:
    generations = [directory.generation]
    for change in CHANGES:
        change(directory)
        generations.append(directory.generation)

    assert len(set(generations)) == len(CHANGES) + 1


@pytest.mark.parametrize("entry", [USER, ROLE], ids=["user", "role"])
def test_a_policy_that_is_not_attached_is_not_detached(
    directory: Directory, entry: UserEntry | RoleEntry
) -> None:
    before = directory.generation

    assert directory.detach(POLICY.name, entry) is False
    assert directory.generation == before
