"""Gives every principal a key prefix of its own.

A prefix is ``uploads/{slug}-{keyed hash}/``. The slug is there for people to read; the hash is what
keeps two principals apart, and it cannot be computed without the server's secret.
Both parts are ``[a-z0-9-]``, so nothing that a person is called can reach a policy.
"""

import base64
import hashlib
import hmac
import re
from functools import lru_cache

from ossferry.auth import Principal
from ossferry.errors import PrefixError

__all__ = ["principal_hash", "principal_prefix"]

SLUG_LENGTH = 24
HASH_BYTES = 16


def principal_prefix(principal: Principal, *, secret: bytes) -> str:
    """Return the key prefix below which this principal may write.

    Raises:
        PrefixError: the id is empty or is not valid Unicode text.
    """
    digest = _keyed_digest("prefix", principal.id, secret)
    tail = base64.b32encode(digest[:HASH_BYTES]).decode().rstrip("=").lower()
    return f"uploads/{_slug(principal.id)}-{tail}/"


@lru_cache(maxsize=4096)
def principal_hash(principal: Principal, *, secret: bytes) -> str:
    """Return 16 hexadecimal characters that stand for the principal in logs and session names."""
    return _keyed_digest("audit", principal.id, secret)[:8].hex()


def _slug(text: str) -> str:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return "-".join(words)[:SLUG_LENGTH].strip("-") or "user"


def _keyed_digest(purpose: str, principal_id: str, secret: bytes) -> bytes:
    if not principal_id:
        raise PrefixError("A principal without an id has no prefix.")
    try:
        message = f"ossferry/{purpose}\0{principal_id}".encode()
    except UnicodeEncodeError as error:
        raise PrefixError("A principal's id must be valid Unicode text.") from error
    return hmac.new(secret, message, hashlib.sha256).digest()
