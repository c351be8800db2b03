"""Versions of objects: every operation that creates, reads, lists or deletes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oss2
import pytest
from oss2 import models

from contract.mock_oss.clients import ask, oss2_bucket, refusal
from contract.mock_oss.post_forms import form, post, v1_fields
from mock_oss import BUCKET, BucketSpec, MockOSS, World, WorldError

ENABLED, SUSPENDED = oss2.BUCKET_VERSIONING_ENABLE, oss2.BUCKET_VERSIONING_SUSPEND
PART = b"p" * 102_400


def set_versioning(bucket: Any, status: str) -> None:
    bucket.put_bucket_versioning(models.BucketVersioningConfig(status))


@pytest.fixture
def versioned(bucket: Any) -> Any:
    """The default bucket with versioning, with each signature version."""
    set_versioning(bucket, ENABLED)
    return bucket


def one_version(version_id: str) -> dict[str, str]:
    return {"versionId": version_id}


def listed(bucket: Any, **options: Any) -> list[tuple[str, str, bool, bool]]:
    """Return (key, version id, is latest, is delete marker) of one page, as sorted by key."""
    found = bucket.list_object_versions(**options)
    rows = [(v.key, v.versionid, v.is_latest, False) for v in found.versions]
    rows += [(m.key, m.versionid, m.is_latest, True) for m in found.delete_marker]
    return sorted(rows)


def blobs(oss: MockOSS) -> int:
    return len(oss.store.blobs.names())


def test_each_write_makes_a_version_and_the_newest_is_read(
    versioned: Any, mock_oss: MockOSS
) -> None:
    first = versioned.put_object("a", b"first")
    second = versioned.put_object("a", b"second")

    current = versioned.get_object("a")
    assert (current.read(), current.versionid) == (b"second", second.versionid)
    old = versioned.get_object("a", params=one_version(first.versionid))
    assert (old.read(), old.versionid) == (b"first", first.versionid)
    assert versioned.head_object("a", params=one_version(first.versionid)).content_length == 5
    assert versioned.get_object_meta("a").versionid == second.versionid
    assert listed(versioned) == sorted(
        [("a", first.versionid, False, False), ("a", second.versionid, True, False)]
    )
    versions = mock_oss.bucket(BUCKET).versions("a")
    assert [each.data for each in versions] == [b"second", b"first"]
    assert [each.version_id for each in versions] == [second.versionid, first.versionid]
    assert mock_oss.bucket(BUCKET).objects["a"].data == b"second"
    assert first.versionid.startswith("CAEQ")
    versioned.delete_object("a", params=one_version(second.versionid))
    assert versioned.get_object("a").versionid == first.versionid


def test_a_delete_marker_hides_the_object_until_it_is_deleted(
    versioned: Any, mock_oss: MockOSS
) -> None:
    stored = versioned.put_object("a", b"hello")
    hidden = versioned.delete_object("a")

    assert hidden.delete_marker
    assert versioned.delete_object("never stored").delete_marker
    with pytest.raises(oss2.exceptions.NoSuchKey) as missing:
        versioned.get_object("a")
    assert missing.value.headers["x-oss-delete-marker"] == "true"
    assert missing.value.headers["x-oss-version-id"] == hidden.versionid
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        versioned.get_object("a", params=one_version(hidden.versionid))
    assert (refused.value.status, refused.value.code) == (405, "MethodNotAllowed")
    assert refused.value.headers["x-oss-delete-marker"] == "true"
    assert versioned.get_object("a", params=one_version(stored.versionid)).read() == b"hello"
    assert list(oss2.ObjectIteratorV2(versioned)) == []
    assert list(mock_oss.bucket(BUCKET).objects) == []
    assert [v.is_delete_marker for v in mock_oss.bucket(BUCKET).versions("a")] == [True, False]

    gone = versioned.delete_object("a", params=one_version(hidden.versionid))
    assert (gone.delete_marker, gone.versionid) == (True, hidden.versionid)
    assert versioned.get_object("a").read() == b"hello"


def test_a_bucket_with_versions_is_not_empty(versioned: Any) -> None:
    stored = versioned.put_object("a", b"hello")
    hidden = versioned.delete_object("a")
    assert refusal(versioned.delete_bucket) == (409, "BucketNotEmpty")

    versioned.delete_object("a", params=one_version(stored.versionid))
    assert refusal(versioned.delete_bucket) == (409, "BucketNotEmpty")
    versioned.delete_object("a", params=one_version(hidden.versionid))
    versioned.delete_bucket()


def test_a_suspended_bucket_has_one_null_version_of_each_key(
    bucket: Any, mock_oss: MockOSS
) -> None:
    assert bucket.put_object("a", b"before").versionid is None
    assert bucket.head_object("a").versionid is None
    set_versioning(bucket, ENABLED)
    kept = bucket.put_object("a", b"kept").versionid
    assert bucket.get_object("a", params=one_version("null")).read() == b"before"

    set_versioning(bucket, SUSPENDED)
    assert bucket.put_object("a", b"new").versionid == "null"
    assert bucket.put_object("a", b"newer").versionid == "null"
    assert bucket.get_object("a", params=one_version("null")).read() == b"newer"
    assert listed(bucket) == sorted([("a", kept, False, False), ("a", "null", True, False)])
    hidden = bucket.delete_object("a")
    assert (hidden.versionid, hidden.delete_marker) == ("null", True)
    assert listed(bucket) == sorted([("a", kept, False, False), ("a", "null", True, True)])
    bucket.delete_object("a", params=one_version("null"))
    assert bucket.get_object("a").read() == b"kept"
    assert blobs(mock_oss) == 1


def test_a_version_that_is_not_there_is_refused(versioned: Any, mock_oss: MockOSS) -> None:
    stored = versioned.put_object("a", b"hello")
    versioned.put_object("b", b"hello")

    for call in (versioned.get_object, versioned.get_object_acl, versioned.get_object_tagging):
        assert refusal(call, "b", params=one_version(stored.versionid)) == (404, "NoSuchVersion")
        assert refusal(call, "b", params=one_version("Illegal")) == (400, "InvalidArgument")
        assert refusal(call, "b", params=one_version("null")) == (404, "NoSuchVersion")
    assert ask(mock_oss, "GET", "b", query={"versionId": ""}).code == "InvalidArgument"
    assert ask(mock_oss, "DELETE", "b", query={"versionId": ""}).code == "InvalidArgument"
    assert versioned.get_object("b").read() == b"hello"


def test_tags_and_acls_belong_to_a_version(versioned: Any) -> None:
    first = versioned.put_object("a", b"first").versionid
    second = versioned.put_object("a", b"second").versionid
    tags = models.Tagging()
    tags.tag_set.add("team", "red")

    assert versioned.put_object_tagging("a", tags, params=one_version(first)).versionid == first
    versioned.put_object_acl("a", oss2.OBJECT_ACL_PRIVATE, params=one_version(first))

    found = versioned.get_object_tagging("a", params=one_version(first))
    assert found.tag_set.tagging_rule == {"team": "red"}
    assert versioned.get_object_tagging("a").tag_set.tagging_rule == {}
    assert versioned.get_object_acl("a", params=one_version(first)).acl == "private"
    assert versioned.get_object_acl("a", params=one_version(second)).acl == "default"
    versioned.delete_object_tagging("a", params=one_version(first))
    found = versioned.get_object_tagging("a", params=one_version(first))
    assert found.tag_set.tagging_rule == {}
    assert versioned.get_object("a").read() == b"second"


def test_a_version_is_copied_whole_and_in_parts(versioned: Any) -> None:
    first = versioned.put_object("a", b"first").versionid
    second = versioned.put_object("a", b"second").versionid

    copied = versioned.copy_object(BUCKET, "a", "copy", params=one_version(first))
    assert copied.headers["x-oss-copy-source-version-id"] == first
    assert versioned.get_object("copy").read() == b"first"
    assert versioned.head_object("copy").versionid == copied.versionid
    upload = versioned.init_multipart_upload("joined").upload_id
    part = versioned.upload_part_copy(
        BUCKET, "a", None, "joined", upload, 1, params=one_version(first)
    )
    versioned.complete_multipart_upload("joined", upload, [models.PartInfo(1, part.etag)])
    assert versioned.get_object("joined").read() == b"first"
    versioned.copy_object(BUCKET, "a", "a", params=one_version(first))
    assert versioned.get_object("a").read() == b"first"
    assert versioned.get_object("a", params=one_version(second)).read() == b"second"
    assert refusal(
        versioned.copy_object, BUCKET, "a", "b", params=one_version(copied.versionid)
    ) == (404, "NoSuchVersion")
    marker = versioned.delete_object("a").versionid
    assert refusal(versioned.copy_object, BUCKET, "a", "b") == (404, "NoSuchKey")
    assert refusal(versioned.copy_object, BUCKET, "a", "b", params=one_version(marker)) == (
        400,
        "InvalidArgument",
    )


def test_a_symlink_is_deleted_with_the_parameters_that_read_it(versioned: Any) -> None:
    stored = versioned.put_symlink("a", "link").versionid
    params = one_version(stored)  # oss2 adds `symlink` to this dict
    versioned.get_symlink("link", params=params)

    assert versioned.delete_object("link", params=params).versionid == stored

    assert listed(versioned) == []


def test_every_way_to_write_makes_a_version(versioned: Any, mock_oss: MockOSS) -> None:
    def newest(key: str) -> str:
        return mock_oss.bucket(BUCKET).versions(key)[0].version_id

    upload = versioned.init_multipart_upload("big").upload_id
    part = versioned.upload_part("big", upload, 1, PART)
    done = versioned.complete_multipart_upload("big", upload, [models.PartInfo(1, part.etag)])
    assert done.versionid == newest("big")
    assert versioned.put_symlink("big", "link").versionid == newest("link")
    posted = post(mock_oss, form({"key": "f", **v1_fields(mock_oss, [])}))
    assert posted.headers["x-oss-version-id"] == newest("f")
    appended = versioned.append_object("log", 0, b"1")
    assert appended.versionid == newest("log")
    assert versioned.append_object("log", 1, b"2").versionid == appended.versionid
    assert len(mock_oss.bucket(BUCKET).versions("log")) == 1
    assert versioned.get_object("log").read() == b"12"
    versioned.delete_object("log")
    assert versioned.append_object("log", 0, b"3").versionid != appended.versionid
    assert len(mock_oss.bucket(BUCKET).versions("log")) == 3
    versioned.put_object("log", b"")
    assert refusal(versioned.append_object, "log", 0, b"4") == (409, "ObjectNotAppendable")


def test_forbid_overwrite_has_no_effect_with_versioning(versioned: Any) -> None:
    versioned.put_object("a", b"first")

    versioned.put_object("a", b"second", headers={"x-oss-forbid-overwrite": "true"})

    assert len(listed(versioned)) == 2


def test_versions_are_deleted_in_a_batch(versioned: Any, mock_oss: MockOSS) -> None:
    first = versioned.put_object("a", b"first").versionid
    second = versioned.put_object("a", b"second").versionid
    versioned.put_object("b", b"b")

    hidden = versioned.batch_delete_objects(["b", "c"]).delete_versions
    assert [(each.key, each.delete_marker) for each in hidden] == [("b", True), ("c", True)]
    marker = hidden[0].delete_marker_versionid
    doomed = models.BatchDeleteObjectVersionList(
        [models.BatchDeleteObjectVersion("a", each) for each in (first, second)]
        + [models.BatchDeleteObjectVersion("b", marker)]
    )
    gone = versioned.delete_object_versions(doomed).delete_versions
    assert [(each.key, each.versionid, each.delete_marker) for each in gone] == [
        ("a", first, False),
        ("a", second, False),
        ("b", marker, True),
    ]
    assert versioned.get_object("b").read() == b"b"
    assert mock_oss.bucket(BUCKET).versions("a") == []
    assert blobs(mock_oss) == 1
    empty = b"<Delete><Object><Key>b</Key><VersionId></VersionId></Object></Delete>"
    digest = {"content-md5": oss2.utils.content_md5(empty)}
    answer = ask(mock_oss, "POST", "", query={"delete": ""}, headers=digest, body=empty)
    assert answer.code == "InvalidArgument"


def pages(bucket: Any, limit: int) -> Iterator[Any]:
    """Yield the pages of the list of versions; fail if a page leads back to an earlier one."""
    position = {"key_marker": "", "versionid_marker": ""}
    for _ in range(20):
        page = bucket.list_object_versions(max_keys=limit, **position)
        yield page
        if not page.is_truncated:
            return
        position = {
            "key_marker": page.next_key_marker,
            "versionid_marker": page.next_versionid_marker,
        }
    pytest.fail("the list of versions does not end")


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_versions_join_to_the_whole_list(versioned: Any, limit: int) -> None:
    keys = ["a", "a", "b c+é", "b c+é", "d/1", "d/1", "d/2", "e"]
    ids = [(key, versioned.put_object(key, b"").versionid) for key in keys]
    marker = ("e", versioned.delete_object("e").versionid)

    found = []
    for page in pages(versioned, limit):
        found += [(each.key, each.versionid) for each in page.versions + page.delete_marker]
        assert len(page.versions) + len(page.delete_marker) <= limit

    assert sorted(found) == sorted([*ids, marker])
    assert [each for each in found if each[0] == "a"] == [ids[1], ids[0]]


def test_versions_are_grouped_by_a_delimiter(versioned: Any) -> None:
    for key in ("a", "d/1", "d/1", "d/2", "e", "e"):
        versioned.put_object(key, b"")

    page = versioned.list_object_versions(delimiter="/", max_keys=2)
    assert [each.key for each in page.versions] == ["a"]
    assert page.common_prefix == ["d/"]
    assert (page.next_key_marker, page.next_versionid_marker or "") == ("d/", "")
    rest = versioned.list_object_versions(delimiter="/", key_marker=page.next_key_marker)
    assert [each.key for each in rest.versions] == ["e", "e"]
    assert rest.common_prefix == []
    inside = versioned.list_object_versions(prefix="d/", delimiter="/")
    assert [each.key for each in inside.versions] == ["d/1", "d/1", "d/2"]


def test_a_list_continues_after_a_version_that_was_deleted(versioned: Any) -> None:
    for number in range(5):
        versioned.put_object("a", b"%d" % number)
    versioned.put_object("b", b"")

    seen = []
    for page in pages(versioned, 2):
        for each in page.versions:
            seen.append(each.key)
            versioned.delete_object(each.key, params=one_version(each.versionid))

    assert seen == ["a"] * 5 + ["b"]
    assert listed(versioned) == []


def test_a_list_continues_after_the_null_version(bucket: Any) -> None:
    set_versioning(bucket, ENABLED)
    old = bucket.put_object("a", b"old").versionid
    set_versioning(bucket, SUSPENDED)
    bucket.put_object("a", b"new")
    position = {"key_marker": "a", "versionid_marker": "null"}

    assert [row[1] for row in listed(bucket, **position)] == [old]
    bucket.delete_object("a", params=one_version("null"))
    assert [row[1] for row in listed(bucket, **position)] == [old]


def test_a_version_marker_needs_a_key_and_a_version_id(mock_oss: MockOSS) -> None:
    for query in ({"version-id-marker": "null"}, {"key-marker": "a", "version-id-marker": "x"}):
        answer = ask(mock_oss, "GET", "", query={"versions": "", **query})
        assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_a_bucket_without_versioning_lists_null_versions(bucket: Any) -> None:
    bucket.put_object("a", b"hello")

    assert listed(bucket) == [("a", "null", True, False)]
    assert bucket.get_object("a", params=one_version("null")).read() == b"hello"
    assert bucket.delete_object("a", params=one_version("null")).status == 204
    assert listed(bucket) == []


def test_statistics_count_versions_and_delete_markers(versioned: Any) -> None:
    versioned.put_object("a", b"12345")
    versioned.put_object("a", b"123")
    versioned.delete_object("b")

    found = versioned.get_bucket_stat()

    assert (found.storage_size_in_bytes, found.object_count, found.delete_marker_count) == (8, 2, 1)


def test_versions_survive_a_restart_and_no_reset(tmp_path: Path) -> None:
    with MockOSS(data_dir=tmp_path) as oss:
        bucket = oss2_bucket(oss)
        set_versioning(bucket, ENABLED)
        first = bucket.put_object("a", b"first").versionid
        bucket.put_object("a", PART)
        bucket.put_object("a", PART)
        bucket.delete_object("a")
        before = listed(bucket)
    with MockOSS(data_dir=tmp_path) as oss:
        bucket = oss2_bucket(oss)
        assert listed(bucket) == before
        assert bucket.get_bucket_info().versioning_status == "Enabled"
        assert bucket.get_object("a", params=one_version(first)).read() == b"first"
        oss.reset()
        assert oss.bucket(BUCKET).versions("a") == []
        assert bucket.get_bucket_versioning().status is None
        assert blobs(oss) == 0


def test_a_bucket_of_the_world_has_versioning() -> None:
    spec = BucketSpec(name=BUCKET, versioning="Enabled")
    with MockOSS(world=World(buckets=(spec,))) as oss:
        assert oss2_bucket(oss).get_bucket_info().versioning_status == "Enabled"
    with pytest.raises(WorldError, match="versioning must be one of Enabled, Suspended, not 'on'"):
        BucketSpec(name=BUCKET, versioning="on")


def test_oss2_reads_the_rule_for_versions_that_it_sent(bucket_v4: Any) -> None:
    rule = models.LifecycleRule(
        "r",
        "logs/",
        expiration=models.LifecycleExpiration(expired_detete_marker=True),
        noncurrent_version_expiration=models.NoncurrentVersionExpiration(30),
    )
    bucket_v4.put_bucket_lifecycle(models.BucketLifecycle([rule]))

    (found,) = bucket_v4.get_bucket_lifecycle().rules

    assert found.expiration.expired_detete_marker is True
    assert found.noncurrent_version_expiration.noncurrent_days == 30
