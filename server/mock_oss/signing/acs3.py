"""ACS3-HMAC-SHA256: STS signatures in headers, used by the vendor's Tea SDKs.

Source: Alibaba Cloud, "Signature method V3".
"""

import hashlib
from collections.abc import Iterable, Mapping

from mock_oss.signing.encoding import encode, hmac_sha256_hex

ALGORITHM = "ACS3-HMAC-SHA256"


def parse_authorization(value: str) -> tuple[str, list[str], str]:
    """Return (access key id, names of signed headers, signature) from an Authorization header.

    Raises:
        ValueError: a field is missing or unknown.
    """
    fields = {}
    for item in value[len(ALGORITHM) :].split(","):
        name, _, text = item.strip().partition("=")
        fields[name] = text
    if fields.keys() != {"Credential", "SignedHeaders", "Signature"}:
        raise ValueError("the Authorization header needs Credential, SignedHeaders and Signature")
    return fields["Credential"], fields["SignedHeaders"].lower().split(";"), fields["Signature"]


def canonical_request(
    method: str,
    path: str,
    *,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    signed: Iterable[str],
    payload_hash: str,
) -> str:
    """Return the canonical request of the scheme ACS3-HMAC-SHA256.

    The canonical request consists of the method, the path, the sorted query, the signed headers,
    the names of the signed headers, and the payload hash, separated by newlines.

    Args:
        method: the HTTP method in upper case.
        path: the percent-encoded path of the request, which is used unchanged; `/` for STS.
        query: the decoded (name, value) pairs of the query.
        headers: a mapping from lower-case name to value.
        signed: the lower-case names of the signed headers, in any order.
        payload_hash: the SHA-256 of the body in lower-case hex.
    """
    names = sorted(signed)
    return "\n".join(
        (
            method,
            path,
            "&".join(f"{n}={v}" for n, v in sorted((encode(n), encode(v)) for n, v in query)),
            "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in names),
            ";".join(names),
            payload_hash,
        )
    )


def string_to_sign(canonical: str) -> str:
    """Return the string to sign.

    The string is the algorithm name, a newline, and the SHA-256 of the canonical request in hex.
    """
    return f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def signature(secret: str, text: str) -> str:
    """Return the HMAC-SHA256 of `text`, the string to sign, in lower-case hex.

    The HMAC key is `secret`, the access key secret.
    """
    return hmac_sha256_hex(secret.encode(), text)
