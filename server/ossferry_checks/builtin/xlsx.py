"""The built-in check of Excel workbooks."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, NoReturn, Self
from xml.parsers import expat

from ossferry_checks.builtin.check_options import XlsxOptions, ZipOptions
from ossferry_checks.builtin.content_kinds import content_kind
from ossferry_checks.builtin.words import listed, size_text
from ossferry_checks.builtin.zip_archive import ZipLimits
from ossferry_checks.files import CheckedFile
from ossferry_checks.registry import Check
from ossferry_checks.results import Reject, TableError
from ossferry_checks.sentences import say

LIMITS = ZipOptions(max_bytes=4_000_000_000, max_files=10_000)
MAX_WHOLE = 100_000_000  # bytes of the parts that openpyxl reads as a whole
MAX_READ = 2_000_000_000  # unpacked bytes of all parts, each time that one is read
MAX_ELEMENTS = 400_000  # in memory at a time; Excel writes rows of up to 16,384 cells
MAX_TEXT = 4_000_000  # bytes of XML between two tags
MAX_DEPTH = 64  # elements in elements
PIECE = 1 << 16  # bytes
MAX_CLEARED = 1_100_000
CLEARED = ("row", "si")
"""The elements that are removed from memory after their end tags, with all elements in them."""

WHOLE = (
    *("[content_types].xml", "_rels/", "docprops/"),
    *("xl/_rels/", "xl/theme/", "xl/styles.xml", "xl/workbook.xml"),
)
MACROS = re.compile("vbaproject|macrosheet", re.IGNORECASE)
"""In the name or the type of a part with macros: those of Visual Basic, and those of Excel 4."""

MAX_STRINGS = 1_000_000
MAX_CHARACTERS = 64_000_000  # of all strings


def xlsx_check(options: XlsxOptions) -> Check:
    """Return the check of Excel workbooks."""
    return Check(
        name="xlsx",
        function=partial(check_xlsx, options=options),
        patterns=("*.xlsx", "*.xlsm"),
        max_seconds=60,
        seconds_per_mb=0.5,
    )


def check_xlsx(file: CheckedFile, *, options: XlsxOptions) -> None:
    """Check an Excel workbook.

    Raises:
        Reject: the workbook cannot be read, has macros that are not allowed, or lacks a sheet or
            column.
        ImportError: openpyxl is not installed.
    """
    language = file.language
    try:
        with file.path.open("rb") as source, readable_workbook():
            names, reader = read_workbook(source, file)
            rows = reader.wb.worksheets[0].iter_rows(max_row=1, values_only=True)
            header = [str(value).strip() for value in next(rows, ()) if value is not None]
            rows.close()
    except TableError as error:
        raise Reject(error.says(language)) from error
    if not options.allow_macros and any(MACROS.search(each) for each in names):
        raise Reject(say("xlsx_macros", language))
    if missing := [each for each in options.sheets if each not in reader.wb.sheetnames]:
        raise Reject(say("xlsx_sheets", language, sheets=listed(missing, language)))
    if missing := [each for each in options.columns if each not in header]:
        raise Reject(say("xlsx_columns", language, columns=listed(missing, language)), line=1)


@contextmanager
def readable_workbook() -> Iterator[None]:
    """Context manager that converts every error of openpyxl in its block to a `TableError`."""
    import openpyxl  # noqa: F401 - a missing package is not a broken workbook

    try:
        yield
    except (Reject, TableError, MemoryError):
        raise
    except Exception as error:
        raise TableError("xlsx_broken") from error


def read_workbook(source: BinaryIO, file: CheckedFile) -> tuple[list[str], Any]:
    """Open a workbook without reading its sheets.

    openpyxl would read all shared strings, which may be most of the file. The reader of this
    function reads them up to the last one that is asked for. It also limits what is in memory: a
    small file can have parts of which a parser makes gigabytes.

    Returns:
        The names and the types of the parts, and the reader of openpyxl, whose `wb` is the
        workbook.

    Raises:
        TableError: the file is not a workbook, or has a password.
        Reject: the parts are too large to read.
    """
    from openpyxl.cell.text import Text
    from openpyxl.reader.excel import SHARED_STRINGS, ExcelReader
    from openpyxl.xml.constants import SHEET_MAIN_NS
    from openpyxl.xml.functions import iterparse

    class Reader(ExcelReader):  # type: ignore[misc] # openpyxl has no types
        def read_strings(self) -> None:
            part = self.package.find(SHARED_STRINGS)
            self.shared_strings: _Strings = _Strings(
                self._strings(part.PartName[1:] if part else "")
            )

        def _strings(self, name: str) -> Iterator[str]:
            with self.archive.open(name) as strings:
                for _, node in iterparse(strings):
                    if node.tag == f"{{{SHEET_MAIN_NS}}}si":
                        yield Text.from_tree(node).content.replace("x005F_", "")
                        node.clear()

    kind = content_kind(source)
    if kind not in ("xlsx", "zip_broken"):
        raise TableError("xlsx_encrypted" if kind == "office_encrypted" else "xlsx_other")
    names = _names_of_parts(source, file)
    reader = Reader(source, read_only=True, data_only=True, keep_links=False)
    reader.archive = _Archive(source)
    reader.read()
    parts = (*reader.package.Default, *reader.package.Override)
    return [*names, *(each.ContentType for each in parts)], reader


def _names_of_parts(source: BinaryIO, file: CheckedFile) -> list[str]:
    """Return the names of the parts of a workbook.

    Raises:
        Reject: they are too large to read.
    """
    entries = ZipLimits(file, LIMITS).read(source)
    size = sum(each.size for each in entries if each.name.lower().startswith(WHOLE))
    if size > MAX_WHOLE:
        limit = size_text(MAX_WHOLE)
        raise Reject(say("zip_bytes", file.language, size=size_text(size), limit=limit))
    return [each.name for each in entries]


class _Archive(zipfile.ZipFile):
    """A workbook whose parts have limits."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__(source)
        self.left = MAX_READ

    def open(self, *arguments: Any, **options: Any) -> Any:
        """Open a part for reading."""
        return _Part(super().open(*arguments, **options), self)


class _Part:
    """The XML of a part, which is parsed here before openpyxl parses it.

    The method `read` raises `TableError` if the part is too large for the memory, or has a
    definition of its document type.
    """

    def __init__(self, source: Any, archive: _Archive) -> None:
        self.close = source.close
        self._source = source
        self._archive = archive
        self._open: list[bool] = []  # whether each element that has begun will be cleared
        self._elements = self._cleared_from = self._cleared = self._tag_at = 0
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; all others if `size` is negative."""
        found = bytearray()
        while size < 0 or len(found) < size:
            data = self._source.read(min(PIECE, size - len(found)) if size >= 0 else PIECE)
            if not data:
                break
            self._archive.left -= len(data)
            self._parser.Parse(data)
            if self._archive.left < 0 or self._source.tell() - self._tag_at > MAX_TEXT:
                raise TableError("xlsx_large")
            found += data
        return bytes(found)

    def _begin(self, name: str, _attributes: object) -> None:
        self._tag_at = self._parser.CurrentByteIndex
        self._elements += 1
        is_cleared = True not in self._open and name.rpartition(":")[2] in CLEARED
        if is_cleared:
            self._cleared_from = self._elements
        self._open.append(is_cleared)
        if self._elements > MAX_ELEMENTS or len(self._open) > MAX_DEPTH:
            raise TableError("xlsx_large")

    def _end(self, _name: str) -> None:
        self._tag_at = self._parser.CurrentByteIndex
        if self._open.pop():
            self._elements = self._cleared_from - 1
            self._cleared += 1
            if self._cleared > MAX_CLEARED:
                raise TableError("xlsx_large")

    def _refuse(self, *_: object) -> NoReturn:
        raise TableError("xlsx_broken")


class _Strings:
    """A list of strings that reads only as many as needed."""

    def __init__(self, strings: Iterator[str]) -> None:
        self._strings = strings
        self._read: list[str] = []
        self._characters = 0

    def __getitem__(self, index: int) -> str:
        while len(self._read) <= index:
            self._read.append(next(self._strings))
            self._characters += len(self._read[-1])
            if len(self._read) > MAX_STRINGS or self._characters > MAX_CHARACTERS:
                raise TableError("xlsx_large")
        return self._read[index]
