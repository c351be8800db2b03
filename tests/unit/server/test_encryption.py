"""`OSSFERRY_ENCRYPT_PUBLIC_KEY`: which keys the server takes, and what a page gets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ossferry.errors import SettingsError
from ossferry.grants.encryption import encryption_of
from support.server_fakes import MakeClient, MakeSettings

PKCS8 = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
SPKI = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def public_file(private: rsa.RSAPrivateKey, tmp_path: Path) -> Path:
    path = tmp_path / "public.pem"
    path.write_bytes(private.public_key().public_bytes(*SPKI))
    return path


@pytest.mark.parametrize("kind", ["sts", "form"])
def test_a_page_gets_the_key(
    make_client: MakeClient, private: rsa.RSAPrivateKey, public_file: Path, kind: str
) -> None:
    numbers = private.public_key().public_numbers()
    changes: dict[str, Any] = {"encrypt_description": {"key": "2027", "für": "x"}, "grant": kind}

    with make_client(encrypt_public_key=public_file, **changes) as client:
        encryption = client.post("/api/grant").json()["encryption"]

    assert encryption == {
        "modulus": f"{numbers.n:0512x}",
        "exponent": 65537,
        "description": json.dumps({"key": "2027", "für": "x"}),  # ASCII, as the SDKs write it
    }


def test_the_older_format_of_a_public_key_is_taken(
    make_settings: MakeSettings, private: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    path = tmp_path / "public.pem"
    path.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1))

    assert encryption_of(make_settings(encrypt_public_key=path))


def test_a_form_carries_no_file_that_does_not_fit_into_memory(
    make_client: MakeClient, public_file: Path
) -> None:
    with make_client(grant="form", encrypt_public_key=public_file) as client:
        grant = client.post("/api/grant").json()

    assert grant["limits"]["max_file_size"] == 512 * MIB


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/form"), ("GET", "/form")])
def test_t56_a_form_without_the_page_is_refused(
    make_client: MakeClient, public_file: Path, method: str, path: str
) -> None:
    with make_client(encrypt_public_key=public_file) as client:
        response = client.request(method, path)

    assert response.status_code == 404
    assert "encrypted" in response.text


OTHER_KEYS: dict[str, Callable[[rsa.RSAPrivateKey], bytes]] = {
    "the file has a private key": lambda private: private.private_bytes(*PKCS8),
    "the key has 1024 bits; it must have 2048 to 4096": lambda _: (
        rsa.generate_private_key(65537, 1024).public_key().public_bytes(*SPKI)  # noqa: S505
    ),
    "the key must be an RSA key": lambda _: (
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*SPKI)
    ),
    "no public key in PEM format": lambda _: (
        b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
    ),
}
"""What the server says about a key -> function that makes it."""


@pytest.mark.parametrize(("sentence", "make"), OTHER_KEYS.items(), ids=OTHER_KEYS)
def test_the_server_does_not_start_with_another_key(
    make_client: MakeClient,
    private: rsa.RSAPrivateKey,
    tmp_path: Path,
    sentence: str,
    make: Callable[[rsa.RSAPrivateKey], bytes],
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(make(private))

    with pytest.raises(SettingsError, match=f"OSSFERRY_ENCRYPT_PUBLIC_KEY.*{sentence}"):
        make_client(encrypt_public_key=path)


def test_the_server_does_not_start_without_the_file(
    make_client: MakeClient, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="cannot be read \\(No such file"):
        make_client(encrypt_public_key=tmp_path / "missing.pem")


@pytest.mark.parametrize(
    ("description", "sentence"),
    [
        ("2027", "must be an object of texts"),
        ('{"key": 2027}', "must be an object of texts"),
        ("[", "must be an object of texts"),
        (json.dumps({"key": "x" * 250}), "must not be longer than 256 characters"),
        ('{"key": "2027"}', "needs OSSFERRY_ENCRYPT_PUBLIC_KEY"),
    ],
)
def test_a_description_that_cannot_be_used_is_refused(
    make_settings: MakeSettings, description: str, sentence: str
) -> None:
    with pytest.raises(SettingsError, match=f"OSSFERRY_ENCRYPT_DESCRIPTION.*{sentence}"):
        make_settings(encrypt_description=description)
