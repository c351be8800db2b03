"""The RSA signature of upload callbacks: PKCS#1 v1.5 with MD5, as OSS creates it.

The private key in this module may be public, because the key signs only callbacks of the mock.
Application servers can download the public key from the mock. Source: vendor page "Callback".
"""

from base64 import b64decode, b64encode
from functools import cache
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

# `cryptography` takes long to import, and few requests have a callback.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_MOCK_KEY = """
    MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAMNXCkCs3VLUcNxBB32+uQQ0y/kW+0oLlB+gqKJzvESZLaDD
    J4Q8B/DLYs9xvSfLkWAvmsyLomWPcn7pLX6YQq7J/geKPmoc9kI3nUv8fANaRifVFRlIliA43NT3u0sjkZFeyPVC5olWq6aB
    RzqzajYCUiAIrYd+j9DYNuWDuSXPAgMBAAECgYAWge7yfiM6VLQfDMx6LAGm1Gve6vZQFSl0w3mVeP8Waw1GMCEGLDdArY6t
    wbiT30bZmGKecvBmrLKlS4+BvgrguPjBZAOf+S8IXiKc3vaLRdNA/wJI4LB+7MgO8rUphmSOYuKcfNB2O1vbsXdErWZ1yidZ
    clhWHmdxP/v1dG/QQQJBAP7AfuzfNSpCdcfhI/tjVqMkVsCTMb+oj4sluPrmrMItDhPefaSDIt70RGtWBHMrtlunxVd0JyoV
    sg/tY5ikuDECQQDETAf3lS2ZFBIkpO8E745CbQy8y5ZMBG19rX2TJSkHe89/xKHPt2USjUPBc0Cf65S3gnovhm30r9TloJXF
    Yj3/AkAaUuHKsDXaLAvnn4gMTfOB4Btmws79MvnCMx+uLW/kkKtHulHZUgOkbjEztiu3iujJB8kIhGQXoS5JHwqPl1XBAkEA
    kF563ZRR3OvuDBVh1Xd6YVBitdflyjLXdD9MxBPogSCGE6pCd8qiA2ryEiz5sqRI1E6aHqn35KYNJnVcsbb3cQJBALlea2CE
    rGvN/3ljYb4Ryv3IbVf0hM0ztL91IY1TvaXaRq/MNW9UBC/e1kzvGjhaOF3JR3UO+FaSXesGMMnnUiU=
"""


@cache
def mock_key() -> "RSAPrivateKey":
    """Return the key with which the mock signs its callbacks."""
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return cast("RSAPrivateKey", load_der_private_key(b64decode(_MOCK_KEY), password=None))


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


def sign(key: "RSAPrivateKey", text: bytes) -> str:
    """Return the signature of a string to sign, as Base64 text for the Authorization header."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import MD5

    return b64encode(key.sign(text, PKCS1v15(), MD5())).decode()  # noqa: S303 - as OSS does


def public_key_pem(key: "RSAPrivateKey") -> bytes:
    """Return the public key in PEM format, as application servers read it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
