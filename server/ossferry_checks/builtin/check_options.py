"""The options of the built-in checks.

The setting `OSSFERRY_CHECKS_BUILT_IN` uses the same names.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = [
    "BuiltInOptions",
    "ColumnType",
    "PdfOptions",
    "PhotoOptions",
    "TableOptions",
    "XlsxOptions",
    "ZipOptions",
]

ColumnType: TypeAlias = Literal["text", "integer", "decimal", "date", "datetime", "boolean"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """Options of the check of CSV and TSV files.

    Attributes:
        columns: the names of the columns that the header must contain, in any order.
        types: {column name: type of its values}. The types are `text`, `integer`, `decimal`,
            `date`, `datetime` and `boolean`; an empty value is always allowed.
        delimiter: the only allowed delimiter; empty for any of comma, semicolon, tab and `|`.
        encoding: the only allowed encoding; empty to allow UTF-8, and UTF-16 with a byte order
            mark.
        model: the name of a pydantic model in the operator's `checks.py`, which validates each row;
            empty for none.
        aliases: {column name or field of the model: other names that the header may have for it}.
        unique: the names of columns that must not have the same value twice.
        max_rows: the largest allowed number of rows; None for no limit.
        repair: whether the page offers to repair a refused table. The check then also reads the
            first sheet of workbooks (`*.xlsx`).
        allow_original: whether the person may also upload the table without a repair.
        keep_changes: whether the page uploads the list of changes of a repair too. The check then
            looks only at the header of files `*.changes.csv`.
    """

    columns: tuple[str, ...] = ()
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    delimiter: str = ""
    encoding: str = ""
    model: str = ""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unique: tuple[str, ...] = ()
    max_rows: int | None = None
    repair: bool = False
    allow_original: bool = False
    keep_changes: bool = False

    def __post_init__(self) -> None:
        """Check the values of the options.

        Raises:
            ValueError: the delimiter is longer than one character, Python does not know the
                encoding, a repair has no columns or would be refused, or another option needs
                `repair`.
        """
        object.__setattr__(self, "types", dict(self.types))  # the page sends pairs
        if self.repair and not (self.model or self.columns or self.types):
            raise ValueError("repair needs model, columns or types")
        if (self.allow_original or self.keep_changes) and not self.repair:
            raise ValueError("allow_original and keep_changes need repair")
        if len(self.delimiter) > 1:
            raise ValueError("delimiter must be one character")
        encoding = self.encoding or "utf-8"
        try:
            is_utf8 = "\ufeff".encode(encoding).endswith(codecs.BOM_UTF8)
        except LookupError as error:
            raise ValueError(f"encoding: {error}") from error
        if self.repair and not (is_utf8 and self.delimiter in ("", ",")):
            raise ValueError("repair writes UTF-8 with commas; omit delimiter and encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class XlsxOptions:
    """Options of the check of Excel workbooks.

    Attributes:
        sheets: the names of the sheets that the workbook must have, in any order.
        columns: the values that the first row of the first sheet must contain, in any order.
        allow_macros: whether the workbook may have macros.
    """

    sheets: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    allow_macros: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipOptions:
    """Options of the check of ZIP archives. The limits include archives inside the archive.

    Attributes:
        max_ratio: the largest allowed ratio of all unpacked bytes to the size of the ZIP file. It
            does not apply to archives with at most 1 MB of unpacked bytes.
        max_bytes: the largest allowed number of unpacked bytes of all files together.
        max_files: the largest allowed number of files and folders.
        allow_encrypted: whether files in the archive may be encrypted.
    """

    max_ratio: float = 200.0
    max_bytes: int = 10_000_000_000
    max_files: int = 100_000
    allow_encrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfOptions:
    """Options of the check of PDF files.

    Attributes:
        allow_encrypted: whether files that cannot be opened without a password are allowed.
        max_pages: the largest allowed number of pages; None for no limit.
    """

    allow_encrypted: bool = False
    max_pages: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoOptions:
    """Options of the checks of photos; some of these checks change photos.

    Attributes:
        min_side: the smallest allowed length of the shorter side in pixels; 0 for no limit.
        max_pixels: the largest allowed number of pixels; a program that opens the photo needs at
            least 4 bytes of memory per pixel.
        strip: whether to remove metadata, such as the position in EXIF data, from JPEG, PNG and
            WebP files.
        max_side: the length in pixels to which the longer side is scaled down if it is longer; 0 to
            keep the size of photos.
        quality: the encoding quality, from 0 to 1, of photos that are scaled down or converted from
            HEIC.
        heic: whether to convert HEIC files to JPEG.
    """

    min_side: int = 0
    max_pixels: int = 200_000_000
    strip: bool = True
    max_side: int = 0
    quality: float = 0.85
    heic: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltInOptions:
    """The selection of built-in checks, with their options; None or False switches a check off.

    Attributes:
        file_type: whether to compare the content of a file with the extension of its name.
        table, xlsx, zip, pdf, photos: options for checking CSV and TSV files, Excel workbooks, ZIP
            archives, PDF files and photos.
        json: whether to check that JSON and JSON Lines files are well-formed.
        secrets: whether to ask before a text file with access keys or private keys is uploaded.
    """

    file_type: bool = False
    table: TableOptions | None = None
    json: bool = False
    xlsx: XlsxOptions | None = None
    zip: ZipOptions | None = None
    pdf: PdfOptions | None = None
    secrets: bool = False
    photos: PhotoOptions | None = None
