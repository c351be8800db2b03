"""The control plane: the same as the Python API, over HTTP; and the page's files."""

import json
from typing import Any

import pytest

from contract.mock_oss.clients import send, signed_headers
from mock_oss import ACCESS_KEY_ID, BUCKET, MockOSS


def get(oss: MockOSS, path: str) -> Any:
    answer = send(oss, "GET", f"/_mock/{path}")
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def post(oss: MockOSS, path: str, document: object) -> tuple[int, Any]:
    answer = send(oss, "POST", f"/_mock/{path}", body=json.dumps(document).encode())
    return answer.status, json.loads(answer.body) if answer.body else None


def test_requests_are_told_with_who_and_why_but_no_secret(
    mock_oss: MockOSS, bucket_v4: Any
) -> None:
    bucket_v4.put_object("a", b"hello")
    target, headers = signed_headers(mock_oss, "PUT", "b")
    send(mock_oss, "PUT", target, headers={**headers, "x-oss-meta-a": "1"}, body=b"x")

    first, second = get(mock_oss, "requests")["requests"]

    assert (first["operation"], first["status"], first["key"]) == ("PutObject", 200, "a")
    assert first["caller"] == "acs:ram::1000000000000000:user/mock-oss-user"
    assert (second["code"], second["access_key_id"]) == ("SignatureDoesNotMatch", ACCESS_KEY_ID)
    assert second["why"]["first_difference"]["expected"] == "x-oss-meta-a:1"
    assert first["headers"]["authorization"] == second["headers"]["authorization"] == "…"
    assert get(mock_oss, f"requests?after={first['number']}")["requests"] == [second]
    assert send(mock_oss, "DELETE", "/_mock/requests").status == 204
    assert len(mock_oss.requests) == 0


def test_the_clock_moves_over_http(mock_oss: MockOSS) -> None:
    status, shown = post(
        mock_oss, "clock", {"freeze": True, "set": "2026-03-14T09:26:53+00:00", "advance": 60}
    )

    assert (status, shown["now"]) == (200, "2026-03-14T09:27:53+00:00")
    assert get(mock_oss, "clock") == shown
    for wrong in ({"set": "noon"}, {"advance": "x"}, {"jump": 1}, {"set": "2026-03-14T09:26:53"}):
        assert post(mock_oss, "clock", wrong)[0] == 400


def test_reset_forgets_everything(mock_oss: MockOSS, bucket_v4: Any) -> None:
    bucket_v4.put_object("a", b"hello")

    assert post(mock_oss, "reset", {})[0] == 204
    assert len(mock_oss.bucket(BUCKET).objects) == 0


def test_state_buckets_and_objects_can_be_looked_at(mock_oss: MockOSS, bucket_v4: Any) -> None:
    bucket_v4.put_object("dir/<b>.html", b"<p>hello", headers={"x-oss-meta-a": "1"})
    upload_id = bucket_v4.init_multipart_upload("big").upload_id

    (bucket,) = get(mock_oss, "state")["buckets"]
    found = get(mock_oss, f"buckets/{BUCKET}?prefix=")
    answer = send(mock_oss, "GET", f"/_mock/objects/{BUCKET}/dir%2F%3Cb%3E.html?download")
    part = send(
        mock_oss,
        "GET",
        f"/_mock/objects/{BUCKET}/dir%2F%3Cb%3E.html",
        headers={"Range": "bytes=3-"},
    )

    assert (bucket["name"], bucket["objects"], bucket["bytes"]) == (BUCKET, 1, 8)
    assert [item["key"] for item in found["objects"]] == ["dir/<b>.html"]
    assert [item["upload_id"] for item in found["uploads"]] == [upload_id]
    assert answer.body == b"<p>hello"
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%3Cb%3E.html"
    assert (part.status, part.body) == (206, b"hello")
    assert send(mock_oss, "GET", "/_mock/buckets/none").status == 404
    assert send(mock_oss, "GET", f"/_mock/objects/{BUCKET}/none").status == 404


@pytest.mark.parametrize("name", ["", "page.css", "page.js"])
def test_the_page_is_served(mock_oss: MockOSS, name: str) -> None:
    answer = send(mock_oss, "GET", f"/_mock/{name}")

    assert answer.status == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["x-oss-mock"] == "1"


def test_other_origins_may_not_look_inside(mock_oss: MockOSS) -> None:
    own = f"http://127.0.0.1:{mock_oss.port}"

    foreign = send(
        mock_oss, "POST", "/_mock/reset", headers={"Origin": "http://evil.test"}, body=b""
    )
    same = send(mock_oss, "POST", "/_mock/reset", headers={"Origin": own}, body=b"")

    assert (foreign.status, same.status) == (403, 204)


def test_a_body_that_is_no_json_object_is_refused(mock_oss: MockOSS) -> None:
    for body in (b"{", b"[]", b"\xff"):
        assert send(mock_oss, "POST", "/_mock/faults", body=body).status == 400


def test_looking_inside_leaves_no_trace(mock_oss: MockOSS) -> None:
    get(mock_oss, "state")
    get(mock_oss, "requests")

    assert len(mock_oss.requests) == 0
