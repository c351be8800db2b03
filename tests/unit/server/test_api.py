"""The API from a client's view, with a fake STS."""

import json
import re
from base64 import b64decode
from datetime import timedelta

import httpx
import pytest
from starlette.requests import Request

from ossferry.errors import OssferryError, StsLostError, StsRefusedError
from ossferry.identity.principal import Principal
from support.server_fakes import ALICE, OBJECTS, FakeClock, FakeSts, MakeClient, UnexpectedError


def test_get_sts_token_answers_exactly_as_the_tutorial(client: httpx.Client) -> None:
    answer = client.get("/get_sts_token")

    assert answer.json() == {
        "AccessKeyId": "STS.Fake0001",
        "AccessKeySecret": "fake-access-key-secret",
        "SecurityToken": "fake-security-token",
        "Expiration": "2026-03-14T09:41:53Z",
    }


def test_get_sts_token_names_the_prefix_to_clients_that_ask(client: httpx.Client) -> None:
    prefix = client.post("/api/grant").json()["prefix"]

    assert client.get("/get_sts_token", params={"prefix": "1"}).json()["Prefix"] == prefix


def test_grant_answers_what_the_page_needs(client: httpx.Client) -> None:
    answer = client.post("/api/grant")

    assert answer.json() == {
        "access_key_id": "STS.Fake0001",
        "access_key_secret": "fake-access-key-secret",
        "security_token": "fake-security-token",
        "expiration": "2026-03-14T09:41:53Z",
        "bucket": "web-direct-upload",
        "region": "cn-hangzhou",
        "endpoint": "http://localhost:9000",
        "cname": False,
        "origins": ["http://web-direct-upload.localhost:9000"],
        "prefix": ALICE.prefix,
        "held": "",
        "callback": "",
        "server_time": "2026-03-14T09:26:53.123Z",
        "limits": {
            "max_file_size": 48800000000000,
            "min_file_size": 0,
            "max_files": 10000,
            "min_files": 0,
            "max_total_size": None,
            "types": [],
            "replaced": [],
            "quota": None,
        },
        "features": [
            "receipts",
            "receipt-batches",
            "objects",
            "share",
            "taken",
            "unfinished",
            "refusals",
            "demo",
        ],
        "principal": {"name": "Alice"},
        "details": [],
        "encryption": None,
    }


@pytest.mark.parametrize("way", ["sts", "form"])
def test_a_grant_says_that_oss_is_to_call_this_server(make_client: MakeClient, way: str) -> None:
    name = "uploads.example.com"
    given = {"grant": way, "callback": True, "allowed_hosts": (name, "127.0.0.1")}
    with make_client(**OBJECTS, **given, public_url=f"https://{name}") as client:
        grant = client.post("/api/grant").json()
    with make_client(**OBJECTS, **given) as client:  # OSS cannot know its address
        assert client.post("/api/grant").json()["callback"] == ""

    assert json.loads(b64decode(grant["callback"])) == {
        "callbackUrl": f"https://{name}/api/callback",
        "callbackBody": '{"bucket":${bucket},"object":${object},"reqId":${reqId}}',
        "callbackBodyType": "application/json",
        "callbackSNI": True,
    }


def test_a_grant_says_whether_objects_may_have_tags(make_client: MakeClient) -> None:
    with make_client(actions=("oss:PutObject", "oss:PutObjectTagging")) as client:
        assert "tags" in client.post("/api/grant").json()["features"]


def test_a_grant_names_the_custom_domain_and_every_other_address(make_client: MakeClient) -> None:
    with make_client(
        endpoint="http://files.localhost:9000",
        cname=True,
        upload_hosts=("http://oss-accelerate.localhost:9000", "http://files.localhost:9000"),
    ) as client:
        grant = client.post("/api/grant").json()
        token = client.get("/get_sts_token").json()

    assert grant["endpoint"] == "http://files.localhost:9000"
    assert grant["cname"] is True
    assert grant["origins"] == [
        "http://web-direct-upload.oss-accelerate.localhost:9000",
        "http://files.localhost:9000",
    ]
    assert token["cname"] is True


def test_credentials_that_oss_no_longer_takes_are_replaced_once(client: httpx.Client) -> None:
    first = client.post("/api/grant").json()["access_key_id"]

    replaced = client.post("/api/grant", json={"refused_key_id": first}).json()["access_key_id"]
    again = client.post("/api/grant", json={"refused_key_id": first}).json()["access_key_id"]

    assert first != replaced
    assert replaced == again


def test_a_test_that_expects_another_answer_fails_with_the_refusal(client: httpx.Client) -> None:
    answer = client.post("/api/grant", json=[])

    assert answer.json()["code"] == "bad-request"
    with pytest.raises(AssertionError, match="bad-request"):
        answer.json()["access_key_id"]


def test_a_body_without_a_length_is_read_too(client: httpx.Client) -> None:
    first = client.post("/api/grant").json()["access_key_id"]
    request = client.build_request("POST", "/api/grant", json={"refused_key_id": first})
    del request.headers["content-length"]
    request.headers["transfer-encoding"] = "chunked"

    answer = client.send(request)

    assert answer.status_code == 200
    assert answer.json()["access_key_id"] != first


def test_the_demo_cookie_chooses_the_user(client: httpx.Client) -> None:
    chosen = client.post("/demo/user", json={"user": "bob"})

    assert chosen.json() == {"name": "Bob"}
    assert "HttpOnly" in chosen.headers["set-cookie"]
    assert "SameSite=strict" in chosen.headers["set-cookie"]
    assert client.post("/api/grant").json()["principal"] == {"name": "Bob"}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"user":"eve"}', "application/json", 400),
        (b'{"user":["bob"]}', "application/json", 400),
        (b'{"user":"bob"}', "text/plain", 400),
        (b"[1]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[" * 16_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        ('{"user":"bob"}'.encode("utf-16"), "application/json", 400),
        (b'{"user":"\xed\xa0\x80"}', "application/json", 400),
        (b" " * 17_000, "application/json", 413),
    ],
    ids=lambda value: str(value)[:24],
)
def test_an_odd_body_is_refused(
    client: httpx.Client, body: bytes, content_type: str, status: int
) -> None:
    answer = client.post("/demo/user", content=body, headers={"content-type": content_type})

    assert answer.status_code == status
    assert "set-cookie" not in answer.headers


def test_the_demo_names_its_users(client: httpx.Client) -> None:
    answer = client.post("/demo/user", json={"user": "eve"})

    assert answer.json()["detail"] == "The demo has only the users alice and bob."


def test_a_cookie_for_nobody_is_refused(client: httpx.Client) -> None:
    answer = client.post("/api/grant", headers={"cookie": "ossferry_demo_user=eve"})

    assert answer.status_code == 401
    assert answer.json()["code"] == "not-identified"
    assert answer.json()["detail"] == "The demo has only the users Alice and Bob."


def test_sts_refusal_is_a_problem_with_words(client: httpx.Client, sts: FakeSts) -> None:
    sts.error = StsRefusedError("NoPermission", "REQUEST-ID")

    answer = client.post("/api/grant")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (502, "sts-refused")
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "refused to give this server upload credentials" in problem["detail"]
    assert "REQUEST-ID" not in answer.text
    assert "NoPermission" not in answer.text


def test_sts_silence_says_when_to_ask_again(client: httpx.Client, sts: FakeSts) -> None:
    sts.error = StsLostError("no-answer", retry_after_s=7)

    answer = client.post("/api/grant")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.json()["code"] == "sts-unavailable"


@pytest.mark.parametrize("kind", [UnexpectedError, OssferryError, RecursionError, MemoryError])
def test_t27_an_inner_error_says_nothing(
    client: httpx.Client, sts: FakeSts, kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    sts.error = kind("canary")

    answer = client.post("/api/grant")

    assert answer.status_code == 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["id"] in caplog.text
    assert "canary" not in answer.text + caplog.text


def test_t25_each_decision_is_one_audit_line(
    client: httpx.Client, sts: FakeSts, clock: FakeClock, audit_lines: list[dict[str, str]]
) -> None:
    client.post("/api/grant")
    client.get("/get_sts_token")
    clock.now += timedelta(seconds=900)
    sts.error = StsRefusedError("NoPermission", "REQUEST-ID")
    problem = client.post("/api/grant").json()

    assert [line["outcome"] for line in audit_lines] == ["issued", "reused", "sts-refused"]
    assert audit_lines[2]["request_id"] == problem["id"]
    assert len({line["request_id"] for line in audit_lines}) == 3
    first = audit_lines[0]
    assert first["key_last4"] == "0001"
    assert re.fullmatch(r"uploads/\*-[a-z2-7]{26}/", first["scope"])
    assert first["session"] == sts.calls[0]["session_name"]
    assert first["expires_at"] == "2026-03-14T09:41:53+00:00"
    text = json.dumps(audit_lines)
    for secret in ("fake-access-key-secret", "fake-security-token", "STS.Fake0001"):
        assert secret not in text


def test_an_application_can_identify_people_itself(make_client: MakeClient) -> None:
    async def identify(request: Request) -> Principal:
        return Principal(id=request.headers["x-who"], name="Carol")

    with make_client(identify=identify) as client:
        granted = client.post("/api/grant", headers={"x-who": "carol"}).json()

        assert granted["prefix"].startswith("uploads/carol-")
        assert client.post("/demo/user", json={"user": "bob"}).status_code == 404
