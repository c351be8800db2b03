"""The RSA signature of upload callbacks: PKCS#1 v1.5 with MD5, as OSS creates it.

The private key in this module may be public, because the key signs only callbacks of the mock.
Application servers can download the public key from the mock. Source: vendor page "Callback".
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import unquote

_MD5_DIGEST_INFO = bytes.fromhex("3020300c06082a864886f70d020505000410")


@dataclass(frozen=True, slots=True)
class RsaKey:
    """An RSA key: modulus `n`, public exponent `e`, and private exponent `d` (0 if unknown)."""

    n: int
    e: int
    d: int = 0

    @property
    def size(self) -> int:
        """The length in bytes of the modulus, and of every signature with this key."""
        return (self.n.bit_length() + 7) // 8


MOCK_KEY = RsaKey(
    n=int(
        "c3570a40acdd52d470dc41077dbeb90434cbf916fb4a0b941fa0a8a273bc44992da0c327843c07f0"
        "cb62cf71bd27cb91602f9acc8ba2658f727ee92d7e9842aec9fe078a3e6a1cf642379d4bfc7c035a"
        "4627d5151948962038dcd4f7bb4b2391915ec8f542e68956aba681473ab36a3602522008ad877e8f"
        "d0d836e583b925cf",
        16,
    ),
    e=65537,
    d=int(
        "1681eef27e233a54b41f0ccc7a2c01a6d46bdeeaf650152974c3799578ff166b0d463021062c3740"
        "ad8eadc1b893df46d998629e72f066acb2a54b8f81be0ae0b8f8c164039ff92f085e229cdef68b45"
        "d340ff0248e0b07eecc80ef2b52986648e62e29c7cd0763b5bdbb17744ad6675ca27597258561e67"
        "713ffbf5746fd041",
        16,
    ),
)


def string_to_sign(path: str, query: str, body: bytes) -> bytes:
    """Return the string to sign of a callback request.

    The string consists of the decoded path, the raw query with a leading `?`, a newline, and the
    body.

    Args:
        path: the percent-encoded path, as in the request line.
        query: the raw query without `?`, or empty text.
        body: the body of the request.
    """
    return (unquote(path) + (f"?{query}" if query else "")).encode() + b"\n" + body


def _padded(text: bytes, size: int) -> int:
    digest = _MD5_DIGEST_INFO + hashlib.md5(text, usedforsecurity=False).digest()
    block = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    return int.from_bytes(block)


def sign(key: RsaKey, text: bytes) -> str:
    """Return the RSA signature of a text (PKCS #1 v1.5 with MD5), in base64.

    Args:
        key: a key with a private exponent.
        text: the string to sign.
    """
    return b64encode(pow(_padded(text, key.size), key.d, key.n).to_bytes(key.size)).decode()


def public_key_pem(key: RsaKey) -> bytes:
    """Return the public part of a key in PEM format."""
    from cryptography.hazmat.primitives import serialization  # takes long to import
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    public = RSAPublicNumbers(key.e, key.n).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form)
