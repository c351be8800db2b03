"""Gives every principal a key prefix of its own.

A prefix is ``uploads/{slug}-{keyed hash}/``. The slug is there for people to read; the hash is what
keeps two principals apart, and it cannot be computed without the server's secret.
Both parts are ``[a-z0-9-]``, so nothing that a person is called can reach a policy.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from functools import lru_cache

from ossferry.errors import BadRequestError, ForeignKeyError, PrefixError
from ossferry.identity.principal import Principal

__all__ = [
    "Owner",
    "check_own_key",
    "nameless",
    "owner_of",
    "path_of",
    "principal_hash",
    "principal_prefix",
]

SLUG_LENGTH = 24
HASH_BYTES = 16
MAX_KEY_BYTES = 1023
_BEFORE_THE_PATH = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9a-f]{32}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose uploads they are.

    Attributes:
        hash: stands for them in the ledger and in logs.
        label: shown to people; decides nothing.
        prefix: below it lie their objects; ends in ``/``.
    """

    hash: str
    label: str
    prefix: str


def owner_of(principal: Principal, *, secret: bytes) -> Owner:
    """Return what a principal owns.

    Raises:
        PrefixError: the id is empty or is not valid Unicode text.
    """
    return Owner(
        hash=principal_hash(principal, secret=secret),
        label=principal.name,
        prefix=principal_prefix(principal, secret=secret),
    )


def principal_prefix(principal: Principal, *, secret: bytes) -> str:
    """Return the key prefix below which this principal may write.

    Raises:
        PrefixError: the id is empty or is not valid Unicode text.
    """
    digest = _keyed_digest("prefix", principal.id, secret)
    tail = base64.b32encode(digest[:HASH_BYTES]).decode().rstrip("=").lower()
    return f"uploads/{_slug(principal.id)}-{tail}/"


def nameless(prefix: str) -> str:
    """Return a prefix without the part that people can read, ``uploads/*-{keyed hash}/``."""
    return f"uploads/*-{prefix.rpartition('-')[2]}"


def check_own_key(key: object, prefix: str) -> str:
    """Return a key that a client named, if it lies below this prefix.

    The key is taken as it is: nothing is decoded, joined or made canonical.

    Raises:
        BadRequestError: it is no text that could be the key of an upload.
        ForeignKeyError: it lies elsewhere.
    """
    if not isinstance(key, str):
        raise BadRequestError("key must be text.")
    if not key.startswith(prefix) or key == prefix:
        raise ForeignKeyError("Only objects below your own prefix can be asked about.")
    if not _is_plain(key):
        raise BadRequestError("key must be an object key, as it was uploaded.")
    return key


def path_of(key: str, prefix: str) -> str:
    """Return folders and name of an upload's file, without what was put before them.

    The page puts day and random part there, unless the key is to have the file's name alone.
    """
    own = key.removeprefix(prefix)
    return _BEFORE_THE_PATH.sub("", own)


def _is_plain(key: str) -> bool:
    try:
        long = len(key.encode()) > MAX_KEY_BYTES
    except UnicodeEncodeError:
        return False
    odd = any(part in ("", ".", "..") for part in key.split("/"))
    return not (long or odd or "\\" in key or any(ord(char) < 32 or char == "\x7f" for char in key))


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
