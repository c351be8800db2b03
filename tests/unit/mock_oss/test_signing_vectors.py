"""Every stage of every signature scheme, compared with values of the official SDKs."""

import ast
import re
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from oss2.auth import Auth

from mock_oss.signing import acs3, callback, rpc, v1, v2, v4
from mock_oss.signing.cases import V1Case, V4Case
from mock_oss.signing.encoding import encode, encode_path
from support.vectors import load

Vector = Mapping[str, Any]


def vectors(name: str) -> list[Any]:
    return [pytest.param(vector, id=vector["id"]) for vector in load(name)["vectors"]]


def sts_vectors(style: str) -> list[Any]:
    found = load("sts_signatures")[style]["vectors"]
    return [pytest.param(vector, id=vector["id"]) for vector in found]


def query_of(vector: Vector) -> tuple[tuple[str, str], ...]:
    return tuple((name, value or "") for name, value in vector["query"])


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("vector", vectors("v4_header"))
def test_v4_header_stages_are_those_of_the_sdks(vector: Vector) -> None:
    case = V4Case(
        method=vector["method"],
        bucket=vector["bucket"] or "",
        key=vector["key"],
        query=query_of(vector),
        headers=lower(vector["request_headers"]),
        additional=";".join(vector["additional_headers"]),
        date_time=vector["datetime"],
        credential=v4.Credential("", vector["datetime"][:8], vector["region"]),
    )

    canonical = case.text()

    assert case.texts(canonical) == {
        name: vector[name] for name in ("canonical_request", "string_to_sign")
    }
    secret = vector["credentials"]["access_key_secret"]
    assert case.signature(canonical, secret) == vector["signature"]


@pytest.mark.parametrize("form", ["with_date_header", "with_x_oss_date"])
@pytest.mark.parametrize("vector", vectors("v1_header"))
def test_v1_header_stages_are_those_of_the_sdks(vector: Vector, form: str) -> None:
    case = vector[form]
    headers = lower(vector["headers"])
    token = vector["credentials"]["security_token"]
    if token:
        headers["x-oss-security-token"] = token
    if form == "with_x_oss_date":
        headers["x-oss-date"] = case["x_oss_date"]

    text = V1Case(
        method=vector["method"],
        bucket=vector["bucket"] or "",
        key=vector["key"],
        query=query_of(vector),
        headers=headers,
        date_line=case.get("date") or case["x_oss_date"],
    ).text()

    credentials = vector["credentials"]
    assert text == case["string_to_sign"]
    assert v1.parse_authorization(case["authorization"]) == {
        "AccessKeyId": credentials["access_key_id"],
        "Signature": v1.signature(credentials["access_key_secret"], text),
    }


@pytest.mark.parametrize("vector", sts_vectors("rpc"))
def test_rpc_stages_are_those_of_the_sdks(vector: Vector) -> None:
    text = rpc.string_to_sign(vector["method"], vector["parameters"])

    assert text == vector["string_to_sign"]
    assert rpc.signature(vector["access_key_secret"], text) == vector["signature"]


@pytest.mark.parametrize("vector", sts_vectors("acs3"))
def test_acs3_stages_are_those_of_the_sdks(vector: Vector) -> None:
    access_key_id, signed, signature = acs3.parse_authorization(vector["authorization"])

    canonical = acs3.canonical_request(
        vector["method"],
        vector["path"],
        query=vector["query"].items(),
        headers=vector["headers"],
        signed=signed,
        payload_hash=vector["headers"]["x-acs-content-sha256"],
    )
    text = acs3.string_to_sign(canonical)

    assert canonical == vector["canonical_request"]
    assert text == vector["string_to_sign"]
    assert acs3.signature(vector["access_key_secret"], text) == vector["signature"] == signature
    assert access_key_id == vector["access_key_id"]


NO_V1 = "the Authorization header is not 'OSS AccessKeyId:Signature'"
NO_ACS3 = "the Authorization header needs Credential, SignedHeaders and Signature"
ADDITIONAL = "AdditionalHeaders is empty or ends in a semicolon"
UNREADABLE = "cannot read {!r} in the Authorization header"
LACKS = "the Authorization header lacks {}"
READ: dict[Any, dict[str, Any]] = {  # the text behind the algorithm: the fields, or the error
    (v1, "OSS"): {
        " ak:c2ln+/==": {"AccessKeyId": "ak", "Signature": "c2ln+/=="},
        "   ak:s  ": {"AccessKeyId": "ak", "Signature": "s"},
        " a:b:c": {"AccessKeyId": "a", "Signature": "b:c"},
        **dict.fromkeys((" ak:", " :s", " :", " ak", ""), NO_V1),
    },
    (v4, v4.ALGORITHM): {
        "  Signature= s ,AdditionalHeaders=a;b, Credential=c=d ": {
            "Signature": "s",
            "AdditionalHeaders": "a;b",
            "Credential": "c=d",
        },
        " Credential=,Signature=": {"Credential": "", "Signature": ""},
        " Credential=a": LACKS.format("Signature"),
        " Signature=a": LACKS.format("Credential"),
        " AdditionalHeaders=a": LACKS.format("Credential"),
        " Credential=a,Signature=b,Nonce=c": "the Authorization header has an unknown Nonce",
        " Credential=a, Credential=b ,Signature=b": UNREADABLE.format("Credential=b"),
        " nonsense": UNREADABLE.format("nonsense"),
        "": UNREADABLE.format(""),
        " Credential=a,Signature=b,AdditionalHeaders=": ADDITIONAL,
        " Credential=a,Signature=b,AdditionalHeaders=host;": ADDITIONAL,
    },
    (v2, v2.ALGORITHM): {
        " AdditionalHeaders: a;b ,AccessKeyId:k:k, Signature:s=": {
            "AdditionalHeaders": "a;b",
            "AccessKeyId": "k:k",
            "Signature": "s=",
        },
        " AccessKeyId:a": LACKS.format("Signature"),
        " Signature:a": LACKS.format("AccessKeyId"),
        " AccessKeyId:,Signature:a": LACKS.format("AccessKeyId"),
        " AccessKeyId:a,AccessKeyId:a,Signature:b": UNREADABLE.format("AccessKeyId:a"),
        " AccessKeyId:a,Strange:b,Signature:c": UNREADABLE.format("Strange:b"),
        " AccessKeyId": UNREADABLE.format("AccessKeyId"),
    },
    (acs3, acs3.ALGORITHM): {
        " Signature=s=, Credential=a=b,SignedHeaders=Host;X-acs-Date": (
            ("a=b", ["host", "x-acs-date"], "s=")
        ),
        " Credential=a,Signature=s": NO_ACS3,
        "": NO_ACS3,
        " Credential=a,SignedHeaders=h,Signature=s,Nonce=n": NO_ACS3,
    },
}


@pytest.mark.parametrize(
    ("scheme", "header", "expected"),
    [
        (scheme, algorithm + text, expected)
        for (scheme, algorithm), texts in READ.items()
        for text, expected in texts.items()
    ],
)
def test_an_authorization_header_is_read_or_the_error_says_why_not(
    scheme: Any, header: str, expected: object
) -> None:
    if not isinstance(expected, str):
        assert scheme.parse_authorization(header) == expected
        return
    with pytest.raises(ValueError) as error:  # noqa: PT011 - compared below
        scheme.parse_authorization(header)
    assert str(error.value) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a/20260101/r/oss",
        "/20260101/r/oss/aliyun_v4_request",
        "a/20260101/r/sts/aliyun_v4_request",
        "a/20260101/r/oss/aws4_request",
    ],
    ids=["short", "no key", "other product", "other version"],
)
def test_a_broken_credential_is_an_error(text: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - compared below
        v4.parse_credential(text)
    assert str(error.value) == "the credential is not AccessKeyId/date/region/oss/aliyun_v4_request"


UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"


def test_every_byte_but_the_unreserved_ones_is_percent_encoded() -> None:
    for char in map(chr, range(128)):
        escaped = char if char in UNRESERVED else f"%{ord(char):02X}"
        assert encode(char) == escaped
        assert encode_path(char) == ("/" if char == "/" else escaped)
    assert encode("a/é文 +") == "a%2F%C3%A9%E6%96%87%20%2B"
    assert encode_path("/a//b c/文") == "/a//b%20c/%E6%96%87"
    assert encode_path("/a//b.c/~") == "/a//b.c/~"


SENT = {
    "x-oss-meta-b": " b  c\t",
    "x-oss-meta-a": "\u00e6\u0096\u0087",  # the UTF-8 bytes of a letter, decoded as Latin-1
    "range": "bytes=0-1",
    "host": " h ",
    "content-type": " text/\u00c3\u00a9 ",
    "content-md5": "m",
}
QUERY = (
    ("versionId", ""),
    ("uploadId", "u /文"),
    ("prefix", "p"),
    ("x-oss-process", ""),
    ("acl", "old"),
    ("acl", "new"),
)
SCOPE: dict[str, Any] = {"date_time": "", "credential": v4.Credential("", "", "")}


def test_v4_signs_all_parameters_and_the_headers_that_oss_and_the_client_choose() -> None:
    request: dict[str, Any] = {"method": "PUT", "bucket": "b", "key": "dir/文 1", "headers": SENT}
    query = (*QUERY, ("x-oss-signature", "s"), ("/", " "))
    additional = "Range; X-Oss-Meta-A;HOST;content-type; ;"

    assert V4Case(**request, **SCOPE, query=query, additional=additional).text() == (
        "PUT\n"
        "/b/dir/%E6%96%87%201\n"
        "%2F=%20&acl=new&acl=old&prefix=p&uploadId=u%20%2F%E6%96%87&versionId&x-oss-process\n"
        "content-md5:m\ncontent-type:text/é\nhost:h\nrange:bytes=0-1\n"
        "x-oss-meta-a:文\nx-oss-meta-b:b  c\n\n"
        "host;range\n"
        "UNSIGNED-PAYLOAD"
    )


@pytest.mark.parametrize(("bucket", "uri"), [("b", "/b/"), ("", "/")])
def test_a_request_without_a_key_is_signed_with_the_path_of_the_bucket_or_the_service(
    bucket: str, uri: str
) -> None:
    request: dict[str, Any] = {"method": "GET", "bucket": bucket, "key": "", "query": ()}
    headers = {"x-oss-content-sha256": "hash", "etag": "e"}

    of_v4 = V4Case(**request, **SCOPE, headers=headers).text()
    of_v1 = V1Case(**request, headers={"etag": "e"}, date_line="d").text()

    assert of_v4 == f"GET\n{uri}\n\nx-oss-content-sha256:hash\n\n\nhash"
    assert of_v1 == f"GET\n\n\nd\n{uri}"


def sub_resources_of_the_newer_sdk() -> set[str]:
    """Return the names that calls of alibabacloud-oss-v2 add to the signed sub-resources."""
    folder = Path(alibabacloud_oss_v2.__file__).parent
    lists = [
        names
        for path in folder.rglob("*.py")
        if not {"tables", "vectors"} & set(path.parts)  # other services
        for names in re.findall(r"[\"']sub-resource[\"']\s*:\s*(\[[^]]*])", path.read_text())
    ]
    return {name for names in lists for name in ast.literal_eval(names)}


def test_v1_signs_the_sub_resources_of_the_sdks_and_of_newer_documents() -> None:
    documented = {
        *("accessmonitor", "cloudboxes", "img", "policyStatus", "rtc", "udf", "udfApplication"),
        *("udfApplicationLog", "udfImage", "udfImageDesc", "udfName"),
    }

    newer = sub_resources_of_the_newer_sdk() - {"action"}  # too general to be signed everywhere
    assert "cleanRestoredObject" in newer
    assert documented | Auth._subresource_key_set | newer == v1.SUB_RESOURCES


def test_v1_signs_the_decoded_sub_resources_and_the_headers_of_oss() -> None:
    headers = {**SENT, "content-type": SENT["content-type"].strip()}
    request: dict[str, Any] = {"method": "PUT", "bucket": "b", "key": "dir/文 1", "query": QUERY}

    assert V1Case(**request, headers=headers, date_line="d").text() == (
        "PUT\nm\ntext/é\nd\n"
        "x-oss-meta-a:文\nx-oss-meta-b:b  c\n"
        "/b/dir/文 1?acl=new&uploadId=u /文&versionId&x-oss-process"
    )


def test_a_scope_and_a_key_are_for_one_day_and_one_region() -> None:
    credential = v4.parse_credential("a/b/20260101/r/oss/aliyun_v4_request")

    assert credential == ("a/b", "20260101", "r")
    assert credential.scope == "20260101/r/oss/aliyun_v4_request"


def test_rpc_signs_every_parameter_but_the_signature() -> None:
    parameters = {"b": "/ ~", "a": "文", "Signature": "s", "A": "", "SignatureNonce": "1"}

    assert rpc.canonical_query(parameters) == "A=&SignatureNonce=1&a=%E6%96%87&b=%2F%20~"
    assert rpc.string_to_sign("POST", {"a": "&"}) == "POST&%2F&a%3D%2526"


def test_acs3_sorts_the_query_and_the_signed_headers() -> None:
    headers = {"host": "h", "x-acs-date": " d ", "accept": "a"}

    canonical = acs3.canonical_request(
        "GET",
        "/p",
        query=[("b", ""), ("a", "/ ~"), ("B", "文")],
        headers=headers,
        signed=["x-acs-date", "absent", "host"],
        payload_hash="p",
    )

    assert canonical == (
        "GET\n/p\nB=%E6%96%87&a=%2F%20~&b=\n"
        "absent:\nhost:h\nx-acs-date:d\n\n"
        "absent;host;x-acs-date\np"
    )


@pytest.mark.parametrize("vector", vectors("post_policy"))
def test_form_signatures_are_those_of_the_sdks(vector: Vector) -> None:
    key = v4.signing_key(vector["access_key_secret"], vector["datetime"][:8], vector["region"])

    assert v4.signature(key, vector["policy_base64"]) == vector["v4_x_oss_signature"]
    assert (
        v1.signature(vector["access_key_secret"], vector["policy_base64"]) == vector["v1_signature"]
    )


def accepts(pem: bytes, text: bytes, signature: bytes) -> bool:
    """Return whether another library accepts the signature of a callback."""
    key = serialization.load_pem_public_key(pem)
    assert isinstance(key, rsa.RSAPublicKey)
    try:
        key.verify(signature, text, padding.PKCS1v15(), hashes.MD5())  # noqa: S303
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("vector", load("callback_signature")["vectors"], ids=lambda v: v["id"])
def test_callback_signatures_are_made_as_the_vendor_does(vector: Vector) -> None:
    path, _, query = vector["request_target"].partition("?")

    text = callback.string_to_sign(path, query, vector["body"].encode())

    assert text.decode() == vector["string_to_sign"]
    pem, signature = vector["public_key_pem"].encode(), b64decode(vector["authorization"])
    assert accepts(pem, text, signature) is vector["valid"]
    if "vendor" not in vector["id"]:
        numbers = load("callback_signature")["test_private_key_numbers"]
        n, e, d = (int(numbers[name]) for name in "ned")
        p, q = rsa.rsa_recover_prime_factors(n, e, d)
        factors = (p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
        key = rsa.RSAPrivateNumbers(*factors, rsa.RSAPublicNumbers(e, n)).private_key()
        assert callback.sign(key, text) == vector["authorization"]
        assert callback.public_key_pem(key) == pem


def test_other_libraries_accept_the_signatures_of_the_mock() -> None:
    text = callback.string_to_sign("/cb/%E6%96%87%2F", "", b"\x00\xff")
    signature = b64decode(callback.sign(callback.mock_key(), text))

    assert text == "/cb/文/\n".encode() + b"\x00\xff"
    pem = callback.public_key_pem(callback.mock_key())
    assert accepts(pem, text, signature)
    assert not accepts(pem, text + b"x", signature)
