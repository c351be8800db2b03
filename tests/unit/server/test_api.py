"""The API from a client's view, with a fake STS."""

import json
import re
from datetime import timedelta

import httpx
import pytest
from starlette.requests import Request

from ossferry.app import create_app
from ossferry.authentication.demo import DEMO_USERS
from ossferry.errors import StsLostError, StsRefusedError
from ossferry.identity.owner import principal_prefix
from ossferry.identity.principal import Principal
from ossferry.settings.model import Settings
from support.app_client import app_client
from support.server_fakes import FakeClock, FakeSts, MakeSettings


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


def test_grant_answers_what_the_page_needs(client: httpx.Client, settings: Settings) -> None:
    answer = client.post("/api/grant")

    secret = settings.secret.get_secret_value().encode()
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
        "prefix": principal_prefix(DEMO_USERS["alice"], secret=secret),
        "server_time": "2026-03-14T09:26:53.123Z",
        "limits": {
            "max_file_size": 48800000000000,
            "max_files": 10000,
            "types": [],
            "replaced": [],
            "quota": None,
        },
        "features": [
            "receipts",
            "receipt-batches",
            "objects",
            "share",
            "unfinished",
            "refusals",
            "demo",
        ],
        "principal": {"name": "Alice"},
        "encryption": None,
    }


def test_a_grant_says_whether_objects_may_have_tags(
    make_settings: MakeSettings, sts: FakeSts, clock: FakeClock
) -> None:
    settings = make_settings(actions=("oss:PutObject", "oss:PutObjectTagging"))
    with app_client(create_app(settings, assume_role=sts, clock=clock)) as client:
        assert "tags" in client.post("/api/grant").json()["features"]


def test_a_grant_names_the_custom_domain_and_every_other_address(
    make_settings: MakeSettings, sts: FakeSts, clock: FakeClock
) -> None:
    settings = make_settings(
        endpoint="http://files.localhost:9000",
        cname=True,
        upload_hosts=("http://oss-accelerate.localhost:9000", "http://files.localhost:9000"),
    )
    with app_client(create_app(settings, assume_role=sts, clock=clock)) as client:
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


@pytest.mark.parametrize("body", [{"refused_key_id": 1}, ["STS."]], ids=["number", "list"])
def test_a_grant_request_with_an_odd_body_is_refused(client: httpx.Client, body: object) -> None:
    assert client.post("/api/grant", json=body).status_code == 400


def test_t17_nothing_in_a_request_widens_the_grant(client: httpx.Client, sts: FakeSts) -> None:
    wide: dict[str, str | int] = {
        "Policy": "{}",
        "RoleArn": "x",
        "DurationSeconds": 43200,
        "bucket": "other",
    }
    headers = {f"x-{name.lower()}": str(value) for name, value in wide.items()}

    client.get("/get_sts_token", params=wide, headers=headers)
    (plain,) = sts.calls
    client.post("/api/grant", params=wide, headers=headers, json={**wide, "refused_key_id": ""})

    assert sts.calls == [plain]
    assert '"Resource":["acs:oss:*:*:web-direct-upload/uploads/alice-' in plain["policy"]


@pytest.mark.parametrize("path", ["/get_sts_token", "/api/grant", "/nowhere", "/healthz"])
def test_t24_answers_are_not_stored(client: httpx.Client, path: str) -> None:
    assert client.get(path).headers["cache-control"] == "no-store"


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
        (b" " * 17_000, "application/json", 413),
    ],
    ids=["unknown", "list", "form", "no object", "no JSON", "deep", "no text", "long"],
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


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8001"},
        {"origin": "https://127.0.0.1:8000"},
        {"origin": "http://127.0.0.1:8000.evil.example"},
        {"sec-fetch-site": "same-origin", "origin": "http://localhost:8000"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/grant"), ("GET", "/get_sts_token"), ("POST", "/demo/user")]
)
def test_t03_t05_other_sites_get_nothing(
    client: httpx.Client, sts: FakeSts, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = client.request(method, path, headers=headers, json={"user": "bob"})

    assert answer.status_code == 403
    assert answer.json()["code"] == "cross-site"
    assert "access-control-allow-origin" not in answer.headers
    assert sts.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8000"},
    ],
    ids=["program", "typed", "page"],
)
def test_the_own_page_and_programs_pass(client: httpx.Client, headers: dict[str, str]) -> None:
    assert client.post("/api/grant", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "variant",
    ["/api/grant/", "//api/grant", "/API/grant", "/api/grant;x", "/api/grant%00", "/api//grant"],
)
def test_t02_variants_of_a_route_are_nothing(client: httpx.Client, variant: str) -> None:
    answer = client.post(f"http://127.0.0.1:8000{variant}", follow_redirects=False)

    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "DELETE"])
def test_t02_other_methods_get_no_credentials(
    client: httpx.Client, sts: FakeSts, method: str
) -> None:
    assert client.request(method, "/api/grant").status_code == 405
    assert sts.calls == []


@pytest.mark.parametrize(
    "host", ["evil.example", "", "127.0.0.1:8000:1", "127.0.0.1:x", "a@127.0.0.1", "127.0.0.1."]
)
def test_t32_foreign_hosts_are_refused(client: httpx.Client, host: str) -> None:
    answer = client.get("/", headers={"host": host})

    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"


def test_t32_two_hosts_are_refused(client: httpx.Client) -> None:
    answer = client.get("/", headers=[("host", "localhost"), ("host", "localhost")])

    assert answer.status_code == 421


def test_sts_refusal_is_a_problem_with_words(client: httpx.Client, sts: FakeSts) -> None:
    sts.error = StsRefusedError("NoPermission", "REQUEST-ID")

    answer = client.post("/api/grant")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (502, "sts-refused")
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "refused to give this server upload credentials" in problem["detail"]
    assert "REQUEST-ID" not in answer.text


def test_sts_silence_says_when_to_ask_again(client: httpx.Client, sts: FakeSts) -> None:
    sts.error = StsLostError("no-answer", retry_after_s=7)

    answer = client.post("/api/grant")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.json()["code"] == "sts-unavailable"


def test_t27_an_inner_error_says_nothing(
    client: httpx.Client, sts: FakeSts, internal_error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    sts.error = internal_error

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


def test_an_application_can_identify_people_itself(
    settings: Settings, sts: FakeSts, clock: FakeClock
) -> None:
    async def identify(request: Request) -> Principal:
        return Principal(id=request.headers["x-who"], name="Carol")

    app = create_app(settings, identify=identify, assume_role=sts, clock=clock)
    with app_client(app) as client:
        granted = client.post("/api/grant", headers={"x-who": "carol"}).json()

        assert granted["prefix"].startswith("uploads/carol-")
        assert client.post("/demo/user", json={"user": "bob"}).status_code == 404


def test_health_says_ok_and_nothing_else(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
