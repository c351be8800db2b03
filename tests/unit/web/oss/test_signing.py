"""Every stage of a V4 signature equals the value of the three official SDKs."""

import pytest

from ossferry_uploader.oss import signing
from support.vectors import load

HEADERS = load("v4_header")["vectors"]
URLS = load("v4_presign")["vectors"]


def ids(vectors):
    return [vector["id"].split("/")[1] for vector in vectors]


def credentials(vector):
    given = vector["credentials"]
    return signing.Credentials(
        given["access_key_id"], given["access_key_secret"], given["security_token"]
    )


def canonical(vector, query, headers):
    return signing.canonical_request(
        vector["method"],
        vector["bucket"],
        vector["key"],
        query=query,
        headers=headers,
        additional=vector["additional_headers"],
    )


def pairs(query):
    return [(name, value) for name, value in query]


@pytest.mark.parametrize("vector", HEADERS, ids=ids(HEADERS))
def test_canonical_request(vector):
    made = canonical(vector, pairs(vector["query"]), list(vector["request_headers"].items()))

    assert made == vector["canonical_request"]


@pytest.mark.parametrize("vector", HEADERS + URLS, ids=ids(HEADERS) + ids(URLS))
def test_string_to_sign(vector):
    made = signing.string_to_sign(
        vector["canonical_request"], date=vector["datetime"], region=vector["region"]
    )

    assert made == vector["string_to_sign"]


@pytest.mark.parametrize("vector", HEADERS + URLS, ids=ids(HEADERS) + ids(URLS))
def test_signature(vector):
    key = signing.signing_key(
        vector["credentials"]["access_key_secret"], date=vector["datetime"], region=vector["region"]
    )

    assert signing.signature(key, vector["string_to_sign"]) == vector["signature"]


@pytest.mark.parametrize("vector", HEADERS, ids=ids(HEADERS))
def test_signed_headers_carry_the_authorization_of_the_sdks(vector):
    added = ("x-oss-date", "x-oss-content-sha256", "x-oss-security-token")
    headers = [pair for pair in vector["request_headers"].items() if pair[0].lower() not in added]
    given = list(headers)

    signed = signing.sign_headers(
        credentials(vector),
        vector["method"],
        vector["bucket"],
        vector["key"],
        date=vector["datetime"],
        region=vector["region"],
        query=pairs(vector["query"]),
        headers=headers,
        additional=vector["additional_headers"],
    )

    assert signed[-1] == ("Authorization", vector["authorization"]["alibabacloud-oss-v2"])
    assert headers == given


def test_two_headers_that_share_a_beginning_are_sorted_by_name():
    signed = signing.signed_headers([("x-oss-meta-ab", "2"), ("X-Oss-Meta-A", " 1 ")])

    assert signed == [("x-oss-meta-a", "1"), ("x-oss-meta-ab", "2")]


# RFC 4231, test cases 2 and 6; the others are of CPython's `hmac`.
@pytest.mark.parametrize(
    ("key", "message", "expected"),
    [
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (b"k" * 64, b"message", "890f3a16e0ca0aaa3bf180f70fa8e3970b3fd6505e98fde157988dcc19d1685c"),
        (b"k" * 65, b"message", "0c256505306af48015530c139bb7add5ad7a6a9291cd511278a067e765816fbd"),
    ],
    ids=["short", "long", "as long as a block", "longer"],
)
def test_hmac_of_the_rfc_and_of_cpython(key, message, expected):
    assert signing.hmac_sha256(signing.hmac_pads(key), message).hex() == expected


def test_what_signs_is_kept_for_a_day_and_region_and_others_have_their_own():
    given = signing.Credentials("id", "secret")

    first = given.signing_pads("20260314T092653Z", "cn-hangzhou")

    assert given.signing_pads("20260314T235959Z", "cn-hangzhou") is first
    for date, region in (("20260315", "cn-hangzhou"), ("20260314", "cn-beijing")):
        key = signing.signing_key("secret", date=date, region=region)
        assert given.signing_pads(date, region) == signing.hmac_pads(key)


def test_the_hash_of_the_payload_is_signed_if_it_is_sent():
    sent = signing.canonical_request(
        "PUT", "b", "k", headers=[("X-Oss-Content-Sha256", "e3b0c442")], additional=["Host"]
    )
    unsigned = signing.canonical_request("PUT", "b", "k")

    assert sent.endswith("\n\nhost\ne3b0c442")
    assert unsigned.endswith("\n\n\nUNSIGNED-PAYLOAD")


def test_headers_are_added_in_lower_case_before_the_authorization():
    signed = signing.sign_headers(
        signing.Credentials("id", "secret", "token"),
        "GET", "b", "k", date="20260314T092653Z", region="cn-hangzhou",
    )  # fmt: skip

    assert signed[:-1] == [
        ("x-oss-date", "20260314T092653Z"),
        ("x-oss-content-sha256", "UNSIGNED-PAYLOAD"),
        ("x-oss-security-token", "token"),
    ]


def test_credentials_show_four_characters_at_each_end():
    assert repr(signing.Credentials("STS.NUabcdef1234", "s")) == "Credentials(STS.…1234)"


def test_forgotten_credentials_sign_with_the_new_secret():
    given = signing.Credentials("id", "secret")
    before = given.signing_pads("20260314T092653Z", "r")
    given.forget()

    assert given.access_key_secret == ""
    assert given.signing_pads("20260314T092653Z", "r") != before


def test_headers_that_are_always_signed_are_no_additional_headers():
    given = ["X-Oss-Meta-A", "Content-Type", "Content-MD5", "Host", "Cache-Control"]

    assert signing.additional_headers(given) == "cache-control;host"
