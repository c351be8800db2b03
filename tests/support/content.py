"""Files of many kinds, as their programs write them, or their first bytes."""

import bz2
import gzip
import hashlib
import io
import lzma
import re
import sqlite3
import struct
import tarfile
import wave
import zipfile
from pathlib import Path

import openpyxl
import pypdf
from openpyxl.reader.excel import SHARED_STRINGS
from openpyxl.xml.constants import SHEET_MAIN_NS
from PIL import Image

SHEET, TYPES = "xl/worksheets/sheet1.xml", "[Content_Types].xml"
STRINGS = "xl/sharedStrings.xml"


def zip_of(files: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def pdf(pages: int, password: str | None = None, algorithm: str = "AES-256") -> bytes:
    """Return a PDF file, encrypted if there is a password."""
    out = io.BytesIO()
    writer = pypdf.PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    if password is not None:
        writer.encrypt(password, owner_password="owner", algorithm=algorithm)
    writer.write(out)
    return out.getvalue()


def workbook(rows: list[list[object]], *sheets: str, cells: int = 0) -> bytes:
    """Return a workbook with the rows in its first sheet.

    Args:
        cells: empty cells after each row; each needs much more memory than space in the file.
    """
    book = openpyxl.Workbook()
    book.active.title = sheets[0] if sheets else "Data"
    for row in rows:
        book.active.append(row)
    for name in sheets[1:]:
        book.create_sheet(name)
    out, more = io.BytesIO(), io.BytesIO()
    book.save(out)
    if not cells:
        return out.getvalue()
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(more, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"</row>", b"<c/>" * cells + b"</row>"))
        noise = hashlib.shake_256().digest(cells // 45)  # the ratio of the sizes has a limit
        new.writestr("docProps/noise", noise)
    return more.getvalue()


def with_parts(content: bytes, parts: dict[str, bytes]) -> bytes:
    """Return a workbook with other parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in {**dict.fromkeys(old.namelist()), **parts}:
            new.writestr(name, parts[name] if name in parts else old.read(name))
    return out.getvalue()


def with_shared_strings(content: bytes) -> bytes:
    """Return a workbook that has its strings in a part of their own, as Excel writes them."""
    strings: list[str] = []

    def index(cell: re.Match[str]) -> str:
        strings.append(f"<si><t>{cell[1]}</t></si>")
        return f't="s"><v>{len(strings) - 1}</v>'

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read(SHEET).decode()
        types = archive.read(TYPES).decode()
    sheet = re.sub(r't="inlineStr"><is><t>(.*?)</t></is>', index, sheet)
    part = f'<Override PartName="/{STRINGS}" ContentType="{SHARED_STRINGS}" /></Types>'
    return with_parts(
        content,
        {
            SHEET: sheet.encode(),
            TYPES: types.replace("</Types>", part).encode(),
            STRINGS: f'<sst xmlns="{SHEET_MAIN_NS}">{"".join(strings)}</sst>'.encode(),
        },
    )


def ole(stream: str) -> bytes:
    """Return the start of an OLE document with the name of a stream in its directory."""
    head = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0"))
    struct.pack_into("<HHH", head, 26, 3, 0xFFFE, 9)
    struct.pack_into("<I", head, 48, 1)
    return bytes(head) + bytes(512) + stream.encode("utf-16-le").ljust(512, b"\0")


def samples(folder: Path) -> dict[str, bytes]:
    """Return the content of files by ending."""
    office = "[Content_Types].xml"
    open_document = "application/vnd.oasis.opendocument."
    return {
        **{each: _image(each) for each in ("png", "jpeg", "gif", "webp", "bmp", "tiff")},
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
        "svg": b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
        "xml": b'<?xml version="1.0"?>\n<feed/>',
        "html": b"<!doctype html>\n<title>x</title>",
        "txt": "plain text, é\n".encode(),
        "rtf": b"{\\rtf1\\ansi text}",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "avif": b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif",
        "mp4": b"\0\0\0\x18ftypisom\0\0\2\0isommp42",
        "mov": b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
        "zip": zip_of({"a.txt": "text", "word/list.txt": "x"}),
        "docx": zip_of({office: "<Types/>", "word/document.xml": "<x/>"}),
        "xlsx": zip_of({office: "<Types/>", "xl/workbook.xml": "<x/>"}),
        "pptx": zip_of({office: "<Types/>", "ppt/presentation.xml": "<x/>"}),
        "odt": zip_of({"mimetype": f"{open_document}text"}, zipfile.ZIP_STORED),
        "ods": zip_of({"mimetype": f"{open_document}spreadsheet"}, zipfile.ZIP_STORED),
        "odp": zip_of({"mimetype": f"{open_document}presentation"}, zipfile.ZIP_STORED),
        "epub": zip_of({"mimetype": "application/epub+zip"}, zipfile.ZIP_STORED),
        "doc": ole("WordDocument"),
        "gz": gzip.compress(b"x"),
        "bz2": bz2.compress(b"x"),
        "xz": lzma.compress(b"x"),
        "zst": b"\x28\xb5\x2f\xfd\x04\x00",
        "7z": b"7z\xbc\xaf\x27\x1c\0\4",
        "rar": b"Rar!\x1a\x07\1\0",
        "tar": _tar(),
        "mp3": b"ID3\4\0\0\0\0\0\0\xff\xfb\x90\0",
        "wav": _wave(),
        "flac": b"fLaC\0\0\0\x22",
        "ogg": b"OggS\0\2",
        "mkv": b"\x1aE\xdf\xa3\x9f",
        "avi": b"RIFF\0\0\0\0AVI LIST",
        "sqlite": _sqlite(folder),
        "parquet": b"PAR1\x15\0PAR1",
        "psd": b"8BPS\0\1\0\0",
        "wasm": b"\0asm\1\0\0\0",
        "exe": b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0\x64\x86",
    }


def _image(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, kind)
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return out.getvalue()


def _wave() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes(8))
    return out.getvalue()


def _sqlite(folder: Path) -> bytes:
    path = folder / "sample.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    content = path.read_bytes()
    path.unlink()
    return content
