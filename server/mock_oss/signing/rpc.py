"""RPC signatures of STS requests: HMAC-SHA1, SignatureVersion 1.0.

Source: Alibaba Cloud, "Request syntax and signature method of RPC APIs".
"""

from collections.abc import Mapping

from mock_oss.signing.encoding import encode, hmac_sha1_base64


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Return all parameters except Signature as a percent-encoded query, sorted by name."""
    return "&".join(
        f"{encode(name)}={encode(value)}"
        for name, value in sorted(parameters.items())
        if name != "Signature"
    )


def string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """Return the string to sign of an RPC request: `METHOD&%2F&QUERY`.

    `QUERY` is the result of `canonical_query`, percent-encoded a second time.
    """
    return f"{method}&%2F&{encode(canonical_query(parameters))}"


def signature(secret: str, text: str) -> str:
    """Return the base64-encoded HMAC-SHA1 of `text`, the string to sign.

    The HMAC key is `secret`, the access key secret, to which this function appends `&`.
    """
    return hmac_sha1_base64(secret + "&", text)
