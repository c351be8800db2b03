"""The signature of a cookie, calculated without the library that the server uses."""

import hmac
from base64 import urlsafe_b64encode


def is_signed_for(purpose: str, cookie: str, *, secret: bytes) -> bool:
    """Return whether a cookie has the HMAC-SHA-256 signature for this purpose."""
    signed, _, signature = cookie.rpartition(".")
    key = hmac.digest(secret, f"ossferry/{purpose}".encode(), "sha256")
    expected = urlsafe_b64encode(hmac.digest(key, signed.encode(), "sha256")).rstrip(b"=")
    return signature == expected.decode()
