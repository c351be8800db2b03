"""Attempts of a user with few rights to bypass a policy through links, copies and tags."""

import json
from collections.abc import Iterator
from typing import Any

import oss2
import pytest

from contract.mock_oss.clients import ALLOW_ALL, oss2_bucket, refusal, send
from contract.mock_oss.post_forms import form, post, v1_fields
from mock_oss import BUCKET, BucketSpec, MockOSS, User, World

OWNER = ("LTAIowner", "owner's secret", None)
ALICE = ("LTAIalice", "alice's secret", None)
DENIED = (403, "AccessDenied")
TAG = {"x-oss-tagging": "class=secret"}
ENCODED_TAG = {"x-oss-tagging": "cl%61ss=secret"}


def statement(effect: str, actions: str, resource: str, **more: Any) -> dict[str, Any]:
    names = [f"oss:{name}" for name in actions.split()]
    where = f"acs:oss:*:*:{BUCKET}/{resource}"
    return {"Effect": effect, "Action": names, "Resource": [where], **more}


def world(*statements: dict[str, Any]) -> World:
    """Return an account with an owner, who may do everything, and alice, who has these rights."""
    rights = json.dumps({"Version": "1", "Statement": statements})
    users = (
        User(name="owner", keys={OWNER[0]: OWNER[1]}, policies=(ALLOW_ALL,)),
        User(name="alice", keys={ALICE[0]: ALICE[1]}, policies=(rights,)),
    )
    return World(users=users, buckets=(BucketSpec(name=BUCKET),))


@pytest.fixture
def oss(request: pytest.FixtureRequest) -> Iterator[MockOSS]:
    with MockOSS(world=world(*request.param)) as oss:
        yield oss


IN_HER_FOLDER = [statement("Allow", "GetObject PutObject", "alice/*")]


@pytest.mark.parametrize("oss", [IN_HER_FOLDER], indirect=True, ids=["folder"])
def test_a_link_opens_nothing_that_its_reader_may_not_read(oss: MockOSS) -> None:
    owner, alice = oss2_bucket(oss, credentials=OWNER), oss2_bucket(oss, credentials=ALICE)
    owner.put_object("secret", b"hello")
    alice.put_symlink("secret", "alice/link")
    alice.put_symlink("nowhere", "alice/dangling")

    assert refusal(alice.get_object, "alice/link") == DENIED
    assert refusal(alice.head_object, "alice/link") == DENIED
    assert refusal(alice.get_object_meta, "alice/link") == DENIED
    alice.copy_object(BUCKET, "alice/link", "alice/copy")
    assert refusal(alice.get_object, "alice/copy") == DENIED
    assert refusal(alice.get_object, "alice/dangling") == DENIED
    assert owner.get_object("alice/link").read() == b"hello"
    assert alice.get_symlink("alice/link").target_key == "secret"


@pytest.mark.parametrize("oss", [IN_HER_FOLDER], indirect=True, ids=["folder"])
def test_a_key_that_is_not_allowed_is_no_answer_to_someone_without_rights(oss: MockOSS) -> None:
    owner, alice = oss2_bucket(oss, credentials=OWNER), oss2_bucket(oss, credentials=ALICE)

    assert refusal(alice.batch_delete_objects, [""]) == DENIED
    assert refusal(owner.batch_delete_objects, [""]) == (400, "InvalidObjectName")


@pytest.mark.parametrize("acl", ["private", "public-read"])
def test_a_public_link_opens_public_objects_only(
    mock_oss: MockOSS, bucket_v4: Any, acl: str
) -> None:
    bucket_v4.put_object("target", b"hello", headers={"x-oss-object-acl": acl})
    bucket_v4.put_symlink("target", "link", headers={"x-oss-object-acl": "public-read"})

    answer = send(mock_oss, "GET", f"/{BUCKET}/link")

    assert answer.status == (200 if acl == "public-read" else 403)


NO_TAGS_OF_OTHERS = [statement("Allow", "GetObject PutObject PutObjectTagging", "*")]


@pytest.mark.parametrize("oss", [NO_TAGS_OF_OTHERS], indirect=True, ids=["no-get-tagging"])
def test_tags_are_copied_by_those_who_may_read_them(oss: MockOSS) -> None:
    owner, alice = oss2_bucket(oss, credentials=OWNER), oss2_bucket(oss, credentials=ALICE)
    owner.put_object("tagged", b"hello", headers=TAG)
    replaced = {**TAG, "x-oss-tagging-directive": "Replace"}

    assert refusal(alice.copy_object, BUCKET, "tagged", "copy") == DENIED
    alice.copy_object(BUCKET, "tagged", "copy", headers=replaced)


NO_SECRETS = [
    statement("Allow", "*", "*"),
    statement(
        "Deny",
        "PutObject PutObjectTagging",
        "*",
        Condition={"StringEquals": {"oss:RequestObjectTag/class": ["secret"]}},
    ),
]


@pytest.mark.parametrize("headers", [TAG, ENCODED_TAG], ids=["plain", "encoded"])
@pytest.mark.parametrize("oss", [NO_SECRETS], indirect=True, ids=["no-secrets"])
def test_a_tag_that_is_denied_comes_in_by_no_header(oss: MockOSS, headers: dict[str, str]) -> None:
    alice = oss2_bucket(oss, credentials=ALICE)
    alice.put_object("a", b"hello")
    copied = {**headers, "x-oss-tagging-directive": "Replace"}

    assert refusal(alice.put_object, "b", b"hello", headers=headers) == DENIED
    assert refusal(alice.append_object, "c", 0, b"hello", headers=headers) == DENIED
    assert refusal(alice.put_symlink, "a", "d", headers=headers) == DENIED
    assert refusal(alice.init_multipart_upload, "e", headers=headers) == DENIED
    assert refusal(alice.copy_object, BUCKET, "a", "f", headers=copied) == DENIED
    assert list(oss.bucket(BUCKET).objects) == ["a"]


@pytest.mark.parametrize("oss", [NO_SECRETS], indirect=True, ids=["no-secrets"])
def test_a_tag_that_is_denied_comes_in_by_no_document(oss: MockOSS) -> None:
    alice = oss2_bucket(oss, credentials=ALICE)
    alice.put_object("a", b"hello")
    rule = oss2.models.TaggingRule()
    rule.add("class", "secret")

    tagging = oss2.models.Tagging(rule)

    assert refusal(alice.put_object_tagging, "a", tagging) == DENIED
    assert oss.bucket(BUCKET).objects["a"].tags == {}


NO_TAGS = [statement("Allow", "PutObject", "*")]


@pytest.mark.parametrize("oss", [NO_SECRETS, NO_TAGS], indirect=True, ids=["no-secrets", "no-tags"])
def test_a_tag_that_is_denied_comes_in_by_no_form(oss: MockOSS) -> None:
    fields = {"key": "a", **v1_fields(oss, [], credentials=ALICE), **TAG}

    answer = post(oss, form(fields))

    assert (answer.status, answer.code) == DENIED
    assert len(oss.bucket(BUCKET).objects) == 0


READS_CURRENT = [statement("Allow", "GetObject GetObjectTagging DeleteObject PutObject", "*")]
READS_VERSIONS = [statement("Allow", "GetObjectVersion DeleteObjectVersion PutObject", "alice/*")]


def two_versions(oss: MockOSS, key: str) -> tuple[str, str]:
    """Enable versioning, and store a key twice; return the version ids, oldest first."""
    owner = oss2_bucket(oss, credentials=OWNER)
    owner.put_bucket_versioning(oss2.models.BucketVersioningConfig(oss2.BUCKET_VERSIONING_ENABLE))
    return owner.put_object(key, b"first").versionid, owner.put_object(key, b"second").versionid


@pytest.mark.parametrize("oss", [READS_CURRENT], indirect=True, ids=["current"])
def test_the_rights_for_objects_are_not_those_for_versions(oss: MockOSS) -> None:
    first, _ = two_versions(oss, "a")
    alice, version = oss2_bucket(oss, credentials=ALICE), {"versionId": first}

    assert alice.get_object("a").read() == b"second"
    for call in (alice.get_object, alice.head_object, alice.delete_object, alice.get_object_acl):
        assert refusal(call, "a", params=version)[0] == 403
    assert refusal(alice.get_object_tagging, "a", params=version) == DENIED
    assert refusal(alice.copy_object, BUCKET, "a", "b", params=version) == DENIED
    assert refusal(alice.list_object_versions) == DENIED
    doomed = [oss2.models.BatchDeleteObjectVersion("a", first)]
    listed = oss2.models.BatchDeleteObjectVersionList(doomed)
    assert refusal(alice.delete_object_versions, listed) == DENIED
    alice.delete_object("a")
    assert len(oss.bucket(BUCKET).versions("a")) == 3


@pytest.mark.parametrize("oss", [READS_VERSIONS], indirect=True, ids=["versions"])
def test_the_rights_for_versions_are_not_those_for_objects(oss: MockOSS) -> None:
    first, _ = two_versions(oss, "alice/a")
    alice, version = oss2_bucket(oss, credentials=ALICE), {"versionId": first}

    assert alice.get_object("alice/a", params=version).read() == b"first"
    alice.copy_object(BUCKET, "alice/a", "alice/b", params=version)
    assert refusal(alice.get_object, "alice/a") == DENIED
    assert refusal(alice.delete_object, "alice/a") == DENIED
    alice.delete_object("alice/a", params=version)
    assert [each.data for each in oss.bucket(BUCKET).versions("alice/a")] == [b"second"]


@pytest.mark.parametrize("oss", [READS_CURRENT], indirect=True, ids=["current"])
def test_the_acl_of_a_version_decides_about_the_version(oss: MockOSS) -> None:
    first, second = two_versions(oss, "a")
    owner = oss2_bucket(oss, credentials=OWNER)
    owner.put_object_acl("a", "public-read", params={"versionId": first})

    assert send(oss, "GET", f"/{BUCKET}/a?versionId={first}").body == b"first"
    assert send(oss, "GET", f"/{BUCKET}/a?versionId={second}").status == 403
    assert send(oss, "GET", f"/{BUCKET}/a").status == 403
    assert send(oss, "DELETE", f"/{BUCKET}/a?versionId={first}").status == 403
