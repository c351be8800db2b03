"""Calls every operation of the mock through alibabacloud-oss-v2."""

from collections.abc import Callable
from typing import Any

import alibabacloud_oss_v2 as oss_v2

from contract.mock_oss.clients import REGION, Credentials
from contract.mock_oss.matrix import PICTURE, PROCESSING, Case
from contract.mock_oss.receiver import callback_to, receiving
from mock_oss import MockOSS

NAME = "tour-bucket"
KEY = "dir/名 +1&%.txt"
PART = b"p" * 102_400
TAGS = oss_v2.Tagging(tag_set=oss_v2.TagSet(tags=[oss_v2.Tag(key="team", value="red")]))
Call = Callable[..., Any]


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


def _caller(client: Any) -> Call:
    """Return a function that calls an operation by its name, with the fields of its request."""

    def call(operation: str, **fields: Any) -> Any:
        name = "".join(word.capitalize() for word in operation.split("_"))
        return getattr(client, operation)(getattr(oss_v2, f"{name}Request")(bucket=NAME, **fields))

    return call


def tour(oss: MockOSS, case: Case, credentials: Credentials) -> None:
    """Call every operation once."""
    client = _client(oss, case, credentials)
    call = _caller(client)
    call("put_bucket")
    assert [b.name for b in client.list_buckets(oss_v2.ListBucketsRequest()).buckets] == [NAME]
    _objects(call)
    assert client.is_object_exist(NAME, KEY)
    assert not client.is_object_exist(NAME, "nothing")
    _details(call)
    if case.version == "v4":  # V1 of this SDK does not sign x-oss-process
        _pictures(call)
    _multipart(call)
    _settings(call)
    _switches(call)
    _domains(call)
    _archive(call)
    listed = call("list_objects").contents
    doomed = [oss_v2.DeleteObject(key=found.key) for found in listed]
    call("delete_multiple_objects", objects=doomed)
    _versions(call)
    call("delete_bucket")


def _objects(call: Call) -> None:
    put = call("put_object", key=KEY, body=b"hello", metadata={"a": "1"})
    assert put.etag == '"5D41402ABC4B2A76B9719D911017C592"'
    got = call("get_object", key=KEY)
    assert (got.body.content, got.metadata["a"]) == (b"hello", "1")
    assert call("head_object", key=KEY).content_length == 5
    assert call("get_object_meta", key=KEY).content_length == 5
    for position in (0, 5):
        appended = call("append_object", key="log", position=position, body=b"12345")
        assert appended.next_position == position + 5
    call("copy_object", key="copy", source_bucket=NAME, source_key=KEY)
    listed = call("list_objects_v2", delimiter="/")
    assert [found.key for found in listed.contents] == ["copy", "log"]
    assert [found.prefix for found in listed.common_prefixes] == ["dir/"]
    call("delete_object", key="copy")
    with receiving() as receiver:
        call("put_object", key="told", callback=callback_to(receiver))
    assert [body for _, _, body in receiver.calls] == [b"key=told"]
    call("delete_object", key="told")


def _details(call: Call) -> None:
    call("put_symlink", key="link", symlink_target="log")
    assert call("get_symlink", key="link").target == "log"
    call("put_object_tagging", key=KEY, tagging=TAGS)
    found = call("get_object_tagging", key=KEY)
    assert [(tag.key, tag.value) for tag in found.tag_set.tags] == [("team", "red")]
    call("delete_object_tagging", key=KEY)
    call("put_object_acl", key=KEY, acl="private")
    assert call("get_object_acl", key=KEY).acl == "private"


def _pictures(call: Call) -> None:
    call("put_object", key="picture", body=PICTURE)
    told = call("process_object", key="picture", process=PROCESSING)
    assert (told.key, told.process_status) == ("picture", "OK")
    call("delete_object", key="picture")


def _multipart(call: Call) -> None:
    where = {"key": "big", "upload_id": call("initiate_multipart_upload", key="big").upload_id}
    source = {"source_bucket": NAME, "source_key": KEY}
    first = call("upload_part", **where, part_number=1, body=PART)
    second = call("upload_part_copy", **where, part_number=2, **source)
    assert [found.key for found in call("list_multipart_uploads").uploads] == ["big"]
    assert [part.size for part in call("list_parts", **where).parts] == [102_400, 5]
    parts = [
        oss_v2.UploadPart(part_number=1, etag=first.etag),
        oss_v2.UploadPart(part_number=2, etag=second.etag),
    ]
    chosen = oss_v2.CompleteMultipartUpload(parts=parts)
    call("complete_multipart_upload", **where, complete_multipart_upload=chosen)
    assert call("get_object", key="big").body.content == PART + b"hello"
    begun = call("initiate_multipart_upload", key="gone")
    call("abort_multipart_upload", key="gone", upload_id=begun.upload_id)


def _settings(call: Call) -> None:
    info = call("get_bucket_info").bucket_info
    assert (info.name, info.resource_group_id[:3]) == (NAME, "rg-")
    assert call("get_bucket_stat").object_count == 4
    assert call("get_bucket_location").location == f"oss-{REGION}"
    call("put_bucket_acl", acl="public-read")
    assert call("get_bucket_acl").acl == "public-read"
    rule = oss_v2.CORSRule(allowed_origins=["*"], allowed_methods=["PUT"], allowed_headers=["*"])
    call("put_bucket_cors", cors_configuration=oss_v2.CORSConfiguration(cors_rules=[rule]))
    cors = call("get_bucket_cors").cors_configuration
    assert cors.cors_rules[0].allowed_methods == ["PUT"]
    call("delete_bucket_cors")
    abort = oss_v2.LifecycleRuleAbortMultipartUpload(days=1)
    lasting = oss_v2.LifecycleRule(
        id="r", prefix="uploads/", status="Enabled", abort_multipart_upload=abort
    )
    rules = oss_v2.LifecycleConfiguration(rules=[lasting])
    call("put_bucket_lifecycle", lifecycle_configuration=rules)
    found = call("get_bucket_lifecycle").lifecycle_configuration
    assert found.rules[0].abort_multipart_upload.days == 1
    call("delete_bucket_lifecycle")


def _switches(call: Call) -> None:
    blocked = oss_v2.PublicAccessBlockConfiguration(block_public_access=True)
    call("put_bucket_public_access_block", public_access_block_configuration=blocked)
    found = call("get_bucket_public_access_block")
    assert found.public_access_block_configuration.block_public_access
    call("delete_bucket_public_access_block")
    sites = oss_v2.RefererList(referers=["*.example.com"])
    referers = oss_v2.RefererConfiguration(allow_empty_referer=True, referer_list=sites)
    call("put_bucket_referer", referer_configuration=referers)
    told = call("get_bucket_referer").referer_configuration
    assert told.referer_list.referers == ["*.example.com"]
    call("put_bucket_tags", tagging=TAGS)
    assert [tag.key for tag in call("get_bucket_tags").tagging.tag_set.tags] == ["team"]
    call("delete_bucket_tags")


def _domains(call: Call) -> None:
    cname = oss_v2.Cname(domain="tour.example.com")
    wanted = {"bucket_cname_configuration": oss_v2.BucketCnameConfiguration(cname=cname)}
    made = call("create_cname_token", **wanted).cname_token
    assert call("get_cname_token", cname="tour.example.com").cname_token.token == made.token
    call("put_cname", **wanted)
    assert [found.domain for found in call("list_cname").cnames] == ["tour.example.com"]
    call("delete_cname", **wanted)


def _archive(call: Call) -> None:
    call("put_object", key="cold", body=b"x", storage_class="ColdArchive")
    wanted = oss_v2.RestoreRequest(days=1, tier="Expedited")
    restored = call("restore_object", key="cold", restore_request=wanted)
    assert restored.restore_priority == "Expedited"


def _versions(call: Call) -> None:
    on = oss_v2.VersioningConfiguration(status="Enabled")
    call("put_bucket_versioning", versioning_configuration=on)
    assert call("get_bucket_versioning").version_status == "Enabled"
    stored = call("put_object", key=KEY, body=b"hello").version_id
    hidden = call("delete_object", key=KEY)
    assert hidden.delete_marker
    found = call("list_object_versions")
    assert [(each.key, each.version_id) for each in found.version] == [(KEY, stored)]
    assert [each.version_id for each in found.delete_marker] == [hidden.version_id]
    assert found.version[0].size == 5
    assert found.version[0].owner.id
    got = call("get_object", key=KEY, version_id=stored)
    assert (got.body.content, got.version_id) == (b"hello", stored)
    doomed = [oss_v2.DeleteObject(key=KEY, version_id=stored)]
    gone = call("delete_multiple_objects", objects=doomed)
    assert [each.version_id for each in gone.deleted_objects] == [stored]
    call("delete_object", key=KEY, version_id=hidden.version_id)
