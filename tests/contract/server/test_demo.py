"""Server, STS and OSS together over loopback, with the official SDKs on both sides."""

from datetime import datetime
from pathlib import Path

import httpx
import oss2
import pytest

from ossferry.cli.demo import OBJECTS_ROLE, Demo
from ossferry.errors import SettingsError
from ossferry.oss.cors_rule import EXPOSED_HEADERS
from support.after_upload import become
from support.uploads import granted_bucket, put, recorded


def fresh_grant(site: httpx.Client) -> dict[str, str]:
    """Request a new grant, instead of a cached one of another test."""
    known = site.post("/api/grant").json()["access_key_id"]
    grant: dict[str, str] = site.post("/api/grant", json={"refused_key_id": known}).json()
    return grant


def test_a_grant_writes_below_its_prefix(demo: Demo, site: httpx.Client) -> None:
    grant = site.post("/api/grant").json()
    key = f"{grant['prefix']}2026-03-14/x/hello.txt"

    granted_bucket(grant, demo).put_object(key, b"hello")

    assert demo.oss.bucket(demo.bucket).objects[key].data == b"hello"


@pytest.mark.parametrize(
    "key", ["uploads/x", "x", "uploads/alice-/x", "uploads/alicex", "{prefix}/../../x", "{slug}x"]
)
def test_t07_t09_a_grant_writes_nowhere_else(demo: Demo, site: httpx.Client, key: str) -> None:
    grant = site.post("/api/grant").json()
    key = key.format(prefix="uploads/bob", slug=grant["prefix"].rstrip("/"))

    with pytest.raises(oss2.exceptions.AccessDenied):
        granted_bucket(grant, demo).put_object(key, b"hello")


def test_one_user_cannot_write_below_anothers_prefix(demo: Demo, site: httpx.Client) -> None:
    alice = site.post("/api/grant").json()
    become(site, "bob")
    bob = site.post("/api/grant").json()

    assert bob["principal"] == {"name": "Bob"}
    with pytest.raises(oss2.exceptions.AccessDenied):
        granted_bucket(bob, demo).put_object(f"{alice['prefix']}x", b"hello")


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
    bucket = granted_bucket(grant, demo)
    bucket.put_object(f"{grant['prefix']}mine", b"hello")

    assert callable(attempt)
    with pytest.raises(oss2.exceptions.AccessDenied):
        attempt(bucket, f"{grant['prefix']}mine")


def test_t40_a_grant_cannot_make_an_object_public(demo: Demo, site: httpx.Client) -> None:
    grant = site.post("/api/grant").json()

    with pytest.raises(oss2.exceptions.AccessDenied):
        granted_bucket(grant, demo).put_object(
            f"{grant['prefix']}x", b"hello", headers={"x-oss-object-acl": "public-read"}
        )


def test_expired_credentials_can_be_replaced(demo: Demo, site: httpx.Client) -> None:
    grant = fresh_grant(site)
    demo.oss.faults.add("expire-tokens", times=1)
    with pytest.raises(oss2.exceptions.ServerError):
        granted_bucket(grant, demo).put_object(f"{grant['prefix']}x", b"hello")

    replaced = fresh_grant(site)

    granted_bucket(replaced, demo).put_object(f"{replaced['prefix']}x", b"hello")
    become(site, "bob")
    fresh_grant(site)  # the fault has ended the credentials of everybody


def test_the_server_asks_with_its_own_role_and_v4(demo: Demo, site: httpx.Client) -> None:
    upload = put(demo, site, b"hello")
    site.post("/api/receipts", json=upload.report)

    asked = demo.oss.requests[-1]
    assert (asked.operation, asked.key) == ("HeadObject", upload.key)
    assert asked.caller.startswith(f"{OBJECTS_ROLE.arn}/objects-")
    assert asked.headers["authorization"].startswith("OSS4-HMAC-SHA256 ")


@pytest.mark.parametrize("key", ["uploadsx", "x", "trashx"])
def test_its_role_reaches_nothing_else(demo: Demo, site: httpx.Client, key: str) -> None:
    recorded(demo, site)
    record = demo.oss.store.sessions.get(demo.oss.requests[-1].access_key_id)
    assert record is not None
    grant = {**record._asdict(), "bucket": demo.bucket, "region": "cn-hangzhou"}

    with pytest.raises(oss2.exceptions.AccessDenied):
        granted_bucket(grant, demo).put_object(key, b"x")


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
        granted_bucket(grant, first).put_object(f"{grant['prefix']}x", b"hello")

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
