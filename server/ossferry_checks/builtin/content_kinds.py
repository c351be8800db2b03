"""Recognizes the kind of a file by its content."""

import codecs
import os
import re
import struct
from typing import BinaryIO

from ossferry_checks.builtin import zip_directory

START = 4096  # bytes
MAX_ZIP_FILES = 20_000  # of an archive whose kind is looked for
STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"8BPS\0\1", "psd"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"SQLite format 3\0", "sqlite"),
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"OggS\0", "ogg"),
    (b"fLaC\0", "flac"),
    (b"{\\rtf1", "rtf"),
    (b"\x7fELF", "elf"),
    (b"\xfe\xed\xfa\xce", "macho"),
    (b"\xfe\xed\xfa\xcf", "macho"),
    (b"\xce\xfa\xed\xfe", "macho"),
    (b"\xcf\xfa\xed\xfe", "macho"),
    (b"\0asm\1\0\0\0", "wasm"),
)
RIFF = {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}
BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "avif"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "heic"),
    b"mif1": "heic",
    b"msf1": "heic",
    b"qt  ": "mov",
}
QUICKTIME = (b"moov", b"mdat", b"wide")
OPEN_DOCUMENT = b"application/vnd.oasis.opendocument."
OFFICE = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
ZIP_KINDS = frozenset(("zip", "odt", "ods", "odp", "epub", *OFFICE.values()))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
MP3 = re.compile(rb"ID3[\2-\4]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]", re.DOTALL)
BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", re.DOTALL)
MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?P<xml><\?xml[^>]*>)?(?:\s|<!--.*?-->|<!DOCTYPE\s+(?!html)[^>\[]*(?:\[.*?\]\s*)?>)*"
    rb"(?:(?P<svg><(?:\w+:)?svg[\s>])|(?P<html><!DOCTYPE\s+html|<html[\s>]))?",
    re.DOTALL | re.IGNORECASE,
)
CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def content_kind(source: BinaryIO) -> str:
    """Return the kind of a file, such as `png` or `docx`, judged by its content only.

    The result is `text` for a text whose format is not recognized, `zero` for an unknown file with
    a NUL byte among its first `START` bytes, and empty text for any other unknown content.

    Args:
        source: the file, open for reading; its position changes.
    """
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    start = source.read(START)
    if not start:
        return ""
    for magic, kind in STARTS:
        if start.startswith(magic):
            return kind
    return (
        _container(source, start, size)
        or _program(source, start)
        or _media(start, size)
        or _text(start, size)
        or ("zero" if b"\0" in start else "")
    )


def _container(source: BinaryIO, start: bytes, size: int) -> str:
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        return _zip_kind(source)
    if start.startswith(OLE):
        return _ole_kind(source, start, size)
    if BZIP2.match(start):
        return "bzip2"
    if start[257:262] == b"ustar":
        return "tar"
    if start.startswith(b"PAR1"):
        source.seek(-4, os.SEEK_END)
        return "parquet" if source.read() == b"PAR1" else ""
    is_pdf = start.startswith(b"%PDF-") or (b"%PDF-" in start[:1024] and not _text(start, size))
    return "pdf" if is_pdf else ""


def _zip_kind(source: BinaryIO) -> str:
    """Return the kind of a ZIP archive by the files in it; `zip_broken` without its directory."""
    try:
        entries = zip_directory.read_directory(source, max_files=MAX_ZIP_FILES)
        for entry in entries:
            if entry.name == "mimetype" and not entry.method:
                zip_directory.contents_of(source, entry)
                return _by_media_type(source.read(min(entry.size, 100)))
    except zip_directory.BrokenZipError:
        return "zip_broken"
    except zip_directory.TooManyFilesError:
        return "zip"
    names = [each.name for each in entries]
    if "[Content_Types].xml" not in names:
        return "zip"
    folders = (kind for folder, kind in OFFICE.items() for name in names if name.startswith(folder))
    return next(folders, "zip")


def _by_media_type(media_type: bytes) -> str:
    kinds = {b"text": "odt", b"spreadsheet": "ods", b"presentation": "odp"}
    if media_type.startswith(OPEN_DOCUMENT):
        return kinds.get(media_type.removeprefix(OPEN_DOCUMENT).partition(b"-")[0].strip(), "zip")
    return "epub" if media_type.startswith(b"application/epub+zip") else "zip"


def _ole_kind(source: BinaryIO, start: bytes, size: int) -> str:
    """Return `office_encrypted` for a document with a password, and `ole` for older documents.

    The names of all streams are in the directory, which begins in the sector that the header names.
    """
    if len(start) < 512:
        return "ole"
    (shift,), (first,) = struct.unpack_from("<H", start, 30), struct.unpack_from("<I", start, 48)
    at = (first + 1) << min(shift, 12)
    if at >= size:
        return "ole"
    source.seek(at)
    return "office_encrypted" if ENCRYPTED_PACKAGE in source.read(START) else "ole"


def _program(source: BinaryIO, start: bytes) -> str:
    if start.startswith(b"MZ") and len(start) >= 64:
        source.seek(int.from_bytes(start[60:64], "little"))
        return "exe" if source.read(4) == b"PE\0\0" else ""
    if start.startswith(b"\xca\xfe\xba\xbe"):  # also the start of Java classes
        return "macho" if 0 < int.from_bytes(start[4:8], "big") < 20 else "java"
    return ""


def _media(start: bytes, size: int) -> str:
    if start.startswith(b"RIFF"):
        return RIFF.get(start[8:12], "")
    if start[4:8] == b"ftyp":
        length = min(int.from_bytes(start[:4], "big"), len(start))
        brands = [start[8:12], *(start[at : at + 4] for at in range(16, length, 4))]
        if b"avif" in brands:
            return "avif"
        return BRANDS.get(brands[0], "mp4")
    if start[4:8] in QUICKTIME:
        return "mov"
    if start.startswith(b"BM") and int.from_bytes(start[2:6], "little") in (size, 0):
        return "bmp" if start[6:10] == bytes(4) else ""
    return "mp3" if MP3.match(start) else ""


def _text(start: bytes, size: int) -> str:
    """Return the kind of a text; empty if it may be no text."""
    if start.startswith(UTF16):
        return "text"
    if CONTROL.search(start):
        return ""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start, final=size <= len(start))
    except UnicodeDecodeError:
        return ""
    found = MARKUP.match(start)
    kinds = found.groupdict() if found else {}
    return next((kind for kind in ("svg", "html", "xml") if kinds.get(kind)), "text")
