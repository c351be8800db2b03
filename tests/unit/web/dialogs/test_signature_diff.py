"""Comparison of two canonical requests, without showing a token."""

import pytest

from ossferry_uploader.oss.requests import Bucket, put_object, sign
from ossferry_uploader.oss.signing import Credentials, canonical_request
from upload_page.dialogs.signature_diff import canonical_request_of, first_difference, without_token

CREDENTIALS = Credentials("STS.id", "secret", "token-that-opens")
BUCKET = Bucket("my-bucket", "cn-hangzhou", "https://oss-cn-hangzhou.aliyuncs.com")


@pytest.mark.parametrize("bucket", [BUCKET, BUCKET.at("https://files.example.com:8443")])
def test_what_was_signed_is_read_back_from_the_request(bucket):
    key = "a/ü +.txt"
    headers = [("content-type", "text/plain"), ("x-oss-meta-name", "%C3%BC")]
    request = sign(put_object(key, headers, None), CREDENTIALS, bucket, at_s=1773480413.0)

    signed = canonical_request("PUT", "my-bucket", key, headers=request.headers)
    assert canonical_request_of(request) == signed


@pytest.mark.parametrize(
    ("other", "line", "column", "cause"),
    [
        ("PUT\n/b/k\n\ncontent-type:a\n", -1, 0, ""),
        ("POST\n/b/k\n\ncontent-type:a\n", 0, 1, "signature_method"),
        ("PUT\n/b/x\n\ncontent-type:a\n", 1, 3, "signature_path"),
        ("PUT\n/b/k\n\ncontent-type:ab\n", 3, 14, "signature_content_type"),
        ("PUT\n/b/k\n\n", 3, 0, "signature_content_type"),
    ],
)
def test_the_first_difference_is_found_and_named(other, line, column, cause):
    found = first_difference("PUT\n/b/k\n\ncontent-type:a\n", other)

    if line < 0:
        assert found is None
    else:
        assert (found.line, found.column, found.cause) == (line, column, cause)


def test_the_token_is_never_shown():
    ours, theirs = without_token("a\nx-oss-security-token:T1\n", "a\nx-oss-security-token:T2\n")

    assert (ours, theirs) == (
        "a\nx-oss-security-token:(hidden)\n",
        "a\nx-oss-security-token:(hidden, another)\n",
    )
