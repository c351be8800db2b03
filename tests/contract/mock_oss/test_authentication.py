"""Signatures and clocks of oss2, addresses of a bucket, headers of every response, CORS."""

import json
import string
from typing import Any
from urllib.parse import urlsplit

import oss2
import pytest
from oss2.exceptions import ServerError
from oss2.models import BucketCors, CorsRule

from contract.mock_oss.clients import oss2_bucket, refusal, send, signed_headers, start_session
from mock_oss import BUCKET, MockOSS


def test_a_bucket_that_is_not_there_is_told_before_a_key_that_is_wrong(mock_oss: MockOSS) -> None:
    bucket = oss2_bucket(mock_oss, "not-there", credentials=("LTAInone", "s", None))

    assert refusal(bucket.get_bucket_info) == (404, "NoSuchBucket")


def test_a_target_may_be_an_absolute_url(mock_oss: MockOSS) -> None:
    _, headers = signed_headers(mock_oss, "PUT", "a")

    answer = send(mock_oss, "PUT", f"http://127.0.0.1/{BUCKET}/a", headers=headers, body=b"hello")

    assert answer.status == 200, answer.body
    assert mock_oss.bucket(BUCKET).objects["a"].data == b"hello"


def test_every_answer_is_marked(mock_oss: MockOSS) -> None:
    targets = ("/", f"/{BUCKET}/a", "/?Action=X", "/_mock/clock", "/_mock/none")
    answers = [send(mock_oss, "GET", target) for target in targets]
    answers.append(send(mock_oss, "OPTIONS", f"/{BUCKET}/a"))

    assert [answer.headers["x-oss-mock"] for answer in answers] == ["1"] * 6
    for answer in answers[:2]:
        assert answer.headers["Server"] == "AliyunOSS"
        assert len(answer.headers["x-oss-request-id"]) == 24
        assert answer.headers["x-oss-server-time"].isdigit()
        assert answer.headers["x-oss-ec"] == answer.xml("EC")
        assert answer.headers["x-oss-request-id"] == answer.xml("RequestId")


def test_cors_answers_preflights_requests_and_errors(mock_oss: MockOSS, bucket_v4: Any) -> None:
    rule = CorsRule(["https://app.example.com"], ["PUT"], ["*"], ["ETag", "x-oss-request-id"], 600)
    bucket_v4.put_bucket_cors(BucketCors([rule]))
    origin = {"Origin": "https://app.example.com"}
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-oss-date"}

    allowed = send(mock_oss, "OPTIONS", f"/{BUCKET}/any", headers=origin | asked)
    plain = send(mock_oss, "OPTIONS", f"/{BUCKET}/any")
    stored = bucket_v4.put_object("a", b"hello", headers=origin)
    failed = send(mock_oss, "PUT", f"/{BUCKET}/a", headers=origin, body=b"x")
    foreign = bucket_v4.put_object("a", b"hello", headers={"Origin": "https://x.org"})

    assert (allowed.status, allowed.body) == (200, b"")
    assert allowed.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert allowed.headers["Access-Control-Allow-Headers"] == "x-oss-date"
    assert (plain.status, plain.code) == (400, "BadRequest")
    assert stored.headers["Access-Control-Expose-Headers"] == "ETag, x-oss-request-id"
    assert failed.status == 403
    assert failed.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert "Access-Control-Allow-Origin" not in foreign.headers
    assert foreign.status == 200


def test_head_errors_travel_in_a_header(mock_oss: MockOSS, bucket_v4: Any) -> None:
    with pytest.raises(oss2.exceptions.NoSuchKey) as error:
        bucket_v4.head_object("none")

    assert error.value.details["Key"] == "none"
    assert error.value.details["HostId"] == f"127.0.0.1:{mock_oss.port}"


# V2 signatures, which oss2 can make, in headers and in URLs

ODD_KEY = "Ordner/ä ö+%2F&=~!*'()" + string.punctuation


@pytest.fixture
def bucket(mock_oss: MockOSS) -> Any:
    return oss2_bucket(mock_oss, version="v2")


def test_requests_of_every_kind_are_accepted(mock_oss: MockOSS, bucket: Any) -> None:
    headers = {"x-oss-meta-name": "a  b", "content-type": "text/plain; charset=utf-8"}
    bucket.put_object(ODD_KEY, b"hello world", headers=headers)
    started = bucket.init_multipart_upload("parts")
    part = bucket.upload_part("parts", started.upload_id, 1, b"one")
    done = oss2.models.PartInfo(1, part.etag)
    bucket.complete_multipart_upload("parts", started.upload_id, [done])

    assert bucket.get_object(ODD_KEY, byte_range=(6, 10)).read() == b"world"
    assert bucket.head_object(ODD_KEY).headers["x-oss-meta-name"] == "a  b"
    listed = bucket.list_objects_v2(prefix="Ordner/", delimiter="", max_keys=1)
    assert [each.key for each in listed.object_list] == [ODD_KEY]
    assert bucket.get_bucket_info().name == bucket.bucket_name
    service = oss2.Service(bucket.auth, mock_oss.endpoint, region="cn-hangzhou")
    assert [each.name for each in service.list_buckets().buckets] == [bucket.bucket_name]


def test_a_session_is_accepted_in_headers_and_urls(mock_oss: MockOSS) -> None:
    session = oss2_bucket(mock_oss, version="v2", credentials=start_session(mock_oss))
    session.put_object("uploads/a", b"hello")
    url = urlsplit(session.sign_url("PUT", "uploads/b", 60, slash_safe=True))

    answer = send(mock_oss, "PUT", f"{url.path}?{url.query}", body=b"hello")

    assert answer.status == 200
    assert list(mock_oss.bucket(BUCKET).objects) == ["uploads/a", "uploads/b"]


def test_a_signed_header_that_was_changed_is_named(mock_oss: MockOSS, bucket: Any) -> None:
    bucket.put_object("a", b"hello")
    url = urlsplit(bucket.sign_url("GET", "a", 60, slash_safe=True))

    answer = send(mock_oss, "GET", f"{url.path}?{url.query}&x-oss-process=style/a")

    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    cause = mock_oss.requests[-1].why["cause"]
    assert cause == "the query parameter x-oss-process was sent and not signed"


@pytest.mark.parametrize(
    ("signed", "cause"),
    [
        ("%2Fa%20b%2Fc", "the path was signed without the bucket"),
        ("/web-direct-upload/a%20b/c", "the slashes of the path were signed unencoded"),
    ],
)
def test_a_path_that_was_signed_otherwise_is_named(
    mock_oss: MockOSS, bucket: Any, monkeypatch: pytest.MonkeyPatch, signed: str, cause: str
) -> None:
    name = "_ProviderAuthV2__get_resource_string"
    monkeypatch.setattr(bucket.auth, name, lambda *_given: signed)

    assert refusal(bucket.put_object, "a b/c", b"") == (403, "SignatureDoesNotMatch")
    assert mock_oss.requests[-1].why["cause"] == cause


# Explanations of refused signatures, for requests of oss2 changed after signing


def test_what_cannot_be_guessed_can_be_compared(mock_oss: MockOSS, bucket: Any) -> None:
    name = "x-oss-meta-owner"
    url = urlsplit(bucket.sign_url("PUT", "a.bin", 60, headers={name: "a long story"}))
    send(mock_oss, "PUT", f"{url.path}?{url.query}", headers={name: "another one"}, body=b"x")
    record = mock_oss.requests[-1]
    assert "first_difference" not in record.why
    assert "compare()" in record.why["cause"]
    kind = "canonical_request" if "expected_canonical_request" in record.why else "string_to_sign"
    ours = record.why[f"expected_{kind}"]
    signed = ours.replace("another one", "a long story")

    answer = send(
        mock_oss,
        "POST",
        f"/_mock/requests/{record.number}/compare",
        body=json.dumps({"signed": signed}).encode(),
    )

    found = json.loads(answer.body)
    assert found == record.compare(signed)
    differing = (found["in"], found["expected"], found["signed"])
    assert differing == (kind, "nother one", " long story")
    assert record.compare(ours) == {}
    assert record.compare(record.why["expected_string_to_sign"]) == {}


def test_only_a_refused_signature_can_be_compared(mock_oss: MockOSS, bucket: Any) -> None:
    bucket.put_object("a", b"")
    number = mock_oss.requests[-1].number

    for path, body, status in (
        (number, b'{"signed": "x"}', 400),
        (number, b"{}", 400),
        (number + 1, b'{"signed": "x"}', 404),
        ("x", b'{"signed": "x"}', 404),
    ):
        answer = send(mock_oss, "POST", f"/_mock/requests/{path}/compare", body=body)
        assert answer.status == status, path


def test_the_journal_shows_no_token_in_what_was_signed(mock_oss: MockOSS) -> None:
    key_id, _, token = start_session(mock_oss)

    with pytest.raises(ServerError, match="SignatureDoesNotMatch"):
        oss2_bucket(mock_oss, credentials=(key_id, "wrong", token)).put_object("a", b"x")

    record = mock_oss.requests[-1]
    assert f"x-oss-security-token:{token}" in record.why["expected_canonical_request"]
    assert str(token) not in json.dumps(record.as_dict())
