"""Server, STS and OSS together over loopback, with the official SDKs on both sides."""

from datetime import datetime
from pathlib import Path

import httpx
import oss2
import pytest

from ossferry.cli.demo import OBJECTS_ROLE, Demo
from ossferry.errors import SettingsError
from ossferry.oss.cors_rule import EXPOSED_HEADERS
from support.uploads import granted_bucket, put, recorded


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
