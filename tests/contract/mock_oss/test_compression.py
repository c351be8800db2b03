"""GetObject compresses text for clients that accept it."""

import gzip
from typing import Any

import pytest

from contract.mock_oss.clients import ask
from mock_oss import BUCKET, MockOSS


@pytest.mark.parametrize(
    ("content_type", "size", "asked", "packed"),
    [
        ("text/plain", 1024, "gzip", True),
        ("application/json; charset=utf-8", 300_000, "br, gzip;q=0.5", True),
        ("text/plain", 1023, "gzip", False),
        ("image/png", 300_000, "gzip", False),
        ("text/plain", 300_000, "identity", False),
        ("text/plain", 300_000, "gzip;q=0", False),
        ("text/plain", 300_000, "gzip;q=0.0, deflate", False),
    ],
)
def test_text_goes_through_gzip_for_clients_that_take_it(
    mock_oss: MockOSS, bucket_v4: Any, content_type: str, size: int, asked: str, packed: bool
) -> None:
    data = b"0123456789" * (size // 10) + b"x" * (size % 10)
    bucket_v4.put_object("a", data, headers={"Content-Type": content_type})
    accepts = {"Accept-Encoding": asked}

    answer = ask(mock_oss, "GET", "a", headers=accepts)
    part = ask(mock_oss, "GET", "a", headers={**accepts, "Range": "bytes=0-9"})

    assert (answer.headers["Content-Encoding"] == "gzip") is packed
    assert (answer.headers["Content-Length"] is None) is packed
    assert (answer.headers["ETag"] is None) is packed
    assert (gzip.decompress(answer.body) if packed else answer.body) == data
    assert answer.headers["x-oss-hash-crc64ecma"] == str(mock_oss.bucket(BUCKET).objects["a"].crc64)
    assert (part.status, part.body, part.headers["Content-Encoding"]) == (206, data[:10], None)


def test_what_is_packed_already_is_not_packed_again(mock_oss: MockOSS, bucket_v4: Any) -> None:
    packed = gzip.compress(bytes(range(256)) * 40)
    headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    bucket_v4.put_object("a", packed + b"x" * 1024, headers=headers)

    answer = ask(mock_oss, "GET", "a", headers={"Accept-Encoding": "gzip"})

    assert answer.body == packed + b"x" * 1024
    assert answer.headers["ETag"]
