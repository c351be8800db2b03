"""A fake of OSS for upload callbacks: a signing key, a server of the public key, signed
requests.
"""

import json
from base64 import b64encode

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import MD5
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ossferry.uploads.callbacks import signed_text

GOOD_KEY_URL = "https://gosspublic.alicdn.com/callback_pub_key_v1.pem"
HOSTILE_KEY_URLS = [
    "https://gosspublic.alicdn.com.evil.com/callback_pub_key_v1.pem",
    "https://gosspublicXalicdn.com/callback_pub_key_v1.pem",
    "https://gosspublic-alicdn.com/callback_pub_key_v1.pem",
    "https://evil.com/gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com@evil.com/callback_pub_key_v1.pem",
    "https://evil.com@gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com:8443/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com\\@evil.com/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com#@evil.com/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v1.pem?x=https://evil.com",
    "https://gosspublic.alicdn.com/../evil/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/%2e%2e/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com./callback_pub_key_v1.pem",
    "file://gosspublic.alicdn.com/etc/passwd.pem",
    "ftp://gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "//gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https://127.0.0.1/callback_pub_key_v1.pem",
    "https://[::ffff:169.254.169.254]/latest.pem",
    "https://100.100.100.200/latest/meta-data.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v1.pem\r\nHost: evil.com",
    "https://\uff47osspublic.alicdn.com/callback_pub_key_v1.pem",
    "https:///callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/",
    "",
]


class KeyServer(httpx.AsyncBaseTransport):
    """Serves the public key and counts the requests."""

    def __init__(self, pem: bytes, status: int = 200) -> None:
        self.asked: list[str] = []
        self.pem = pem
        self.status = status

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return httpx.Response(self.status, content=self.pem)


def signing_key() -> rsa.RSAPrivateKey:
    """Return a new random key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key: rsa.RSAPrivateKey) -> bytes:
    """Return the public key in the format that OSS publishes."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Caller:
    """Sends signed callbacks, like OSS."""

    def __init__(self, client: httpx.Client, key: rsa.RSAPrivateKey) -> None:
        self._client = client
        self._key = key

    def call(
        self, document: object, *, query: bytes = b"", signed: bytes | None = None, **headers: str
    ) -> httpx.Response:
        """Send a callback.

        Args:
            signed: text to sign instead of the correct one.
        """
        body = json.dumps(document).encode()
        text = signed_text("/api/callback", query, body) if signed is None else signed
        signature = self._key.sign(text, PKCS1v15(), MD5())  # noqa: S303 - OSS signs with MD5
        good = {
            "x-oss-pub-key-url": b64encode(GOOD_KEY_URL.encode()).decode(),
            "authorization": b64encode(signature).decode(),
            "content-type": "application/json",
        }
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        path = "/api/callback" + ("?" + query.decode() if query else "")
        return self._client.post(path, content=body, headers={**good, **given})
