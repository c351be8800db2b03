"""V2 signatures, which oss2 can make, in headers and in URLs."""

import string
from typing import Any
from urllib.parse import urlsplit

import oss2
import pytest

from contract.mock_oss.clients import oss2_bucket, refusal, send, start_session
from mock_oss import BUCKET, MockOSS

ODD_KEY = "Ordner/ä ö+%2F&=~!*'()" + string.punctuation


@pytest.fixture
def bucket(mock_oss: MockOSS) -> Any:
    return oss2_bucket(mock_oss, version="v2")


def test_requests_of_every_kind_are_accepted(mock_oss: MockOSS, bucket: Any) -> None:
    headers = {"x-oss-meta-name": "a  b", "content-type": "text/plain; charset=utf-8"}
    bucket.put_object(ODD_KEY, b"hello world", headers=headers)
    started = bucket.init_multipart_upload("parts")
    part = bucket.upload_part("parts", started.upload_id, 1, b"one")
    done = oss2.models.PartInfo(1, part.etag)
    bucket.complete_multipart_upload("parts", started.upload_id, [done])

    assert bucket.get_object(ODD_KEY, byte_range=(6, 10)).read() == b"world"
    assert bucket.head_object(ODD_KEY).headers["x-oss-meta-name"] == "a  b"
    listed = bucket.list_objects_v2(prefix="Ordner/", delimiter="", max_keys=1)
    assert [each.key for each in listed.object_list] == [ODD_KEY]
    assert bucket.get_bucket_info().name == bucket.bucket_name
    service = oss2.Service(bucket.auth, mock_oss.endpoint)
    assert [each.name for each in service.list_buckets().buckets] == [bucket.bucket_name]


def test_a_session_is_accepted_in_headers_and_urls(mock_oss: MockOSS) -> None:
    session = oss2_bucket(mock_oss, version="v2", credentials=start_session(mock_oss))
    session.put_object("uploads/a", b"hello")
    url = urlsplit(session.sign_url("PUT", "uploads/b", 60, slash_safe=True))

    answer = send(mock_oss, "PUT", f"{url.path}?{url.query}", body=b"hello")

    assert answer.status == 200
    assert list(mock_oss.bucket(BUCKET).objects) == ["uploads/a", "uploads/b"]


def test_a_signed_header_that_was_changed_is_named(mock_oss: MockOSS, bucket: Any) -> None:
    bucket.put_object("a", b"hello")
    url = urlsplit(bucket.sign_url("GET", "a", 60, slash_safe=True))

    answer = send(mock_oss, "GET", f"{url.path}?{url.query}&x-oss-process=style/a")

    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    cause = mock_oss.requests[-1].why["cause"]
    assert cause == "the query parameter x-oss-process was sent and not signed"


@pytest.mark.parametrize(
    ("signed", "cause"),
    [
        ("%2Fa%20b%2Fc", "the path was signed without the bucket"),
        ("/web-direct-upload/a%20b/c", "the slashes of the path were signed unencoded"),
    ],
)
def test_a_path_that_was_signed_otherwise_is_named(
    mock_oss: MockOSS, bucket: Any, monkeypatch: pytest.MonkeyPatch, signed: str, cause: str
) -> None:
    name = "_ProviderAuthV2__get_resource_string"
    monkeypatch.setattr(bucket.auth, name, lambda *_given: signed)

    assert refusal(bucket.put_object, "a b/c", b"") == (403, "SignatureDoesNotMatch")
    assert mock_oss.requests[-1].why["cause"] == cause
