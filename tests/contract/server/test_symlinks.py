"""Symlinks of an uploader to another person's upload: the server never follows them.

Credentials for uploads allow PutSymlink, because it needs only `oss:PutObject`. ProcessObject would
copy what a symlink leads to; it needs `oss:PostProcessTask`, also for an upload of one's own.
"""

import base64
from collections.abc import Callable
from datetime import datetime

import httpx
import oss2
import pytest

from contract.mock_oss.matrix import PICTURE
from ossferry.cli.demo import Demo
from ossferry.clock import utc_now
from support.after_upload import address, become, fetch, mine, trash
from support.uploads import Upload, granted_bucket, put, recorded

SECRET = PICTURE + b"the secret of Alice"


@pytest.fixture
def hers(demo: Demo, site: httpx.Client) -> Upload:
    """An upload of Alice; the site is signed in as Bob afterwards."""
    become(site, "alice")
    upload = put(demo, site, SECRET, headers={"content-type": "image/png"})
    become(site, "bob")
    return upload


def link_to(demo: Demo, site: httpx.Client, target: str, key: str) -> None:
    """Create a symlink with Bob's own credentials."""
    headers = {"content-type": "image/png"}
    granted_bucket(site.post("/api/grant").json(), demo).put_symlink(target, key, headers=headers)


def own_key(site: httpx.Client) -> str:
    return f"{site.post('/api/grant').json()['prefix']}2026-03-14/{'0' * 32}/hello.txt"


Ask = Callable[[httpx.Client, str, dict[str, object]], httpx.Response]
WISH = {"expires_s": 60, "disposition": "inline"}
ASKS: dict[str, Ask] = {
    "share": lambda site, key, _: site.post("/api/share", json={"key": key, **WISH}),
    "preview": lambda site, key, _: site.get(address(key, "preview")),
    "receipt": lambda site, key, file: site.post("/api/receipts", json={"key": key, **file}),
    "refused": lambda site, key, file: site.post(
        "/api/receipts/refused", json={"key": key, **file, "size": 1}
    ),
    "identical": lambda site, _, file: site.post(
        "/api/objects/identical", json={"path": "hello.txt", **file}
    ),
    "delete": lambda site, key, _: site.delete(address(key)),
}


@pytest.mark.parametrize("ask", ASKS)
def test_t59_a_symlink_is_no_upload(demo: Demo, site: httpx.Client, hers: Upload, ask: str) -> None:
    own = own_key(site)
    link_to(demo, site, hers.key, own)
    kept = len(trash(demo))

    file = {name: hers.report[name] for name in ("size", "crc64")}
    told = ASKS[ask](site, own, file).json()

    nothing = [{"key": None}, {"key": own, "outcome": "gone"}]
    assert told in nothing or told["code"] == "not-stored"
    assert len(trash(demo)) == kept


def test_t59_an_upload_that_became_a_symlink_is_deleted_without_an_undo(
    demo: Demo, site: httpx.Client, hers: Upload
) -> None:
    own = recorded(demo, site, b"mine")
    link_to(demo, site, hers.key, own.key)
    kept = len(trash(demo))

    shared = site.post("/api/share", json={"key": own.key, "expires_s": 60})
    gone = site.delete(address(own.key))

    assert (shared.status_code, gone.json()) == (404, {"key": own.key, "undo": None})
    assert (own.key in mine(site), len(trash(demo))) == (False, kept)
    assert demo.oss.bucket(demo.bucket).objects[hers.key].data == SECRET


@pytest.mark.parametrize("shared", [True, False], ids=["link", "preview"])
def test_t59_an_upload_that_becomes_a_symlink_after_the_signature_opens_nothing(
    demo: Demo, site: httpx.Client, hers: Upload, shared: bool
) -> None:
    own = put(demo, site, b"mine", headers={"content-type": "image/png"})
    wish = {"key": own.key, "expires_s": 604_800}
    preview = address(own.key, "preview")
    signed = (site.post("/api/share", json=wish) if shared else site.get(preview)).json()
    left_s = (datetime.fromisoformat(signed["expires_at"]) - utc_now()).total_seconds()

    link_to(demo, site, hers.key, own.key)
    opened = fetch(demo, signed["url"])

    assert left_s <= 3600
    assert (opened.status_code, "secret" in opened.text) == (403, False)


def saved_as(key: str) -> str:
    return f"image/resize,w_1|sys/saveas,o_{base64.urlsafe_b64encode(key.encode()).decode()}"


ROUTES: dict[str, Callable[[oss2.Bucket, str, str], object]] = {
    "CopyObject": lambda bucket, key, own: bucket.copy_object(bucket.bucket_name, key, own),
    "UploadPartCopy": lambda bucket, key, own: bucket.upload_part_copy(
        bucket.bucket_name, key, None, own, bucket.init_multipart_upload(own).upload_id, 1
    ),
    "ProcessObject of hers": lambda bucket, key, own: bucket.process_object(key, saved_as(own)),
    "ProcessObject over hers": lambda bucket, key, own: (
        bucket.put_object(own, PICTURE),
        bucket.process_object(own, saved_as(key)),
    ),
    "ProcessObject of his own": lambda bucket, _, own: (
        bucket.put_object(own, PICTURE),
        bucket.process_object(own, saved_as(f"{own}.gif")),
    ),
    "GetObject": lambda bucket, key, own: (bucket.put_symlink(key, own), bucket.get_object(own)),
    "HeadObject": lambda bucket, key, own: (bucket.put_symlink(key, own), bucket.head_object(own)),
    "GetSymlink": lambda bucket, key, own: (bucket.put_symlink(key, own), bucket.get_symlink(own)),
    "AppendObject to hers": lambda bucket, key, _: bucket.append_object(key, 0, b"x"),
    "AppendObject to a symlink": lambda bucket, key, own: (
        bucket.put_symlink(key, own),
        bucket.append_object(own, len(SECRET), b"x"),
    ),
    "PutSymlink in her place": lambda bucket, key, own: bucket.put_symlink(own, key),
    "RestoreObject": lambda bucket, key, _: bucket.restore_object(key),
    "a public symlink": lambda bucket, key, own: bucket.put_symlink(
        key, own, headers={"x-oss-object-acl": "public-read"}
    ),
    "a tag on hers": lambda bucket, key, _: bucket.put_object_tagging(key, oss2.models.Tagging()),
}


@pytest.mark.parametrize("route", ROUTES)
def test_t59_credentials_reach_another_key_by_no_other_way(
    demo: Demo, site: httpx.Client, hers: Upload, route: str
) -> None:
    bucket = granted_bucket(site.post("/api/grant").json(), demo)

    with pytest.raises(oss2.exceptions.ServerError) as refused:
        ROUTES[route](bucket, hers.key, own_key(site))

    assert refused.value.status in (403, 409)
    assert demo.oss.bucket(demo.bucket).objects[hers.key].data == SECRET
