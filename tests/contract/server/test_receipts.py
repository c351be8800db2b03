"""Receipts against the mock: the server asks OSS with its own role and V4."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import oss2
import pytest

from ossferry.cli.demo import OBJECTS_ROLE, Demo
from support.uploads import Upload, put


@pytest.fixture(scope="module")
def running_demo(web_dir: Path) -> Iterator[Demo]:
    """A demo."""
    with Demo(web_dir=web_dir) as demo:
        yield demo


@pytest.fixture
def upload(demo: Demo, site: httpx.Client) -> Upload:
    """An object that Alice has uploaded."""
    return put(demo, site, b"hello")


def test_the_server_confirms_what_oss_stored(site: httpx.Client, upload: Upload) -> None:
    answer = site.post("/api/receipts", json=upload.report)

    assert answer.status_code == 200
    assert answer.json() == {**answer.json(), **upload.stored, "stored": True}


def test_it_asks_with_its_own_role_and_v4(demo: Demo, site: httpx.Client, upload: Upload) -> None:
    site.post("/api/receipts", json=upload.report)

    asked = demo.oss.requests[-1]
    assert (asked.operation, asked.key) == ("HeadObject", upload.report["key"])
    assert asked.caller.startswith(f"{OBJECTS_ROLE.arn}/objects-")
    assert asked.headers["authorization"].startswith("OSS4-HMAC-SHA256 ")


@pytest.mark.parametrize("key", ["uploadsx", "x", "trashx"])
def test_its_role_reaches_nothing_else(
    demo: Demo, site: httpx.Client, upload: Upload, key: str
) -> None:
    site.post("/api/receipts", json=upload.report)
    record = demo.oss.store.sessions.get(demo.oss.requests[-1].access_key_id)
    assert record is not None
    provider = oss2.credentials.StaticCredentialsProvider(
        record.access_key_id, record.access_key_secret, record.security_token
    )
    endpoint = f"http://127.0.0.1:{demo.oss.port}"
    bucket = oss2.Bucket(oss2.ProviderAuthV4(provider), endpoint, demo.bucket, region="cn-hangzhou")

    with pytest.raises(oss2.exceptions.AccessDenied):
        bucket.put_object(key, b"x")


def test_a_wrong_report_and_a_missing_object_are_told(site: httpx.Client, upload: Upload) -> None:
    wrong = site.post("/api/receipts", json={**upload.report, "size": 6})
    missing = site.post("/api/receipts", json={**upload.report, "key": f"{upload.key}x"})

    assert (wrong.status_code, wrong.json()["differs"]) == (409, ["size"])
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("plan", "status"),
    [
        ({"effect": "error", "code": "InternalError", "status": 500}, 503),
        ({"effect": "unavailable"}, 503),
        ({"effect": "error", "code": "AccessDenied", "status": 403}, 502),
        ({"effect": "error", "code": "NoSuchBucket", "status": 404}, 502),
        ({"effect": "error", "code": "RequestTimeTooSkewed", "status": 403}, 503),
        ({"effect": "reset"}, 503),
    ],
    ids=["500", "503", "403", "no bucket", "clock", "reset"],
)
def test_what_oss_does_wrong_is_a_problem_and_passes(
    demo: Demo, site: httpx.Client, upload: Upload, plan: dict[str, str], status: int
) -> None:
    demo.oss.faults.add(**plan, operation="HeadObject")

    failed = site.post("/api/receipts", json=upload.report)
    demo.oss.faults.clear()

    assert (failed.status_code, "retry-after" in failed.headers) == (status, status == 503)
    assert site.post("/api/receipts", json=upload.report).status_code == 200


def test_credentials_that_oss_no_longer_takes_are_replaced(
    demo: Demo, site: httpx.Client, upload: Upload
) -> None:
    site.post("/api/receipts", json=upload.report)
    page = site.post("/api/grant").json()["access_key_id"]
    demo.oss.faults.add("expire-tokens", times=1)

    assert site.post("/api/receipts", json=upload.report).status_code == 200
    site.post("/api/grant", json={"refused_key_id": page})  # revokes the page's, too


def test_many_at_once_are_all_answered(site: httpx.Client, demo: Demo, upload: Upload) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(
            threads.map(
                lambda _: (
                    httpx.post(
                        f"{demo.url}/api/receipts", json=upload.report, trust_env=False
                    ).status_code
                ),
                range(64),
            )
        )

    assert answers == [200] * 64
