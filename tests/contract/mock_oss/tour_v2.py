"""Calls every operation of the mock through alibabacloud-oss-v2."""

from __future__ import annotations

from typing import Any

import alibabacloud_oss_v2 as oss_v2

from contract.mock_oss.clients import REGION
from contract.mock_oss.matrix import ADMIN, PICTURE, PROCESSING, Case, Credentials
from contract.mock_oss.receiver import callback_to, receiving
from mock_oss import MockOSS

NAME = "tour-bucket"
KEY = "dir/名 +1&%.txt"
PART = b"p" * 102_400


def _client(oss: MockOSS, case: Case, credentials: Credentials) -> Any:
    config = oss_v2.config.load_default()
    config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider(*credentials)
    config.region = REGION
    config.signature_version = case.version
    config.retry_max_attempts = 1
    if case.style == "path":
        config.endpoint = oss.endpoint
        config.use_path_style = True
    else:
        config.endpoint = f"http://oss-{REGION}.aliyuncs.com"
        config.proxy_host = {"http": oss.endpoint}
    return oss_v2.Client(config)


def tour(oss: MockOSS, case: Case, credentials: Credentials) -> None:
    """Call every operation once."""
    client = _client(oss, case, credentials)
    client.put_bucket(oss_v2.PutBucketRequest(bucket=NAME))
    assert [b.name for b in client.list_buckets(oss_v2.ListBucketsRequest()).buckets] == [NAME]
    _objects(client)
    _details(client)
    if case.version == "v4":  # V1 of this SDK does not sign x-oss-process
        _pictures(client)
    _multipart(client)
    _settings(client)
    _archive(client)
    _inventory(client)
    listed = client.list_objects(oss_v2.ListObjectsRequest(bucket=NAME)).contents
    doomed = [oss_v2.DeleteObject(key=found.key) for found in listed]
    client.delete_multiple_objects(oss_v2.DeleteMultipleObjectsRequest(bucket=NAME, objects=doomed))
    _versions(client)
    client.delete_bucket(oss_v2.DeleteBucketRequest(bucket=NAME))


def _objects(client: Any) -> None:
    put = client.put_object(
        oss_v2.PutObjectRequest(bucket=NAME, key=KEY, body=b"hello", metadata={"a": "1"})
    )
    assert put.etag == '"5D41402ABC4B2A76B9719D911017C592"'
    got = client.get_object(oss_v2.GetObjectRequest(bucket=NAME, key=KEY))
    assert (got.body.content, got.metadata["a"]) == (b"hello", "1")
    head = client.head_object(oss_v2.HeadObjectRequest(bucket=NAME, key=KEY))
    assert head.content_length == 5
    meta = client.get_object_meta(oss_v2.GetObjectMetaRequest(bucket=NAME, key=KEY))
    assert meta.content_length == 5
    assert client.is_object_exist(NAME, KEY)
    assert not client.is_object_exist(NAME, "nothing")
    for position in (0, 5):
        appended = client.append_object(
            oss_v2.AppendObjectRequest(bucket=NAME, key="log", position=position, body=b"12345")
        )
        assert appended.next_position == position + 5
    client.copy_object(
        oss_v2.CopyObjectRequest(bucket=NAME, key="copy", source_bucket=NAME, source_key=KEY)
    )
    listed = client.list_objects_v2(oss_v2.ListObjectsV2Request(bucket=NAME, delimiter="/"))
    assert [found.key for found in listed.contents] == ["copy", "log"]
    assert [found.prefix for found in listed.common_prefixes] == ["dir/"]
    client.delete_object(oss_v2.DeleteObjectRequest(bucket=NAME, key="copy"))
    with receiving() as receiver:
        client.put_object(
            oss_v2.PutObjectRequest(bucket=NAME, key="told", callback=callback_to(receiver))
        )
    assert [body for _, _, body in receiver.calls] == [b"key=told"]
    client.delete_object(oss_v2.DeleteObjectRequest(bucket=NAME, key="told"))


def _details(client: Any) -> None:
    client.put_symlink(oss_v2.PutSymlinkRequest(bucket=NAME, key="link", symlink_target="log"))
    linked = client.get_symlink(oss_v2.GetSymlinkRequest(bucket=NAME, key="link"))
    assert linked.target == "log"
    tags = oss_v2.Tagging(tag_set=oss_v2.TagSet(tags=[oss_v2.Tag(key="team", value="red")]))
    client.put_object_tagging(oss_v2.PutObjectTaggingRequest(bucket=NAME, key=KEY, tagging=tags))
    found = client.get_object_tagging(oss_v2.GetObjectTaggingRequest(bucket=NAME, key=KEY))
    assert [(tag.key, tag.value) for tag in found.tag_set.tags] == [("team", "red")]
    client.delete_object_tagging(oss_v2.DeleteObjectTaggingRequest(bucket=NAME, key=KEY))
    client.put_object_acl(oss_v2.PutObjectAclRequest(bucket=NAME, key=KEY, acl="private"))
    assert client.get_object_acl(oss_v2.GetObjectAclRequest(bucket=NAME, key=KEY)).acl == "private"


def _pictures(client: Any) -> None:
    where = {"bucket": NAME, "key": "picture"}
    client.put_object(oss_v2.PutObjectRequest(**where, body=PICTURE))
    told = client.process_object(oss_v2.ProcessObjectRequest(**where, process=PROCESSING))
    assert (told.key, told.process_status) == ("picture", "OK")
    client.delete_object(oss_v2.DeleteObjectRequest(**where))


def _multipart(client: Any) -> None:
    begun = client.initiate_multipart_upload(
        oss_v2.InitiateMultipartUploadRequest(bucket=NAME, key="big")
    )
    where = {"bucket": NAME, "key": "big", "upload_id": begun.upload_id}
    first = client.upload_part(oss_v2.UploadPartRequest(**where, part_number=1, body=PART))
    second = client.upload_part_copy(
        oss_v2.UploadPartCopyRequest(**where, part_number=2, source_bucket=NAME, source_key=KEY)
    )
    uploads = client.list_multipart_uploads(oss_v2.ListMultipartUploadsRequest(bucket=NAME))
    assert [found.key for found in uploads.uploads] == ["big"]
    parts = client.list_parts(oss_v2.ListPartsRequest(**where)).parts
    assert [part.size for part in parts] == [102_400, 5]
    chosen = [
        oss_v2.UploadPart(part_number=1, etag=first.etag),
        oss_v2.UploadPart(part_number=2, etag=second.etag),
    ]
    client.complete_multipart_upload(
        oss_v2.CompleteMultipartUploadRequest(
            **where, complete_multipart_upload=oss_v2.CompleteMultipartUpload(parts=chosen)
        )
    )
    whole = client.get_object(oss_v2.GetObjectRequest(bucket=NAME, key="big")).body.content
    assert whole == PART + b"hello"
    begun = client.initiate_multipart_upload(
        oss_v2.InitiateMultipartUploadRequest(bucket=NAME, key="gone")
    )
    client.abort_multipart_upload(
        oss_v2.AbortMultipartUploadRequest(bucket=NAME, key="gone", upload_id=begun.upload_id)
    )


def _domains(client: Any) -> None:
    domain = oss_v2.BucketCnameConfiguration(cname=oss_v2.Cname(domain="tour.example.com"))
    wanted = {"bucket": NAME, "bucket_cname_configuration": domain}
    made = client.create_cname_token(oss_v2.CreateCnameTokenRequest(**wanted)).cname_token
    asked = oss_v2.GetCnameTokenRequest(bucket=NAME, cname="tour.example.com")
    assert client.get_cname_token(asked).cname_token.token == made.token
    client.put_cname(oss_v2.PutCnameRequest(**wanted))
    listed = client.list_cname(oss_v2.ListCnameRequest(bucket=NAME))
    assert [found.domain for found in listed.cnames] == ["tour.example.com"]
    client.delete_cname(oss_v2.DeleteCnameRequest(**wanted))


def _switches(client: Any) -> None:
    blocked = oss_v2.PublicAccessBlockConfiguration(block_public_access=True)
    client.put_bucket_public_access_block(
        oss_v2.PutBucketPublicAccessBlockRequest(
            bucket=NAME, public_access_block_configuration=blocked
        )
    )
    found = client.get_bucket_public_access_block(
        oss_v2.GetBucketPublicAccessBlockRequest(bucket=NAME)
    )
    assert found.public_access_block_configuration.block_public_access
    client.delete_bucket_public_access_block(
        oss_v2.DeleteBucketPublicAccessBlockRequest(bucket=NAME)
    )
    referers = oss_v2.RefererConfiguration(
        allow_empty_referer=True, referer_list=oss_v2.RefererList(referers=["*.example.com"])
    )
    client.put_bucket_referer(
        oss_v2.PutBucketRefererRequest(bucket=NAME, referer_configuration=referers)
    )
    told = client.get_bucket_referer(oss_v2.GetBucketRefererRequest(bucket=NAME))
    assert told.referer_configuration.referer_list.referers == ["*.example.com"]
    tags = oss_v2.Tagging(tag_set=oss_v2.TagSet(tags=[oss_v2.Tag(key="team", value="red")]))
    client.put_bucket_tags(oss_v2.PutBucketTagsRequest(bucket=NAME, tagging=tags))
    tagged = client.get_bucket_tags(oss_v2.GetBucketTagsRequest(bucket=NAME))
    assert [tag.key for tag in tagged.tagging.tag_set.tags] == ["team"]
    client.delete_bucket_tags(oss_v2.DeleteBucketTagsRequest(bucket=NAME))


def _archive(client: Any) -> None:
    where = {"bucket": NAME, "key": "cold"}
    client.put_object(oss_v2.PutObjectRequest(**where, body=b"x", storage_class="ColdArchive"))
    wanted = oss_v2.RestoreRequest(days=1, tier="Expedited")
    restored = client.restore_object(oss_v2.RestoreObjectRequest(**where, restore_request=wanted))
    assert restored.restore_priority == "Expedited"


def _inventory(client: Any) -> None:
    target = oss_v2.InventoryOSSBucketDestination(
        format="CSV", account_id="1", role_arn=ADMIN.arn, bucket=f"acs:oss:::{NAME}"
    )
    wanted = oss_v2.InventoryConfiguration(
        id="daily",
        is_enabled=True,
        included_object_versions="Current",
        destination=oss_v2.InventoryDestination(oss_bucket_destination=target),
        schedule=oss_v2.InventorySchedule(frequency="Daily"),
    )
    where = {"bucket": NAME, "inventory_id": "daily"}
    client.put_bucket_inventory(
        oss_v2.PutBucketInventoryRequest(**where, inventory_configuration=wanted)
    )
    found = client.get_bucket_inventory(oss_v2.GetBucketInventoryRequest(**where))
    assert found.inventory_configuration.schedule.frequency == "Daily"
    listed = client.list_bucket_inventory(oss_v2.ListBucketInventoryRequest(bucket=NAME))
    assert len(listed.list_inventory_configurations_result.inventory_configurations) == 1
    client.delete_bucket_inventory(oss_v2.DeleteBucketInventoryRequest(**where))


def _versions(client: Any) -> None:
    on = oss_v2.VersioningConfiguration(status="Enabled")
    client.put_bucket_versioning(
        oss_v2.PutBucketVersioningRequest(bucket=NAME, versioning_configuration=on)
    )
    versioning = client.get_bucket_versioning(oss_v2.GetBucketVersioningRequest(bucket=NAME))
    assert versioning.version_status == "Enabled"
    stored = client.put_object(oss_v2.PutObjectRequest(bucket=NAME, key=KEY, body=b"hello"))
    found = client.list_object_versions(oss_v2.ListObjectVersionsRequest(bucket=NAME))
    assert [(each.key, each.version_id) for each in found.version] == [(KEY, stored.version_id)]
    client.delete_object(
        oss_v2.DeleteObjectRequest(bucket=NAME, key=KEY, version_id=stored.version_id)
    )


def _settings(client: Any) -> None:
    info = client.get_bucket_info(oss_v2.GetBucketInfoRequest(bucket=NAME)).bucket_info
    assert (info.name, info.resource_group_id[:3]) == (NAME, "rg-")
    stat = client.get_bucket_stat(oss_v2.GetBucketStatRequest(bucket=NAME))
    assert stat.object_count == 4
    where = client.get_bucket_location(oss_v2.GetBucketLocationRequest(bucket=NAME))
    assert where.location == f"oss-{REGION}"
    client.put_bucket_acl(oss_v2.PutBucketAclRequest(bucket=NAME, acl="public-read"))
    acl = client.get_bucket_acl(oss_v2.GetBucketAclRequest(bucket=NAME)).acl
    assert acl == "public-read"
    _switches(client)
    rule = oss_v2.CORSRule(allowed_origins=["*"], allowed_methods=["PUT"], allowed_headers=["*"])
    client.put_bucket_cors(
        oss_v2.PutBucketCorsRequest(
            bucket=NAME, cors_configuration=oss_v2.CORSConfiguration(cors_rules=[rule])
        )
    )
    cors = client.get_bucket_cors(oss_v2.GetBucketCorsRequest(bucket=NAME)).cors_configuration
    assert cors.cors_rules[0].allowed_methods == ["PUT"]
    client.delete_bucket_cors(oss_v2.DeleteBucketCorsRequest(bucket=NAME))
    lifecycle = oss_v2.LifecycleConfiguration(
        rules=[
            oss_v2.LifecycleRule(
                id="r",
                prefix="uploads/",
                status="Enabled",
                abort_multipart_upload=oss_v2.LifecycleRuleAbortMultipartUpload(days=1),
            )
        ]
    )
    client.put_bucket_lifecycle(
        oss_v2.PutBucketLifecycleRequest(bucket=NAME, lifecycle_configuration=lifecycle)
    )
    found = client.get_bucket_lifecycle(oss_v2.GetBucketLifecycleRequest(bucket=NAME))
    assert found.lifecycle_configuration.rules[0].abort_multipart_upload.days == 1
    client.delete_bucket_lifecycle(oss_v2.DeleteBucketLifecycleRequest(bucket=NAME))
    _domains(client)
