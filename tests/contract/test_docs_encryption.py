"""The code of `docs/encryption.md` reads what the SDK's encryption client has stored."""

from pathlib import Path

import oss2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, MockOSS
from mock_oss.world.model import BUCKET, REGION
from support.markdown import ROOT, blocks


def test_the_code_reads_an_encrypted_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = [
        each.text for each in blocks(ROOT / "docs/encryption.md") if each.language == "python"
    ]
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = tmp_path / "private.pem"
    private.write_bytes(
        pem.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    with MockOSS() as oss:
        endpoint = f"http://127.0.0.1:{oss.port}"
        for name, value in {
            "PRIVATE_KEY_FILE": str(private),
            "OSS_ENDPOINT": endpoint,
            "OSS_BUCKET": BUCKET,
            "OSS_REGION": REGION,
            "OSS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "OSS_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
        }.items():
            monkeypatch.setenv(name, value)
        oss2.Bucket(
            oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET), endpoint, BUCKET, region=REGION
        ).create_bucket()
        page: dict[str, object] = {}
        exec(compile(code, "encryption.md", "exec"), page)  # noqa: S102 - our own page
        encrypted_bucket, read = page["encrypted_bucket"], page["read"]
        assert callable(encrypted_bucket)
        assert callable(read)
        bucket = encrypted_bucket()
        public = pem.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.PKCS1
        )
        writer = oss2.CryptoBucket(
            oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET),
            endpoint,
            BUCKET,
            crypto_provider=oss2.RsaProvider(
                {"public_key": public.decode()}, mat_desc={"key": "2027"}
            ),
            region=REGION,
        )
        writer.put_object("a.txt", b"secret words")

        assert read("a.txt") == b"secret words"
        assert bucket.get_object("a.txt", byte_range=(7, 11)).read() == b"words"
