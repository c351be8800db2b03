"""Malformed requests get OSS's own 4xx errors as XML, never a 5xx, and never hang."""

import base64
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_from_bytes
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.mock_oss.clients import signed_headers
from mock_oss import BUCKET, BucketSpec, MockOSS, World
from support.random_examples import SAME, some_and_many

BATCH = 25  # requests per example
EXAMPLES = some_and_many(10, 410)
"""Number of examples of each kind; `many` sends 20,500 requests in total."""
TIMEOUT_S = 5.0
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    b"<Delete><Object><Key>&b;</Key></Object></Delete>"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """The bytes received before the mock closed the connection or stopped sending."""

    raw: bytes

    @property
    def status(self) -> int:
        match = re.match(rb"HTTP/1\.1 (\d{3}) ", self.raw)
        return int(match[1]) if match else 0

    @property
    def code(self) -> str:
        head, _, body = self.raw.partition(b"\r\n\r\n")
        if b"x-oss-err: " in head:
            body = base64.b64decode(head.partition(b"x-oss-err: ")[2].partition(b"\r\n")[0])
        return ET.fromstring(body).findtext("Code", "")  # noqa: S314 - from our own mock


def exchange(oss: MockOSS, raw: bytes) -> Reply:
    """Send bytes, close the sending side, and read until the end."""
    with socket.create_connection(("127.0.0.1", oss.port), timeout=TIMEOUT_S) as connection:
        received = b""
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused early; a response may still be readable
        try:
            while piece := connection.recv(65_536):
                received += piece
        except ConnectionResetError:
            pass  # closed after the response, with bytes of ours unread
        return Reply(received)


def request(
    method: str, target: bytes | str, headers: list[tuple[str, str]] | dict[str, str], body: bytes
) -> bytes:
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    line = target.encode("latin-1") if isinstance(target, str) else target
    head = method.encode() + b" " + line + b" HTTP/1.1\r\n"
    for name, value in pairs:
        head += f"{name}: {value}\r\n".encode("latin-1", "replace")
    return head + b"\r\n" + body


@pytest.fixture(scope="module")
def oss() -> Iterator[MockOSS]:
    public = (BucketSpec(name=name, acl="public-read-write") for name in ("open", "still"))
    world = World(buckets=(BucketSpec(name=BUCKET), *public))
    with MockOSS(world=world, idle_timeout_s=2.0) as mock:
        yield mock


METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"]
NUMBERS = st.sampled_from(
    ["0", "-1", "1", "10000", "10001", "99999999999999999999", "1e3", "٣", "", "0x10", " 1", "NaN"]
)
TEXT = st.one_of(
    st.sampled_from(
        ["", "..", "../..", "a/../b", "\0", "\x01", "%00", "é", "a" * 1024, "\ufffe", "//"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
SUBRESOURCE_NAMES = """
    acl append cors delete lifecycle location objectMeta partNumber position stat symlink tagging
    uploadId uploads versionId versions bucketInfo list-type prefix delimiter marker max-keys
    continuation-token start-after encoding-type max-parts part-number-marker max-uploads
    key-marker upload-id-marker x-oss-process callback callback-var response-content-type Expires
    Signature OSSAccessKeyId x-oss-signature-version x-oss-expires x-oss-credential x-oss-date
    Action security-token x-oss-traffic-limit x-oss-additional-headers
"""
SUBRESOURCES = st.sampled_from(SUBRESOURCE_NAMES.split())
QUERY = st.dictionaries(SUBRESOURCES, st.one_of(NUMBERS, TEXT), max_size=2)
LATIN = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20
)
HEADERS_TO_TRY = """
    Range If-Match If-None-Match If-Modified-Since If-Unmodified-Since Content-MD5 Content-Type
    x-oss-range-behavior x-oss-forbid-overwrite x-oss-object-acl x-oss-acl x-oss-storage-class
    x-oss-tagging x-oss-server-side-encryption x-oss-meta-a x-oss-meta-ä x-oss-copy-source
    x-oss-copy-source-range x-oss-metadata-directive x-oss-tagging-directive x-oss-symlink-target
    x-oss-callback x-oss-callback-var x-oss-complete-all x-oss-hash-crc64ecma x-oss-traffic-limit
    x-oss-security-token Origin Access-Control-Request-Method Access-Control-Request-Headers
    x-oss-content-sha256 Expect Upgrade Date Cache-Control Connection
"""
HEADER_NAMES = st.sampled_from(HEADERS_TO_TRY.split())
VALUES_TO_TRY = [
    "bytes=0-0", "bytes=-1", "bytes=9-1", "bytes=0-99999999999999999999", "true", "private",
    "AES256", "KMS", "REPLACE", "yes", "close", "100-continue", "websocket", f"/{BUCKET}/a",
    "e30=", "W10=", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=", "Sat, 14 Mar 2026 09:26:53 GMT",
    "Mon, 01 Jan 0001 00:00:00 +2359",
]  # fmt: skip
HEADER_VALUES = st.one_of(
    LATIN,
    NUMBERS.map(lambda text: text.encode("ascii", "replace").decode()),
    st.sampled_from(VALUES_TO_TRY),
)
HEADERS = st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=4)
NAMES_OF_XML = """
    Delete CompleteMultipartUpload CORSConfiguration LifecycleConfiguration Tagging
    CreateBucketConfiguration
"""
XML_NAMES = NAMES_OF_XML.split()
BODIES = st.one_of(
    st.sampled_from(
        [b"", b"x", BOMB, b"<", b"<a/>", b"<Delete/>", b"\xff\xfe<\x00a\x00", b"<a>" * 2000]
        + [f"<{name}>".encode() for name in XML_NAMES]
        + [f"<{name}></{name}>".encode() for name in XML_NAMES]
        + [b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--x--\r\n']
    ),
    st.builds(
        lambda name, number: (
            f"<{name}><Quiet>{number}</Quiet><Object><Key>{number}</Key></Object><Part>"
            f"<PartNumber>{number}</PartNumber><ETag>{number}</ETag></Part><Rule><Prefix/>"
            f"<Status>Enabled</Status><AbortMultipartUpload><Days>{number}</Days>"
            f"</AbortMultipartUpload></Rule><TagSet><Tag><Key>{number}</Key></Tag></TagSet>"
            f"</{name}>"
        ).encode(),
        st.sampled_from(XML_NAMES),
        NUMBERS,
    ),
    st.binary(max_size=64),
)
BUCKETS = st.sampled_from([*[BUCKET] * 7, *["open"] * 3, "none", "A"])


# Method, bucket, key, query, headers, body; the test signs them, so they pass the first checks.
SIGNED_REQUESTS = st.tuples(
    st.sampled_from(METHODS[:6]),
    BUCKETS,
    st.one_of(st.just(""), st.just("a"), TEXT),
    QUERY,
    HEADERS,
    BODIES,
)
HOSTS = st.sampled_from(["127.0.0.1", "open.localhost", "", "[", "a b", "\xe9"])
TARGETS = st.one_of(st.binary(max_size=20), st.just(b"open/a"), st.just(b"open/?a=%ff"))
LENGTHS = st.sampled_from(["0", "1", "5", "-1", "abc", "9" * 23, "1, 1", None, "chunked"])
ODD_BODIES = st.one_of(BODIES, st.sampled_from([b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"-1\r\n"]))


@st.composite
def raw_requests(draw: st.DrawFn) -> bytes:
    """Draw bytes that need not be valid HTTP."""
    target = b"/" + draw(TARGETS)
    if draw(st.booleans()):
        target = quote_from_bytes(target, safe="/%?&=").encode()
    headers = [("Host", draw(HOSTS))]
    headers += draw(st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=4))
    length = draw(LENGTHS)
    if length == "chunked":
        headers.append(("Transfer-Encoding", "chunked"))
    elif length is not None:
        headers.append(("Content-Length", length))
    method = draw(st.sampled_from([*METHODS, "", "G\x00T"]))
    return request(method, target, headers, draw(ODD_BODIES))


def signed(
    oss: MockOSS, case: tuple[str, str, str, dict[str, str], dict[str, str], bytes]
) -> bytes:
    method, bucket, key, query, headers, body = case
    usable = {name: value for name, value in headers.items() if name.lower() != "connection"}
    target, sent = signed_headers(oss, method, key, query=query, headers=usable, bucket=bucket)
    sent = {"host": f"127.0.0.1:{oss.port}", **sent, "content-length": str(len(body))}
    return request(method, target, sent, body)


def check(oss: MockOSS, raw: bytes) -> None:
    reply = exchange(oss, raw)

    assert reply.raw, raw
    assert 200 <= reply.status < 500, (raw, reply.raw)
    if reply.status >= 400:
        assert reply.code, (raw, reply.raw)
    assert b"x-oss-mock: 1" in reply.raw


@EXAMPLES
@pytest.mark.parametrize("drawn", [raw_requests(), SIGNED_REQUESTS], ids=["bytes", "signed"])
def test_requests_with_odd_contents_get_an_answer(
    oss: MockOSS, drawn: st.SearchStrategy[Any], examples: int
) -> None:
    @settings(SAME, max_examples=examples)
    @given(st.lists(drawn, min_size=BATCH, max_size=BATCH))
    def send(cases: list[Any]) -> None:
        for case in cases:
            check(oss, case if isinstance(case, bytes) else signed(oss, case))

    send()


HOST = [("Host", "still.localhost")]


def put(target: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a PUT to a bucket that everybody may write to; `a_b` stands for the header a-b."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return request("PUT", target, [*HOST, *named], body)


def get(target: str, *headers: tuple[str, str]) -> bytes:
    return request("GET", target, [*HOST, *headers], b"")


TWO_LENGTHS = [("Content-Length", "1"), ("Content-Length", "2")]
DELETE = [("Content-Length", str(len(BOMB))), ("Content-MD5", "x")]
BAD = [
    (put("/a", b"short", content_length="10"), "IncompleteBody"),
    (put("/a", content_length="-1"), "InvalidRequest"),
    (put("/a", b"zz", transfer_encoding="chunked"), "InvalidRequest"),
    (put("/a", b"5\r\nhe", transfer_encoding="chunked"), "IncompleteBody"),
    (put("/a", b"x", transfer_encoding="gzip"), "NotImplemented"),
    (request("PUT", "/a", [*HOST, *TWO_LENGTHS], b"x"), "InvalidRequest"),
    (put("/" + "a" * 1024, content_length="0"), "InvalidObjectName"),
    *((put(f"/{key}", content_length="0"), "InvalidObjectName") for key in ("%00", "%ff", "%2Fa")),
    (get("/a?x=%ff"), "InvalidArgument"),
    (get("/a", ("x-big", "x" * 100_000)), "InvalidRequest"),
    (get("/a", ("x-big", "x" * 1_100_000)), "InvalidRequest"),
    (get("/a", ("Range", "bytes=0-1"), ("Range", "bytes=2-3")), "InvalidArgument"),
    (get("/a", *HOST), "InvalidArgument"),
    (request("POST", "/?delete", [*HOST, *DELETE], BOMB), "InvalidDigest"),
    (request("GET", "/", [("Host", "Bad_Name.localhost")], b""), "InvalidBucketName"),
    (request("PATCH", "/a", HOST, b""), "MethodNotAllowed"),
    (request("GET", "/a", [], b""), "InvalidRequest"),
    (b"GET /a HTTP/2.0\r\nHost: a.localhost\r\n\r\n", "InvalidRequest"),
    (b"hello\r\n\r\n", "InvalidRequest"),
    (b"GET /a HTTP/1.1\r\nHost", "InvalidRequest"),
]


@pytest.mark.parametrize(("raw", "code"), BAD, ids=[code for _, code in BAD])
def test_known_kinds_of_bad_input_have_their_codes(oss: MockOSS, raw: bytes, code: str) -> None:
    reply = exchange(oss, raw)

    assert 400 <= reply.status < 500
    assert reply.code == code


def test_a_header_with_a_control_character_is_no_request(oss: MockOSS) -> None:
    for code in {*range(32), 127} - {9}:  # tabs are allowed
        raw = get("/a", ("x-oss-meta-a", f"a{chr(code)}b"))
        assert exchange(oss, raw).code == "InvalidRequest", code


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_offer_to_speak_another_protocol_is_passed_over(oss: MockOSS, method: str) -> None:
    body = b"\r\nUpgrade: x\r\n" if method == "PUT" else b""
    offer = [("Connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c")]
    length = [("Content-Length", str(len(body)))] if body else []
    offered = request(method, "/offer", [*HOST, *offer, *length], body)

    reply = exchange(oss, offered + get("/nothing"))

    assert reply.raw.count(b"HTTP/1.1 ") == 2
    assert reply.raw.endswith(b"</Error>\n")
    if body:
        assert oss.bucket("still").objects["offer"].data == body


def test_keys_with_dots_are_keys_like_any_other(oss: MockOSS) -> None:
    for key in ("..", "../a", "./b", "a/../b", "%2e%2e"):
        assert exchange(oss, put(f"/{quote(key)}", b"x", content_length="1")).status == 200

    assert {"..", "../a", "./b", "a/../b", "%2e%2e"} <= set(oss.bucket("still").objects)
    outside = {path.name for path in oss.store.directory.parent.iterdir()}
    assert not {"a", "b"} & outside


def test_a_client_that_falls_silent_is_given_up(oss: MockOSS) -> None:
    raw = put("/silent", b"short", content_length="10")
    with socket.create_connection(("127.0.0.1", oss.port), timeout=TIMEOUT_S) as connection:
        connection.sendall(raw)
        received = b""
        while piece := connection.recv(65_536):
            received += piece

    assert Reply(received).code == "RequestTimeout"
    assert "silent" not in oss.bucket("still").objects


def test_bodies_longer_than_announced_are_cut_off_there(oss: MockOSS) -> None:
    reply = exchange(oss, put("/long", b"hello world", content_length="5"))

    assert reply.status == 200
    assert oss.bucket("still").objects["long"].data == b"hello"


@pytest.mark.parametrize(
    "raw",
    [
        *(put("/a", b"x", content_length=length) for length in ("-1", "1e3", "9" * 30)),
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\nHost",
    ],
    ids=["negative length", "no number", "enormous length", "TLS", "half a head"],
)
def test_what_is_no_request_has_an_id_and_a_place_in_the_journal(oss: MockOSS, raw: bytes) -> None:
    before = oss.requests[-1].number if oss.requests else 0

    reply = exchange(oss, raw)

    record = oss.requests[-1]
    assert record.number == before + 1
    assert record.request_id.strip("0")
    assert f"<RequestId>{record.request_id}</RequestId>".encode() in reply.raw
    assert f"x-oss-request-id: {record.request_id}".encode() in reply.raw
    assert (record.status, record.code) == (400, reply.code)
    assert record.why
