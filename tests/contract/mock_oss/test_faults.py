"""Planned faults, as a client observes them."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from http.client import HTTPConnection
from typing import Any

import oss2
import pytest
from oss2.exceptions import InconsistentError, RequestError, ServerError

from contract.mock_oss.clients import (
    ask,
    assume_role,
    oss2_bucket,
    policy,
    refusal,
    role_wanted,
    send,
    signed_headers,
    sts_client,
)
from contract.mock_oss.post_forms import form, post, v4_fields
from mock_oss import BUCKET, MockOSS, WorldError


def test_an_error_hits_the_nth_matching_request_and_stores_nothing(
    mock_oss: MockOSS, bucket_v4: Any
) -> None:
    mock_oss.faults.add("error", code="InternalError", method="PUT", key="a*", nth=2)

    bucket_v4.put_object("a1", b"1")
    with pytest.raises(ServerError) as error:
        bucket_v4.put_object("a2", b"1")
    bucket_v4.put_object("a3", b"1")

    assert (error.value.status, error.value.code) == (500, "InternalError")
    assert list(mock_oss.bucket(BUCKET).objects) == ["a1", "a3"]
    assert mock_oss.requests[1].faults == ("error",)


@pytest.mark.parametrize(
    ("pattern", "status"), [("a.*", 503), ("b.*", 204)], ids=["its key", "another key"]
)
def test_a_fault_for_a_key_hits_the_form_with_this_key(
    mock_oss: MockOSS, pattern: str, status: int
) -> None:
    mock_oss.faults.add("unavailable", operation="PostObject", key=pattern)
    content = b"x" * 300_000
    fields = {"key": "a.txt", **v4_fields(mock_oss, [])}

    answer = post(mock_oss, form(fields, content))

    assert answer.status == status
    stored = mock_oss.bucket(BUCKET).objects
    assert {key: each.data for key, each in stored.items()} == (
        {"a.txt": content} if status == 204 else {}
    )


@pytest.mark.parametrize("operation", ["PutObjct", "putobject"])
def test_a_fault_for_an_operation_that_the_mock_does_not_have_is_refused(
    mock_oss: MockOSS, operation: str
) -> None:
    with pytest.raises(WorldError, match=f"no operation '{operation}'; similar names: PutObject"):
        mock_oss.faults.add("hang", operation=operation)

    with pytest.raises(WorldError, match="no operation 'AsumeRole'; similar names: AssumeRole"):
        MockOSS(faults=[{"effect": "hang", "operation": "AsumeRole"}])
    assert not mock_oss.faults


def test_503_carries_retry_after(mock_oss: MockOSS, bucket_v4: Any) -> None:
    mock_oss.faults.add("unavailable", seconds=7)

    with pytest.raises(ServerError) as error:
        bucket_v4.put_object("a", b"1")

    assert error.value.status == 503
    assert error.value.headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("when", "stored"), [("before", False), ("mid-body", False), ("before-answer", True)]
)
def test_a_reset_loses_the_answer_but_not_always_the_object(
    mock_oss: MockOSS, bucket_v4: Any, when: str, stored: bool
) -> None:
    mock_oss.faults.add("reset", when=when)

    with pytest.raises(RequestError):
        bucket_v4.put_object("a", b"x" * 300_000)

    assert ("a" in mock_oss.bucket(BUCKET).objects) is stored
    assert mock_oss.requests[-1].status is None


def test_a_reset_in_the_middle_of_an_answer_is_seen_while_reading(
    mock_oss: MockOSS, bucket_v4: Any
) -> None:
    bucket_v4.put_object("a", b"x" * 300_000)
    mock_oss.faults.add("reset", when="mid-answer", after_bytes=100_000)

    answer = bucket_v4.get_object("a")
    with pytest.raises(Exception, match="Connection broken"):
        answer.read()


def test_a_wrong_checksum_is_noticed_by_the_sdk(mock_oss: MockOSS, bucket_v4: Any) -> None:
    mock_oss.faults.add("wrong-crc", method="PUT")

    with pytest.raises(InconsistentError):
        bucket_v4.put_object("a", b"hello")

    assert mock_oss.bucket(BUCKET).objects["a"].data == b"hello"


def test_etag_and_other_headers_can_be_dropped(mock_oss: MockOSS, bucket_v4: Any) -> None:
    mock_oss.faults.add("drop-etag", method="PUT")
    mock_oss.faults.add("drop-header", name="Content-MD5")

    headers = bucket_v4.put_object("a", b"hello").headers

    assert "ETag" not in headers
    assert "Content-MD5" not in headers
    assert headers["x-oss-hash-crc64ecma"] == "11177612005948864433"


def test_xml_can_be_cut_in_half(mock_oss: MockOSS) -> None:
    mock_oss.faults.add("truncate-xml")

    answer = ask(mock_oss, "GET", "")

    assert answer.status == 200
    assert answer.body.startswith(b"<?xml")
    assert b"</ListBucketResult>" not in answer.body


def test_xml_can_go_on_without_end(mock_oss: MockOSS) -> None:
    mock_oss.faults.add("endless-xml")
    target, headers = signed_headers(mock_oss, "GET", "")

    with closing(HTTPConnection("127.0.0.1", mock_oss.port, timeout=10)) as connection:
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        text = answer.read(4_000_000)

    assert answer.status == 200
    assert len(text) == 4_000_000
    assert text.rstrip().endswith(b"</ListBucketResult>")


def test_credentials_can_be_short_lived(mock_oss: MockOSS) -> None:
    mock_oss.faults.add("short-lived", operation="AssumeRole", seconds=20)
    began = mock_oss.clock.timestamp()

    answer = sts_client(mock_oss).assume_role(role_wanted()).body.credentials

    life_s = datetime.fromisoformat(answer.expiration).timestamp() - began
    assert 18 < life_s < 30
    key = (answer.access_key_id, answer.access_key_secret, answer.security_token)
    bucket = oss2_bucket(mock_oss, credentials=key)
    bucket.put_object("uploads/a", b"1")
    mock_oss.clock.advance(30)
    assert refusal(bucket.put_object, "uploads/a", b"1") == (403, "SecurityTokenExpired")


def test_credentials_can_be_issued_without_their_session_policy(mock_oss: MockOSS) -> None:
    def write() -> object:
        key = assume_role(sts_client(mock_oss), policy=policy("oss:*", effect="Deny"))
        return oss2_bucket(mock_oss, credentials=key).put_object("uploads/a", b"1").status

    assert refusal(write) == (403, "AccessDenied")
    mock_oss.faults.add("no-session-policy", operation="AssumeRole")

    assert write() == 200


def test_a_captive_portal_answers_200_with_html(mock_oss: MockOSS) -> None:
    mock_oss.faults.add("html")

    answer = send(mock_oss, "PUT", f"/{BUCKET}/a", body=b"1")

    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")


def test_bandwidth_and_delay_take_their_time(mock_oss: MockOSS, bucket_v4: Any) -> None:
    mock_oss.faults.add("bandwidth", bytes_per_s=1_000_000, times=2)
    mock_oss.faults.add("delay", seconds=0.2, nth=3)
    spent = []
    calls: list[Callable[[], object]] = [
        lambda: bucket_v4.put_object("a", b"x" * 200_000),
        lambda: bucket_v4.get_object("a").read(),
        lambda: bucket_v4.head_object("a"),
    ]
    for call in calls:
        started = time.monotonic()
        call()
        spent.append(time.monotonic() - started)

    assert all(0.19 <= seconds < 5 for seconds in spent)


def test_a_clock_jump_makes_the_request_too_late(mock_oss: MockOSS, bucket_v4: Any) -> None:
    mock_oss.faults.add("clock-jump", seconds=1000, nth=1)

    with pytest.raises(ServerError) as error:
        bucket_v4.put_object("a", b"1")

    assert error.value.code == "RequestTimeTooSkewed"
    assert error.value.details["MaxAllowedSkewMilliseconds"] == "900000"
    assert "ServerTime" in error.value.details


def test_a_request_without_an_answer_waits_for_its_client(mock_oss: MockOSS) -> None:
    mock_oss.faults.add("hang", times=1)
    bucket = oss2_bucket(mock_oss)
    bucket.timeout = 0.3

    with pytest.raises(RequestError):
        bucket.put_object("a", b"1")

    bucket.put_object("b", b"1")
    assert list(mock_oss.bucket(BUCKET).objects) == ["b"]


@pytest.mark.parametrize(("code", "status"), [("NoPermission", 403), ("InternalError", 500)])
def test_sts_can_fail_too(mock_oss: MockOSS, code: str, status: int) -> None:
    mock_oss.faults.add("error", operation="AssumeRole", code=code, status=status)

    with pytest.raises(Exception, match=code):
        assume_role(sts_client(mock_oss))

    assert mock_oss.requests[-1].status == status
    oss2_bucket(mock_oss).put_object("a", b"1")


def test_faults_are_planned_over_http_too(mock_oss: MockOSS, bucket_v4: Any) -> None:
    plan = b'{"effect": "error", "code": "ServiceUnavailable", "times": 1}'

    planned = send(mock_oss, "POST", "/_mock/faults", body=plan)
    wrong = send(mock_oss, "POST", "/_mock/faults", body=b'{"effect": "explode"}')

    assert planned.status == 201
    assert wrong.status == 400
    with pytest.raises(oss2.exceptions.ServerError):
        bucket_v4.put_object("a", b"1")
    bucket_v4.put_object("a", b"1")
    assert send(mock_oss, "DELETE", "/_mock/faults").status == 204
    assert len(mock_oss.faults) == 0
