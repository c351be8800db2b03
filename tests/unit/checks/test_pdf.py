"""The built-in check of PDF files."""

import hashlib
import io
import sys
from pathlib import Path

import pypdf
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from pypdf._crypt_providers import _fallback
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject

from ossferry_checks.builtin.aes import encrypt_cbc
from ossferry_checks.builtin.check_options import PdfOptions
from ossferry_checks.builtin.pdf import pdf_check
from support.checking import answer, refusal, written
from support.content import pdf

CHECK = pdf_check(PdfOptions())
BROKEN = "The PDF file is damaged and cannot be read. Export it again, and choose the new file."
PASSWORD = (
    "The PDF file is protected with a password. Save it without a password, and choose it again."
)
ALGORITHMS = ["RC4-128", "AES-128", "AES-256-R5", "AES-256"]


def with_kids(kids: str) -> bytes:
    """Return a PDF file whose tree of pages refers to other objects."""
    out = io.BytesIO()
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(100, 100)
    tree = writer.root_object["/Pages"].get_object()
    assert isinstance(tree, DictionaryObject)
    root = writer.root_object.raw_get("/Pages")
    children = {
        "itself": [root],
        "many": [page.indirect_reference] * 5,
        "number": [NumberObject(1)],
    }
    tree[NameObject("/Kids")] = ArrayObject(children[kids])
    tree[NameObject("/Count")] = NumberObject(1)
    writer.write(out)
    return out.getvalue()


def test_a_pdf_file_passes(tmp_path: Path) -> None:
    assert answer(CHECK, written(tmp_path, "A.PDF", pdf(3))) is None
    assert answer(CHECK, written(tmp_path, "b.pdf", b"\r\n" + pdf(3))) is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_file_that_needs_a_password_is_refused_or_allowed(tmp_path: Path, algorithm: str) -> None:
    file = written(tmp_path, "a.pdf", pdf(3, "secret", algorithm))

    assert refusal(CHECK, file) == (PASSWORD, None)
    assert answer(pdf_check(PdfOptions(allow_encrypted=True, max_pages=1)), file) is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_file_that_opens_without_password_passes(tmp_path: Path, algorithm: str) -> None:
    file = written(tmp_path, "a.pdf", pdf(3, "", algorithm))

    assert answer(CHECK, file) is None
    assert "has too many pages" in refusal(pdf_check(PdfOptions(max_pages=2)), file)[0]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_without_aes_only_the_pages_of_an_encrypted_file_are_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    has_user_password = written(tmp_path, "a.pdf", pdf(3, "secret", algorithm))
    has_owner_password = written(tmp_path, "b.pdf", pdf(3, "", algorithm))
    for name in ("aes_cbc_encrypt", "aes_cbc_decrypt", "aes_ecb_decrypt", "CryptAES"):
        monkeypatch.setattr(f"pypdf._encryption.{name}", getattr(_fallback, name))

    assert refusal(CHECK, has_user_password) == (PASSWORD, None)
    assert answer(pdf_check(PdfOptions(max_pages=3)), has_owner_password) is None


def test_aes_is_that_of_others() -> None:
    key, iv, data = (hashlib.sha256(bytes([size])).digest() * size for size in (1, 2, 20))
    other = Cipher(AES128(key[:16]), CBC(iv[:16])).encryptor()

    assert encrypt_cbc(key[:16], iv[:16], data) == other.update(data)


def test_too_many_pages_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "a.pdf", pdf(4))

    assert answer(pdf_check(PdfOptions(max_pages=4)), file) is None
    assert refusal(pdf_check(PdfOptions(max_pages=3)), file) == (
        "The PDF file has too many pages; the limit is 3. Divide it into several files.",
        None,
    )


def test_pages_are_counted_and_not_believed(tmp_path: Path) -> None:
    file = written(tmp_path, "a.pdf", with_kids("many"))

    assert "has too many pages" in refusal(pdf_check(PdfOptions(max_pages=4)), file)[0]


@pytest.mark.parametrize(
    "content",
    [b"", b"text", b"%PDF-1.7\n", pdf(0), with_kids("itself"), with_kids("number"), pdf(2)[:300]],
    ids=["empty", "text", "head", "no page", "circle", "number", "cut off"],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(CHECK, written(tmp_path, "a.pdf", content)) == (BROKEN, None)


def test_a_missing_package_is_no_broken_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)

    with pytest.raises(ImportError):
        CHECK.function(written(tmp_path, "a.pdf", pdf(1)))
