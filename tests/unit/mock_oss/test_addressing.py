"""Bucket and key of a request, derived from its Host header and path."""

import pytest

from mock_oss.http.addressing import (
    Target,
    check_bucket_name,
    check_domain,
    check_key,
    check_public_endpoint,
    locate,
)
from support.refusals import refusal

PUBLIC = Target("b", "k", "virtual-hosted", is_public=True)


def find(host: str, path: bytes) -> Target:
    return locate(
        host,
        path,
        cnames={"files.example.com": "bound"},
        domains=("localhost",),
        hosts={"oss.example.net"},
    )


HOSTED, HERE = "virtual-hosted", "cn-hangzhou"


@pytest.mark.parametrize(
    ("host", "path", "target"),
    [  # bucket, key, style, region, and whether the endpoint is public
        ("bucket.localhost:9000", b"/dir/a.txt", ("bucket", "dir/a.txt", HOSTED, "", True)),
        ("bucket.localhost", b"/", ("bucket", "", HOSTED, "", True)),
        ("b.oss-cn-hangzhou.aliyuncs.com", b"/k", ("b", "k", HOSTED, HERE, True)),
        ("b.oss-cn-hangzhou-internal.aliyuncs.com", b"/k", ("b", "k", HOSTED, HERE, False)),
        ("oss-cn-hangzhou.aliyuncs.com", b"/", ("", "", "service", HERE, True)),
        ("oss-us-west-1.aliyuncs.com:80", b"/", ("", "", "service", "us-west-1", True)),
        ("files.example.com:80", b"/k", ("bound", "k", "cname", "", False)),
        ("127.0.0.1:9000", b"/bucket/dir%2Fa.txt", ("bucket", "dir/a.txt", "path", "", False)),
        ("localhost:9000", b"/bucket", ("bucket", "", "path", "", False)),
        ("localhost:9000", b"/bucket/", ("bucket", "", "path", "", False)),
        ("[::1]:9000", b"/bucket/k", ("bucket", "k", "path", "", False)),
        ("mock:9000", b"/", ("", "", "service", "", False)),
        ("", b"/bucket/k", ("bucket", "k", "path", "", False)),
        ("http://127.0.0.1:9000", b"/bucket/k", ("bucket", "k", "path", "", False)),
        ("B.LOCALHOST", b"/a//b/../c%2F.%2F~d", ("b", "a//b/../c/./~d", HOSTED, "", True)),
        ("b.localhost", "/é".encode(), ("b", "é", HOSTED, "", True)),
        ("b.localhost", b"/%25", ("b", "%", HOSTED, "", True)),
        ("b.localhost", b"/_mock/x", ("b", "_mock/x", HOSTED, "", True)),
        ("b.oss-cn-hangzhou.localhost:9000", b"/k", ("b", "k", HOSTED, HERE, True)),
        ("b.oss-cn-hangzhou-internal.localhost", b"/k", ("b", "k", HOSTED, HERE, False)),
        ("b.oss-accelerate.localhost", b"/k", ("b", "k", HOSTED, "", True)),
        ("b.oss-accelerate.aliyuncs.com", b"/k", ("b", "k", HOSTED, "", True)),
        ("b.oss-accelerate-overseas.aliyuncs.com", b"/k", ("b", "k", HOSTED, "", True)),
        ("b.cn-hangzhou.oss.aliyuncs.com", b"/k", ("b", "k", HOSTED, HERE, True)),
        ("b.cn-hangzhou.oss.localhost", b"/k", ("b", "k", HOSTED, HERE, True)),
        ("oss-cn-hangzhou.localhost", b"/", ("", "", "service", HERE, True)),
        ("files.example.net", b"/k", ("", "", "unbound", "", False)),
        ("oss.example.net", b"/b/k", ("b", "k", "path", "", False)),
        ("sts.cn-hangzhou.aliyuncs.com", b"/", ("", "", "service", "", False)),
    ],
)
def test_host_and_path_give_bucket_and_key_region_and_kind_of_endpoint(
    host: str, path: bytes, target: object
) -> None:
    assert find(host, path) == target


@pytest.mark.parametrize(
    ("host", "path", "code"),
    [
        ("oss-cn-hangzhou.aliyuncs.com", b"/bucket/k", "SecondLevelDomainForbidden"),
        ("oss-cn-hangzhou.localhost", b"/bucket/k", "SecondLevelDomainForbidden"),
        ("b.localhost", b"/%ff", "InvalidObjectName"),
    ],
    ids=["path style", "path style at the mock", "not UTF-8"],
)
def test_an_address_without_an_object_is_refused(host: str, path: bytes, code: str) -> None:
    assert refusal(find, host, path)["Code"] == code


@pytest.mark.parametrize(
    "name", ["ab", "A-b", "-ab", "ab-", "a.b", "a_b", "x" * 64, "", "bücket", "abc\n"]
)
def test_bucket_names_have_a_form(name: str) -> None:
    assert refusal(check_bucket_name, name)["Code"] == "InvalidBucketName"


@pytest.mark.parametrize("key", ["", "/a", "\\a", "é" * 512, "a\0b"])
def test_object_keys_have_a_form(key: str) -> None:
    assert refusal(check_key, key)["Code"] == "InvalidObjectName"


@pytest.mark.parametrize(
    "key", ["a", "x" * 1023, "a/b//c", "..", "a\\b", "é" * 511, " ", "a\r\n\x0cb"]
)
def test_any_other_key_is_fine(key: str) -> None:
    check_key(key)


@pytest.mark.parametrize("region", ["cn-hangzhou", "cn-hangzhou-finance"])
def test_public_endpoints_are_refused_in_the_mainland(region: str) -> None:
    refused = refusal(check_public_endpoint, PUBLIC, region)

    assert (refused["status"], refused["Code"]) == (400, "PublicEndpointForbidden")
    assert refused["EC"] == "0048-00000401"


@pytest.mark.parametrize("region", ["cn-hongkong", "ap-southeast-1"])
def test_public_endpoints_are_allowed_elsewhere(region: str) -> None:
    check_public_endpoint(PUBLIC, region)


@pytest.mark.parametrize(
    ("domain", "code", "ec"),
    [
        ("w.c", "InvalidArgument", "0017-00000249"),
        ("nodots", "InvalidArgument", None),
        ("127.0.0.1", "InvalidArgument", None),
        ("a_b.example.com", "InvalidArgument", None),
        ("files.example.com:80", "InvalidArgument", None),
        ("xyz.aliyuncs.com", "CnameIsForbidden", "0018-00000401"),
        ("taobao.com", "CnameIsForbidden", "0018-00000401"),
    ],
)
def test_custom_domains_have_a_form(domain: str, code: str, ec: str | None) -> None:
    refused = refusal(check_domain, domain)

    assert refused["Code"] == code
    assert ec is None or refused["EC"] == ec


@pytest.mark.parametrize("domain", ["files.example.com", "files.localhost", "notaliyuncs.com"])
def test_any_other_domain_is_fine(domain: str) -> None:
    check_domain(domain)
