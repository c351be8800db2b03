"""Server, STS and OSS together over loopback, with the official SDKs on both sides."""

from datetime import datetime
from pathlib import Path

import httpx
import oss2
import pytest

from ossferry.cli.demo import Demo
from ossferry.errors import SettingsError
from ossferry.oss.cors_rule import EXPOSED_HEADERS
from support.after_upload import become


def fresh_grant(site: httpx.Client) -> dict[str, str]:
    """Request a new grant, instead of a cached one of another test."""
    known = site.post("/api/grant").json()["access_key_id"]
    grant: dict[str, str] = site.post("/api/grant", json={"refused_key_id": known}).json()
    return grant


def bucket_with(grant: dict[str, str], demo: Demo) -> oss2.Bucket:
    """Return the bucket with the credentials of a grant."""
    provider = oss2.credentials.StaticCredentialsProvider(
        grant["access_key_id"], grant["access_key_secret"], grant["security_token"]
    )
    endpoint = f"http://127.0.0.1:{demo.oss.port}"
    return oss2.Bucket(
        oss2.ProviderAuthV4(provider), endpoint, grant["bucket"], region=grant["region"]
    )


def test_a_grant_writes_below_its_prefix(demo: Demo, site: httpx.Client) -> None:
    grant = site.post("/api/grant").json()
    key = f"{grant['prefix']}2026-03-14/x/hello.txt"

    bucket_with(grant, demo).put_object(key, b"hello")

    assert demo.oss.bucket(demo.bucket).objects[key].data == b"hello"


@pytest.mark.parametrize(
    "key", ["uploads/x", "x", "uploads/alice-/x", "uploads/alicex", "{prefix}/../../x", "{slug}x"]
)
def test_t07_t09_a_grant_writes_nowhere_else(demo: Demo, site: httpx.Client, key: str) -> None:
    grant = site.post("/api/grant").json()
    key = key.format(prefix="uploads/bob", slug=grant["prefix"].rstrip("/"))

    with pytest.raises(oss2.exceptions.AccessDenied):
        bucket_with(grant, demo).put_object(key, b"hello")


def test_one_user_cannot_write_below_anothers_prefix(demo: Demo, site: httpx.Client) -> None:
    alice = site.post("/api/grant").json()
    become(site, "bob")
    bob = site.post("/api/grant").json()

    assert bob["principal"] == {"name": "Bob"}
    with pytest.raises(oss2.exceptions.AccessDenied):
        bucket_with(bob, demo).put_object(f"{alice['prefix']}x", b"hello")


@pytest.mark.parametrize(
    "attempt",
    [
        lambda bucket, key: bucket.get_object(key),
        lambda bucket, key: bucket.delete_object(key),
        lambda bucket, key: bucket.list_objects_v2(),
        lambda bucket, key: bucket.get_bucket_cors(),
    ],
    ids=["read", "delete", "list", "configure"],
)
def test_t08_t15_a_grant_can_only_add(demo: Demo, site: httpx.Client, attempt: object) -> None:
    grant = site.post("/api/grant").json()
    bucket = bucket_with(grant, demo)
    bucket.put_object(f"{grant['prefix']}mine", b"hello")

    assert callable(attempt)
    with pytest.raises(oss2.exceptions.AccessDenied):
        attempt(bucket, f"{grant['prefix']}mine")


def test_t40_a_grant_cannot_make_an_object_public(demo: Demo, site: httpx.Client) -> None:
    grant = site.post("/api/grant").json()

    with pytest.raises(oss2.exceptions.AccessDenied):
        bucket_with(grant, demo).put_object(
            f"{grant['prefix']}x", b"hello", headers={"x-oss-object-acl": "public-read"}
        )


def test_get_sts_token_answers_exactly_four_strings(site: httpx.Client) -> None:
    answer = site.get("/get_sts_token").json()

    assert set(answer) == {"AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration"}
    assert answer["AccessKeyId"].startswith("STS.")


def test_grants_of_one_principal_are_one_call(demo: Demo, site: httpx.Client) -> None:
    fresh_grant(site)
    before = len([r for r in demo.oss.requests if r.operation == "AssumeRole"])

    for _ in range(3):
        site.post("/api/grant")

    assert len([r for r in demo.oss.requests if r.operation == "AssumeRole"]) == before


@pytest.mark.parametrize(
    ("plan", "status", "code"),
    [
        ({"effect": "error", "code": "NoPermission", "status": 403}, 502, "sts-refused"),
        ({"effect": "error", "code": "InternalError", "status": 500}, 503, "sts-unavailable"),
        ({"effect": "unavailable"}, 503, "sts-unavailable"),
        ({"effect": "hang"}, 503, "sts-unavailable"),
        ({"effect": "reset"}, 503, "sts-unavailable"),
        ({"effect": "html"}, 503, "sts-unavailable"),
    ],
    ids=["403", "500", "503", "hang", "reset", "captive portal"],
)
def test_what_sts_does_wrong_is_a_problem_and_passes(
    demo: Demo, site: httpx.Client, plan: dict[str, str], status: int, code: str
) -> None:
    known = site.post("/api/grant").json()["access_key_id"]
    demo.oss.faults.add(**plan, operation="AssumeRole")

    failed = site.post("/api/grant", json={"refused_key_id": known})
    demo.oss.faults.clear()
    recovered = site.post("/api/grant", json={"refused_key_id": known})

    assert (failed.status_code, failed.json()["code"]) == (status, code)
    assert "retry-after" in failed.headers
    assert recovered.status_code == 200


def test_expired_credentials_can_be_replaced(demo: Demo, site: httpx.Client) -> None:
    grant = fresh_grant(site)
    demo.oss.faults.add("expire-tokens", times=1)
    with pytest.raises(oss2.exceptions.ServerError):
        bucket_with(grant, demo).put_object(f"{grant['prefix']}x", b"hello")

    replaced = fresh_grant(site)

    bucket_with(replaced, demo).put_object(f"{replaced['prefix']}x", b"hello")
    become(site, "bob")
    fresh_grant(site)  # the fault has ended the credentials of everybody


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_bucket_lets_the_page_in_and_shows_it_what_it_needs(demo: Demo, host: str) -> None:
    origin = demo.url.replace("127.0.0.1", host)
    answer = httpx.options(
        f"http://127.0.0.1:{demo.oss.port}/x",
        headers={
            "host": f"{demo.bucket}.localhost:{demo.oss.port}",
            "origin": origin,
            "access-control-request-method": "PUT",
            "access-control-request-headers": "authorization,x-oss-date",
        },
        trust_env=False,
    )

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed == set(EXPOSED_HEADERS)
    assert answer.headers["vary"] == "Origin"


def test_two_demos_run_side_by_side(demo: Demo, web_dir: Path) -> None:
    with Demo(web_dir=web_dir, runtime="pyodide", max_files=7) as other:
        page = httpx.get(other.url, trust_env=False)
        grant = httpx.post(f"{other.url}/api/grant", trust_env=False).json()

    assert other.url != demo.url
    assert page.text == "<html data-runtime=pyodide>"
    assert grant["endpoint"] == f"http://localhost:{other.oss.port}"
    assert grant["limits"]["max_files"] == 7


def test_proxies_of_the_environment_are_not_asked(
    monkeypatch: pytest.MonkeyPatch, web_dir: Path
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    with Demo(web_dir=web_dir) as demo:
        answer = httpx.post(f"{demo.url}/api/grant", trust_env=False)

    assert answer.status_code == 200


def test_objects_outlive_the_demo_in_a_data_dir(tmp_path: Path, web_dir: Path) -> None:
    with Demo(web_dir=web_dir, data_dir=tmp_path / "data") as first:
        grant = httpx.post(f"{first.url}/api/grant", trust_env=False).json()
        bucket_with(grant, first).put_object(f"{grant['prefix']}x", b"hello")

    with Demo(web_dir=web_dir, data_dir=tmp_path / "data") as second:
        again = httpx.post(f"{second.url}/api/grant", trust_env=False).json()
        kept = second.oss.bucket(second.bucket).objects[f"{grant['prefix']}x"].data

    assert kept == b"hello"
    assert again["prefix"] == grant["prefix"]


def test_a_data_dir_that_is_in_use_is_one_sentence(tmp_path: Path, web_dir: Path) -> None:
    with (
        Demo(web_dir=web_dir, data_dir=tmp_path),
        pytest.raises(SettingsError, match=r"^--data-dir: the mock OSS cannot start: .*\.$"),
        Demo(web_dir=web_dir, data_dir=tmp_path),
    ):
        pass


def test_the_server_goes_by_the_mocks_clock(web_dir: Path) -> None:
    with Demo(web_dir=web_dir) as demo:
        demo.oss.clock.advance(800)
        told = httpx.post(f"{demo.url}/api/grant", trust_env=False).json()["server_time"]
        shown = demo.oss.clock.now()

    assert abs((datetime.fromisoformat(told) - shown).total_seconds()) < 10
