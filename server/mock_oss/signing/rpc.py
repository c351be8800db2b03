"""RPC signatures of STS requests: HMAC-SHA1, SignatureVersion 1.0.

Source: Alibaba Cloud, "Request syntax and signature method of RPC APIs".
"""

from collections.abc import Mapping

from mock_oss.signing.encoding import encode, hmac_sha1_base64


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Return all parameters except Signature, percent-encoded and sorted, as a query."""
    return "&".join(
        f"{encode(name)}={encode(value)}"
        for name, value in sorted(parameters.items())
        if name != "Signature"
    )


def string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """Return the string to sign: `METHOD&%2F&` followed by the encoded query."""
    return f"{method}&%2F&{encode(canonical_query(parameters))}"


def signature(secret: str, text: str) -> str:
    """Return the signature of a string to sign in base64.

    The HMAC key is the access key secret followed by `&`.
    """
    return hmac_sha1_base64(secret + "&", text)
