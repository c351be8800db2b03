"""Authentication and authorization: signatures, clocks, tokens, anonymous access, addresses,
CORS.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import oss2
import pytest
from oss2.exceptions import ServerError
from oss2.models import BucketCors, CorsRule

from contract.mock_oss.clients import Answer, oss2_bucket, send, signed_headers, start_session
from mock_oss import ACCESS_KEY_ID, BUCKET, BucketSpec, MockOSS, Role, User, World


def refused(oss: MockOSS, method: str, target: str, headers: dict[str, str]) -> tuple[int, str]:
    answer = send(oss, method, target, headers=headers, body=b"" if method == "PUT" else None)
    return answer.status, answer.code


@pytest.mark.parametrize("version", ["v4", "v2", "v1"])
def test_a_wrong_secret_is_refused_with_what_was_signed(mock_oss: MockOSS, version: str) -> None:
    bucket = oss2_bucket(mock_oss, version=version, credentials=(ACCESS_KEY_ID, "wrong", None))

    with pytest.raises(ServerError) as error:
        bucket.put_object("a", b"hello")

    details = error.value.details
    assert (error.value.status, error.value.code) == (403, "SignatureDoesNotMatch")
    assert details["OSSAccessKeyId"] == ACCESS_KEY_ID
    assert bytes.fromhex(details["StringToSignBytes"]).decode() == details["StringToSign"]
    assert ("CanonicalRequest" in details) is (version == "v4")
    assert mock_oss.requests[-1].why["kind"] == "signature"


def test_the_journal_names_the_first_differing_byte(mock_oss: MockOSS) -> None:
    target, headers = signed_headers(mock_oss, "PUT", "a")
    headers["x-oss-meta-a"] = "added after signing"

    assert refused(mock_oss, "PUT", target, headers) == (403, "SignatureDoesNotMatch")

    why = mock_oss.requests[-1].why
    assert why["cause"] == "the header x-oss-meta-a was sent and not signed"
    assert why["first_difference"] == {
        "offset": why["first_difference"]["offset"],
        "line": 6,
        "expected": "x-oss-meta-a:added after signing",
        "signed": "",
    }


@pytest.mark.parametrize("version", ["v4", "v2", "v1"])
@pytest.mark.parametrize("skew_s", [-1000, 1000])
def test_a_clock_off_by_more_than_15_minutes_is_refused(
    mock_oss: MockOSS, version: str, skew_s: int
) -> None:
    mock_oss.clock.advance(-skew_s)

    with pytest.raises(ServerError) as error:
        oss2_bucket(mock_oss, version=version).put_object("a", b"hello")

    assert error.value.code == "RequestTimeTooSkewed"
    assert set(error.value.details) >= {"RequestTime", "ServerTime", "MaxAllowedSkewMilliseconds"}
    assert round(mock_oss.requests[-1].why["client_minus_server_s"], -1) == skew_s


def test_an_unknown_or_disabled_key_is_refused(mock_oss: MockOSS) -> None:
    user = User(name="u", keys={"LTAIoff": "s"}, disabled_keys=("LTAIoff",))
    with MockOSS(world=World(users=(user,))) as oss:
        for key, message in (("LTAIoff", "is disabled"), ("LTAInone", "does not exist")):
            with pytest.raises(ServerError) as error:
                oss2_bucket(oss, credentials=(key, "s", None)).put_object("a", b"")
            assert error.value.code == "InvalidAccessKeyId"
            assert message in error.value.message


def test_a_bucket_that_is_not_there_is_told_before_a_key_that_is_wrong(mock_oss: MockOSS) -> None:
    bucket = oss2_bucket(mock_oss, "not-there", credentials=("LTAInone", "s", None))

    with pytest.raises(ServerError) as error:
        bucket.get_bucket_info()

    assert (error.value.status, error.value.code) == (404, "NoSuchBucket")


@pytest.mark.parametrize("version", ["v4", "v2", "v1"])
def test_urls_work_until_they_expire(mock_oss: MockOSS, version: str) -> None:
    bucket = oss2_bucket(mock_oss, version=version)
    bucket.put_object("dir/ä +.txt", b"hello")
    url = urlsplit(bucket.sign_url("GET", "dir/ä +.txt", 60, slash_safe=True))
    target = f"{url.path}?{url.query}"

    fresh = send(mock_oss, "GET", target)
    mock_oss.clock.advance(timedelta(seconds=61))
    late = send(mock_oss, "GET", target)
    wrong = send(mock_oss, "PUT", target, body=b"x")

    assert (fresh.status, fresh.body) == (200, b"hello")
    assert (late.status, late.code, late.xml("Message")) == (
        403,
        "AccessDenied",
        "Request has expired.",
    )
    assert wrong.status == 403


def test_the_region_of_the_signature_is_the_buckets() -> None:
    with MockOSS(buckets=[BucketSpec(name="far", region="ap-southeast-1")]) as oss:
        with pytest.raises(ServerError) as error:
            oss2_bucket(oss, "far").put_object("a", b"")

        assert (error.value.status, error.value.code) == (400, "InvalidArgument")
        assert oss.requests[-1].why == {
            "kind": "region",
            "bucket": "ap-southeast-1",
            "signed": "cn-hangzhou",
        }


def test_a_foreign_account_sees_nothing_and_the_owner_everything() -> None:
    allow = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    world = World(
        users=(
            User(name="root", keys={"LTAIroot": "s"}),
            User(name="u", account_id="2", keys={"LTAIother": "s"}, policies=(allow,)),
        )
    )
    with MockOSS(world=world) as oss:
        oss2_bucket(oss, credentials=("LTAIroot", "s", None)).put_object("a", b"hello")
        with pytest.raises(ServerError) as error:
            oss2_bucket(oss, credentials=("LTAIother", "s", None)).get_object("a")

    assert (error.value.status, error.value.code) == (403, "AccessDenied")


def test_the_acl_refuses_another_account_whose_own_policies_allow_the_request() -> None:
    allow = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    role = Role(name="r", account_id="2", policies=(allow,))
    users = (User(name="u", account_id="2", keys={"LTAIother": "s"}, policies=(allow,)),)
    with MockOSS(world=World(users=users, roles=(role,))) as oss:
        found = start_session(oss, role_arn=role.arn)
        with pytest.raises(ServerError) as error:
            oss2_bucket(oss, credentials=found).put_object("a", b"")

    assert (error.value.code, error.value.ec) == ("AccessDenied", "0003-00000001")
    assert "because of bucket acl" in error.value.message
    assert "AccessDeniedDetail" not in error.value.details


def test_an_explicit_deny_says_so_and_is_named_in_the_journal() -> None:
    policy = (
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},'
        '{"Effect":"Deny","Action":"oss:PutObject","Resource":"*","Condition":{"StringNotEquals":'
        '{"oss:x-oss-object-acl":["private","default"]}}}]}'
    )
    with MockOSS(world=World(users=(User(name="u", keys={"k": "s"}, policies=(policy,)),))) as oss:
        bucket = oss2_bucket(oss, credentials=("k", "s", None))
        bucket.put_object("a", b"")
        with pytest.raises(ServerError) as error:
            bucket.put_object("a", b"", headers={"x-oss-object-acl": "public-read"})

        assert error.value.message == "Access denied by bucket policy."
        why = oss.requests[-1].why
        assert why["decision"] == "explicit deny"
        assert '"Deny"' in str(why["statement"])


ADDRESSES = [
    ("bucket.localhost", "web-direct-upload.localhost:{port}", "/a"),
    ("vendor host", "web-direct-upload.oss-cn-hangzhou.aliyuncs.com", "/a"),
    ("vendor host inside", "web-direct-upload.oss-cn-hangzhou-internal.aliyuncs.com", "/a"),
    ("cname", "files.example.com", "/a"),
    ("path", "127.0.0.1:{port}", f"/{BUCKET}/a"),
    ("absolute form", "127.0.0.1:{port}", f"http://127.0.0.1/{BUCKET}/a"),
]


@pytest.mark.parametrize(
    ("host", "target"), [a[1:] for a in ADDRESSES], ids=[a[0] for a in ADDRESSES]
)
def test_every_address_leads_to_the_same_object(host: str, target: str) -> None:
    with MockOSS(world=World(cnames={"files.example.com": BUCKET})) as oss:
        _, headers = signed_headers(oss, "PUT", "a")
        headers["Host"] = host.format(port=oss.port)

        answer = send(oss, "PUT", target, headers=headers, body=b"hello")

        assert answer.status == 200, answer.body
        assert oss.bucket(BUCKET).objects["a"].data == b"hello"


def test_every_answer_is_marked(mock_oss: MockOSS) -> None:
    answers: list[Answer] = [
        send(mock_oss, "GET", "/"),
        send(mock_oss, "GET", f"/{BUCKET}/a"),
        send(mock_oss, "GET", "/?Action=X"),
        send(mock_oss, "GET", "/_mock/clock"),
        send(mock_oss, "GET", "/_mock/none"),
        send(mock_oss, "OPTIONS", f"/{BUCKET}/a"),
    ]

    assert [answer.headers["x-oss-mock"] for answer in answers] == ["1"] * 6
    for answer in answers[:2]:
        assert answer.headers["Server"] == "AliyunOSS"
        assert len(answer.headers["x-oss-request-id"]) == 24
        assert answer.headers["x-oss-server-time"].isdigit()
        assert answer.headers["x-oss-ec"] == answer.xml("EC")
        assert answer.headers["x-oss-request-id"] == answer.xml("RequestId")


def preflight(oss: MockOSS, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(oss, "OPTIONS", f"/{BUCKET}/any", headers=sent)


def test_cors_answers_preflights_requests_and_errors(mock_oss: MockOSS, bucket_v4: Any) -> None:
    rule = CorsRule(["https://app.example.com"], ["PUT"], ["*"], ["ETag", "x-oss-request-id"], 600)
    bucket_v4.put_bucket_cors(BucketCors([rule]))
    origin = "https://app.example.com"

    allowed = preflight(
        mock_oss,
        Origin=origin,
        Access_Control_Request_Method="PUT",
        Access_Control_Request_Headers="authorization,x-oss-date",
    )
    other = preflight(mock_oss, Origin="https://x.org", Access_Control_Request_Method="PUT")
    plain = preflight(mock_oss)
    stored = bucket_v4.put_object("a", b"hello", headers={"Origin": origin})
    failed = send(mock_oss, "PUT", f"/{BUCKET}/a", headers={"Origin": origin}, body=b"x")
    foreign = bucket_v4.put_object("a", b"hello", headers={"Origin": "https://x.org"})

    assert (allowed.status, allowed.body) == (200, b"")
    assert allowed.headers["Access-Control-Allow-Origin"] == origin
    assert allowed.headers["Access-Control-Allow-Headers"] == "authorization,x-oss-date"
    assert allowed.headers["Access-Control-Max-Age"] == "600"
    assert (other.status, other.code) == (403, "AccessForbidden")
    assert other.headers["Access-Control-Allow-Origin"] is None
    assert (plain.status, plain.code) == (400, "BadRequest")
    assert stored.headers["Access-Control-Expose-Headers"] == "ETag, x-oss-request-id"
    assert failed.status == 403
    assert failed.headers["Access-Control-Allow-Origin"] == origin
    assert "Access-Control-Allow-Origin" not in foreign.headers
    assert foreign.status == 200


def test_head_errors_travel_in_a_header(mock_oss: MockOSS, bucket_v4: Any) -> None:
    with pytest.raises(oss2.exceptions.NoSuchKey) as error:
        bucket_v4.head_object("none")

    assert error.value.details["Key"] == "none"
    assert error.value.details["HostId"] == f"127.0.0.1:{mock_oss.port}"
