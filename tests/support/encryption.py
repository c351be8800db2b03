"""A key pair, and the encryption clients of the official SDKs, which read what a page has sent."""

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import cast

import alibabacloud_oss_v2 as oss_v2
import oss2
from alibabacloud_oss_v2.crypto.master_rsa_cipher import MasterRsaCipher
from alibabacloud_oss_v2.encryption_client import EncryptionClient
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from mock_oss.world.model import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.cli.demo import Demo

DESCRIPTION = MappingProxyType({"key": "2027"})
HEADER = "x-oss-meta-client-side-encryption-"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An RSA key pair of the operator."""

    private: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    @property
    def private_pem(self) -> str:
        how = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        return self.private.private_bytes(*how).decode()

    @property
    def public_pem(self) -> str:
        how = Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(*how).decode()

    def write_public(self, folder: Path) -> Path:
        """Write the public key into a folder, and return the path of the file."""
        path = folder / "public.pem"
        path.write_text(self.public_pem, encoding="ascii")
        return path


def crypto_bucket(demo: Demo, keys: KeyPair) -> oss2.CryptoBucket:
    """Return the demo's bucket with the operator's credentials and private key."""
    pair = {"private_key": keys.private_pem}
    return oss2.CryptoBucket(
        oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET),
        f"http://127.0.0.1:{demo.oss.port}",
        demo.bucket,
        crypto_provider=oss2.RsaProvider(pair, mat_desc=dict(DESCRIPTION)),
        region=demo.settings.region,
    )


def read_with_v2(demo: Demo, keys: KeyPair, key: str) -> bytes:
    """Return the decrypted bytes of an object, read with alibabacloud-oss-v2."""
    config = oss_v2.config.load_default()
    config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider(
        ACCESS_KEY_ID, ACCESS_KEY_SECRET
    )
    config.region, config.endpoint = demo.settings.region, f"http://127.0.0.1:{demo.oss.port}"
    config.use_path_style = True
    cipher = MasterRsaCipher(dict(DESCRIPTION), keys.public_pem, keys.private_pem)
    client = EncryptionClient(oss_v2.Client(config), cipher)
    found = client.get_object(oss_v2.GetObjectRequest(demo.bucket, key))
    assert found.body is not None
    return cast(bytes, found.body.read())
