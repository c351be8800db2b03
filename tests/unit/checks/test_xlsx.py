"""The built-in check of Excel workbooks."""

import hashlib
import io
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from ossferry_checks.builtin import xlsx
from ossferry_checks.builtin.check_options import XlsxOptions
from ossferry_checks.builtin.file_type import file_type_check
from ossferry_checks.builtin.xlsx import xlsx_check
from support.checking import answer, refusal, written
from support.content import (
    SHEET,
    STRINGS,
    TYPES,
    ole,
    with_parts,
    with_shared_strings,
    workbook,
    zip_of,
)

CHECK = xlsx_check(XlsxOptions())
AGAIN = "Add them, and choose the file again."


def test_a_workbook_passes(tmp_path: Path) -> None:
    check = xlsx_check(XlsxOptions(sheets=("Data", "表"), columns=("sku", "2026", "date")))
    file = written(tmp_path, "A.xlsx", workbook([["date", None, " sku ", 2026], [1]], "Data", "表"))

    assert answer(check, file) is None


@pytest.mark.parametrize("rows", [[], [[]], [[None, 1]]])
def test_a_workbook_without_header_passes_without_options(
    tmp_path: Path, rows: list[list[object]]
) -> None:
    assert answer(CHECK, written(tmp_path, "a.xlsx", workbook(rows))) is None


def test_missing_sheets_and_columns_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "a.xlsx", workbook([["date"], ["sku"]], "Data"))

    assert refusal(xlsx_check(XlsxOptions(sheets=("Data", "Prices", "表"))), file) == (
        f"Sheets missing in the workbook: Prices, 表. {AGAIN}",
        None,
    )
    assert refusal(xlsx_check(XlsxOptions(columns=("date", "sku"))), file) == (
        f"Columns missing in the first row of the first sheet: sku. {AGAIN}",
        1,
    )
    empty = written(tmp_path, "b.xlsx", workbook([]))
    assert refusal(xlsx_check(XlsxOptions(columns=("date",))), empty)[0].startswith("Columns miss")


def test_a_workbook_with_a_password_has_its_own_sentence(tmp_path: Path) -> None:
    assert refusal(CHECK, written(tmp_path, "a.xlsx", ole("EncryptedPackage"))) == (
        "The workbook is protected with a password. "
        "Save it without a password, and choose it again.",
        None,
    )


@pytest.mark.parametrize("content", [b"", b"a,b\n", ole("Workbook"), zip_of({"a.txt": "x"})])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(CHECK, written(tmp_path, "a.xlsx", content)) == (
        "This is not an Excel workbook in the XLSX format. "
        "Save it as an Excel workbook, and choose it again.",
        None,
    )


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("xl/workbook.xml", b"<workbook"),
        ("xl/workbook.xml", b"<x/>"),
        (TYPES, b"<Types/>"),
        (SHEET, b"<worksheet"),
        (STRINGS, b"<sst/>"),
        ("xl/styles.xml", b"text"),
    ],
)
def test_a_broken_workbook_is_refused(tmp_path: Path, name: str, part: bytes) -> None:
    content = with_parts(with_shared_strings(workbook([["date", "sku"]])), {name: part})

    assert refusal(CHECK, written(tmp_path, "a.xlsx", content)) == (
        "The workbook is damaged and cannot be read. "
        "Open it in Excel, save it again, and choose it again.",
        None,
    )


def test_a_workbook_that_is_cut_off_is_damaged(tmp_path: Path) -> None:
    file = written(tmp_path, "a.xlsx", workbook([["date"]])[:-100])

    assert file_type_check().function(file) is None
    assert refusal(CHECK, file)[0].startswith("The workbook is damaged and cannot be read.")


MACROS = "application/vnd.ms-office.vbaProject"
OLD_MACROS = "application/vnd.ms-excel.macrosheet+xml"


@pytest.mark.parametrize(
    ("types", "part"),
    [
        (f'<Default Extension="bin" ContentType="{MACROS}"/>', "xl/other.bin"),
        (f'<Override PartName="/xl/x.y" ContentType="{MACROS}"/>', "xl/x.y"),
        (f'<Override PartName="/xl/x.xml" ContentType="{OLD_MACROS}"/>', "xl/x.xml"),
        ("", "xl/vbaProject.bin"),
    ],
)
@pytest.mark.parametrize("name", ["a.xlsx", "a.xlsm"])
def test_macros_are_refused_or_allowed(tmp_path: Path, name: str, types: str, part: str) -> None:
    content = workbook([["date"]])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        known = archive.read(TYPES).decode()
    parts = {TYPES: known.replace("</Types>", f"{types}</Types>").encode(), part: b"macros"}
    file = written(tmp_path, name, with_parts(content, parts))

    assert refusal(CHECK, file) == (
        "The workbook has macros. Save it as a workbook without macros (.xlsx), and choose the new"
        " file.",
        None,
    )
    assert answer(xlsx_check(XlsxOptions(allow_macros=True)), file) is None


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    content = with_parts(workbook([["a"]]), {STRINGS: bytes(30_000_000)})

    said, _ = refusal(CHECK, written(tmp_path, "a.xlsx", content))

    assert said.startswith("The unpacked data are")
    assert said.endswith("Such a file can fill a disk, so it is not accepted.")


def test_a_part_that_openpyxl_reads_as_a_whole_has_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "MAX_WHOLE", 5000)

    said, _ = refusal(CHECK, written(tmp_path, "a.xlsx", workbook([["a"]])))

    assert said.startswith("The unpacked size is")


TOO_LARGE = "The workbook is too large to read."
BOMBS = {
    "cells in a row": (SHEET, b"</row>", b"<c/>" * 30_000 + b"</row>", TOO_LARGE),
    "elements in elements": (SHEET, b"</row>", b"<c>" * 99 + b"</c>" * 99 + b"</row>", TOO_LARGE),
    "elements outside of rows": (SHEET, b"<row", b"<c/>" * 30_000 + b"<row", TOO_LARGE),
    "text": (SHEET, b"</row>", b"<c>" + b"x" * 300_000 + b"</c></row>", TOO_LARGE),
    "styles": ("xl/styles.xml", b"</style", b"<c/>" * 30_000 + b"</style", TOO_LARGE),
    "document type": (SHEET, b"<worksheet", b"<!DOCTYPE x []><worksheet", "The workbook is dam"),
}


@pytest.mark.parametrize(("part", "old", "new", "words"), BOMBS.values(), ids=BOMBS)
def test_t65_a_part_that_needs_much_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, old: bytes, new: bytes, words: str
) -> None:
    monkeypatch.setattr(xlsx, "MAX_ELEMENTS", 20_000)
    monkeypatch.setattr(xlsx, "MAX_TEXT", 200_000)
    content = workbook([["date"]])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        bomb = archive.read(part).replace(old, new)
        noise = hashlib.shake_256().digest(len(bomb) // 190)  # the ratio of the sizes has a limit
    bomb_file = with_parts(content, {part: bomb, "docProps/noise": noise})

    said, _ = refusal(CHECK, written(tmp_path, "a.xlsx", bomb_file))

    assert said.startswith(words)


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_READ", 20_000), ("MAX_CLEARED", 0), ("MAX_ELEMENTS", 30)]
)
def test_t65_sheets_rows_and_elements_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    file = written(tmp_path, "a.xlsx", workbook([["a", "b"], ["c", "d"]], *"abcdefghij"))
    assert answer(CHECK, file) is None
    monkeypatch.setattr(xlsx, limit, value)

    assert refusal(CHECK, file)[0].startswith(TOO_LARGE)


def test_only_the_strings_of_the_header_are_read(tmp_path: Path) -> None:
    rows: list[list[object]] = [["date", "sku"]]
    rows += [[f"text number {number}" * 10] for number in range(15_000)]
    file = written(tmp_path, "a.xlsx", with_shared_strings(workbook(rows)))
    check = xlsx_check(XlsxOptions(columns=("date", "sku")))
    answer(check, written(tmp_path, "b.xlsx", workbook([["date", "sku"]])))

    tracemalloc.start()
    answer(check, file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2_000_000


def test_a_header_far_down_in_the_strings_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "MAX_STRINGS", 1)
    content = with_shared_strings(workbook([["date", "sku"]]))

    said, _ = refusal(CHECK, written(tmp_path, "a.xlsx", content))

    assert said.startswith("The workbook is too large to read.")


def test_a_missing_package_is_no_broken_workbook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)

    with pytest.raises(ImportError):
        CHECK.function(written(tmp_path, "a.xlsx", workbook([])))
