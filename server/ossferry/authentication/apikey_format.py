"""The format of API keys: `osf_{id}_{128 random bits}{checksum}`, in lower-case base 32.

The prefix `osf_` lets secret scanners find leaked keys. The checksum lets the server refuse a
mistyped or guessed key without reading the key file.
"""

import base64
import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

RandomBytes: TypeAlias = Callable[[int], bytes]

KEY_PREFIX = "osf_"
_KEY = re.compile(KEY_PREFIX + r"([a-z2-7]{8})_([a-z2-7]{26})([a-z2-7]{7})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key, with which a program proves its identity to the server.

    Attributes:
        id: public part, which identifies the key.
        text: the whole key, which is secret.
    """

    id: str
    text: str = field(repr=False)

    def keyed_hash(self, secret: bytes) -> str:
        """Return an HMAC-SHA256 of this API key, in hexadecimal; the server stores only this hash.

        Args:
            secret: the server's secret, which is the key of the HMAC.
        """
        message = f"ossferry/apikey\0{self.text}".encode()
        return hmac.new(secret, message, hashlib.sha256).hexdigest()


def new_key(random_bytes: RandomBytes = secrets.token_bytes) -> ApiKey:
    """Return a new random API key.

    Args:
        random_bytes: returns as many random bytes as its argument says.
    """
    id_ = _base32(random_bytes(5))
    body = f"{KEY_PREFIX}{id_}_{_base32(random_bytes(16))}"
    return ApiKey(id=id_, text=body + _checksum(body))


def parse_key(text: str) -> ApiKey | None:
    """Return the API key in a text; None if the format or the checksum of the text is wrong."""
    found = _KEY.fullmatch(text)
    if found is None or _checksum(text[:-7]) != found[3]:
        return None
    return ApiKey(id=found[1], text=text)


def _checksum(body: str) -> str:
    return _base32(zlib.crc32(body.encode()).to_bytes(4, "big"))


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()
