"""Every stage of every signature scheme, compared with values of the official SDKs."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mock_oss.http.request import parse_query
from mock_oss.signing import acs3, callback, rpc, v1, v4
from support.vectors import load

Vector = Mapping[str, Any]


def vectors(name: str) -> list[Any]:
    return [pytest.param(vector, id=vector["id"]) for vector in load(name)["vectors"]]


def sts_vectors(style: str) -> list[Any]:
    found = load("sts_signatures")[style]["vectors"]
    return [pytest.param(vector, id=vector["id"]) for vector in found]


def query_of(vector: Vector) -> list[tuple[str, str]]:
    return [(name, value or "") for name, value in vector["query"]]


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("vector", vectors("v4_header"))
def test_v4_header_stages_are_those_of_the_sdks(vector: Vector) -> None:
    scope = f"{vector['datetime'][:8]}/{vector['region']}/oss/aliyun_v4_request"
    secret = vector["credentials"]["access_key_secret"]

    canonical = v4.canonical_request(
        vector["method"],
        vector["bucket"] or "",
        vector["key"],
        query=query_of(vector),
        headers=lower(vector["request_headers"]),
        additional=";".join(vector["additional_headers"]),
    )
    text = v4.string_to_sign(vector["datetime"], scope, canonical)
    key = v4.signing_key(secret, vector["datetime"][:8], vector["region"])

    assert canonical == vector["canonical_request"]
    assert text == vector["string_to_sign"]
    assert v4.signature(key, text) == vector["signature"]


@pytest.mark.parametrize("vector", vectors("v4_header"))
def test_every_layout_of_the_v4_authorization_header_is_read(vector: Vector) -> None:
    for layout in vector["authorization"].values():
        fields = v4.parse_authorization(layout)

        assert fields["Signature"] == vector["signature"]
        credential = v4.parse_credential(fields["Credential"])
        assert credential == (
            vector["credentials"]["access_key_id"],
            vector["datetime"][:8],
            vector["region"],
        )


@pytest.mark.parametrize("vector", vectors("v4_presign"))
def test_v4_urls_are_verified_from_the_url_alone(vector: Vector) -> None:
    for url in vector["url"].values():
        query = parse_query(urlsplit(url).query.encode())
        params = dict(query)

        canonical = v4.canonical_request(
            vector["method"],
            vector["bucket"],
            vector["key"],
            query=query,
            headers=lower({"host": urlsplit(url).netloc, **vector["headers"]}),
            additional=params.get("x-oss-additional-headers", ""),
        )
        credential = v4.parse_credential(params["x-oss-credential"])
        text = v4.string_to_sign(params["x-oss-date"], credential.scope, canonical)
        key = v4.signing_key(
            vector["credentials"]["access_key_secret"], credential.date, credential.region
        )

        assert canonical == vector["canonical_request"]
        assert text == vector["string_to_sign"]
        assert v4.signature(key, text) == params["x-oss-signature"] == vector["signature"]


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

    text = v1.string_to_sign(
        vector["method"],
        vector["bucket"] or "",
        vector["key"],
        query=query_of(vector),
        headers=headers,
        date_line=case.get("date") or case["x_oss_date"],
    )

    access_key_id, signature = v1.parse_authorization(case["authorization"])
    assert text == case["string_to_sign"]
    assert access_key_id == vector["credentials"]["access_key_id"]
    assert v1.signature(vector["credentials"]["access_key_secret"], text) == signature


@pytest.mark.parametrize("vector", vectors("v1_presign"))
def test_v1_urls_are_verified_from_the_url_alone(vector: Vector) -> None:
    for url in vector["url"].values():
        query = parse_query(urlsplit(url).query.encode())

        text = v1.string_to_sign(
            vector["method"],
            vector["bucket"],
            vector["key"],
            query=query,
            headers=lower(vector["headers"]),
            date_line=dict(query)["Expires"],
        )

        assert text == vector["string_to_sign"]
        assert v1.signature(vector["credentials"]["access_key_secret"], text) == vector["signature"]
        assert dict(query)["Signature"] == vector["signature"]


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


@pytest.mark.parametrize(
    "header",
    [
        "OSS4-HMAC-SHA256 Credential=a/20260101/r/oss/aliyun_v4_request",
        "OSS4-HMAC-SHA256 Credential=a,Signature=b,AdditionalHeaders=",
        "OSS4-HMAC-SHA256 Credential=a,Signature=b,AdditionalHeaders=host;",
        "OSS4-HMAC-SHA256 Credential=a,Signature=b,Nonce=c",
        "OSS4-HMAC-SHA256 Credential=a,Credential=a,Signature=b",
        "OSS4-HMAC-SHA256 nonsense",
    ],
    ids=["no signature", "empty list", "trailing semicolon", "unknown", "twice", "nonsense"],
)
def test_a_broken_v4_authorization_header_is_an_error(header: str) -> None:
    with pytest.raises(ValueError, match=r"Authorization|AdditionalHeaders"):
        v4.parse_authorization(header)


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
    with pytest.raises(ValueError, match="credential"):
        v4.parse_credential(text)


def test_blanks_around_the_value_of_a_signed_header_are_not_signed() -> None:
    headers = {"x-oss-meta-a": " b  c\t", "content-type": " text/plain "}

    of_v4 = v4.canonical_request("PUT", "b", "k", query=(), headers=headers)
    of_v1 = v1.string_to_sign("PUT", "b", "k", query=(), headers=headers, date_line="d")

    assert "\ncontent-type:text/plain\nx-oss-meta-a:b  c\n\n" in of_v4
    assert "\nx-oss-meta-a:b  c\n/b/k" in of_v1


def test_acs3_sorts_the_names_of_signed_headers_and_trims_their_values() -> None:
    headers = {"host": "h", "x-acs-date": " d ", "accept": "a"}

    canonical = acs3.canonical_request(
        "GET",
        "/",
        query=(),
        headers=headers,
        signed=["x-acs-date", "accept", "host"],
        payload_hash="p",
    )

    assert canonical == "GET\n/\n\naccept:a\nhost:h\nx-acs-date:d\n\naccept;host;x-acs-date\np"


@pytest.mark.parametrize("vector", vectors("post_policy"))
def test_form_signatures_are_those_of_the_sdks(vector: Vector) -> None:
    key = v4.signing_key(vector["access_key_secret"], vector["datetime"][:8], vector["region"])

    assert v4.signature(key, vector["policy_base64"]) == vector["v4_x_oss_signature"]
    assert (
        v1.signature(vector["access_key_secret"], vector["policy_base64"]) == vector["v1_signature"]
    )


@pytest.mark.parametrize("vector", load("callback_signature")["vectors"], ids=lambda v: v["id"])
def test_callback_signatures_are_verified_and_made_as_the_vendor_does(vector: Vector) -> None:
    path, _, query = vector["request_target"].partition("?")
    numbers = load("callback_signature")["test_private_key_numbers"]
    key = callback.RsaKey(int(numbers["n"]), int(numbers["e"]), int(numbers["d"]))

    text = callback.string_to_sign(path, query, vector["body"].encode())

    assert text.decode() == vector["string_to_sign"]
    if "vendor" in vector["id"]:
        key = public_key(vector["public_key_pem"])
    else:
        assert callback.sign(key, text) == vector["authorization"]
        assert callback.public_key_pem(key).decode() == vector["public_key_pem"]
    signature = b64decode(vector["authorization"])
    assert callback.verify(key, text, signature) is vector["valid"]


def public_key(pem: str) -> callback.RsaKey:
    loaded = serialization.load_pem_public_key(pem.encode())
    assert isinstance(loaded, rsa.RSAPublicKey)
    numbers = loaded.public_numbers()
    return callback.RsaKey(numbers.n, numbers.e)
