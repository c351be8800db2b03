"""The built-in check of the content against the ending of the name."""

from pathlib import Path

import pytest

from ossferry_checks.builtin.content_kinds import STARTS
from ossferry_checks.builtin.file_type import ENDINGS, KINDS, file_type_check
from ossferry_checks.sentences import sentences
from support.checking import answer, refusal, written
from support.content import ole, samples

CHECK = file_type_check()
CAN_CONTAIN = {
    ("txt", "xml"), ("txt", "svg"), ("txt", "html"), ("txt", "rtf"),
    ("svg", "xml"), ("svg", "html"), ("svg", "txt"),
    ("xml", "svg"), ("xml", "html"), ("xml", "txt"),
    ("html", "svg"), ("html", "xml"), ("html", "txt"),
    ("zip", "docx"), ("zip", "xlsx"), ("zip", "pptx"),
    ("zip", "odt"), ("zip", "ods"), ("zip", "odp"), ("zip", "epub"),
    ("odt", "zip"), ("ods", "zip"), ("odp", "zip"),
    ("mp4", "mov"), ("mov", "mp4"),
    ("doc", "rtf"), ("doc", "xml"),
}  # fmt: skip
"""Pairs of an ending and a content that are no contradiction."""


def said(ending: str, kind: str) -> str:
    return (
        f"The name ends in {ending}, but the content is {kind}. "
        "Choose the right file, or correct its name."
    )


def test_each_content_passes_with_its_ending_and_is_refused_with_others(tmp_path: Path) -> None:
    found = samples(tmp_path)
    for ending in found:
        for kind, content in found.items():
            file = written(tmp_path, f"a.{ending}", content)
            if ending == kind or (ending, kind) in CAN_CONTAIN:
                assert answer(CHECK, file) is None, (ending, kind)
            else:
                reason, line = refusal(CHECK, file)
                assert reason.startswith(f"The name ends in .{ending}, but the content is ")
                assert line is None


@pytest.mark.parametrize(
    ("name", "sample", "kind"),
    [
        ("Report.PDF", "png", "a PNG image"),
        ("photo.jpg", "heic", "a HEIC image"),
        ("report.xlsx", "txt", "plain text"),
        ("report.xlsx", "docx", "a Word document"),
        ("report.xls", "xlsx", "an Excel workbook"),
        ("report.docx", "zip", "a ZIP archive"),
        ("invoice.pdf", "exe", "a program for Windows"),
        ("table.csv", "xlsx", "an Excel workbook"),
        ("song.mp3", "wav", "a WAV audio file"),
        ("data.tar.gz", "tar", "a TAR archive"),
    ],
)
def test_the_sentence_names_the_ending_and_the_content(
    tmp_path: Path, name: str, sample: str, kind: str
) -> None:
    file = written(tmp_path, name, samples(tmp_path)[sample])

    assert refusal(CHECK, file) == (said("." + name.rpartition(".")[2], kind), None)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.txt", b"\x7fELF\2\1\1", "a program for Linux"),
        ("a.jpg", b"\xcf\xfa\xed\xfe\7\0\0\1", "a program for macOS"),
        ("a.jpg", b"\xca\xfe\xba\xbe\0\0\0\2", "a program for macOS"),
        ("a.jpg", b"\xca\xfe\xba\xbe\0\0\0\x41", "a Java class"),
        ("a.csv", b"a,b\n1,\0\n", "binary data, not text"),
        ("a.csv", b"PK\3\4 cut off", "an incomplete ZIP archive"),
        ("a.json", "{}".encode("utf-16-le"), "binary data, not text"),
        ("a.xls", b"<html><table></table></html>", "an HTML document"),
        ("a.doc", ole("EncryptedPackage"), "an Office document with a password"),
        ("a.png", b"\xff\xfb\x90\0", "an MP3 audio file"),
        ("a.png", b"junk\xff\xfe\0 before\n%PDF-1.4", "a PDF document"),
        ("a.mp4", b"\0\0\0\x08wide\0\0\0\0mdat", None),
        ("a.heic", b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf", "an AVIF image"),
    ],
)
def test_other_contents(tmp_path: Path, name: str, content: bytes, kind: str | None) -> None:
    file = written(tmp_path, name, content)

    if kind:
        assert refusal(CHECK, file)[0] == said(f".{name[2:]}", kind)
    else:
        assert answer(CHECK, file) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.unknown", b"\x89PNG\r\n\x1a\n"),
        ("no ending", b"MZ"),
        ("a.png", b""),
        ("a.png", b"\1\2\3\xff unknown"),
        ("a.mp4", bytes(5000)),
        ("a.txt", "text in UTF-16".encode("utf-16")),
        ("a.txt", "caf\xe9".encode("latin-1")),
        ("a.csv", b"BMW,Audi\n1,2\n"),
        ("a.csv", b"MZ,PAR1,ID\n1,2,3\n"),
        ("a.csv", b"PAR1,x\n"),
        ("a.csv", b"BZh9,x\n"),
        ("a.md", b"A file begins with %PDF-1.7.\n"),
        ("a.txt", "字".encode() * 2000),
        ("a.docx", ole("EncryptedPackage")),
        ("a.xlsx", ole("EncryptedPackage")),
        ("a.pdf", b"\r\n%PDF-1.4\n%\xe2\xe3\xcf\xd3"),
        ("a.zip", b"PK\5\6" + bytes(18)),
        ("a.zip", b"PK\3\4 cut off"),
        ("a.docx", b"PK\3\4 cut off"),
        ("a.odt", b"PK\3\4 cut off"),
        ("a.epub", b"PK\3\4 cut off"),
        ("a.bmp", b"BM\0\0\0\0\0\0\0\0\x36"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ],
)
def test_what_is_unknown_or_fits_passes(tmp_path: Path, name: str, content: bytes) -> None:
    assert answer(CHECK, written(tmp_path, name, content)) is None


def test_each_kind_of_the_tables_has_a_sentence() -> None:
    kinds = {
        *ENDINGS,
        *(kind for _, kind in STARTS),
        *(each for set_ in KINDS.values() for each in set_),
    }

    assert {each for each in kinds if f"kind_{each}" not in sentences("en")} == set()
