"""Addresses of a bucket, and the list of parts that completes an upload."""

import pytest

from ossferry_uploader.oss.requests import (
    Bucket,
    abort_multipart_upload,
    complete_multipart_upload,
    initiate_multipart_upload,
    list_parts,
    put_object,
    sign,
    upload_part,
)
from ossferry_uploader.oss.signing import Credentials, sign_headers

ENDPOINT = "https://oss-cn-hangzhou.aliyuncs.com"


@pytest.mark.parametrize(
    ("endpoint", "origins", "origin", "is_custom_domain"),
    [
        (ENDPOINT, [], "https://b.oss-cn-hangzhou.aliyuncs.com", False),
        (f"{ENDPOINT}//", [], "https://b.oss-cn-hangzhou.aliyuncs.com", False),
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
    operation = complete_multipart_upload("k", "U", [(1, '"A1"'), (2, "<&>")])

    assert operation.body == (
        "<CompleteMultipartUpload>"
        "<Part><PartNumber>1</PartNumber><ETag>&quot;A1&quot;</ETag></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>&lt;&amp;></ETag></Part>"
        "</CompleteMultipartUpload>"
    )


SIGNED = ("x-oss-date", "x-oss-content-sha256", "Authorization")
AT_S = 1773480413.0
KEY, META = "u/a b.txt", [("x-oss-meta-a", "b")]
FORBIDS = ("x-oss-forbid-overwrite", "true")


@pytest.mark.parametrize(
    ("operation", "limit", "method", "query", "headers"),
    [
        (put_object(KEY, META, None), 0, "PUT", "", META),
        (initiate_multipart_upload(KEY, META), 0, "POST", "?uploads", META),
        (upload_part(KEY, "U/1", 7, None), 0, "PUT", "?partNumber=7&uploadId=U%2F1", []),
        (
            upload_part(KEY, "U/1", 7, None),
            819200,
            "PUT",
            "?partNumber=7&uploadId=U%2F1",
            [("x-oss-traffic-limit", "819200")],
        ),
        (
            complete_multipart_upload(KEY, "U/1", [], [FORBIDS]),
            0,
            "POST",
            "?uploadId=U%2F1",
            [("content-type", "application/xml"), FORBIDS],
        ),
        (abort_multipart_upload(KEY, "U/1"), 0, "DELETE", "?uploadId=U%2F1", []),
        (list_parts(KEY, "U/1"), 0, "GET", "?uploadId=U%2F1", []),
        (list_parts(KEY, "U/1", 1000), 0, "GET", "?part-number-marker=1000&uploadId=U%2F1", []),
    ],
    ids=["put", "initiate", "part", "slow part", "complete", "abort", "list", "list after"],
)
def test_each_request_has_its_method_query_and_headers(operation, limit, method, query, headers):
    bucket = Bucket("b", "cn-hangzhou", ENDPOINT)

    credentials = Credentials("id", "secret")
    request = sign(operation, credentials, bucket, at_s=AT_S, traffic_limit=limit)

    assert (request.method, request.bucket) == (method, bucket)
    assert request.url == f"https://b.oss-cn-hangzhou.aliyuncs.com/u/a%20b.txt{query}"
    assert [pair for pair in request.headers if pair[0] not in SIGNED] == headers
    assert [pair[0] for pair in request.headers if pair[0] in SIGNED] == list(SIGNED)


@pytest.mark.parametrize(
    ("operation", "calls"),
    [
        (put_object(KEY, META, None), True),
        (complete_multipart_upload(KEY, "U", []), True),
        (initiate_multipart_upload(KEY, META), False),
        (upload_part(KEY, "U", 1, None), False),
        (abort_multipart_upload(KEY, "U"), False),
    ],
    ids=["put", "complete", "initiate", "part", "abort"],
)
def test_oss_is_to_call_the_server_when_an_object_is_stored(operation, calls):
    bucket = Bucket("b", "r", ENDPOINT, origins=["https://one"], callback="e30=").at("https://two")

    request = sign(operation, Credentials("id", "secret"), bucket, at_s=AT_S)

    assert (("x-oss-callback", "e30=") in request.headers) == calls


def test_the_signature_of_a_request_is_of_its_bucket_key_query_and_headers():
    given = Credentials("id", "secret", "token")
    bucket = Bucket("b", "cn-hangzhou", ENDPOINT)
    query = [("uploadId", "U"), ("partNumber", "1")]

    request = sign(upload_part("k", "U", 1, None), given, bucket, at_s=AT_S)

    expected = sign_headers(
        given, "PUT", "b", "k", date="20260314T092653Z", region="cn-hangzhou", query=query
    )
    assert request.headers == expected
