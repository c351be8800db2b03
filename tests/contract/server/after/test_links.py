"""Share links and previews over HTTP."""

import io
import re

import httpx
import pytest
from PIL import Image

from ossferry.cli.demo import Demo
from support.after_upload import address, fetch
from support.uploads import put


def test_a_link_opens_until_its_end(after: Demo, site: httpx.Client) -> None:
    upload = put(after, site, b"hello", name="größe.txt", headers={"content-type": "text/html"})

    wish = {"key": upload.key, "expires_s": 600, "note": "for Käthe"}
    link = site.post("/api/share", json=wish).json()
    opened = fetch(after, link["url"])
    after.oss.clock.advance(601)
    ended = fetch(after, link["url"])

    assert (opened.status_code, opened.content) == (200, b"hello")
    assert opened.headers["content-type"] == "application/octet-stream"
    assert opened.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt"
    )
    assert ended.status_code == 403
    listed = site.get("/api/shares").json()["shares"][0]
    assert listed == {name: value for name, value in link.items() if name != "url"}
    assert (listed["note"], listed["process"]) == ("for Käthe", None)


def test_a_link_opens_although_the_servers_credentials_have_ended_early(
    after: Demo, site: httpx.Client
) -> None:
    upload = put(after, site, b"hello")
    wish = {"key": upload.key, "expires_s": 600}
    site.post("/api/share", json=wish).raise_for_status()

    after.oss.faults.add("expire-tokens", key=f"*{upload.key[-9:]}", times=1)
    link = site.post("/api/share", json=wish).json()
    opened = fetch(after, link["url"])
    ended = site.post("/api/grant").json()["access_key_id"]
    site.post("/api/grant", json={"refused_key_id": ended})  # for the tests that follow

    assert (opened.status_code, opened.content) == (200, b"hello")


def test_a_link_lives_as_long_as_the_servers_credentials_and_dies_with_its_object(
    after: Demo, site: httpx.Client
) -> None:
    """Longer links need a bucket that keeps versions."""
    upload = put(after, site, b"hello")

    link = site.post("/api/share", json={"key": upload.key, "expires_s": 604800}).json()
    assert site.get("/api/shares").json()["shares"][0]["deleted_at"] is None
    undo = site.delete(address(upload.key)).json()["undo"]

    listed = site.get("/api/shares").json()["shares"][0]
    assert (listed["key"], listed["deleted_at"] is None) == (upload.key, False)
    (lives_s,) = re.findall(r"x-oss-expires=(\d+)", link["url"])
    assert 1800 <= int(lives_s) <= 3600
    assert "x-oss-security-token" in link["url"]
    assert fetch(after, link["url"]).status_code == 404
    site.post("/api/objects/undo", json={"id": undo["id"]})
    assert site.get("/api/shares").json()["shares"][0]["deleted_at"] is None


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("image/png", 200), ("text/plain", 200), ("video/mp4", 200), ("text/html", 409)],
)
def test_t38_only_harmless_types_are_shown_in_place(
    after: Demo, site: httpx.Client, content_type: str, status: int
) -> None:
    headers = {"content-type": content_type} if content_type else None
    upload = put(after, site, b"<script>", name="x.bin", headers=headers)

    wish = {"key": upload.key, "expires_s": 60, "disposition": "inline"}
    answer = site.post("/api/share", json=wish)

    assert answer.status_code == status
    if status == 200:
        shown = fetch(after, answer.json()["url"]).headers
        assert shown["content-disposition"].startswith("inline; ")
        assert shown["content-type"].partition(";")[0] == content_type


def test_a_preview_is_a_picture_made_by_oss(after: Demo, site: httpx.Client) -> None:
    out = io.BytesIO()
    Image.new("RGB", (400, 200), "white").save(out, "PNG")
    headers = {"content-type": "image/png"}
    upload = put(after, site, out.getvalue(), name="pic.png", headers=headers)

    link = site.get(address(upload.key, "preview"), params={"preset": "thumbnail"}).json()
    wish = {"key": upload.key, "expires_s": 60, "disposition": "inline"}
    wishes = {"resize": {"width": 100}, "watermark": "für Käthe", "format": "jpg"}
    shared = site.post("/api/share", json={**wish, "process": wishes}).json()

    preview, picture = fetch(after, link["url"]), fetch(after, shared["url"])
    assert preview.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(preview.content)).size == (160, 160)
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(picture.content)).size == (100, 50)


def test_a_link_to_several_files_ends_when_the_last_one_is_deleted(
    after: Demo, site: httpx.Client
) -> None:
    one, two = (put(after, site, b"hello", name=name).key for name in ("one.txt", "two.txt"))
    made = site.post("/api/share", json={"key": one, "more_keys": [two], "expires_s": 60}).json()
    site.patch(address(two), json={"folder": "", "name": "new.txt"}).raise_for_status()

    shown = site.get(made["url"]).text
    ended = []
    for key in (one, two):
        site.delete(address(key)).raise_for_status()
        ended.append(site.get("/api/shares").json()["shares"][0]["deleted_at"] is not None)

    assert ended == [False, True]
    assert ("one.txt" in shown, "new.txt" in shown) == (True, True)
    assert site.get(made["url"]).status_code == 410
