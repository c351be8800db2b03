"""Features of objects that the SDK tours do not cover: overwriting, checks, conditions, ranges."""

import re
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import md5
from http.client import HTTPConnection, IncompleteRead
from typing import Any

import oss2
import pytest
from oss2.exceptions import NotModified, PreconditionFailed
from oss2.utils import content_md5

from contract.mock_oss.clients import ask, oss2_bucket, refusal, send, signed_headers
from contract.mock_oss.post_forms import form, post, v1_fields
from mock_oss import BUCKET, MockOSS
from mock_oss.operations.routes import NOT_IMPLEMENTED


def test_forbid_overwrite_keeps_the_first_object(mock_oss: MockOSS, bucket: Any) -> None:
    forbid = {"x-oss-forbid-overwrite": "true"}
    bucket.put_object("a", b"first", headers=forbid)

    taken = (409, "FileAlreadyExists")
    assert refusal(bucket.put_object, "a", b"second", headers=forbid) == taken
    assert refusal(bucket.put_symlink, "b", "a", headers=forbid) == taken
    assert mock_oss.bucket(BUCKET).objects["a"].data == b"first"


def test_headers_and_metadata_come_back_as_sent(mock_oss: MockOSS, bucket: Any) -> None:
    sent = {
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": "no-cache",
        "Content-Disposition": "attachment; filename=a.txt",
        "Content-Encoding": "identity",
        "Expires": "Sat, 14 Mar 2026 09:26:53 GMT",
        "x-oss-meta-author": "alice",
        "x-oss-storage-class": "IA",
        "x-oss-server-side-encryption": "AES256",
        "x-oss-tagging": "a=1&b=2",
    }

    put = bucket.put_object("a", b"hello", headers=sent)
    head = bucket.head_object("a").headers

    for name, value in sent.items():
        if name != "x-oss-tagging":
            assert head[name] == value
    assert head["x-oss-tagging-count"] == "2"
    assert put.headers["x-oss-server-side-encryption"] == "AES256"
    stored = mock_oss.bucket(BUCKET).objects["a"]
    assert (stored.storage_class, stored.tags) == ("IA", {"a": "1", "b": "2"})


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("Content-MD5", content_md5(b"other"), "InvalidDigest"),
        ("Content-MD5", "short", "InvalidDigest"),
        ("x-oss-hash-crc64ecma", "1", "InvalidCRC64"),
        ("x-oss-object-acl", "everyone", "InvalidArgument"),
        ("x-oss-storage-class", "Cold", "InvalidArgument"),
        ("x-oss-server-side-encryption", "ROT13", "InvalidEncryptionAlgorithmError"),
        ("x-oss-forbid-overwrite", "maybe", "InvalidArgument"),
        ("x-oss-tagging", "a=1&a=2", "RepeatedTags"),
        ("x-oss-tagging", "=1", "InvalidTaggingKey"),
        ("x-oss-tagging", "a=1&b=!", "InvalidTag"),
        ("x-oss-tagging", "&".join(f"k{i}=1" for i in range(11)), "InvalidTag"),
        ("x-oss-meta-a_b", "1", "InvalidArgument"),
        ("x-oss-meta-a", "x" * 8193, "InvalidArgument"),
        ("x-oss-traffic-limit", "245759", "InvalidArgument"),
        ("x-oss-traffic-limit", "838860801", "InvalidArgument"),
    ],
    ids=lambda value: value[:20],
)
def test_a_header_out_of_bounds_stores_nothing(
    mock_oss: MockOSS, bucket_v4: Any, name: str, value: str, code: str
) -> None:
    assert refusal(bucket_v4.put_object, "a", b"hello", headers={name: value}) == (400, code)
    assert len(mock_oss.bucket(BUCKET).objects) == 0
    assert mock_oss.store.blobs.names() == set()


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 1_048_576, 5_000_001])
def test_bodies_of_every_size_come_back_whole(mock_oss: MockOSS, bucket_v4: Any, size: int) -> None:
    data = bytes(i % 251 for i in range(4096)) * (size // 4096 + 1)
    data = data[:size]

    put = bucket_v4.put_object("a", data)
    got = bucket_v4.get_object("a")

    assert put.etag == md5(data).hexdigest().upper()  # noqa: S324 - the API uses MD5
    assert got.read() == data
    assert str(mock_oss.bucket(BUCKET).objects["a"].crc64) == got.headers["x-oss-hash-crc64ecma"]


def test_a_chunked_body_is_stored(mock_oss: MockOSS) -> None:
    chunked = {"Transfer-Encoding": "chunked"}
    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"

    assert ask(mock_oss, "PUT", "b", headers=chunked, body=body).status == 200
    assert mock_oss.bucket(BUCKET).objects["b"].data == b"hello world"


def test_a_body_needs_a_length(mock_oss: MockOSS) -> None:
    answer = ask(mock_oss, "PUT", "a")

    assert (answer.status, answer.code) == (411, "MissingContentLength")


def test_ranges_answer_206_or_the_whole(bucket: Any) -> None:
    bucket.put_object("a", b"0123456789")
    strict = {"x-oss-range-behavior": "standard", "Range": "bytes=8-20"}

    for headers, status, data in (
        ({"Range": "bytes=2-4"}, 206, b"234"),
        ({"Range": "bytes=8-20"}, 200, b"0123456789"),
        (strict, 206, b"89"),
    ):
        got = bucket.get_object("a", headers=headers)
        assert (got.status, got.read()) == (status, data)
    assert bucket.get_object("a", headers=strict).headers["Content-Range"] == "bytes 8-9/10"
    strict["Range"] = "bytes=20-"
    assert refusal(bucket.get_object, "a", headers=strict) == (416, "InvalidRange")


def test_conditions_answer_304_and_412(bucket: Any) -> None:
    etag = bucket.put_object("a", b"hello").etag

    with pytest.raises(NotModified):
        bucket.get_object("a", headers={"If-None-Match": f'"{etag}"'})
    with pytest.raises(NotModified):
        bucket.head_object("a", headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"})
    with pytest.raises(PreconditionFailed):
        bucket.copy_object(BUCKET, "a", "b", headers={"x-oss-copy-source-if-match": '"other"'})


def test_response_parameters_replace_headers(mock_oss: MockOSS, bucket: Any) -> None:
    bucket.put_object("a", b"hello", headers={"x-oss-object-acl": "public-read"})
    params = {
        "response-content-type": "text/x-test",
        "response-content-disposition": "attachment; filename*=UTF-8''%E6%96%87.txt",
    }

    got = bucket.get_object("a", params=params)

    assert got.read() == b"hello"
    assert got.headers["Content-Type"] == "text/x-test"
    assert got.headers["Content-Disposition"].endswith("''%E6%96%87.txt")
    anonymous = send(mock_oss, "GET", f"/{BUCKET}/a?response-content-type=x")
    assert (anonymous.status, anonymous.code) == (400, "InvalidRequest")


def test_a_copy_takes_metadata_along_or_not(mock_oss: MockOSS, bucket_v4: Any) -> None:
    kind = {"Content-Type": "text/x-kept"}
    bucket_v4.put_object(
        "a", b"hello", headers={**kind, "x-oss-meta-a": "1", "x-oss-tagging": "t=1"}
    )
    replace = {"x-oss-metadata-directive": "REPLACE", "x-oss-meta-a": "2"}

    bucket_v4.copy_object(BUCKET, "a", "kept")
    bucket_v4.copy_object(BUCKET, "a", "replaced", headers=replace)
    bucket_v4.copy_object(BUCKET, "a", "a", headers={"x-oss-meta-a": "3"})

    objects = mock_oss.bucket(BUCKET).objects
    assert [objects[key].headers["x-oss-meta-a"] for key in ("kept", "replaced", "a")] == list(
        "123"
    )
    assert objects["kept"].tags == {"t": "1"}
    assert objects["replaced"].headers["content-type"] == "text/x-kept"
    bucket_v4.delete_object("a")
    assert objects["kept"].data == objects["replaced"].data == b"hello"
    assert refusal(bucket_v4.copy_object, BUCKET, "none", "b") == (404, "NoSuchKey")
    assert refusal(bucket_v4.copy_object, "none", "a", "b") == (404, "NoSuchBucket")


def test_an_append_must_begin_at_the_end(bucket_v4: Any) -> None:
    bucket_v4.append_object("log", 0, b"12345")
    with pytest.raises(oss2.exceptions.PositionNotEqualToLength) as error:
        bucket_v4.append_object("log", 3, b"x")
    bucket_v4.put_object("plain", b"x")

    assert error.value.headers["x-oss-next-append-position"] == "5"
    assert refusal(bucket_v4.append_object, "plain", 1, b"x") == (409, "ObjectNotAppendable")
    assert bucket_v4.get_object("log").read() == b"12345"


@pytest.mark.parametrize("again", [b"", b"54321"], ids=["removed", "replaced"])
def test_an_append_to_what_has_gone_meanwhile_is_refused(
    mock_oss: MockOSS, bucket_v4: Any, again: bytes
) -> None:
    bucket_v4.append_object("log", 0, b"12345")

    def slow_body() -> Iterator[bytes]:
        while len(mock_oss.requests) == 1 or not mock_oss.requests[-1].operation:
            time.sleep(0.001)
        bucket_v4.delete_object("log")
        if again:
            bucket_v4.append_object("log", 0, again)
        yield b"x"

    refused = refusal(bucket_v4.append_object, "log", 5, slow_body())

    assert refused == (409, "PositionNotEqualToLength")
    left = {key: stored.data for key, stored in mock_oss.bucket(BUCKET).objects.items()}
    assert left == ({"log": again} if again else {})


def test_a_symlink_whose_target_is_gone_says_so(bucket_v4: Any) -> None:
    bucket_v4.put_symlink("nowhere", "link")
    bucket_v4.put_object("plain", b"x")

    assert refusal(bucket_v4.get_object, "link") == (404, "SymlinkTargetNotExist")
    assert refusal(bucket_v4.get_symlink, "plain") == (400, "NotSymlink")


def test_a_symlink_has_the_bytes_of_its_target_and_headers_of_its_own(
    mock_oss: MockOSS, bucket_v4: Any
) -> None:
    bucket_v4.put_symlink("a", "link", headers={"x-oss-meta-a": "link"})
    mock_oss.clock.advance(60)
    bucket_v4.put_object("a", b"hello", headers={"x-oss-meta-a": "target"})

    head = bucket_v4.head_object("link")

    assert (head.content_length, head.etag) == (5, "5D41402ABC4B2A76B9719D911017C592")
    assert head.headers["x-oss-meta-a"] == "link"
    assert head.last_modified == bucket_v4.head_object("a").last_modified
    assert head.headers["x-oss-object-type"] == "Symlink"
    assert "x-oss-symlink-target" not in head.headers


@pytest.mark.parametrize("directive", ["COPY", "REPLACE"])
def test_a_copy_of_a_symlink_is_a_symlink(bucket_v4: Any, directive: str) -> None:
    bucket_v4.put_object("a", b"hello")
    bucket_v4.put_symlink("a", "link")
    bucket_v4.copy_object(BUCKET, "link", "copy", headers={"x-oss-metadata-directive": directive})

    bucket_v4.put_object("a", b"other")

    assert bucket_v4.get_symlink("copy").target_key == "a"
    assert bucket_v4.get_object("copy").read() == b"other"
    assert {each.key: each.type for each in bucket_v4.list_objects_v2().object_list} == {
        "a": "Normal",
        "copy": "Symlink",
        "link": "Symlink",
    }


def test_no_part_is_copied_from_a_symlink(bucket_v4: Any) -> None:
    bucket_v4.put_object("a", bytes(200_000))
    bucket_v4.put_symlink("a", "link")
    upload_id = bucket_v4.init_multipart_upload("b").upload_id

    copied = refusal(bucket_v4.upload_part_copy, BUCKET, "link", (0, 199_999), "b", upload_id, 1)

    assert copied == (400, "InvalidArgument")


def test_what_a_later_append_says_about_the_object_counts_for_nothing(
    mock_oss: MockOSS, bucket_v4: Any
) -> None:
    bucket_v4.append_object("log", 0, b"1", headers={"x-oss-tagging": "a=1"})

    bucket_v4.append_object("log", 1, b"2", headers={"x-oss-tagging": "not a tag!"})

    assert mock_oss.bucket(BUCKET).objects["log"].tags == {"a": "1"}


def test_a_document_deletes_keys_with_control_characters(mock_oss: MockOSS, bucket: Any) -> None:
    for key in ("\x0c\x1f", "\x01\t\r\x1f"):
        bucket.put_object(key, b"x")
    bucket.batch_delete_objects(["\x0c\x1f"])
    body = b"<Delete><Object><Key>&#1;&#9;&#xD;&#x1f;</Key></Object></Delete>"
    digest = {"Content-MD5": content_md5(body)}
    ask(mock_oss, "POST", "", query={"delete": ""}, headers=digest, body=body)
    assert len(mock_oss.bucket(BUCKET).objects) == 0


def test_a_body_announced_on_a_get_ends_the_connection(mock_oss: MockOSS, bucket_v4: Any) -> None:
    bucket_v4.put_object("a", b"hello")

    got = bucket_v4.get_object("a", headers={"Content-Length": "9"})

    assert got.read() == b"hello"
    assert got.headers["Connection"] == "close"
    bucket_v4.put_object("b", b"hello")


def test_get_with_object_meta_announces_the_size_and_sends_nothing(
    mock_oss: MockOSS, bucket_v4: Any
) -> None:
    """The older SDKs use GET and read only the headers; aiooss2 still does."""
    bucket_v4.put_object("a", b"hello")
    target, headers = signed_headers(mock_oss, "GET", "a", query={"objectMeta": ""})

    with closing(HTTPConnection("127.0.0.1", mock_oss.port, timeout=10)) as connection:
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        with pytest.raises(IncompleteRead):
            answer.read()

    assert (answer.status, answer.headers["Content-Length"]) == (200, "5")
    assert answer.headers["Connection"] == "close"
    assert answer.headers["ETag"] == bucket_v4.get_object_meta("a").headers["ETag"]
    assert "Content-MD5" not in answer.headers
    assert ask(mock_oss, "GET", "b", query={"objectMeta": ""}).code == "NoSuchKey"


def test_traffic_limits_hold(bucket_v4: Any) -> None:
    started = time.monotonic()

    bucket_v4.put_object("a", b"x" * 51_200, headers={"x-oss-traffic-limit": "819200"})

    assert 0.45 <= time.monotonic() - started < 5


def test_traffic_limits_of_forms_hold(mock_oss: MockOSS) -> None:
    started = time.monotonic()
    fields = {"key": "f", "x-oss-traffic-limit": "819200", **v1_fields(mock_oss, [])}

    assert post(mock_oss, form(fields, b"x" * 51_200)).status == 204

    assert time.monotonic() - started >= 0.45
    fields["x-oss-traffic-limit"] = "245760"
    assert post(mock_oss, form(fields)).status == 204
    fields["x-oss-traffic-limit"] = "245759"
    assert post(mock_oss, form(fields)).xml("EC") == "0004-00000502"


def test_a_traffic_limit_is_set_once(mock_oss: MockOSS) -> None:
    limit = {"x-oss-traffic-limit": "819200"}

    answer = ask(mock_oss, "PUT", "a", query=limit, headers=limit, body=b"hello")

    assert (answer.status, answer.xml("EC")) == (400, "0004-00000501")


@pytest.mark.parametrize("sub", [*sorted(NOT_IMPLEMENTED), "x-oss-process"])
def test_what_is_not_there_says_not_implemented(mock_oss: MockOSS, sub: str) -> None:
    answer = ask(mock_oss, "GET", "", query={sub: ""})

    assert (answer.status, answer.code) == (400, "NotImplemented")
    assert answer.xml("Header") == sub


CONTROLS = "".join(map(chr, range(1, 32)))


def test_control_characters_of_keys_are_references_in_lists(mock_oss: MockOSS) -> None:
    bucket = oss2_bucket(mock_oss)
    bucket.put_object(CONTROLS, b"hello")

    listed = ask(mock_oss, "GET", "").body.decode()
    references = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), listed)
    assert f"<Key>{CONTROLS}</Key>" in references
    assert not set(listed) & set(CONTROLS) - set("\t\n")
    assert [each.key for each in bucket.list_objects().object_list] == [CONTROLS]
    bucket.delete_object(CONTROLS)
    assert ask(mock_oss, "GET", CONTROLS).code == "NoSuchKey"


def test_what_encrypting_clients_said_stays_with_the_bytes(
    mock_oss: MockOSS, bucket_v4: Any
) -> None:
    sealed = {"x-oss-meta-client-side-encryption-key": "sealed", "x-oss-meta-a": "1"}
    bucket_v4.put_object("a", b"hello", headers=sealed)
    replace = {"x-oss-metadata-directive": "REPLACE", "x-oss-meta-b": "2"}

    bucket_v4.copy_object(BUCKET, "a", "b", headers=replace)
    upload_id = bucket_v4.init_multipart_upload("c", headers=sealed).upload_id
    parts = ask(mock_oss, "GET", "c", query={"uploadId": upload_id})

    stored = mock_oss.bucket(BUCKET).objects["b"].headers
    assert {name: value for name, value in stored.items() if name.startswith("x-oss-meta-")} == {
        "x-oss-meta-client-side-encryption-key": "sealed",
        "x-oss-meta-b": "2",
    }
    assert parts.xml("ClientEncryptionKey") == "sealed"


def test_a_symlink_to_a_symlink_leads_nowhere(bucket_v4: Any) -> None:
    bucket_v4.put_object("a", b"hello")
    bucket_v4.put_symlink("a", "one")
    bucket_v4.put_symlink("one", "two")

    assert refusal(bucket_v4.get_object, "two") == (400, "InvalidTargetType")


def test_line_breaks_in_a_key_stay_in_the_key(mock_oss: MockOSS) -> None:
    """The vendor's own test suites use such keys; they must not inject headers."""
    key = "a\r\nx-oss-injected: 1\r\n\r\n<b>"
    bucket = oss2_bucket(mock_oss)
    bucket.put_object(key, b"hello")
    bucket.put_symlink(key, "link")
    upload_id = bucket.init_multipart_upload(key + "2").upload_id
    part = bucket.upload_part(key + "2", upload_id, 1, b"hello")
    answers = [
        bucket.get_object(key).headers,
        bucket.get_symlink("link").headers,
        bucket.complete_multipart_upload(
            key + "2", upload_id, [oss2.models.PartInfo(1, part.etag)]
        ).headers,
    ]

    assert bucket.get_object("link").read() == b"hello"
    assert {key, key + "2"} <= {found.key for found in oss2.ObjectIteratorV2(bucket)}
    assert [name for headers in answers for name in headers if "injected" in name.lower()] == []
    bucket.delete_object(key)
    assert key not in mock_oss.bucket(BUCKET).objects
