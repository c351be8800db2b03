"""Presigned URLs for the clients of one network or VPC."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from contract.mock_oss.clients import Answer, oss2_bucket, send
from mock_oss import BUCKET, MockOSS

IP, MASK, VPC = "x-oss-ac-source-ip", "x-oss-ac-subnet-mask", "x-oss-ac-vpc-id"
ECS = {"v1": "0002-00000602", "v2": "0002-00000119", "v4": "0002-00000225"}


def get(oss: MockOSS, version: str, limits: dict[str, str], *, show_ip: bool) -> Answer:
    """Read an object through a presigned URL.

    Args:
        oss: the mock.
        version: the signature version.
        limits: the parameters that limit the URL; all are signed.
        show_ip: whether the URL contains the signed IP address.
    """
    bucket: Any = oss2_bucket(oss, version=version)
    bucket.put_object("a", b"hello")
    url = urlsplit(bucket.sign_url("GET", "a", 60, params=dict(limits)))
    query = [(n, v) for n, v in parse_qsl(url.query) if show_ip or n != IP]
    return send(oss, "GET", f"/{BUCKET}/a?{urlencode(query)}")


@pytest.fixture(params=["v1", "v2", "v4"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


show_ip_or_not = pytest.mark.parametrize("show_ip", [False, True], ids=["hidden", "in the URL"])


@show_ip_or_not
@pytest.mark.parametrize(
    ("network", "is_inside"),
    [
        ("127.0.0.1/32", True),
        ("127.0.0.0/24", True),
        ("0.0.0.0/0", True),
        ("192.0.2.1/32", False),
        ("10.0.0.0/8", False),
    ],
)
def test_only_a_client_in_the_network_may_use_the_url(
    mock_oss: MockOSS, version: str, network: str, is_inside: bool, show_ip: bool
) -> None:
    ip, _, mask = network.partition("/")

    answer = get(mock_oss, version, {IP: ip, MASK: mask}, show_ip=show_ip)

    if is_inside:
        assert (answer.status, answer.body) == (200, b"hello")
    else:
        assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
        assert answer.xml("EC") == ECS[version]


def test_the_limit_of_a_url_cannot_be_removed_or_widened(mock_oss: MockOSS, version: str) -> None:
    bucket = oss2_bucket(mock_oss, version=version)
    bucket.put_object("a", b"hello")
    url = urlsplit(bucket.sign_url("GET", "a", 60, params={IP: "10.0.0.0", MASK: "8"}))
    query = dict(parse_qsl(url.query))

    for changed in (
        {n: v for n, v in query.items() if n not in (IP, MASK)},
        {**query, MASK: "0"},
        {**query, IP: "127.0.0.1"},
    ):
        answer = send(mock_oss, "GET", f"/{BUCKET}/a?{urlencode(changed)}")
        assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


def test_no_client_of_the_mock_is_in_a_vpc(mock_oss: MockOSS, version: str) -> None:
    answer = get(mock_oss, version, {VPC: "vpc-12345678"}, show_ip=True)

    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert answer.xml("EC") == "0002-00000603"


def test_a_url_may_allow_forwarding(mock_oss: MockOSS, version: str) -> None:
    limits = {IP: "127.0.0.1", MASK: "32", "x-oss-ac-forward-allow": "true"}

    assert get(mock_oss, version, limits, show_ip=False).status == 200


@pytest.mark.parametrize("mask", ["33", "-1", "x", ""])
def test_a_mask_is_a_number_of_bits(mock_oss: MockOSS, mask: str) -> None:
    bucket = oss2_bucket(mock_oss, version="v1")
    url = urlsplit(bucket.sign_url("GET", "a", 60, params={MASK: mask}))
    answer = send(mock_oss, "GET", f"/{BUCKET}/a?{url.query}")
    expected = (403, "SignatureDoesNotMatch") if mask == "" else (400, "InvalidArgument")
    assert (answer.status, answer.code) == expected
