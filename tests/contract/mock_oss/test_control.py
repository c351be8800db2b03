"""The control plane: the Python API's functions over HTTP, and the files of the mock's page."""

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
    assert get(mock_oss, f"requests/{second['number']}") == second
    assert "why" not in get(mock_oss, "requests?brief")["requests"][1]
    assert send(mock_oss, "GET", "/_mock/requests/99").status == 404
    assert send(mock_oss, "DELETE", "/_mock/requests").status == 204
    assert len(mock_oss.requests) == 0


def test_the_clock_moves_over_http(mock_oss: MockOSS) -> None:
    status, shown = post(
        mock_oss, "clock", {"freeze": True, "set": "2026-03-14T09:26:53+00:00", "advance": 60}
    )

    assert (status, shown["now"]) == (200, "2026-03-14T09:27:53+00:00")
    assert get(mock_oss, "clock") == shown
    for wrong, words in (
        ({"set": "noon"}, "set must be a time with an offset"),
        ({"set": 5}, "set must be a time with an offset"),
        ({"set": "2026-03-14T09:26:53"}, "set must be a time with an offset"),
        ({"advance": "x"}, "advance must be a number of seconds"),
        ({"advance": 1e12}, "the mock's clock supports the years"),
        ({"freeze": "yes"}, "freeze must be true or false"),
        ({"jump": 1}, "the clock accepts advance, set and freeze, not jump"),
    ):
        status, answer = post(mock_oss, "clock", wrong)
        assert (status, answer["error"][: len(words)]) == (400, words)
    assert get(mock_oss, "clock") == shown


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
    ranged = {"Range": "bytes=3-"}
    part = send(mock_oss, "GET", f"/_mock/objects/{BUCKET}/dir%2F%3Cb%3E.html", headers=ranged)

    assert (bucket["name"], bucket["objects"], bucket["bytes"]) == (BUCKET, 1, 8)
    assert [item["key"] for item in found["objects"]] == ["dir/<b>.html"]
    assert [item["upload_id"] for item in found["uploads"]] == [upload_id]
    assert answer.body == b"<p>hello"
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%3Cb%3E.html"
    assert (part.status, part.body) == (206, b"hello")
    assert send(mock_oss, "GET", "/_mock/buckets/none").status == 404
    assert send(mock_oss, "GET", f"/_mock/objects/{BUCKET}/none").status == 404


def test_an_object_of_the_same_origin_runs_no_scripts(mock_oss: MockOSS, bucket_v4: Any) -> None:
    page = {"Content-Type": "text/html", "x-oss-object-acl": "public-read"}
    bucket_v4.put_object("a.html", b"<script>fetch('/_mock/state')</script>", headers=page)

    beside = send(mock_oss, "GET", f"/{BUCKET}/a.html")
    own = send(mock_oss, "GET", "/a.html", headers={"Host": f"{BUCKET}.localhost"})

    assert beside.headers["Content-Security-Policy"] == "sandbox"
    assert own.status == 200
    assert "Content-Security-Policy" not in own.headers


@pytest.mark.parametrize("name", ["", "page.css", "page.js", "why.js"])
def test_the_page_is_served(mock_oss: MockOSS, name: str) -> None:
    answer = send(mock_oss, "GET", f"/_mock/{name}")

    assert answer.status == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["x-oss-mock"] == "1"


def test_other_origins_may_not_look_inside(mock_oss: MockOSS) -> None:
    own = f"http://127.0.0.1:{mock_oss.port}"

    for origin, status in (("http://evil.test", 403), (own, 204)):
        answer = send(mock_oss, "POST", "/_mock/reset", headers={"Origin": origin}, body=b"")
        assert answer.status == status


@pytest.mark.parametrize(
    "host",
    ["evil.test", "evil.test:{port}", "127.0.0.1.evil.test", "localhost.evil.test", "10.9.8.7", ""],
)
@pytest.mark.parametrize("path", ["reset", "state", "requests", "", "page.js", "nothing"])
def test_a_name_that_points_here_by_dns_reaches_nothing(
    mock_oss: MockOSS, host: str, path: str
) -> None:
    host = host.format(port=mock_oss.port)
    mock_oss.faults.add("hang", key="never")
    method = "POST" if path == "reset" else "GET"

    headers = {"Host": host, "Origin": f"http://{host}"}

    answer = send(mock_oss, method, f"/_mock/{path}", headers=headers)

    assert answer.status == 403
    assert b"--allow-host" in answer.body
    assert len(mock_oss.faults) == 1


def test_loopback_the_bound_address_and_named_hosts_may_look_inside() -> None:
    with MockOSS(allow_hosts=["mock.test"], domains=["localhost", "oss.test"]) as oss:
        for host in ("localhost", "127.0.0.1", "127.3.2.1", "[::1]", "MOCK.test", "oss.test"):
            for suffix in ("", f":{oss.port}"):
                headers = {"Host": host + suffix}
                assert send(oss, "GET", "/_mock/clock", headers=headers).status == 200, headers


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("PUT", "clock", 405, "there is no PUT /_mock/clock; this path accepts GET, HEAD, POST"),
        ("DELETE", "reset", 405, "there is no DELETE /_mock/reset; this path accepts POST"),
        ("GET", "nothing/here", 404, "there is no GET /_mock/nothing/here"),
    ],
)
def test_what_the_control_plane_lacks_is_told_as_json(
    mock_oss: MockOSS, method: str, path: str, status: int, words: str
) -> None:
    answer = send(mock_oss, method, f"/_mock/{path}")

    assert answer.status == status
    assert json.loads(answer.body)["error"].startswith(words)


def test_looking_inside_leaves_no_trace(mock_oss: MockOSS) -> None:
    get(mock_oss, "state")
    get(mock_oss, "requests")

    assert len(mock_oss.requests) == 0
