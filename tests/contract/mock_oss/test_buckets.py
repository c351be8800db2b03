"""Features of buckets that the SDK tours do not cover: settings, limits, long lists."""

from pathlib import Path
from typing import Any

import oss2
import pytest

from contract.mock_oss.clients import REGION, ask, oss2_bucket, refusal, send, signed_headers
from mock_oss import BUCKET, MockOSS


def moved(days: int, storage_class: str, *, later: bool = False) -> str:
    """Return a transition; with `later`, that of versions that are not current."""
    name, unit = (
        ("NoncurrentVersionTransition", "NoncurrentDays") if later else ("Transition", "Days")
    )
    return f"<{name}><{unit}>{days}</{unit}><StorageClass>{storage_class}</StorageClass></{name}>"


AT_NOON = "<Expiration><CreatedBeforeDate>2026-01-01T12:00:00.000Z</CreatedBeforeDate></Expiration>"
IN_DAYS = "<Expiration><Days>{}</Days></Expiration>"
NEVER = (
    "<NoncurrentVersionExpiration><NoncurrentDays>0</NoncurrentDays></NoncurrentVersionExpiration>"
)
LIFECYCLES = {
    "warmer": (moved(5, "Standard"), "InvalidArgument"),
    "no days": ("<Expiration/>", "MalformedXML"),
    "zero days": (IN_DAYS.format(0), "InvalidArgument"),
    "noon": (AT_NOON, "InvalidArgument"),
    "no action": ("", "MalformedXML"),
    "bad tag": ("<Tag><Key>%&amp;</Key><Value/></Tag>" + IN_DAYS.format(1), "InvalidArgument"),
    "noncurrent days": (NEVER, "InvalidArgument"),
    "noncurrent class": (moved(20, "Standard", later=True), "InvalidArgument"),
}


@pytest.mark.parametrize(("rule", "code"), LIFECYCLES.values(), ids=LIFECYCLES)
def test_lifecycle_rules_that_make_no_sense_are_refused(
    bucket_v4: Any, rule: str, code: str
) -> None:
    document = (
        "<LifecycleConfiguration><Rule><Prefix/><Status>Enabled</Status>"
        f"{rule}</Rule></LifecycleConfiguration>"
    )

    assert refusal(bucket_v4.put_bucket_lifecycle, document) == (400, code)


def test_batch_delete_has_limits(mock_oss: MockOSS, bucket_v4: Any) -> None:
    bucket_v4.put_object("a", b"x")

    assert bucket_v4.batch_delete_objects(["a", "none"]).deleted_keys == ["a", "none"]
    assert refusal(bucket_v4.batch_delete_objects, [f"k{i}" for i in range(1001)]) == (
        400,
        "MalformedXML",
    )
    body = b"<Delete><Object><Key>a</Key></Object></Delete>"
    answer = ask(mock_oss, "POST", "", query={"delete": ""}, body=body)
    assert (answer.status, answer.code) == (400, "MissingArgument")


def test_listings_page_over_a_thousand_keys(bucket_v4: Any, mock_oss: MockOSS) -> None:
    keys = sorted(f"k/{i:04d} +é" for i in range(1500))
    bucket_v4.put_object(keys[0], b"")
    first = mock_oss.store.objects.get(BUCKET, keys[0])
    assert first is not None
    for key in keys[1:]:
        mock_oss.store.objects.put(first._replace(key=key))

    first_page = bucket_v4.list_objects_v2(max_keys=1000)
    token = first_page.next_continuation_token
    second_page = bucket_v4.list_objects_v2(max_keys=1000, continuation_token=token)

    assert (first_page.is_truncated, second_page.is_truncated) == (True, False)
    pages = [[o.key for o in page.object_list] for page in (first_page, second_page)]
    assert pages == [keys[:1000], keys[1000:]]
    assert [o.key for o in oss2.ObjectIterator(bucket_v4, max_keys=700)] == keys
    assert refusal(bucket_v4.list_objects_v2, max_keys=1001) == (400, "InvalidArgument")


def test_a_bucket_goes_only_when_empty(bucket_v4: Any) -> None:
    upload_id = bucket_v4.init_multipart_upload("a").upload_id
    assert refusal(bucket_v4.delete_bucket) == (409, "BucketNotEmpty")
    bucket_v4.abort_multipart_upload("a", upload_id)

    bucket_v4.delete_bucket()

    assert refusal(bucket_v4.put_object, "a", b"") == (404, "NoSuchBucket")


def test_creating_a_bucket_again_needs_the_same_settings(bucket_v4: Any) -> None:
    bucket_v4.create_bucket()

    assert refusal(bucket_v4.create_bucket, "public-read") == (409, "BucketAlreadyExists")


def test_an_acl_for_a_bucket_that_is_not_there_creates_it(mock_oss: MockOSS) -> None:
    bucket = oss2_bucket(mock_oss, "not-there-yet")

    bucket.put_bucket_acl("public-read")

    assert mock_oss.bucket("not-there-yet").record.acl == "public-read"
    answer = bucket.put_bucket_acl("private")
    assert answer.headers["Location"] == "/not-there-yet"


SHANGHAI = "oss-cn-shanghai.aliyuncs.com"


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("origin", [None, "https://app.example.com"])
def test_a_bucket_is_reached_by_the_endpoint_of_its_region(
    mock_oss: MockOSS, bucket_v4: Any, method: str, origin: str | None
) -> None:
    rule = oss2.models.CorsRule(allowed_origins=["*"], allowed_methods=["GET", "PUT"])
    bucket_v4.put_bucket_cors(oss2.models.BucketCors([rule]))
    _, headers = signed_headers(mock_oss, method, "a")
    headers |= {"Host": f"{BUCKET}.{SHANGHAI}", **({"Origin": origin} if origin else {})}

    answer = send(mock_oss, method, "/a", headers=headers, body=b"x" if method == "PUT" else None)

    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert "must be addressed using the specified endpoint" in answer.xml("Message")
    assert (answer.xml("Bucket"), answer.xml("Endpoint")) == (
        BUCKET,
        "oss-cn-hangzhou.aliyuncs.com",
    )
    assert answer.xml("EC") == "0003-00001403"
    assert mock_oss.requests[-1].why["kind"] == "region"
    assert (answer.headers["Access-Control-Allow-Origin"] is not None) is (origin is not None)
    assert "a" not in mock_oss.bucket(BUCKET).objects


def test_a_bucket_is_made_in_the_region_of_the_endpoint(mock_oss: MockOSS) -> None:
    _, headers = signed_headers(mock_oss, "PUT", "", bucket="new-one", region="cn-shanghai")

    made = send(mock_oss, "PUT", "/", headers={**headers, "Host": f"new-one.{SHANGHAI}"}, body=b"")

    assert made.status == 200
    record = mock_oss.store.buckets.get("new-one")
    assert record is not None
    assert record.region == "cn-shanghai"


def tags_of(bucket: oss2.Bucket) -> dict[str, str]:
    """Return the tags of a bucket as `oss2` reads them."""
    found: dict[str, str] = bucket.get_bucket_tagging().tag_set.tagging_rule
    return found


def put_tags(bucket: oss2.Bucket, tags: dict[str, str]) -> None:
    """Replace the tags of a bucket with `oss2`."""
    rule = oss2.models.TaggingRule()
    rule.tagging_rule = tags
    bucket.put_bucket_tagging(oss2.models.Tagging(rule))


def test_tags_of_a_bucket_are_replaced_and_deleted(tmp_path: Path) -> None:
    with MockOSS(data_dir=tmp_path) as oss:
        bucket = oss2_bucket(oss)
        assert tags_of(bucket) == {}
        put_tags(bucket, {"old": "1"})
        put_tags(bucket, {"team": "uploads", "cost": "", "stage": "test"})
    with MockOSS(data_dir=tmp_path) as oss:
        bucket = oss2_bucket(oss)
        assert tags_of(bucket) == {"team": "uploads", "cost": "", "stage": "test"}

        bucket.delete_bucket_tagging(params={"tagging": "team,cost"})
        assert tags_of(bucket) == {"stage": "test"}
        bucket.delete_bucket_tagging()
        assert tags_of(bucket) == {}


def test_buckets_are_listed_by_their_tags(mock_oss: MockOSS) -> None:
    for name, tags in (
        ("one", {"env": "test"}),
        ("two", {"env": "test", "team": "dev"}),
        ("three", {"env": "prod"}),
    ):
        bucket = oss2_bucket(mock_oss, name)
        bucket.create_bucket()
        put_tags(bucket, tags)
    service = oss2.Service(oss2_bucket(mock_oss).auth, mock_oss.endpoint, region=REGION)

    def names(**params: str) -> list[str]:
        asked = {name.replace("_", "-"): value for name, value in params.items()}
        return [found.name for found in service.list_buckets(params=asked).buckets]

    assert names(tag_key="env") == ["one", "three", "two"]
    assert names(tag_key="env", tag_value="test") == ["one", "two"]
    assert names(tagging='"env":"test","team":"dev"') == ["two"]
    assert names(tag_key="team", tagging='"env":"prod"') == []
    answer = service._do("GET", "", "", params={"tag-key": "team"}).read().decode()
    assert "<Tagging><TagSet><Tag><Key>env</Key><Value>test</Value></Tag>" in answer
    for wrong in ({"tag-value": "test"}, {"tagging": "env"}, {"tagging": '"env":1'}):
        assert refusal(service.list_buckets, params=wrong) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({f"key{number}": "" for number in range(21)}, "InvalidTag"),
        ({"k" * 65: ""}, "InvalidTaggingKey"),
        ({"": ""}, "InvalidTaggingKey"),
        ({"Aliyun-team": ""}, "InvalidTaggingKey"),
        ({"acs:team": ""}, "InvalidTaggingKey"),
        ({"key": "v" * 129}, "InvalidTag"),
    ],
    ids=["21 tags", "long key", "no key", "Aliyun", "acs", "long value"],
)
def test_tags_that_a_bucket_cannot_have(
    bucket_v4: oss2.Bucket, tags: dict[str, str], code: str
) -> None:
    assert refusal(put_tags, bucket_v4, tags) == (400, code)
