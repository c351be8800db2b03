"""Percent-encoding and HMAC functions that several signature schemes use.

Only `A-Z a-z 0-9 - _ . ~` stay unencoded; the UTF-8 bytes of other characters become `%` and
two upper-case hex digits.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote


def encode(text: str) -> str:
    """Percent-encode a query name or value; `/` becomes `%2F`."""
    return quote(text, safe="")


def encode_path(text: str) -> str:
    """Percent-encode a path; `/` stays unchanged."""
    return quote(text)


def hmac_sha1_base64(secret: str, text: str) -> str:
    """Return the HMAC-SHA1 of a text in base64."""
    digest = hmac.digest(secret.encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(digest).decode()


def hmac_sha256_base64(secret: str, text: str) -> str:
    """Return the HMAC-SHA256 of a text in base64."""
    digest = hmac.digest(secret.encode(), text.encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()


def hmac_sha256_hex(key: bytes, text: str) -> str:
    """Return the HMAC-SHA256 of a text in lower-case hex."""
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()
