"""The operator's public key, with which pages encrypt the random secret key of each file.

The server has no private key, so it cannot decrypt what people upload.
"""

import json
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from typing_extensions import TypedDict

from ossferry.errors import SettingsError
from ossferry.settings.files import read_file
from ossferry.settings.model import Settings

OPTION = "OSSFERRY_ENCRYPT_PUBLIC_KEY"
MIN_BITS = 2048
MAX_BITS = 4096
"""Metadata of objects has no room for the keys that a longer RSA key encrypts."""


class Encryption(TypedDict):
    """The operator's RSA public key, which the page gets to encrypt files.

    `modulus` has hex digits. `description` is the JSON text that OSS's SDKs call `matdesc`; it may
    be empty.
    """

    modulus: str
    exponent: int
    description: str


def encryption_of(settings: Settings) -> Encryption | None:
    """Return the public key in the file `settings.encrypt_public_key`; None without this setting.

    Raises:
        SettingsError: the file cannot be read, or contains no RSA public key of 2048 to 4096 bits.
    """
    if settings.encrypt_public_key is None:
        return None
    key = _read(settings.encrypt_public_key)
    numbers = key.public_numbers()
    description = settings.encrypt_description
    return {
        "modulus": numbers.n.to_bytes((key.key_size + 7) // 8, "big").hex(),
        "exponent": numbers.e,
        "description": json.dumps(description) if description else "",
    }


def _read(path: Path) -> RSAPublicKey:
    pem = read_file(OPTION, path)
    if b"PRIVATE KEY" in pem:
        raise SettingsError(
            f"{OPTION}: the file has a private key, which this server must not have; make the"
            " public key with `openssl pkey -in private.pem -pubout -out public.pem`."
        )
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"{OPTION}: the file has no public key in PEM format.") from error
    if not isinstance(key, RSAPublicKey):
        raise SettingsError(f"{OPTION}: the key must be an RSA key; OSS's SDKs take no other.")
    if not MIN_BITS <= key.key_size <= MAX_BITS:
        raise SettingsError(
            f"{OPTION}: the key has {key.key_size} bits; it must have {MIN_BITS} to {MAX_BITS}."
        )
    return key
