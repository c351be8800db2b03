"""Addresses of a bucket, and the list of parts that completes an upload."""

import pytest

from uploader.oss.requests import Bucket, complete_body

ENDPOINT = "https://oss-cn-hangzhou.aliyuncs.com"


@pytest.mark.parametrize(
    ("endpoint", "origins", "origin", "is_custom_domain"),
    [
        (ENDPOINT, [], "https://b.oss-cn-hangzhou.aliyuncs.com", False),
        (f"{ENDPOINT}/", [], "https://b.oss-cn-hangzhou.aliyuncs.com", False),
        (ENDPOINT, ["https://files.example.com"], "https://files.example.com", True),
        (ENDPOINT, ["http://b.localhost:9000", "http://x"], "http://b.localhost:9000", False),
        ("https://b.example.com", ["https://b.example.com"], "https://b.example.com", True),
    ],
)
def test_requests_go_to_the_first_origin(endpoint, origins, origin, is_custom_domain):
    bucket = Bucket("b", "cn-hangzhou", endpoint, origins=origins)

    assert (bucket.origin, bucket.is_custom_domain) == (origin, is_custom_domain)


def test_a_bucket_at_one_origin_has_no_other():
    bucket = Bucket("b", "r", ENDPOINT, origins=["https://one", "https://two"]).at("https://two")

    assert (bucket.origins, bucket.name, bucket.region) == (["https://two"], "b", "r")


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "files.example.com",
        "https://",
        "ftp://files.example.com",
        "javascript://files.example.com",
        "https://files.example.com/",
        "https://files.example.com/path",
        "https://user@files.example.com",
        "https://files.example.com?query",
    ],
)
def test_an_origin_that_is_more_than_scheme_and_host_is_refused(origin):
    with pytest.raises(ValueError, match="an origin is"):
        Bucket("b", "r", ENDPOINT, origins=["https://files.example.com", origin])


def test_an_endpoint_is_a_url():
    with pytest.raises(ValueError, match="an endpoint is"):
        Bucket("b", "r", "oss-cn-hangzhou.aliyuncs.com")


def test_parts_are_listed_with_their_etags_as_xml_text():
    body = complete_body([(1, '"A1"'), (2, "<&>")])

    assert body == (
        "<CompleteMultipartUpload>"
        "<Part><PartNumber>1</PartNumber><ETag>&quot;A1&quot;</ETag></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>&lt;&amp;></ETag></Part>"
        "</CompleteMultipartUpload>"
    )
