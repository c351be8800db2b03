"""Signatures and clocks of oss2, addresses of a bucket, headers of every response, CORS."""

from typing import Any

import oss2
import pytest
from oss2.exceptions import ServerError
from oss2.models import BucketCors, CorsRule

from contract.mock_oss.clients import oss2_bucket, refusal, send, signed_headers
from mock_oss import BUCKET, MockOSS


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
