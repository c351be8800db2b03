"""Writes the files with which people try the checks of the demo, and a README about them.

Each file shows one thing that a check can do. Four files are in this folder, because only other
programs can make them: Pillow made `harbour.jpg`, `pillow-heif` made `IMG_0417.heic`, and pypdf
encrypted `contract.pdf`; `report.pdf` is a similar document without a password. Both photos have a
made-up position. The other files are made here.
"""

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["uploaded", "changed", "asks", "refused"]

README = "README.txt"
INTRODUCTION = """Files to try the checks of the demo. Drop them on its page.
Each line says what the page does with a file.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file to try.

    Attributes:
        outcome: what the page does with the file.
        why: a sentence about the outcome.
        make: returns the content of the file.
    """

    name: str
    outcome: Outcome
    why: str
    make: Callable[[], bytes]

    def __str__(self) -> str:
        """Return the line of the README."""
        return f"{self.name}: {self.outcome}. {self.why}"


@contextmanager
def sample_folder(data_dir: Path | None) -> Iterator[Path]:
    """Write all sample files into a folder `samples`; yield the absolute path of this folder.

    Args:
        data_dir: the parent folder, in which the files stay. With None, the parent is a temporary
            folder, which is removed at the end of the `with` block.

    Raises:
        OSError: a file cannot be written.
    """
    if data_dir is not None:
        yield _write(data_dir.absolute() / "samples")
        return
    with TemporaryDirectory(prefix="ossferry-") as folder:
        yield _write(Path(folder) / "samples")


def _write(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for each in SAMPLES:
        (folder / each.name).write_bytes(each.make())
    lines = "".join(f"{each}\n" for each in SAMPLES)
    (folder / README).write_text(f"{INTRODUCTION}\n{lines}", "utf-8")
    return folder


def _from_here(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()


HEADER = ("date", "sku", "amount")
ROWS = [(f"2026-11-{day:02}", f"A-{100 + day}", str(3 * day)) for day in range(1, 29)]


def _table(*rows: tuple[str, ...]) -> bytes:
    return "".join(f"{','.join(row)}\n" for row in rows).encode()


def _ragged() -> bytes:
    """Return a table with a row in which a decimal comma makes one column more."""
    date, sku, amount = ROWS[5]
    return _table(HEADER, *ROWS[:5], (date, sku, amount, "50"), *ROWS[6:])


def _archive(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _workbook() -> bytes:
    """Return a workbook with one sheet.

    Source: ECMA-376, Office Open XML, part 1 and part 2.
    """
    rows = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in (HEADER, *ROWS))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{EXCEL}.sheet.main+xml"/>'
        f'<Override PartName="/xl/sheet.xml" ContentType="{EXCEL}.worksheet+xml"/></Types>',
        "_rels/.rels": _relation("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{DOCUMENT}"><sheets>'
        '<sheet name="Orders" sheetId="1" r:id="a"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relation("worksheet", "sheet.xml"),
        "xl/sheet.xml": f'<worksheet xmlns="{SPREADSHEET}">'
        f"<sheetData>{rows}</sheetData></worksheet>",
    }
    return _archive({name: text.encode() for name, text in parts.items()})


def _cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def _relation(kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="a" Type="{DOCUMENT}/{kind}" Target="{target}"/></Relationships>'
    )


def _log() -> bytes:
    chance = random.Random(7)  # noqa: S311 - no secret
    lines = (
        f"2026-11-28T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
        f" GET /items/{chance.randrange(9000)} 200 {chance.randrange(9, 90)} ms\n"
        for second in range(0, 86_400, 15)
    )
    return "".join(lines).encode()


NIGHT, DAWN = (24, 42, 78), (246, 176, 118)
"""The colours at the upper and the lower edge of the panorama."""
GRAIN = 8
"""How much the brightness of neighbouring pixels differs, of 255: a photo is never smooth."""


def _panorama(width: int = 3000, height: int = 1000) -> bytes:
    """Return a photo of a sky as a PNG file, which is larger than a JPEG file.

    Source: W3C, Portable Network Graphics (Third Edition).
    """
    chance = random.Random(7)  # noqa: S311 - no secret
    grain = chance.randbytes(4 * width).translate(bytes(byte % GRAIN for byte in range(256)))
    rows = bytearray()
    for y in range(height):
        row = bytearray(3 * width)
        start = chance.randrange(3 * width)
        for channel, (above, below) in enumerate(zip(NIGHT, DAWN, strict=True)):
            level = above + (below - above) * y // height
            shifted = bytes(min(255, level + byte) for byte in range(256))
            row[channel::3] = grain[start : start + width].translate(shifted)
        rows += b"\0" + row  # no filter
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(rows, 1)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


BROKEN_JSON = json.dumps({sku: int(amount) for _, sku, amount in ROWS}, indent=1)[:-2]
KEY_ID = "LTAI" + "5tMadeUpForTheDemo"
NOTES = f"""How to reach the test account of the shop

access key id: {KEY_ID}
"""

SAMPLES = (
    Sample(
        name="orders.csv",
        outcome="uploaded",
        why="The table has the columns of the shop.",
        make=partial(_table, HEADER, *ROWS),
    ),
    Sample(
        name="orders-ragged.csv",
        outcome="refused",
        why="Line 7 has more columns than the header.",
        make=_ragged,
    ),
    Sample(
        name="orders-header.csv",
        outcome="refused",
        why="Line 1 has other columns than the shop needs; checks.py says which.",
        make=partial(_table, ("day", "article", "pieces"), *ROWS),
    ),
    Sample(name="orders.xlsx", outcome="uploaded", why="The workbook is complete.", make=_workbook),
    Sample(
        name="prices.json",
        outcome="refused",
        why="The JSON ends too early, in line 29.",
        make=BROKEN_JSON.encode,
    ),
    Sample(
        name="bomb.zip",
        outcome="refused",
        why="The unpacked file is a thousand times as large as the archive.",
        make=lambda: _archive({"zeros.bin": bytes(20_000_000)}),
    ),
    Sample(
        name="outside.zip",
        outcome="refused",
        why="The archive would write a file outside of its target folder.",
        make=lambda: _archive({"readme.txt": b"Hello\n", "../../start.sh": b"echo Hello\n"}),
    ),
    Sample(
        name="scan.pdf",
        outcome="refused",
        why="The content is a PNG image.",
        make=partial(_panorama, 300, 100),
    ),
    Sample(
        name="contract.pdf",
        outcome="refused",
        why="The document has a password.",
        make=partial(_from_here, "contract.pdf"),
    ),
    Sample(
        name="report.pdf",
        outcome="uploaded",
        why="The object gets the hash of the document as metadata.",
        make=partial(_from_here, "report.pdf"),
    ),
    Sample(
        name="notes.txt",
        outcome="asks",
        why="Line 3 has a made-up AccessKey id, which looks like a real one.",
        make=NOTES.encode,
    ),
    Sample(
        name="access.log",
        outcome="changed",
        why="The log file is compressed; its new name is access.log.gz.",
        make=_log,
    ),
    Sample(
        name="harbour.jpg",
        outcome="changed",
        why="The photo loses its position and other hidden data.",
        make=partial(_from_here, "harbour.jpg"),
    ),
    Sample(
        name="IMG_0417.heic",
        outcome="changed",
        why="The photo is converted to JPEG; its new name is IMG_0417.jpg.",
        make=partial(_from_here, "IMG_0417.heic"),
    ),
    Sample(
        name="panorama.png",
        outcome="changed",
        why="The photo is made smaller; its new name is panorama.jpg.",
        make=_panorama,
    ),
)
"""All files to try, in the order of the README."""
