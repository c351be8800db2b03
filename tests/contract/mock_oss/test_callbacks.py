"""Upload callbacks, delivered to a real server of the test."""

import json
import socket
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Barrier
from typing import Any
from urllib.request import urlopen

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import MD5
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from PIL import Image

from contract.mock_oss.clients import Answer, ask
from contract.mock_oss.post_forms import form, post, v4_fields
from contract.mock_oss.receiver import Receiver, callback_to, encoded, receiving
from mock_oss import BUCKET, BucketSpec, MockOSS

PAGE = "https://page.example"
CORS = (
    f"<CORSConfiguration><CORSRule><AllowedOrigin>{PAGE}</AllowedOrigin>"
    "<AllowedMethod>POST</AllowedMethod></CORSRule></CORSConfiguration>"
)
PNG = BytesIO()
Image.new("L", (7, 9)).save(PNG, "PNG")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def put(oss: MockOSS, key: str, data: bytes, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(oss, "PUT", key, headers=names, body=data)


def test_the_server_is_told_and_its_answer_relayed(mock_oss: MockOSS, receiver: Receiver) -> None:
    callback = {
        "callbackUrl": f"{receiver.url}/cb/%E6%96%87?x=%2F1",
        "callbackHost": "app.example.com",
        "callbackBody": "b=${bucket}&o=${object}&e=${etag}&s=${size}&t=${mimeType}"
        "&w=${imageInfo.width}&f=${imageInfo.format}&u=${x:uid}&none=${x:none}&c=${crc64}",
    }

    answer = put(
        mock_oss,
        "dir/名 1.png",
        PNG.getvalue(),
        content_type="image/png",
        x_oss_callback=encoded(callback),
        x_oss_callback_var=encoded({"x:uid": "4 2"}),
    )

    stored = mock_oss.bucket(BUCKET).objects["dir/名 1.png"]
    ((path, headers, body),) = receiver.calls
    assert (answer.status, answer.body) == (200, b'{"ok":true}')
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["ETag"] == f'"{stored.etag}"'
    assert body.decode() == (
        f"b={BUCKET}&o=dir%2F%E5%90%8D+1.png&e={stored.etag}&s={stored.size}&t=image%2Fpng"
        f"&w=7&f=png&u=4+2&none=&c={stored.crc64}"
    )
    assert headers["host"] == "app.example.com"
    assert headers["user-agent"] == "http-client/0.0.1"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    _verify(path, headers, body)


def _verify(path: str, headers: dict[str, str], body: bytes) -> None:
    """Check the signature as a receiver does, with a different library than the mock's."""
    url = b64decode(headers["x-oss-pub-key-url"]).decode()
    with urlopen(url) as answer:  # noqa: S310 - the mock's own address
        key = load_pem_public_key(answer.read())
    assert isinstance(key, rsa.RSAPublicKey)
    assert path == "/cb/%E6%96%87?x=%2F1"
    text = "/cb/文?x=%2F1\n".encode() + body
    key.verify(b64decode(headers["authorization"]), text, padding.PKCS1v15(), MD5())  # noqa: S303


def test_json_bodies_get_json_values(mock_oss: MockOSS, receiver: Receiver) -> None:
    callback = {
        "callbackUrl": f"{receiver.url}/cb",
        "callbackBody": '{"o":${object},"s":${size},"u":${x:uid}}',
        "callbackBodyType": "application/json",
    }

    told = {"x_oss_callback": encoded(callback), "x_oss_callback_var": encoded({"x:uid": "名"})}
    put(mock_oss, 'a"b', b"hello", **told)

    assert json.loads(receiver.calls[0][2]) == {"o": 'a"b', "s": 5, "u": "名"}


@pytest.mark.parametrize(
    ("status", "answer", "message"),
    [
        (500, b"{}", "Error status : 500."),
        (307, b"{}", "Error status : 307."),
        (200, b"<html>", "Response body is not valid json format."),
    ],
)
def test_a_failed_callback_answers_203_and_the_object_stays(
    mock_oss: MockOSS, receiver: Receiver, status: int, answer: bytes, message: str
) -> None:
    receiver.status, receiver.answer = status, answer
    callback = encoded({"callbackUrl": receiver.url, "callbackBody": "x=1"})

    failed = put(mock_oss, "a", b"hello", x_oss_callback=callback)

    assert (failed.status, failed.code) == (203, "CallbackFailed")
    assert failed.xml("Message") == message
    assert failed.headers["ETag"] == '"5D41402ABC4B2A76B9719D911017C592"'
    assert mock_oss.bucket(BUCKET).objects["a"].data == b"hello"
    assert len(receiver.calls) == 1  # redirects are not followed


def test_urls_are_tried_in_order(mock_oss: MockOSS, receiver: Receiver) -> None:
    urls = f"http://127.0.0.1:1/closed;{receiver.url}/open"

    answer, nobody = (
        put(mock_oss, "a", b"", x_oss_callback=encoded({"callbackUrl": url, "callbackBody": "x"}))
        for url in (urls, "http://127.0.0.1:1")
    )

    assert answer.status == 200
    assert [path for path, _, _ in receiver.calls] == ["/open"]
    assert nobody.xml("Message") == "OSS can not connect to your callbackUrl, please check it."


def test_forms_and_completed_uploads_call_back_too(
    mock_oss: MockOSS, receiver: Receiver, bucket_v4: Any
) -> None:
    callback = encoded({"callbackUrl": receiver.url, "callbackBody": "o=${object}&u=${x:uid}"})
    fields = {"key": "form", "callback": callback, "x:uid": "7", **v4_fields(mock_oss, [])}
    upload_id = bucket_v4.init_multipart_upload("parts").upload_id
    bucket_v4.upload_part("parts", upload_id, 1, b"hello")

    posted = post(mock_oss, form(fields))
    complete_all = {"x-oss-complete-all": "yes", "x-oss-callback": callback}
    completed = bucket_v4.complete_multipart_upload("parts", upload_id, None, complete_all)

    assert (posted.status, completed.status) == (200, 200)
    assert [body for _, _, body in receiver.calls] == [b"o=form&u=7", b"o=parts&u="]


CALL = {"callbackUrl": "http://a", "callbackBody": "x"}


@pytest.mark.parametrize(
    "callback",
    [
        "!",
        b64encode(b"not json").decode(),
        encoded([]),
        encoded({"callbackBody": "x"}),
        encoded({"callbackUrl": "http://a"}),
        *(encoded({**CALL, "callbackUrl": url}) for url in ("ftp://a", "http://a b", "http://a:x")),
        encoded({**CALL, "callbackUrl": ";".join(["http://a"] * 6)}),
        encoded({**CALL, "callbackBodyType": "text/x"}),
        encoded({**CALL, "callbackBody": "x" * 5000}),
        encoded({**CALL, "callbackBody": "\ud800"}),
        *(encoded({**CALL, "callbackHost": host}) for host in ("a\r\nX: y", "日本", "a b", ["a"])),
    ],
)
def test_a_callback_that_cannot_be_read_stores_nothing(mock_oss: MockOSS, callback: str) -> None:
    answer = put(mock_oss, "a", b"hello", x_oss_callback=callback)

    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert len(mock_oss.bucket(BUCKET).objects) == 0


def test_header_and_query_are_not_taken_together(mock_oss: MockOSS) -> None:
    callback = encoded(CALL)
    twice = {"query": {"callback": callback}, "headers": {"x-oss-callback": callback}}

    answer = ask(mock_oss, "PUT", "a", **twice, body=b"")

    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert answer.xml("Message").endswith("should be specified, not both.")


def test_callbacks_wait_neither_for_each_other_nor_uploads_for_them(
    mock_oss: MockOSS, receiver: Receiver
) -> None:
    many = 6
    together = Barrier(many, timeout=4)

    def upload_too() -> None:
        together.wait()
        assert put(mock_oss, "of the receiver", b"x" * 100_000).status == 200
        together.wait()

    receiver.before_answer = upload_too
    callback = encoded({"callbackUrl": receiver.url, "callbackBody": "k=${object}"})
    with ThreadPoolExecutor(many) as pool:
        sent = [
            pool.submit(put, mock_oss, f"{n}", b"", x_oss_callback=callback) for n in range(many)
        ]

    assert [found.result().status for found in sent] == [200] * many


@pytest.mark.parametrize(
    ("origin", "is_taken"),
    [
        (None, True),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("http://localhost:8000", True),
        ("http://app.localhost", True),
        (PAGE, True),
        ("https://evil.example", False),
        ("https://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://192.168.1.7", False),
        ("null", False),  # a page in a sandbox, or one that hides its address
    ],
)
def test_t66_a_page_of_another_site_sends_no_form(
    receiver: Receiver, origin: str | None, is_taken: bool
) -> None:
    """The keys of the mock are public, so every page can sign a form and send it without asking."""
    fields = {"key": "a", "callback": callback_to(receiver)}
    with MockOSS(buckets=[BucketSpec(name=BUCKET, cors=CORS)]) as oss:
        body = form({**fields, **v4_fields(oss, [])})

        answer = post(oss, body, headers={"Origin": origin} if origin else {})

        assert answer.status == (200 if is_taken else 403)
        assert list(oss.bucket(BUCKET).objects) == (["a"] if is_taken else [])
    assert len(receiver.calls) == is_taken


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses to which the process has tried to connect, except loopback ones."""
    connect = socket.create_connection
    found: list[str] = []

    def create_connection(address: tuple[str, int], *others: Any) -> socket.socket:
        if address[0] != "127.0.0.1":
            found.append(address[0])
            raise OSError("the test has no network")
        return connect(address, *others)

    monkeypatch.setattr(socket, "create_connection", create_connection)
    return found


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """A mapping from name to the addresses in each of the next answers of the name server."""
    resolve = socket.getaddrinfo
    answers: dict[str, list[list[str]]] = {}

    def getaddrinfo(host: str, port: int, *others: Any, **options: Any) -> Any:
        addresses = answers[host].pop(0) if host in answers else [host]
        return [one for each in addresses for one in resolve(each, port, *others, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return answers


# 167772161 is 10.0.0.1, and 100.100.100.200 has the metadata of a server at Alibaba Cloud.
PRIVATE = """
    10.0.0.1 172.16.0.1 192.168.1.1 167772161 0.0.0.0 100.100.100.200 169.254.169.254 224.0.0.1
    [::] [fc00::1] [fe80::1] [fec0::1] [ff02::1] [::10.0.0.1] [::ffff:10.0.0.1] [64:ff9b::10.0.0.1]
    internal.example 8.8.8.8@10.0.0.1
""".split()  # noqa: SIM905 - a table, not code


@pytest.mark.parametrize("host", PRIVATE)
def test_t66_a_callback_reaches_no_private_address(
    mock_oss: MockOSS, reached: list[str], name_server: dict[str, list[list[str]]], host: str
) -> None:
    name_server["internal.example"] = [["10.0.0.1", "fd00::1"]]
    callback = {"callbackUrl": f"http://{host}/", "callbackBody": "x", "callbackHost": "8.8.8.8"}

    answer = put(mock_oss, "a", b"", x_oss_callback=encoded(callback))

    assert (answer.status, answer.code, reached) == (203, "CallbackFailed", [])
    assert "start the mock with --private-callbacks" in answer.xml("Message")


def test_t66_a_callback_goes_to_the_address_that_was_checked(
    mock_oss: MockOSS,
    receiver: Receiver,
    reached: list[str],
    name_server: dict[str, list[list[str]]],
) -> None:
    port = receiver.server_address[1]
    name_server["rebound.example"] = [["10.0.0.1", "8.8.8.8", "127.0.0.1"], ["10.0.0.1"]]
    url = f"http://rebound.example:{port}/"
    callback = encoded({"callbackUrl": url, "callbackBody": "x"})

    answer = put(mock_oss, "a", b"", x_oss_callback=callback)

    assert (answer.status, reached) == (200, ["8.8.8.8"])
    assert [headers["host"] for _, headers, _ in receiver.calls] == [f"rebound.example:{port}"]


def test_an_option_allows_private_addresses(reached: list[str]) -> None:
    callback = encoded({"callbackUrl": "http://10.0.0.1/", "callbackBody": "x"})
    with MockOSS(private_callbacks=True) as oss:
        answer = put(oss, "a", b"", x_oss_callback=callback)

    assert (answer.status, reached) == (203, ["10.0.0.1"])
    assert answer.xml("Message") == "OSS can not connect to your callbackUrl, please check it."
