"""Invalid values in forms, callbacks and documents are refused, or stored and readable again."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from contract.mock_oss.clients import Answer, ask, send
from contract.mock_oss.post_forms import form, post, v1_fields
from contract.mock_oss.receiver import encoded
from mock_oss import BUCKET, MockOSS

ORIGIN = {"Origin": "https://app.example.com"}


def sound(answer: Answer) -> Answer:
    """Return the response after checking that it is no failure of the mock."""
    assert 200 <= answer.status < 500, answer
    assert answer.headers["x-oss-mock"] == "1"
    if answer.status >= 400 and answer.body:
        assert answer.code
    return answer


def read_back(oss: MockOSS, key: str) -> Answer:
    """Read everything about a key in the bucket, like a page of another origin."""
    found = sound(ask(oss, "GET", key, headers=ORIGIN))
    assert sound(ask(oss, "HEAD", key, headers=ORIGIN)).status == found.status
    for query in ({"acl": ""}, {"tagging": ""}):
        sound(ask(oss, "GET", key, query=query, headers=ORIGIN))
    for query in ({}, {"list-type": "2"}, {"cors": ""}, {"lifecycle": ""}, {"bucketInfo": ""}):
        sound(ask(oss, "GET", "", query=query, headers=ORIGIN))
    preflight = {**ORIGIN, "Access-Control-Request-Method": "GET"}
    sound(send(oss, "OPTIONS", f"/{BUCKET}/a", headers=preflight))
    assert send(oss, "GET", f"/_mock/buckets/{BUCKET}").status == 200
    journal = send(oss, "GET", "/_mock/requests")
    assert journal.status == 200
    assert json.loads(journal.body)["requests"]
    send(oss, "DELETE", "/_mock/requests")
    return found


def fill_in(oss: MockOSS, fields: Mapping[str, str]) -> Answer:
    return post(oss, form({"key": "f", **v1_fields(oss, []), **fields}))


@pytest.mark.parametrize("name", ["x-oss-meta-a", "Content-Type", "Content-Disposition"])
def test_a_forms_text_is_stored_as_its_bytes(mock_oss: MockOSS, name: str) -> None:
    assert fill_in(mock_oss, {name: "日本"}).status == 204

    found = read_back(mock_oss, "f")

    assert (found.status, found.body) == (200, b"hello")
    assert found.headers[name].encode("latin-1").decode() == "日本"
    assert mock_oss.bucket(BUCKET).objects["f"].headers[name.lower()] == "日本"
    shown = json.loads(send(mock_oss, "GET", f"/_mock/buckets/{BUCKET}").body)
    assert shown["objects"][0]["headers"][name.lower()] == "日本"


def test_a_symlink_to_a_key_of_any_name_can_be_read_back(mock_oss: MockOSS) -> None:
    for number, target in enumerate(["日本", "a\rb", "é", "\x01"]):
        headers = {"x-oss-symlink-target": quote(target)}
        assert ask(mock_oss, "PUT", target, body=b"there").status == 200
        key = f"link{number}"
        assert ask(mock_oss, "PUT", key, query={"symlink": ""}, headers=headers).status == 200

        found = read_back(mock_oss, key)

        assert (found.status, found.body) == (200, b"there")
        told = sound(ask(mock_oss, "GET", key, query={"symlink": ""}))
        assert told.headers["x-oss-symlink-target"] == quote(target)


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\r\nSet-Cookie: x=1", "\0", "\x01"], ids=ascii)
@pytest.mark.parametrize(
    "name",
    ["x-oss-meta-a", "Content-Type", "Content-Disposition", "Cache-Control", "x-oss-content-type"],
)
def test_control_characters_of_a_form_are_refused(mock_oss: MockOSS, name: str, bad: str) -> None:
    answer = fill_in(mock_oss, {name: bad})

    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert read_back(mock_oss, "f").status == 404


@pytest.mark.parametrize("url", ["http://[x", "http://[::1", "//[", "http://a/\x7f", "日本"])
def test_a_redirect_that_is_no_url_counts_as_absent(mock_oss: MockOSS, url: str) -> None:
    assert fill_in(mock_oss, {"success_action_redirect": url}).status == 204
    assert read_back(mock_oss, "f").status == 200


CALL = {"callbackUrl": "http://127.0.0.1:9/", "callbackBody": "a=${x:v}"}


def put_with(oss: MockOSS, callback: object, variables: object = None) -> Answer:
    headers = {"x-oss-callback": encoded(callback)}
    if variables is not None:
        headers["x-oss-callback-var"] = encoded(variables)
    return ask(oss, "PUT", "f", headers=headers, body=b"x")


@pytest.mark.parametrize("host", ["a..b", "a" * 70 + ".example.com", ".a"])
def test_a_callback_to_a_name_that_is_none_fails(mock_oss: MockOSS, host: str) -> None:
    answer = put_with(mock_oss, {**CALL, "callbackUrl": f"http://{host}/"})

    assert (answer.status, answer.code) == (203, "CallbackFailed")
    assert read_back(mock_oss, "f").status == 200


def cors(**elements: str) -> bytes:
    values = {"AllowedOrigin": "*", "AllowedMethod": "GET", **elements}
    rule = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return f"<CORSConfiguration><CORSRule>{rule}</CORSRule></CORSConfiguration>".encode()


@pytest.mark.parametrize(
    "exposed", ["日本", "x&#13;&#10;Set-Cookie: a=1", "a&#10;b", "a b", "a:b", "a,b", "&#1;"]
)
def test_an_exposed_header_is_the_name_of_one(mock_oss: MockOSS, exposed: str) -> None:
    answer = ask(mock_oss, "PUT", "", query={"cors": ""}, body=cors(ExposeHeader=exposed))

    assert (answer.status, answer.code) == (400, "InvalidArgument")
    read_back(mock_oss, "f")


def test_a_lifecycle_in_another_encoding_is_refused(mock_oss: MockOSS) -> None:
    rule = "<Rule><Prefix>é</Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>"
    text = f"<LifecycleConfiguration>{rule}</Rule></LifecycleConfiguration>"
    head = '<?xml version="1.0" encoding="ISO-8859-1"?>'
    for body in (text.encode("utf-16"), (head + text).encode("latin-1")):
        answer = ask(mock_oss, "PUT", "", query={"lifecycle": ""}, body=body)
        assert (answer.status, answer.code) == (400, "MalformedXML")


def test_a_header_that_cannot_be_sent_is_an_error_of_the_mock_with_its_mark(
    mock_oss: MockOSS, bucket_v4: Any
) -> None:
    bucket_v4.put_object("f", b"x")
    record = mock_oss.store.objects.get(BUCKET, "f")
    assert record is not None
    for bad in ("日本", "a\r\nb"):
        headers = json.dumps({"content-type": bad})
        mock_oss.store.objects.put(record._replace(headers=headers))

        answer = ask(mock_oss, "GET", "f")

        assert (answer.status, answer.code) == (500, "InternalError")
        assert answer.headers["x-oss-mock"] == "1"
        assert mock_oss.requests[-1].code == "InternalError"


def test_a_failure_of_the_control_plane_has_its_mark(
    mock_oss: MockOSS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mock_oss.control.application.state_of", lambda *_: 1 / 0)

    answer = send(mock_oss, "GET", "/_mock/state")

    assert answer.status == 500
    assert answer.headers["x-oss-mock"] == "1"
    assert json.loads(answer.body)["error"]


DIGITS = b"0" * 400


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"\xff", b"[" * 200_000, b'{"set":"\\ud800"}']
    + [b'{"advance":' + n + b"}" for n in (b"NaN", b"1e999", b"1" + DIGITS, b"-1" + DIGITS)],
    ids=lambda body: ascii(body[:20]),
)
def test_the_control_plane_refuses_json_it_cannot_read(mock_oss: MockOSS, body: bytes) -> None:
    answer = send(mock_oss, "POST", "/_mock/clock", body=body)

    assert answer.status == 400
    assert json.loads(answer.body)["error"]
