"""The owner of uploads: the hash, display name and key prefix of a principal.

A prefix is `uploads/{slug}-{keyed hash}/`. The slug is a readable form of the principal's id. The
keyed hash is different for each principal, and cannot be computed without the server's secret. Both
parts consist of `[a-z0-9-]`, so a prefix never adds special characters to a session policy.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ossferry.errors import PrefixError
from ossferry.identity.object_keys import DAY, RANDOM, UPLOADS, folder_of
from ossferry.identity.principal import Principal

SLUG_LENGTH = 24
HASH_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A principal as the owner of a folder in the bucket and of the objects in it.

    Attributes:
        hash: 16 hexadecimal characters that identify the owner in the ledger and in logs.
        label: the name to display; never used for access decisions.
        prefix: the key prefix of the owner's objects; ends in `/`.
        id: the principal's own id; empty if the server does not know it.
        guest: id of the guest of a file request who acts for this owner, with a prefix below the
            owner's; empty if the principal acts.
    """

    hash: str
    label: str
    prefix: str
    id: str = field(default="", repr=False, compare=False)
    guest: str = field(default="", compare=False)

    @property
    def counter(self) -> str:
        """The name of the rate limits' counters: guests do not use up the limits of the owner."""
        return self.guest or self.hash

    @property
    def whole(self) -> "Owner":
        """The owner with the whole prefix, if a guest acts for them."""
        return replace(self, prefix=folder_of(self.prefix), guest="") if self.guest else self


def owner_of(principal: Principal, *, secret: bytes) -> Owner:
    """Return the `Owner` for a principal, with the principal's hash and key prefix.

    Args:
        secret: the server's secret.

    Raises:
        PrefixError: the id is empty or is not valid Unicode text.
    """
    return Owner(
        hash=principal_hash(principal, secret=secret),
        label=principal.name,
        prefix=principal_prefix(principal, secret=secret),
        id=principal.id,
    )


def principal_prefix(principal: Principal, *, secret: bytes) -> str:
    """Return the key prefix below which a principal may write.

    Args:
        secret: the server's secret; without it, nobody can compute the prefix.

    Raises:
        PrefixError: the id is empty or is not valid Unicode text.
    """
    digest = _keyed_digest("prefix", principal.id, secret)
    tail = base64.b32encode(digest[:HASH_BYTES]).decode().rstrip("=").lower()
    return f"{UPLOADS}{_slug(principal.id)}-{tail}/"


def without_slug(prefix: str) -> str:
    """Return a key prefix with `*` in place of the readable slug: `uploads/*-{keyed hash}/`."""
    return f"{UPLOADS}*-{prefix.rpartition('-')[2]}"


def without_names(key: str) -> str:
    """Return an object key without slug, folders and file name: `uploads/*-{hash}/{day}/{random}`.

    Day and random digits are missing if the key has none.
    """
    found = re.search(f"/{DAY}/{RANDOM}(?=/)", key)
    return without_slug(folder_of(key)[:-1]) + (found[0] if found else "")


@lru_cache(maxsize=4096)
def principal_hash(principal: Principal, *, secret: bytes) -> str:
    """Return the 16 hexadecimal characters that identify a principal in the ledger and in logs.

    Args:
        secret: the server's secret, the key of the hash.

    Raises:
        PrefixError: the id is empty or is not valid Unicode text.
    """
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
