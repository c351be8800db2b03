"""Forms of PostObject: signatures equal those of the official SDKs, and what the policy allows."""

import binascii
import json

import pytest

from ossferry_uploader.oss.post_object import form_signature, post_object, signed_fields
from ossferry_uploader.oss.requests import Bucket
from ossferry_uploader.oss.signing import Credentials
from support.vectors import load

VECTORS = load("post_policy")["vectors"]
BUCKET = Bucket("examplebucket", "cn-hangzhou", "https://oss-cn-hangzhou.aliyuncs.com")
NOW_S = 1773480413.0  # 2026-03-14T09:26:53Z


TOKEN = "CAIS+token"


def sign(token=TOKEN, prefix="uploads/alice-1/"):
    credentials = Credentials("STS.EXAMPLE", "secret", token)
    return signed_fields(
        credentials, BUCKET, prefix, at_s=NOW_S, expires_at_s=NOW_S + 3600, max_bytes=1000
    )


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_the_signature_equals_that_of_the_sdks(vector):
    credentials = Credentials(
        vector["access_key_id"], vector["access_key_secret"], vector["security_token"]
    )

    made = form_signature(
        credentials, vector["policy_base64"], date=vector["datetime"], region=vector["region"]
    )

    assert made == vector["v4_x_oss_signature"]


def test_the_policy_allows_files_below_the_prefix_and_each_condition_has_its_field():
    fields = dict(sign())

    policy = json.loads(binascii.a2b_base64(fields["policy"].encode()).decode())

    assert policy["expiration"] == "2026-03-14T10:26:53.000Z"
    assert policy["conditions"] == [
        {"bucket": "examplebucket"},
        {"x-oss-signature-version": "OSS4-HMAC-SHA256"},
        {"x-oss-credential": "STS.EXAMPLE/20260314/cn-hangzhou/oss/aliyun_v4_request"},
        {"x-oss-date": "20260314T092653Z"},
        {"success_action_status": "200"},
        {"x-oss-security-token": TOKEN},
        ["starts-with", "$key", "uploads/alice-1/"],
        ["content-length-range", 0, 1000],
    ]
    for condition in policy["conditions"][1:6]:
        assert [fields[name] for name in condition] == list(condition.values())
    assert "\n" not in fields["policy"]


def test_without_a_token_the_form_has_no_field_for_it():
    names = [name for name, _ in sign(token=None)]

    assert names == [
        "x-oss-signature-version",
        "x-oss-credential",
        "x-oss-date",
        "success_action_status",
        "policy",
        "x-oss-signature",
    ]


def test_a_prefix_with_a_dollar_sign_is_refused():
    with pytest.raises(ValueError, match="dollar sign"):
        sign(prefix="uploads/$alice/")


def test_the_form_goes_to_the_bucket_with_the_headers_of_the_object_as_fields():
    headers = [("content-type", "text/plain"), ("x-oss-meta-name", "a%20b.txt")]

    request = post_object([("policy", "p")], BUCKET, "uploads/alice-1/a b.txt", headers=headers)

    assert (request.method, request.is_form) == ("POST", True)
    assert request.url == "https://examplebucket.oss-cn-hangzhou.aliyuncs.com/"
    assert request.headers == [
        ("key", "uploads/alice-1/a b.txt"),
        ("x-oss-content-type", "text/plain"),
        ("x-oss-meta-name", "a%20b.txt"),
        ("policy", "p"),
    ]


def test_a_form_asks_oss_to_call_the_server():
    bucket = Bucket("b", "r", "https://oss.example", callback="e30=")

    request = post_object([("policy", "p")], bucket, "k", headers=[])

    assert request.headers == [("key", "k"), ("callback", "e30="), ("policy", "p")]
