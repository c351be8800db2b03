"""The bucket through the SDK: what is sent to OSS, and how often."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import oss2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contract.mock_oss.clients import oss2_bucket
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET, MockOSS
from ossferry.clock import utc_now
from ossferry.errors import KeyTakenError, OssEndpointError, OssLostError, OssRefusedError
from ossferry.oss.bucket import OssBucket
from ossferry.oss.objects import Stored
from ossferry.oss.sdk import Domain, Sdk
from ossferry.oss.sts import StsCredentials
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from support.server_fakes import OBJECTS, OPTIONS
from support.serving import serve
from support.uploads import begin_many

KEY = "uploads/alice/größe 1+%?.bin"
CREDENTIALS = StsCredentials(
    access_key_id=ACCESS_KEY_ID,
    access_key_secret=ACCESS_KEY_SECRET,
    security_token="",
    expires_at=datetime(2036, 3, 14, tzinfo=UTC),
)
PART = 100 * 1024
CONTENT = bytes(2 * PART + 1)
STORED = Stored(
    key=KEY,
    size=5,
    crc64="1",
    etag=hashlib.md5(CONTENT).hexdigest().upper(),  # noqa: S324 - the ETag of OSS
    content_type="",
    last_modified=CREDENTIALS.expires_at,
)

Ask = Callable[[OssBucket], Awaitable[object]]
AFTERWARDS: dict[str, list[str]] = {"CopyObject": ["HeadObject", "DeleteObject"]}
"""The server looks at a copy, and removes a copy that is not what it wanted: size and checksum of
`STORED` are not those of the object.
"""

ASKS: dict[str, Ask] = {
    "HeadObject": lambda bucket: bucket.head(KEY),
    "GetObject": lambda bucket: bucket.read(STORED, 0, 5),
    "ListObjects": lambda bucket: bucket.list("uploads/", after="", limit=10),
    "CopyObject": lambda bucket: bucket.copy(STORED, "uploads/copy"),
    "DeleteObject": lambda bucket: bucket.delete(KEY),
    "ListMultipartUploads": lambda bucket: bucket.begun("uploads/"),
    "ListParts": lambda bucket: bucket.parts(KEY, "ID"),
    "AbortMultipartUpload": lambda bucket: bucket.abort(KEY, "ID"),
}


async def assume_role(**_wishes: str) -> StsCredentials:
    return CREDENTIALS


async def an_hour(**_wishes: str) -> StsCredentials:
    return replace(CREDENTIALS, expires_at=utc_now() + timedelta(hours=1))


@pytest.fixture(scope="module")
def running_oss() -> Iterator[MockOSS]:
    """A mock."""
    with MockOSS() as running:
        yield running


@pytest.fixture
def oss(running_oss: MockOSS) -> MockOSS:
    """The mock with one object."""
    running_oss.reset()
    headers = {"content-type": "text/x-mine", "x-oss-meta-a": "b", "cache-control": "no-cache"}
    oss2_bucket(running_oss).put_object(KEY, CONTENT, headers=headers)
    running_oss.requests.clear()
    return running_oss


@pytest.fixture
def settings(oss: MockOSS) -> Settings:
    """Settings for the mock."""
    options = {**OPTIONS, **OBJECTS, "bucket": BUCKET, "objects_endpoint": oss.endpoint}
    return load_settings(ExplicitSettings, **options)


@pytest.fixture
def sdk(oss: MockOSS) -> Iterator[Sdk]:
    """Connections to the mock."""
    with closing(Sdk(BUCKET, "cn-hangzhou", oss.endpoint)) as found:
        yield found


@pytest.fixture
def bucket(settings: Settings) -> Iterator[OssBucket]:
    """The mock's bucket."""
    found = OssBucket(settings, assume_role, clock=utc_now, max_copy=2 * PART, copy_part=PART)
    yield found
    asyncio.run(found.close())


@pytest.mark.parametrize("operation", ASKS)
async def test_each_call_is_one_request_signed_with_v4(
    oss: MockOSS, bucket: OssBucket, operation: str
) -> None:
    await ASKS[operation](bucket)

    asked = [each.operation for each in oss.requests]
    assert asked == [operation, *AFTERWARDS.get(operation, [])]
    for each in oss.requests:
        assert each.headers["authorization"].startswith("OSS4-HMAC-SHA256 ")


def refusal(code: str, status: int) -> dict[str, Any]:
    return {"effect": "error", "code": code, "status": status}


@pytest.mark.parametrize("operation", ASKS)
@pytest.mark.parametrize(
    ("plan", "kind", "told"),
    [
        (refusal("InternalError", 500), OssLostError, "InternalError"),
        ({"effect": "unavailable"}, OssLostError, "ServiceUnavailable"),
        (refusal("RequestTimeTooSkewed", 403), OssLostError, "RequestTimeTooSkewed"),
        ({"effect": "reset"}, OssLostError, "no-answer"),
        (refusal("AccessDenied", 403), OssRefusedError, "AccessDenied"),
        (refusal("NoSuchBucket", 404), OssRefusedError, "NoSuchBucket"),
        (refusal("BadRequest", 400), OssRefusedError, "BadRequest"),
    ],
    ids=["500", "503", "clock", "reset", "403", "no bucket", "400"],
)
async def test_a_failed_call_is_not_repeated_and_says_why(
    oss: MockOSS,
    bucket: OssBucket,
    operation: str,
    plan: dict[str, Any],
    kind: type[OssLostError | OssRefusedError],
    told: str,
) -> None:
    oss.faults.add(**plan)

    with pytest.raises(kind) as caught:
        await ASKS[operation](bucket)

    assert len(oss.requests) == 1
    assert told in caught.value.evidence.values()


@pytest.mark.parametrize(
    ("refused", "code", "words"),
    [
        ("PublicEndpointForbidden", "oss-endpoint-refused", r"Bind a custom domain .*"),
        ("NonStandardHostForbidden", "oss-domain-refused", r"bound to no bucket.*"),
    ],
)
async def test_an_address_that_oss_refuses_is_a_problem_that_says_what_to_do(
    oss: MockOSS, bucket: OssBucket, refused: str, code: str, words: str
) -> None:
    oss.faults.add(**refusal(refused, 403))

    with pytest.raises(OssEndpointError, match=rf"{words}docs/custom-domain\.md") as caught:
        await bucket.head(KEY)

    assert (caught.value.status, caught.value.code) == (502, code)


@pytest.mark.parametrize(("times", "is_read"), [(1, True), (2, False)], ids=["once", "always"])
async def test_credentials_that_oss_does_not_accept_are_renewed_once(
    oss: MockOSS, settings: Settings, times: int, is_read: bool
) -> None:
    asked = []

    async def assume_role(**wishes: str) -> StsCredentials:
        asked.append(wishes)
        return await an_hour(**wishes)

    oss.faults.add("error", code="SecurityTokenExpired", status=403, times=times)
    bucket = OssBucket(settings, assume_role, clock=utc_now)

    [found] = await asyncio.gather(bucket.list("", after="", limit=1), return_exceptions=True)
    await bucket.close()

    assert (isinstance(found, list), len(asked), len(oss.requests)) == (is_read, 2, 2)


async def test_what_ends_too_early_is_no_piece_of_an_object(bucket: OssBucket) -> None:
    found = await bucket.head(KEY)
    assert found is not None

    with pytest.raises(OssLostError):
        await bucket.read(found, 0, found.size + 1)


def test_a_call_ends_at_its_time_limit(oss: MockOSS, sdk: Sdk) -> None:
    oss.faults.add("delay", seconds=2)
    bucket = sdk.bucket(CREDENTIALS, oss.endpoint, timeout_s=0.2)

    with pytest.raises(OssLostError, match="OSS does not answer"), sdk.errors():
        bucket.head(KEY)


async def test_what_does_not_exist_is_none(bucket: OssBucket) -> None:
    missing = Stored(
        key="uploads/x", size=5, crc64="1", etag="A", content_type="", last_modified=utc_now()
    )

    assert await bucket.head("uploads/x") is None
    assert await bucket.copy(missing, "uploads/copy") is False
    assert await bucket.delete("uploads/x") == ""
    assert await bucket.parts("uploads/x", "0004B9894A22E5B1888A1E29F8236E2D") is None
    assert await bucket.begun("uploads/x") == []
    assert await bucket.list("uploads/x", after="", limit=10) == []


async def test_head_and_list_tell_the_same_of_an_object(oss: MockOSS, bucket: OssBucket) -> None:
    stored = oss.bucket(BUCKET).objects[KEY]

    found = await bucket.head(KEY)
    (listed,) = await bucket.list("uploads/", after="uploads/a", limit=10)

    assert found is not None
    assert (found.key, found.size, found.content_type) == (KEY, 2 * PART + 1, "text/x-mine")
    assert (found.crc64, found.etag) == (str(stored.crc64), stored.etag)
    assert (listed.key, listed.size, listed.etag) == (KEY, found.size, found.etag)
    assert listed.last_modified == found.last_modified
    assert found.last_modified.tzinfo is UTC
    assert found.metadata == {"a": "b"}


async def test_metadata_is_told_as_the_page_wrote_it(oss: MockOSS, bucket: OssBucket) -> None:
    headers = {"x-oss-meta-Reference": "order%207", "x-oss-meta-name": "gr%C3%B6%C3%9Fe.txt"}
    oss2_bucket(oss).put_object("uploads/meta", b"hello", headers=headers)

    found = await bucket.head("uploads/meta")

    assert found is not None
    assert found.metadata == {"reference": "order 7", "name": "größe.txt"}


async def test_a_large_object_is_copied_in_parts_with_its_headers(
    oss: MockOSS, bucket: OssBucket
) -> None:
    found = await bucket.head(KEY)
    assert found is not None

    assert await bucket.copy(found, "trash/copy")

    copy = oss.bucket(BUCKET).objects["trash/copy"]
    kept = {name: copy.headers[name] for name in ("content-type", "x-oss-meta-a", "cache-control")}
    assert copy.data == bytes(2 * PART + 1)
    assert kept == {"content-type": "text/x-mine", "x-oss-meta-a": "b", "cache-control": "no-cache"}
    assert [each.operation for each in oss.requests].count("UploadPartCopy") == 3


async def test_a_copy_in_parts_that_fails_leaves_no_parts(oss: MockOSS, bucket: OssBucket) -> None:
    found = await bucket.head(KEY)
    assert found is not None
    oss.faults.add("unavailable", operation="UploadPartCopy", skip=1)

    with pytest.raises(OssLostError):
        await bucket.copy(found, "trash/copy")

    assert await bucket.begun("trash/") == []


async def test_t59_a_symlink_is_listed_and_never_followed(oss: MockOSS, bucket: OssBucket) -> None:
    oss2_bucket(oss).put_symlink(KEY, "uploads/bob/link")
    oss2_bucket(oss).put_symlink("uploads/nowhere", "uploads/bob/nowhere")
    oss2_bucket(oss).put_symlink("uploads/bob/link", "uploads/bob/twice")

    found = [await bucket.head(f"uploads/bob/{name}") for name in ("link", "nowhere", "twice")]
    listed = await bucket.list("uploads/", after="", limit=10)

    assert found == [None, None, None]
    assert {each.key: each.is_symlink for each in listed} == {
        KEY: False,
        "uploads/bob/link": True,
        "uploads/bob/nowhere": True,
        "uploads/bob/twice": True,
    }


@pytest.mark.parametrize(
    ("size", "knows_etag"),
    [(5, False), (2 * PART + 1, False), (5, True)],
    ids=["whole", "in parts", "with the ETag of the symlink"],
)
async def test_t59_what_was_replaced_by_a_symlink_is_not_copied(
    oss: MockOSS, bucket: OssBucket, size: int, knows_etag: bool
) -> None:
    theirs = oss2_bucket(oss)
    theirs.put_object("uploads/bob/x", b"x" * size)
    stored = await bucket.head("uploads/bob/x")
    assert stored is not None
    theirs.put_symlink(KEY, "uploads/bob/x")
    if knows_etag:
        stored = replace(stored, etag=oss.bucket(BUCKET).objects["uploads/bob/x"].etag)

    [copied] = await asyncio.gather(bucket.copy(stored, "trash/x"), return_exceptions=True)

    no_parts_of_symlinks = "0042-00000308"
    assert copied is False or getattr(copied, "oss_ec", "") == no_parts_of_symlinks
    assert "trash/x" not in oss.bucket(BUCKET).objects
    assert ("DeleteObject" in [each.operation for each in oss.requests]) == knows_etag
    assert await bucket.begun("trash/") == []


@pytest.mark.parametrize("size", [5, 2 * PART + 1], ids=["whole", "in parts"])
async def test_what_is_stored_before_or_after_a_copy_that_must_not_overwrite_stays(
    oss: MockOSS, bucket: OssBucket, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    theirs, look = oss2_bucket(oss), bucket.head
    theirs.put_object("trash/x", b"x" * size)
    stored = await bucket.head("trash/x")
    assert stored is not None

    async def late(key: str) -> Stored | None:
        theirs.put_object(key, b"later")
        return await look(key)

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "head", late)
        with pytest.raises(KeyTakenError):
            await bucket.copy(stored, "uploads/x", forbid_overwrite=True)
    after = oss.bucket(BUCKET).objects["uploads/x"].data
    with pytest.raises(KeyTakenError):
        await bucket.copy(stored, "uploads/x", forbid_overwrite=True)

    assert [after, oss.bucket(BUCKET).objects["uploads/x"].data] == [b"later", b"later"]
    assert await bucket.begun("uploads/") == []


@pytest.mark.parametrize("changes", [{"size": 5, "crc64": ""}, {"crc64": "1"}], ids=str)
async def test_t59_a_copy_of_another_size_or_checksum_is_removed(
    oss: MockOSS, bucket: OssBucket, changes: dict[str, Any]
) -> None:
    found = await bucket.head(KEY)
    assert found is not None

    assert await bucket.copy(replace(found, **changes), "trash/x") is False
    assert list(oss.bucket(BUCKET).objects) == [KEY]


async def test_t59_what_reads_bytes_may_read_one_folder_only(settings: Settings) -> None:
    asked: list[list[tuple[list[str], str]]] = []

    async def assume_role(*, session_name: str, policy: str) -> StsCredentials:
        statements = json.loads(policy)["Statement"]
        asked.append([(each["Action"], each["Resource"][0]) for each in statements])
        return await an_hour(session_name=session_name, policy=policy)

    bucket = OssBucket(settings, assume_role, clock=utc_now)
    stored = await bucket.head(KEY)
    assert stored is not None
    await bucket.read(stored, 0, 5)
    await bucket.link(stored, lives_s=60, params={})
    await bucket.copy(stored, "trash/0f/x")
    await bucket.link(replace(stored, key=f"incoming/{KEY}"), lives_s=60, params={})
    await bucket.close()

    where, may = f"acs:oss:*:*:{BUCKET}/", ["oss:GetObject"]
    write = ["oss:PutObject", "oss:AbortMultipartUpload", "oss:PutObjectTagging"]
    assert len(asked.pop(0)) == 3  # HEAD, with the rights for all uploads
    assert asked == [
        [(may, f"{where}uploads/alice/*")],
        [
            ([*may, "oss:GetObjectTagging"], f"{where}uploads/alice/*"),
            (write, f"{where}trash/0f/*"),
        ],
        [(may, f"{where}incoming/uploads/alice/*")],
    ]


@pytest.mark.parametrize("versioning", ["Enabled", "Suspended", ""])
async def test_t59_a_long_link_reads_the_version_that_was_shared(
    oss: MockOSS, settings: Settings, caplog: pytest.LogCaptureFixture, versioning: str
) -> None:
    theirs, keeps_versions = oss2_bucket(oss), versioning == "Enabled"
    if versioning:
        theirs.put_bucket_versioning(oss2.models.BucketVersioningConfig(versioning))
    theirs.put_object("uploads/bob/x", b"mine")
    key = {"share_access_key_id": ACCESS_KEY_ID, "share_access_key_secret": ACCESS_KEY_SECRET}
    changed = load_settings(ExplicitSettings, **{**settings.model_dump(), **key})
    bucket = OssBucket(changed, an_hour, clock=utc_now)

    stored = await bucket.head("uploads/bob/x")
    assert stored is not None
    link = await bucket.link(stored, lives_s=604_800, params={})
    await bucket.close()
    theirs.put_symlink(KEY, "uploads/bob/x")

    lives_h = (link.expires_at - utc_now()).total_seconds() / 3600
    assert ("versionId=" in link.url) == keeps_versions
    assert round(lives_h) == (168 if keeps_versions else 1)
    assert ("link-shortened" in caplog.text) != keeps_versions
    if keeps_versions:
        url = link.url.replace(changed.links_address, f"{oss.endpoint}/{BUCKET}")
        opened = await asyncio.to_thread(httpx.get, url, trust_env=False)
        assert opened.content == b"mine"


async def test_unfinished_uploads_and_their_parts_are_read(bucket: OssBucket, oss: MockOSS) -> None:
    other = oss2_bucket(oss)
    upload_id = other.init_multipart_upload(KEY).upload_id
    other.upload_part(KEY, upload_id, 1, b"hello")

    (begun,) = await bucket.begun("uploads/")
    parts = await bucket.parts(KEY, upload_id)
    await bucket.abort(KEY, upload_id)

    assert (begun.key, begun.upload_id, begun.began_at.tzinfo) == (KEY, upload_id, UTC)
    assert parts is not None
    assert [(each.number, each.size, each.last_modified.tzinfo) for each in parts] == [(1, 5, UTC)]
    assert await bucket.parts(KEY, upload_id) is None


async def test_unfinished_uploads_of_many_pages_are_read(bucket: OssBucket, oss: MockOSS) -> None:
    keys = [f"uploads/many-x/{number:04}" for number in range(1002)]
    begin_many(oss, oss2_bucket(oss), keys)

    begun = await bucket.begun("uploads/many-x/")

    assert [each.key for each in begun] == keys


def test_a_link_keeps_slashes_and_signs_its_parameters(oss: MockOSS, sdk: Sdk) -> None:
    wish = {
        "response-content-type": "text/plain",
        "response-content-disposition": "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe",
    }

    url = sdk.bucket(CREDENTIALS, oss.endpoint, timeout_s=5).link(KEY, 600, wish)
    opened = httpx.get(url, trust_env=False)
    changed = httpx.get(url.replace("text%2Fplain", "text%2Fhtml"), trust_env=False)

    assert "/uploads/alice/gr%C3%B6%C3%9Fe%201%2B%25%3F.bin?" in url
    assert "x-oss-expires=600&" in url
    assert (opened.status_code, changed.status_code) == (200, 403)
    assert {name: opened.headers[name.removeprefix("response-")] for name in wish} == wish


async def test_localhost_is_asked_without_a_name_below_it(oss: MockOSS, settings: Settings) -> None:
    address = f"http://localhost:{oss.port}"
    changed = {**settings.model_dump(), "objects_endpoint": address}
    bucket = OssBucket(load_settings(ExplicitSettings, **changed), assume_role, clock=utc_now)

    found = await bucket.head(KEY)
    await bucket.close()

    assert found is not None
    assert [asked.host for asked in oss.requests] == [f"localhost:{oss.port}"]


async def test_a_proxy_of_the_environment_is_used_and_netrc_is_not(
    oss: MockOSS, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = "http://oss-cn-hangzhou.localhost"
    (tmp_path / "netrc").write_text("default login somebody password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", oss.endpoint)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    changed = {**settings.model_dump(), "objects_endpoint": address}
    bucket = OssBucket(load_settings(ExplicitSettings, **changed), assume_role, clock=utc_now)
    monkeypatch.delenv("http_proxy")

    found = await bucket.head(KEY)
    await bucket.close()

    assert found is not None
    (asked,) = oss.requests
    assert asked.host == f"{BUCKET}.oss-cn-hangzhou.localhost"
    assert asked.headers["authorization"].startswith("OSS4-HMAC-SHA256 ")


async def test_connections_are_kept_for_as_many_calls_as_run_at_once(
    oss: MockOSS, bucket: OssBucket, caplog: pytest.LogCaptureFixture
) -> None:
    oss.faults.add("delay", seconds=0.2, times=60)

    with caplog.at_level(logging.WARNING, logger="urllib3.connectionpool"):
        await asyncio.gather(*(bucket.head(KEY) for _ in range(60)))

    assert [each.getMessage() for each in caplog.records if "pool" in each.name] == []


ABORT = "<AbortMultipartUpload><Days>1</Days></AbortMultipartUpload>"


def test_settings_of_the_bucket_are_read(oss: MockOSS, sdk: Sdk) -> None:
    rules = [
        ("a", "uploads/", ABORT),
        ("b", "trash/", "<Expiration><Days>1</Days></Expiration>"),
        (
            "d",
            "",
            "<Expiration><CreatedBeforeDate>2026-03-14T00:00:00.000Z</CreatedBeforeDate>"
            "</Expiration>",
        ),
        ("c", "", f"<Tag><Key>a</Key><Value>b</Value></Tag>{ABORT}"),
    ]
    lifecycle = "".join(
        f"<Rule><ID>{name}</ID><Prefix>{prefix}</Prefix><Status>Enabled</Status>{action}</Rule>"
        for name, prefix, action in rules
    )
    record = oss.store.buckets.get(BUCKET)
    assert record is not None
    document = f"<LifecycleConfiguration>{lifecycle}</LifecycleConfiguration>"
    oss.store.buckets.put(record._replace(lifecycle=document))
    oss.bind_cname("files.localhost", BUCKET)

    bucket = sdk.bucket(CREDENTIALS, oss.endpoint, timeout_s=5)
    region, found, domains = bucket.region(), list(bucket.lifecycle()), list(bucket.domains())

    domain = Domain(name="files.localhost", is_enabled=True, certificate_ends="")
    assert (region, domains) == ("cn-hangzhou", [domain])
    assert [astuple(each) for each in found] == [
        ("a", "uploads/", True, 1, None),
        ("b", "trash/", True, None, 1),
        ("d", "", True, None, None),
        ("c", "", False, 1, None),
    ]
    assert [each.id for each in found if each.covers("uploads/")] == ["a", "d"]


@pytest.mark.parametrize("is_on", [True, False])
def test_block_public_access_and_certificates_are_read(sdk: Sdk, is_on: bool) -> None:
    answers = {
        "publicAccessBlock": "<PublicAccessBlockConfiguration><BlockPublicAccess>"
        f"{str(is_on).lower()}</BlockPublicAccess></PublicAccessBlockConfiguration>",
        "cname": "<ListCnameResult><Bucket>b</Bucket><Owner>1</Owner><Cname>"
        "<Domain>files.example.com</Domain><LastModified>2026-03-14T00:00:00.000Z</LastModified>"
        "<Status>Disabled</Status><Certificate><Type>CAS</Type><CertId>1-cn</CertId>"
        "<Status>Enabled</Status><ValidEndDate>Mar 14 09:26:53 2027 GMT</ValidEndDate>"
        "</Certificate></Cname></ListCnameResult>",
    }

    async def answer(request: Request) -> Response:
        (text,) = (answers[name] for name in request.query_params if name in answers)
        return Response(text, 200, {"x-oss-request-id": "1"}, "application/xml")

    app = Starlette(routes=[Route("/{path:path}", answer)])
    with serve(app) as url:
        bucket = sdk.bucket(CREDENTIALS, url, timeout_s=5)
        found = bucket.blocks_public_access(), list(bucket.domains())

    until = "Mar 14 09:26:53 2027 GMT"
    domain = Domain(name="files.example.com", is_enabled=False, certificate_ends=until)
    assert found == (is_on, [domain])


def test_a_part_is_stored_and_a_refusal_has_its_detailed_code(oss: MockOSS, sdk: Sdk) -> None:
    bucket = sdk.bucket(CREDENTIALS, oss.endpoint, timeout_s=5)
    upload_id = bucket.begin(KEY, {})
    bucket.put_part(KEY, upload_id, 1, b"hello")
    (part,) = bucket.parts(KEY, upload_id, ()).entries

    with pytest.raises(OssRefusedError) as caught, sdk.errors():
        bucket.parts(KEY, "0" * 32, ())

    assert (part.number, part.size) == (1, 5)
    assert caught.value.oss_code == "NoSuchUpload"
    assert caught.value.oss_ec.count("-") == 1


async def test_a_range_of_an_object_is_read(oss: MockOSS, bucket: OssBucket) -> None:
    content = b"0123456789"
    oss2_bucket(oss).put_object(KEY, content)
    stored = await bucket.head(KEY)
    assert stored is not None

    assert await bucket.read(stored, 3, 7) == b"3456"
    assert await bucket.read(stored, 9, 10) == b"9"


async def test_another_object_under_the_same_key_is_not_read(
    oss: MockOSS, bucket: OssBucket
) -> None:
    stored = await bucket.head(KEY)
    assert stored is not None
    oss2_bucket(oss).put_object(KEY, b"another")

    with pytest.raises(OssRefusedError) as raised:
        await bucket.read(stored, 0, 5)

    assert raised.value.oss_code == "PreconditionFailed"
