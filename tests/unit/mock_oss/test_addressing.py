"""From Host and path to bucket and key."""

import pytest

from mock_oss.addressing import Target, check_bucket_name, check_key, locate
from mock_oss.errors import RefusedError


def find(host: str, path: bytes) -> Target:
    return locate(host, path, cnames={"files.example.com": "bound"}, domains=("localhost",))


@pytest.mark.parametrize(
    ("host", "path", "target"),
    [
        ("bucket.localhost:9000", b"/dir/a.txt", ("bucket", "dir/a.txt", "virtual-hosted")),
        ("bucket.localhost", b"/", ("bucket", "", "virtual-hosted")),
        ("b.oss-cn-hangzhou.aliyuncs.com", b"/k", ("b", "k", "virtual-hosted")),
        ("b.oss-cn-hangzhou-internal.aliyuncs.com", b"/k", ("b", "k", "virtual-hosted")),
        ("oss-cn-hangzhou.aliyuncs.com", b"/", ("", "", "service")),
        ("files.example.com:80", b"/k", ("bound", "k", "cname")),
        ("127.0.0.1:9000", b"/bucket/dir%2Fa.txt", ("bucket", "dir/a.txt", "path")),
        ("localhost:9000", b"/bucket", ("bucket", "", "path")),
        ("localhost:9000", b"/bucket/", ("bucket", "", "path")),
        ("[::1]:9000", b"/bucket/k", ("bucket", "k", "path")),
        ("mock:9000", b"/", ("", "", "service")),
        ("", b"/bucket/k", ("bucket", "k", "path")),
        ("http://127.0.0.1:9000", b"/bucket/k", ("bucket", "k", "path")),
        ("B.LOCALHOST", b"/a//b/../c%2F.%2F~d", ("b", "a//b/../c/./~d", "virtual-hosted")),
        ("b.localhost", "/é".encode(), ("b", "é", "virtual-hosted")),
        ("b.localhost", b"/%25", ("b", "%", "virtual-hosted")),
        ("b.localhost", b"/_mock/x", ("b", "_mock/x", "virtual-hosted")),
    ],
)
def test_host_and_path_give_bucket_and_key(host: str, path: bytes, target: object) -> None:
    assert find(host, path)[:3] == target


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("b.oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("b.oss-cn-hangzhou-internal.aliyuncs.com", "cn-hangzhou"),
        ("oss-us-west-1.aliyuncs.com:80", "us-west-1"),
        ("b.oss-accelerate.aliyuncs.com", ""),
        ("b.oss-accelerate-overseas.aliyuncs.com", ""),
        ("b.localhost", ""),
        ("files.example.com", ""),
    ],
)
def test_the_vendors_host_names_a_region(host: str, region: str) -> None:
    assert find(host, b"/").region == region


def test_the_vendors_own_domain_refuses_path_style() -> None:
    with pytest.raises(RefusedError) as refused:
        find("oss-cn-hangzhou.aliyuncs.com", b"/bucket/k")

    assert refused.value.code == "SecondLevelDomainForbidden"


def test_a_path_that_is_not_utf8_is_no_object_name() -> None:
    with pytest.raises(RefusedError) as refused:
        find("b.localhost", b"/%ff")

    assert refused.value.code == "InvalidObjectName"


@pytest.mark.parametrize(
    "name", ["ab", "A-b", "-ab", "ab-", "a.b", "a_b", "x" * 64, "", "bücket", "abc\n"]
)
def test_bucket_names_have_a_form(name: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_bucket_name(name)

    assert refused.value.code == "InvalidBucketName"


@pytest.mark.parametrize("key", ["", "/a", "\\a", "é" * 512, "a\0b"])
def test_object_keys_have_a_form(key: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_key(key)

    assert refused.value.code == "InvalidObjectName"


@pytest.mark.parametrize(
    "key", ["a", "x" * 1023, "a/b//c", "..", "a\\b", "é" * 511, " ", "a\r\n\x0cb"]
)
def test_any_other_key_is_fine(key: str) -> None:
    check_key(key)
