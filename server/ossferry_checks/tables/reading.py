"""`Reading`: the encoding, delimiter and header row with which a file is read, and their guess."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ossferry_checks.builtin.table_grammar import SAMPLE as DELIMITER_SAMPLE
from ossferry_checks.builtin.table_grammar import rated_delimiter
from ossferry_checks.results import TableError
from ossferry_checks.tables.declaration import Table
from ossferry_checks.tables.matching import fields_of
from ossferry_checks.tables.rows import MARKS, is_workbook, open_rows

SAMPLE = 256 * 1024  # bytes
SAMPLE_ROWS = 50
SAMPLE_SIZE = 8 << 20  # characters of these rows
HEADERS = 20  # lines, one of which is taken for the header
CONTROL = re.compile(r"[\x01-\x08\x0e-\x19\x1c-\x1f\x7f]")
MOST_CONTROL = 100  # one of so many characters; a file with more of them is no text
EXCEL = re.compile(r'sep=([^"\r\n])\r?\n?')

_OTHER = {
    "gb18030": rb"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]",
    "cp932": rb"[\x81-\x83\x88-\x97][\x40-\x7e\x80-\xfc]",
    "cp1252": (
        rb"(?<![\x80-\xff])[\x80\x91-\x97\xa3\xa7\xb0\xc0-\xd6\xd8-\xf6\xf8-\xff]{1,2}"
        rb"(?![\x80-\xff])"
    ),
}
"""The most frequent characters of each encoding: simplified and Japanese characters of the first
level, kana, and one or two letters with accents.
"""

ENCODINGS = (*MARKS, *_OTHER)
ASCII = bytes(range(0x80))
SURE = 0.7


@dataclass(frozen=True, slots=True)
class Reading:
    """The parameters with which the bytes of a table are read as rows.

    Attributes:
        encoding, delimiter: encoding and delimiter of a CSV file; not used for a workbook.
        header_row: the row with the header, counted from 1; the rows above are skipped.
        sheet: the sheet of a workbook; empty for the first.
        is_sure: whether only one encoding is possible.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    header_row: int = 1
    sheet: str = ""
    is_sure: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: Python does not know the encoding, or another value is impossible.
        """
        try:
            name = codecs.lookup(self.encoding).name
            "".encode(name)
        except LookupError as error:
            raise ValueError(f"encoding: {error}") from error
        object.__setattr__(self, "encoding", name)
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n' or self.header_row < 1:
            raise ValueError("delimiter must be one character, and header_row a number from 1")

    @classmethod
    def guess(cls, path: Path | str, table: Table | None = None) -> "Reading":
        """Guess the reading of a file from its first 256 KiB, or from 50 rows of its first sheet.

        Args:
            path: the file.
            table: the declaration, whose names help to find the header.

        Raises:
            TableError: the file is empty, binary, or not a workbook that can be read.
        """
        path = Path(path)
        found = cls() if is_workbook(path) else cls._of_text(path, table)
        head = found.head(path)
        header = _header_row([head.header, *head.rows], table)
        return replace(found, header_row=header, sheet=(*head.sheets, "")[0])

    @classmethod
    def _of_text(cls, path: Path, table: Table | None) -> "Reading":
        with path.open("rb") as source:
            data = source.read(SAMPLE)
        encoding, is_sure = _encoding(data)
        text = codecs.getincrementaldecoder(encoding)("replace").decode(data).lstrip("\ufeff")
        if not text.strip():
            raise TableError("table_empty")
        if len(control := CONTROL.findall(text)) * MOST_CONTROL > len(text):
            byte = f"0x{ord(control[0]):02X}"
            raise TableError("text_not_valid", line=1, encoding="UTF-8", byte=byte)
        wanted = [each.name for each in table.fields] if table else []
        delimiter = _delimiter(text, wanted, is_tsv=path.suffix.lower() == ".tsv")
        return cls(encoding, delimiter, is_sure=is_sure)

    def head(self, path: Path | str) -> "Head":
        """Read the header and the first rows of a file, and return them as a `Head`.

        Raises:
            TableError: the table cannot be read.
        """
        path = Path(path)
        with path.open("rb") as source:
            rows = open_rows(source, path, self.encoding, self.delimiter, self.sheet)
            found: list[list[str]] = []
            size, least = 0, self.header_row
            while (size < SAMPLE_SIZE or len(found) < least) and len(found) < least + SAMPLE_ROWS:
                if not (more := rows.take(1).rows):
                    break
                found += more
                size += sum(map(len, more[0]))
            lost = rows.lost()
        header = found[self.header_row - 1] if len(found) >= self.header_row else []
        return Head(tuple(header), tuple(map(tuple, found[self.header_row :])), rows.names, lost)


@dataclass(frozen=True, slots=True)
class Head:
    """The header and the first rows of a table.

    Attributes:
        header: the values of the header.
        rows: the values of the first rows after the header.
        sheets: the names of the sheets of a workbook.
        lost: the features of a workbook that a repaired table cannot keep: `formulas` (their values
            are kept), `merged` (cells), `sheets` (other ones) and `styles`.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sheets: tuple[str, ...]
    lost: tuple[str, ...]


def _encoding(data: bytes) -> tuple[str, bool]:
    """Return the most likely encoding of the start of a file, and whether it leaves no doubt."""
    for name, mark in MARKS.items():
        if data.startswith(mark):
            return name, True
    for name in ("utf-16-le", "utf-16-be"):
        if "\n".encode(name) in data and "\n" in _text(data, name):
            return name, True
    if _text(data, "utf-8"):
        return "utf-8", True
    high = max(1, len(data.translate(None, ASCII)))
    scores = []
    for name, pattern in _OTHER.items():
        found = b"".join(re.findall(pattern, data))
        score = len(found.translate(None, ASCII)) / high
        scores.append((score if _text(data, name) else -1.0, name))
    best, second, *_ = sorted(scores, reverse=True)
    return best[1] if best[0] >= 0 else "cp1252", best[0] > SURE and best[0] - second[0] > 0.5


def _text(data: bytes, encoding: str) -> str:
    """Return the text in some bytes; empty if they are not valid in an encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return ""


def _delimiter(text: str, wanted: Sequence[str], *, is_tsv: bool) -> str:
    """Return the delimiter that is best for a header in one of the first lines."""
    if excel := EXCEL.match(text):
        return excel[1]
    text = text[:DELIMITER_SAMPLE].replace("\r\n", "\n").replace("\r", "\n")
    best: tuple[tuple[bool, float, int], str] = ((False, 0.0, 0), ",")
    for _ in range(HEADERS):
        if not text.strip():
            break
        best = max(best, rated_delimiter(text, wanted, is_tsv=is_tsv), key=lambda rated: rated[0])
        text = text.partition("\n")[2]
    return best[1]


def _header_row(rows: Sequence[Sequence[str]], table: Table | None) -> int:
    """Return the number of the row that is most likely the header."""
    filled = [sum(bool(value.strip()) for value in row) for row in rows]
    if not any(filled):
        raise TableError("table_empty")
    names = [len(fields_of(table, row, is_loose=True)) for row in rows[:HEADERS] if table]
    if any(names):
        return 1 + names.index(max(names))
    return 1 + next(at for at, number in enumerate(filled) if number * 2 > max(filled))
