"""Uploads are recorded, whatever reports them first, and whatever fails meanwhile."""

import json
from base64 import b64encode
from pathlib import Path

import httpx

from ossferry.cli.demo import Demo
from support.after_upload import address, locked, mine, until
from support.uploads import put

CALLBACK_BODY = '{"bucket":${bucket},"object":${object},"size":${size},"reqId":${reqId}}'


def test_what_arrives_without_a_receipt_is_found(after: Demo, site: httpx.Client) -> None:
    upload = put(after, site, b"hello")

    assert mine(site)[upload.key]["crc64"] is None
    until(lambda: mine(site)[upload.key]["crc64"] == upload.report["crc64"])


def test_an_illness_of_oss_is_told_by_every_route_and_passes(
    after: Demo, site: httpx.Client
) -> None:
    upload = put(after, site, b"hello")
    undo = {"id": site.delete(address(upload.key)).json()["undo"]["id"]}
    other = put(after, site, b"hello")
    asked: list[tuple[str, str, object]] = [
        ("POST", "/api/receipts", other.report),
        ("GET", "/api/objects", None),
        ("DELETE", address(other.key), None),
        ("POST", "/api/objects/undo", undo),
        ("GET", address(other.key, "preview"), None),
        ("POST", "/api/share", {"key": other.key, "expires_s": 60}),
    ]
    after.oss.faults.add("unavailable", bucket=after.bucket)

    answers = [site.request(method, path, json=body) for method, path, body in asked]
    after.oss.faults.clear()

    assert {each.status_code for each in answers} == {503}
    for each in answers:
        assert each.json()["code"] == "oss-unavailable"
        assert each.json()["id"]
        assert "retry-after" in each.headers
    assert site.post("/api/objects/undo", json=undo).status_code == 200


def test_oss_calls_back_and_the_upload_is_recorded(after: Demo, site: httpx.Client) -> None:
    wish = {
        "callbackUrl": f"{after.url}/api/callback",
        "callbackBody": CALLBACK_BODY,
        "callbackBodyType": "application/json",
    }
    headers = {"x-oss-callback": b64encode(json.dumps(wish).encode()).decode()}

    upload = put(after, site, b"hello", headers=headers)

    assert mine(site)[upload.key]["crc64"] == upload.report["crc64"]


def test_a_ledger_that_is_locked_loses_no_upload(after: Demo, site: httpx.Client) -> None:
    upload = put(after, site, b"hello")
    sent = {"/api/receipts": upload.report, "/api/receipts/batch": {"reports": [upload.report]}}

    with locked(after.settings.ledger_url):
        failed = [site.post(path, json=body, timeout=20) for path, body in sent.items()]

    for each in failed:
        assert (each.status_code, each.json()["code"]) == (503, "ledger-unavailable")
        assert "retry-after" in each.headers
    until(lambda: mine(site)[upload.key]["recorded_at"])


def test_a_server_whose_ledger_is_gone_is_not_ready(web_dir: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    with Demo(web_dir=web_dir, database_url=f"sqlite:///{ledger}") as demo:
        ledger.write_bytes(b"this is no database" * 1000)

        ready = httpx.get(f"{demo.url}/readyz", trust_env=False)
        grant = httpx.post(f"{demo.url}/api/grant", trust_env=False)

    assert (ready.status_code, grant.status_code) == (503, 503)
    assert grant.json()["code"] == "ledger-unavailable"
