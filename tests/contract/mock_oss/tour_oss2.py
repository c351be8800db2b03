"""Calls every operation of the mock through oss2."""

from typing import Any

import oss2
from oss2 import models
from oss2.credentials import StaticCredentialsProvider

from contract.mock_oss.clients import REGION, SIGNERS, Credentials
from contract.mock_oss.matrix import PICTURE, PROCESSING, Case
from contract.mock_oss.receiver import callback_to, receiving
from mock_oss import MockOSS

NAME = "tour-bucket"
KEY = "dir/名 +1&%.txt"
PART = b"p" * 102_400


def _where(oss: MockOSS, case: Case) -> tuple[str, dict[str, object]]:
    if case.style == "path":
        return oss.endpoint, {}
    # The mock acts as an HTTP proxy, so requests keep the vendor's host name.
    return f"http://oss-{REGION}.aliyuncs.com", {"proxies": {"http": oss.endpoint}}


def tour(oss: MockOSS, case: Case, credentials: Credentials) -> None:
    """Call every operation once."""
    auth = SIGNERS[case.version](StaticCredentialsProvider(*credentials))
    endpoint, options = _where(oss, case)
    bucket = oss2.Bucket(auth, endpoint, NAME, region=REGION, **options)
    service = oss2.Service(auth, endpoint, region=REGION, **options)
    bucket.create_bucket()
    assert [found.name for found in service.list_buckets().buckets] == [NAME]
    _objects(bucket)
    _details(bucket)
    _multipart(bucket)
    _settings(bucket)
    _archive(bucket, oss)
    bucket.batch_delete_objects([found.key for found in oss2.ObjectIterator(bucket)])
    assert list(oss2.ObjectIteratorV2(bucket)) == []
    _versions(bucket)
    bucket.delete_bucket()


def _objects(bucket: Any) -> None:
    put = bucket.put_object(KEY, b"hello", headers={"x-oss-meta-a": "1"})
    assert put.etag == "5D41402ABC4B2A76B9719D911017C592"
    got = bucket.get_object(KEY)
    assert (got.read(), got.headers["x-oss-meta-a"]) == (b"hello", "1")
    assert bucket.get_object(KEY, byte_range=(1, 3)).read() == b"ell"
    assert bucket.head_object(KEY).content_length == 5
    assert bucket.get_object_meta(KEY).content_length == 5
    assert bucket.object_exists(KEY)
    assert not bucket.object_exists("nothing")
    assert bucket.append_object("log", 0, b"12345").next_position == 5
    assert (
        bucket.append_object("log", 5, b"67890", init_crc=6748440630437108969).next_position == 10
    )
    assert bucket.copy_object(NAME, KEY, "copy").etag == put.etag
    listed = [found.key for found in oss2.ObjectIterator(bucket, delimiter="/", max_keys=1)]
    assert listed == ["copy", "dir/", "log"]
    assert [found.key for found in bucket.list_objects_v2(prefix="dir/").object_list] == [KEY]
    bucket.delete_object("copy")
    with receiving() as receiver:
        bucket.put_object("told", b"", headers={"x-oss-callback": callback_to(receiver)})
    assert [body for _, _, body in receiver.calls] == [b"key=told"]
    bucket.delete_object("told")


def _details(bucket: Any) -> None:
    bucket.put_symlink(KEY, "link")
    assert bucket.get_symlink("link").target_key == KEY
    assert bucket.get_object("link").read() == b"hello"
    rule = models.TaggingRule()
    rule.add("team", "red +1")
    bucket.put_object_tagging(KEY, models.Tagging(rule))
    assert bucket.get_object_tagging(KEY).tag_set.tagging_rule == {"team": "red +1"}
    bucket.delete_object_tagging(KEY)
    bucket.put_object("picture", PICTURE)
    assert bucket.process_object("picture", PROCESSING).object == "picture"
    bucket.delete_object("picture")
    bucket.put_object_acl(KEY, oss2.OBJECT_ACL_PUBLIC_READ)
    assert bucket.get_object_acl(KEY).acl == "public-read"


def _multipart(bucket: Any) -> None:
    upload_id = bucket.init_multipart_upload("big").upload_id
    first = bucket.upload_part("big", upload_id, 1, PART)
    second = bucket.upload_part_copy(NAME, KEY, (0, 4), "big", upload_id, 2)
    assert [found.key for found in bucket.list_multipart_uploads().upload_list] == ["big"]
    assert [part.size for part in bucket.list_parts("big", upload_id).parts] == [102_400, 5]
    parts = [
        models.PartInfo(1, first.etag, size=len(PART), part_crc=first.crc),
        models.PartInfo(2, second.etag),
    ]
    bucket.complete_multipart_upload("big", upload_id, parts)
    assert bucket.get_object("big").read() == PART + b"hello"
    upload_id = bucket.init_multipart_upload("gone").upload_id
    bucket.abort_multipart_upload("gone", upload_id)


def _archive(bucket: Any, oss: MockOSS) -> None:
    bucket.put_object("cold", b"hello", headers={"x-oss-storage-class": "Archive"})
    assert bucket.restore_object("cold").status == 202
    oss.clock.advance(60)
    assert bucket.get_object("cold").read() == b"hello"


def _versions(bucket: Any) -> None:
    bucket.put_bucket_versioning(models.BucketVersioningConfig(oss2.BUCKET_VERSIONING_ENABLE))
    assert bucket.get_bucket_versioning().status == "Enabled"
    stored = bucket.put_object(KEY, b"hello").versionid
    hidden = bucket.delete_object(KEY).versionid
    version = {"versionId": stored}
    assert bucket.get_object(KEY, params=version).read() == b"hello"
    found = bucket.list_object_versions()
    assert [each.versionid for each in found.versions] == [stored]
    assert [each.versionid for each in found.delete_marker] == [hidden]
    doomed = [models.BatchDeleteObjectVersion(KEY, each) for each in (stored, hidden)]
    bucket.delete_object_versions(models.BatchDeleteObjectVersionList(doomed))


def _settings(bucket: Any) -> None:
    assert bucket.get_bucket_info().name == NAME
    assert bucket.get_bucket_stat().object_count == 4
    assert bucket.get_bucket_location().location == f"oss-{REGION}"
    bucket.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
    assert bucket.get_bucket_acl().acl == "public-read"
    bucket.put_bucket_public_access_block(True)
    assert bucket.get_bucket_public_access_block().block_public_access
    bucket.delete_bucket_public_access_block()
    bucket.put_bucket_referer(models.BucketReferer(True, ["http://*.example.com"]))
    assert bucket.get_bucket_referer().referers == ["http://*.example.com"]
    assert bucket.get_bucket_versioning().status is None
    tags = models.Tagging()
    tags.tag_set.add("team", "uploads")
    bucket.put_bucket_tagging(tags)
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {"team": "uploads"}
    bucket.delete_bucket_tagging()
    bucket.put_bucket_cors(
        models.BucketCors([models.CorsRule(["*"], ["PUT"], ["*"], ["ETag"], 60)])
    )
    assert bucket.get_bucket_cors().rules[0].expose_headers == ["ETag"]
    bucket.delete_bucket_cors()
    rule = models.LifecycleRule(
        "r",
        "uploads/",
        status=models.LifecycleRule.ENABLED,
        expiration=models.LifecycleExpiration(days=30),
        abort_multipart_upload=models.AbortMultipartUpload(days=1),
    )
    bucket.put_bucket_lifecycle(models.BucketLifecycle([rule]))
    assert bucket.get_bucket_lifecycle().rules[0].abort_multipart_upload.days == 1
    bucket.delete_bucket_lifecycle()
    assert bucket.list_live_channel().channels == []
    token = bucket.create_bucket_cname_token("tour.example.com").token
    assert bucket.get_bucket_cname_token("tour.example.com").token == token
    bucket.put_bucket_cname(models.PutBucketCnameRequest("tour.example.com"))
    assert [found.domain for found in bucket.list_bucket_cname().cname] == ["tour.example.com"]
    bucket.delete_bucket_cname("tour.example.com")
