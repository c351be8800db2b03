"""V2 (HMAC-SHA256) signatures in the Authorization header and in presigned URLs.

V4 replaced this scheme, which only some SDKs still offer, such as `oss2.AuthV2`. The signature
covers the whole query, and the resource is percent-encoded, also its slashes. Source: OSS API
reference, "Include a V2 signature in the Authorization header" and "Add V2 signatures to URLs".
"""

from mock_oss.signing.encoding import hmac_sha256_base64

ALGORITHM = "OSS2"
_FIELDS = frozenset({"AccessKeyId", "AdditionalHeaders", "Signature"})


def parse_authorization(value: str) -> dict[str, str]:
    """Parse an Authorization header with a V2 signature.

    The header has the form `OSS2 AccessKeyId:…,AdditionalHeaders:…,Signature:…`; AdditionalHeaders
    is optional.

    Returns:
        A dict from the name of a field to its value.

    Raises:
        ValueError: the header cannot be parsed; the message contains the reason.
    """
    fields: dict[str, str] = {}
    for item in value[len(ALGORITHM) :].split(","):
        name, colon, text = item.strip().partition(":")
        if not colon or name in fields or name not in _FIELDS:
            raise ValueError(f"cannot read {item.strip()!r} in the Authorization header")
        fields[name] = text.strip()
    for name in ("AccessKeyId", "Signature"):
        if not fields.get(name):
            raise ValueError(f"the Authorization header lacks {name}")
    return fields


def signature(secret: str, text: str) -> str:
    """Return the base64-encoded HMAC-SHA256 of `text`, the string to sign.

    The HMAC key is `secret`, the access key secret.
    """
    return hmac_sha256_base64(secret, text)
