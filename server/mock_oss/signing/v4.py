"""V4 (OSS4-HMAC-SHA256) signatures: credential, string to sign, signing key, signature.

Source: OSS API reference, "Include a V4 signature in the Authorization header" and "V4 signatures
in presigned URLs".
"""

import hashlib
import hmac
from functools import lru_cache
from typing import NamedTuple

from mock_oss.signing.encoding import hmac_sha256_hex

ALGORITHM = "OSS4-HMAC-SHA256"
_TERMINATOR = "aliyun_v4_request"
_FIELDS = frozenset({"Credential", "Signature", "AdditionalHeaders"})


class Credential(NamedTuple):
    """The access key id and the scope of a V4 signature; `date` has the form `yyyymmdd`."""

    access_key_id: str
    date: str
    region: str

    @property
    def scope(self) -> str:
        """The credential scope: `date/region/oss/aliyun_v4_request`."""
        return f"{self.date}/{self.region}/oss/{_TERMINATOR}"


def parse_authorization(value: str) -> dict[str, str]:
    """Parse an Authorization header with a V4 signature.

    The header has the form `OSS4-HMAC-SHA256 Credential=…,AdditionalHeaders=…,Signature=…`. The
    fields may have any order, blanks after the commas are allowed, and AdditionalHeaders is
    optional.

    Returns:
        A dict from the name of a field to its value.

    Raises:
        ValueError: the header cannot be parsed; the message contains the reason.
    """
    fields: dict[str, str] = {}
    for item in value[len(ALGORITHM) :].split(","):
        name, equals, text = item.strip().partition("=")
        if not equals or name in fields:
            raise ValueError(f"cannot read {item.strip()!r} in the Authorization header")
        if name not in _FIELDS:
            raise ValueError(f"the Authorization header has an unknown {name}")
        fields[name] = text.strip()
    for name in ("Credential", "Signature"):
        if name not in fields:
            raise ValueError(f"the Authorization header lacks {name}")
    additional = fields.get("AdditionalHeaders")
    if additional is not None and (not additional or additional.endswith(";")):
        raise ValueError("AdditionalHeaders is empty or ends in a semicolon")
    return fields


@lru_cache(maxsize=256)
def parse_credential(text: str) -> Credential:
    """Parse a V4 credential: `AccessKeyId/yyyymmdd/region/oss/aliyun_v4_request`.

    The caller must compare the date and the region with those of the request.

    Raises:
        ValueError: the text has another format.
    """
    pieces = text.rsplit("/", 4)
    if len(pieces) != 5 or pieces[3:] != ["oss", _TERMINATOR] or not pieces[0]:
        raise ValueError("the credential is not AccessKeyId/date/region/oss/aliyun_v4_request")
    return Credential(*pieces[:3])


def string_to_sign(date_time: str, scope: str, canonical: str) -> str:
    """Return the V4 string to sign: algorithm, date, scope, and SHA-256 of the canonical request.

    Args:
        date_time: the date of the request, `yyyymmddTHHMMSSZ`.
        scope: the credential scope, `yyyymmdd/region/oss/aliyun_v4_request`.
        canonical: the canonical request.
    """
    return f"{ALGORITHM}\n{date_time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


@lru_cache(maxsize=256)
def signing_key(secret: str, date: str, region: str) -> bytes:
    """Return the HMAC key for V4 signatures on one day in one region, derived from a secret.

    Args:
        secret: the access key secret.
        date: the day, `yyyymmdd`.
        region: the region, such as `cn-hangzhou`.
    """
    key = f"aliyun_v4{secret}".encode()
    for step in (date, region, "oss", _TERMINATOR):
        key = hmac.digest(key, step.encode(), hashlib.sha256)
    return key


def signature(key: bytes, text: str) -> str:
    """Return the HMAC-SHA256 of `text`, the string to sign, in lower-case hex.

    The HMAC key is `key`, the result of `signing_key`.
    """
    return hmac_sha256_hex(key, text)
