"""The code of `docs/encryption.md` reads what the SDK's encryption client has stored."""

from pathlib import Path

import oss2
import pytest

from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.cli.demo import Demo
from support.encryption import DESCRIPTION, KeyPair
from support.markdown import ROOT, blocks


def test_the_code_reads_an_encrypted_object(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = [
        each.text for each in blocks(ROOT / "docs/encryption.md") if each.language == "python"
    ]
    keys, private = KeyPair(), tmp_path / "private.pem"
    private.write_text(keys.private_pem)
    region = demo.settings.region
    for name, value in {
        "PRIVATE_KEY_FILE": str(private),
        "OSS_ENDPOINT": demo.oss.endpoint,
        "OSS_BUCKET": demo.bucket,
        "OSS_REGION": region,
        "OSS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "OSS_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    page: dict[str, object] = {}
    exec(compile(code, "encryption.md", "exec"), page)  # noqa: S102 - our own page
    encrypted_bucket, read = page["encrypted_bucket"], page["read"]
    assert callable(encrypted_bucket)
    assert callable(read)
    public = oss2.RsaProvider({"public_key": keys.public_pem}, mat_desc=dict(DESCRIPTION))
    auth = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    writer = oss2.CryptoBucket(
        auth, demo.oss.endpoint, demo.bucket, crypto_provider=public, region=region
    )
    writer.put_object("a.txt", b"secret words")

    assert read("a.txt") == b"secret words"
    assert encrypted_bucket().get_object("a.txt", byte_range=(7, 11)).read() == b"words"
