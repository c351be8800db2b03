"""Unfinished uploads over HTTP: those of all devices are listed, and discarding leaves no part."""

import re
import secrets

import httpx
import oss2
import pytest

from ossferry.cli.demo import Demo
from support.after_upload import operators_bucket
from support.uploads import begin_many, granted_bucket

PART = bytes(100 * 1024)
PAGE = 1000  # uploads or parts in an answer of OSS


def begin(
    after: Demo, site: httpx.Client, *, parts: int = 2, name: str = "a.bin"
) -> dict[str, str]:
    """Begin an upload as a page does; return its key and upload id."""
    grant = site.post("/api/grant").json()
    bucket = granted_bucket(grant, after)
    key = f"{grant['prefix']}2026-03-14/{secrets.token_hex(16)}/{name}"
    upload_id = bucket.init_multipart_upload(key).upload_id
    for number in range(1, parts + 1):
        bucket.upload_part(key, upload_id, number, PART)
    return {"key": key, "upload_id": upload_id}


def listed(site: httpx.Client) -> list[dict[str, str]]:
    found = site.get("/api/unfinished").json()["uploads"]
    return [{"key": each["key"], "upload_id": each["upload_id"]} for each in found]


@pytest.fixture(autouse=True)
def _nothing_left(after: Demo) -> None:
    for upload in after.oss.store.uploads.page(after.bucket, limit=10_000):
        after.oss.store.abort_upload(upload.upload_id)


def test_what_oss_has_of_an_upload_is_told(after: Demo, site: httpx.Client) -> None:
    upload = begin(after, site, parts=3, name="größe 1.bin")

    (found,) = site.get("/api/unfinished").json()["uploads"]

    moments = {found.pop("began_at"), found.pop("last_at")}
    assert found == {**upload, "name": "größe 1.bin", "size": 3 * len(PART), "part_size": len(PART)}
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", each) for each in moments)


def test_lists_are_read_to_their_end(after: Demo, site: httpx.Client) -> None:
    prefix = site.post("/api/grant").json()["prefix"]
    bucket = operators_bucket(after)
    begin_many(after.oss, bucket, [f"{prefix}a.bin"] * PAGE)
    after.oss.clock.advance(60)
    upload_id = bucket.init_multipart_upload(f"{prefix}b.bin").upload_id
    bucket.upload_part(f"{prefix}b.bin", upload_id, 1, b"x")
    (part,) = after.oss.store.uploads.parts(upload_id)
    for number in range(2, PAGE + 3):
        after.oss.store.uploads.put_part(part._replace(number=number))

    answer = site.get("/api/unfinished").json()

    assert (answer["uploads"][0]["upload_id"], answer["uploads"][0]["size"]) == (
        upload_id,
        PAGE + 2,
    )
    assert answer["more"]


def test_discarding_leaves_no_part_and_tells_it_once(after: Demo, site: httpx.Client) -> None:
    upload, other = begin(after, site), begin(after, site)

    gone = site.delete("/api/unfinished", params=upload)
    again = site.delete("/api/unfinished", params=upload)

    assert (gone.status_code, gone.json()) == (200, upload)
    assert (again.status_code, again.json()["code"]) == (404, "no-upload")
    with pytest.raises(oss2.exceptions.NoSuchUpload):
        operators_bucket(after).list_parts(upload["key"], upload["upload_id"])
    assert listed(site) == [other]


def test_t03_another_site_ends_nothing(after: Demo, site: httpx.Client) -> None:
    upload = begin(after, site)

    elsewhere = {"origin": "https://evil.example"}
    refused = site.delete("/api/unfinished", params=upload, headers=elsewhere)

    assert (refused.status_code, refused.json()["code"]) == (403, "cross-site")
    assert listed(site) == [upload]


@pytest.mark.parametrize("operation", ["ListMultipartUploads", "ListParts"])
def test_without_the_right_it_says_so_and_the_rest_works(
    after: Demo, site: httpx.Client, operation: str
) -> None:
    begin(after, site)
    after.oss.faults.add("error", code="AccessDenied", operation=operation)

    refused = site.get("/api/unfinished")

    assert (refused.status_code, refused.json()["code"]) == (502, "oss-refused")
    assert site.get("/api/objects").status_code == 200


@pytest.mark.parametrize("operation", ["AbortMultipartUpload", "ListParts"])
def test_what_oss_does_not_confirm_is_not_called_gone(
    after: Demo, site: httpx.Client, operation: str
) -> None:
    upload = begin(after, site)
    after.oss.faults.add("unavailable", operation=operation, times=20)

    failed = site.delete("/api/unfinished", params=upload)
    after.oss.faults.clear()
    gone = site.delete("/api/unfinished", params=upload)

    assert (failed.status_code, failed.json()["code"]) == (503, "oss-unavailable")
    assert gone.status_code in (200, 404)
    assert listed(site) == []
