"""How the repair of tables reads files: encodings, delimiters, headers, workbooks, bad input."""

import io
import tracemalloc
from contextlib import nullcontext
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pytest

from ossferry_checks.builtin import xlsx
from ossferry_checks.builtin.text_blocks import BLOCK
from ossferry_checks.tables import Decisions, Reading, Scan, Table, TableError, clean, rows
from ossferry_checks.tables.matching import match
from support.checking import written
from support.content import ole, with_shared_strings, workbook

GERMAN = "id;Größe;Straße\r\n1;süß;Müllerstraße\r\n2;ölig;Bärenweg\r\n"
CHINESE = "编号,名称\n1,北京市海淀区中关村大街\n2,上海市浦东新区世纪大道\n"
JAPANESE = "番号,名前\n1,東京都千代田区のりんご\n2,大阪市のみかんとバナナ\n"


def cleaned(path: Path, *columns: str, **chosen: object) -> str:
    """Return the result of the repair of a table whose columns are texts."""
    out = io.BytesIO()
    clean(path, Table.of(columns=columns), Decisions(**chosen), into=out)  # type: ignore[arg-type]
    return out.getvalue().decode()


@pytest.mark.parametrize(
    ("text", "encoding", "mark", "is_sure"),
    [
        (GERMAN, "utf-8", b"", True),
        (GERMAN, "utf-8", b"\xef\xbb\xbf", True),
        (CHINESE, "utf-16-le", b"\xff\xfe", True),
        (GERMAN, "utf-16-be", b"\xfe\xff", True),
        (GERMAN, "utf-16-le", b"", True),
        (JAPANESE, "utf-16-be", b"", True),
        (CHINESE, "gb18030", b"", True),
        (JAPANESE, "cp932", b"", True),
        (GERMAN, "cp1252", b"", True),
        ("id,name\n1,Łódź\n", "cp1250", b"", False),
    ],
)
def test_the_encoding_is_guessed(
    tmp_path: Path, text: str, encoding: str, mark: bytes, is_sure: bool
) -> None:
    path = written(tmp_path, "a.csv", mark + text.encode(encoding)).path
    first, *columns = text.split()[0].replace(";", ",").split(",")

    reading = Reading.guess(path)

    assert reading.is_sure == is_sure
    if is_sure:
        assert reading.encoding == encoding
        lines = text.replace("\r\n", "\n").replace("\n", "\r\n").replace(";", ",")
        assert cleaned(path, first, *columns) == lines
    chosen = Reading(encoding, reading.delimiter)
    assert chosen.head(path).header == (first, *columns)


@pytest.mark.parametrize(
    ("content", "delimiter", "header_row", "result"),
    [
        ("id,n\n1,2\n", ",", 1, "id,n\r\n1,2\r\n"),
        ("id;n\n1;2,5\n", ";", 1, 'id,n\r\n1,"2,5"\r\n'),
        ("id\tn\n1\t2,3\n", "\t", 1, 'id,n\r\n1,"2,3"\r\n'),
        ("id|n\n1|2\n", "|", 1, "id,n\r\n1,2\r\n"),
        ('id,n\r\n1,"a\r\n""b"""\r\n2,\r\n', ",", 1, 'id,n\r\n1,"a\n""b"""\r\n2,\r\n'),
        ("Report, May\nOur shop\n\nid;n\n1;2\n3;4\n", ";", 4, "id,n\r\n1,2\r\n3,4\r\n"),
        ("Report;;\n;;\nid;;n\n1;;2\n\n;;\n3;;4\n", ";", 3, "id,n\r\n1,2\r\n3,4\r\n"),
        ("sep=;\r\nid;n\r\n1;2\r\n", ";", 2, "id,n\r\n1,2\r\n"),
        ('sep="\r\nid;n\r\n1;2\r\n', ";", 2, "id,n\r\n1,2\r\n"),
        ("sep=\t\r\nid\tn\r\n1\t2\r\n", "\t", 2, "id,n\r\n1,2\r\n"),
        ("id,n,\n1,2,\n3,4,,,\n", ",", 1, "id,n\r\n1,2\r\n3,4\r\n"),
        ("\n\nid\n1\n", ",", 3, "id,n\r\n1,\r\n"),
        ("id,n\n007,2\n", ",", 1, "id,n\r\n007,2\r\n"),
    ],
)
def test_the_delimiter_and_the_header_are_guessed(
    tmp_path: Path, content: str, delimiter: str, header_row: int, result: str
) -> None:
    path = written(tmp_path, "a.csv", content).path
    table = Table.of(columns=["id", "n"])

    assert Reading.guess(path) == Reading("utf-8", delimiter, header_row)
    assert Reading.guess(path, table) == Reading("utf-8", delimiter, header_row)
    assert cleaned(path, "id", "n") == result


def test_the_names_of_the_table_decide_which_row_is_the_header(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "Orders,of,May\nof,our,shop\nid,n,x\n1,2,3\n").path

    assert Reading.guess(path).header_row == 1
    assert Reading.guess(path, Table.of(columns=["n"])).header_row == 3


def test_a_person_can_change_how_the_file_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id;n,x\n1;2,\xe9\n".encode("cp1252")).path
    reading = Reading("cp1252", ";")

    assert cleaned(path, "id", reading=reading) == "id\r\n1\r\n"
    assert cleaned(path, "id", reading=reading, columns=(None, "id")) == 'id\r\n"2,é"\r\n'


def test_a_sheet_of_a_workbook_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Report"])
    book.active.append([])
    book.active.append(["id", "at", "day", "n", "ok", "text"])
    values = ["007", datetime(2026, 1, 31, 18, 30), date(2026, 1, 31), 0.1 + 0.2, True, "a\nb"]  # noqa: DTZ001
    book.active.append(values)
    book.active.append([7, None, datetime(2026, 2, 1), 5.0, False, time(9, 30)])  # noqa: DTZ001
    book.active["A7"] = "=1+1"
    book.active.merge_cells("B7:C7")
    book.create_sheet("Other").append(["id", "x"])
    book["Other"].append(["1", "y"])
    path = tmp_path / "a.xlsx"
    book.save(path)

    reading = Reading.guess(path)

    assert reading == Reading(header_row=3, sheet="Sheet")
    head = reading.head(path)
    assert head.sheets == ("Sheet", "Other")
    assert head.lost == ("formulas", "merged", "sheets", "styles")
    assert cleaned(path, "id", "at", "day", "n", "ok", "text") == (
        "id,at,day,n,ok,text\r\n"
        '007,2026-01-31T18:30:00,2026-01-31,0.3,true,"a\nb"\r\n'
        "7,,2026-02-01,5,false,09:30:00\r\n"
    )
    other = Reading(sheet="Other")
    assert other.head(path).header == ("id", "x")
    assert cleaned(path, "x", reading=other) == "x\r\ny\r\n"


def test_the_line_of_a_problem_is_the_row_of_the_sheet(tmp_path: Path) -> None:
    path = written(tmp_path, "a.xlsx", workbook([["id"], [], [1], [], ["x"]])).path
    scan = Scan(path, Table.of(types={"id": "integer"}))

    assert [*scan.run()][-1] > 0

    (found,) = scan.problems("id:kind")
    assert (found.row, found.line) == (2, 5)


@pytest.mark.parametrize("cells", [0, 3, 103])
def test_empty_cells_at_the_end_of_a_row_of_a_sheet_are_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    monkeypatch.setattr(rows, "MAX_COLUMNS", 100)
    sheet: list[list[object]] = [["id", "n", "m"], [1], [2, None, 3], [], [4, 5, None, "note"]]
    path = written(tmp_path, "a.xlsx", workbook(sheet, cells=cells)).path
    out = io.BytesIO()

    head = Reading.guess(path).head(path)
    result = clean(path, Table.of(columns=["id", "n", "m"]), into=out)

    assert head.header == ("id", "n", "m")
    assert (result.left, result.rows_in) == ((), 3)
    assert out.getvalue() == b"id,n,m\r\n1,,\r\n2,,3\r\n4,5,\r\n"


HEAD = "id,n\n1,2\n"


@pytest.mark.parametrize(
    ("content", "key", "line"),
    [
        ("", "table_empty", None),
        ("\n \n", "table_empty", None),
        (b"\xef\xbb\xbf", "table_empty", None),
        ("x,y\n1,2\n", "table_unknown", 1),
        (f"{HEAD}3,\0\n", "text_zero_byte", 3),
        (HEAD.encode() * 60_000 + b"3,\xe9\n", "text_not_valid", 120_001),
        (f'{HEAD}3,"4\n5,6\n', "table_quote_open", 3),
        (f'{HEAD}"a\nb"c,4\n', "table_quote_open", 3),
        (f"{HEAD}3,{'x' * 20_000_000}\n", "table_long", 3),
        (f"id,{',' * rows.MAX_COLUMNS}\n1,2\n", "table_wide", 1),
        (bytes(range(1, 100)), "text_not_valid", 1),
        (f"id\n{'1' * 5}\n2\n3\n4\n", "table_rows", 5),
        (workbook([[]]), "table_empty", None),
        (b"PK\3\4", "xlsx_broken", None),
        (b"PK\3\4" + workbook([["id"]])[:-30], "xlsx_broken", None),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_with_its_line(
    tmp_path: Path, content: str | bytes, key: str, line: int | None
) -> None:
    path = written(tmp_path, "a.csv", content).path
    table = Table.of(columns=["id"], max_rows=120_010 if len(content) > 100 else 3)

    with pytest.raises(TableError) as caught:
        for _ in Scan(path, table).run():
            pass

    assert (caught.value.key, caught.value.line) == (key, line)
    assert caught.value.says("ja") != caught.value.says("en") == str(caught.value)


def test_an_unknown_sheet_and_other_office_files_are_errors(tmp_path: Path) -> None:
    path = written(tmp_path, "a.xlsx", workbook([["id"], [1]])).path

    with pytest.raises(TableError, match="Sheets missing in the workbook: May"):
        Reading(sheet="May").head(path)
    with pytest.raises(TableError, match="protected with a password"):
        Reading.guess(
            written(tmp_path, "b.xlsx", ole("EncryptedPackage")).path, Table.of(columns=["id"])
        )


@pytest.mark.parametrize("limit", ["MAX_STRINGS", "MAX_CHARACTERS"])
def test_the_strings_of_a_workbook_have_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    texts: list[list[object]] = [[f"text {number}"] for number in range(40)]
    book = workbook([["id"], *texts])
    path = written(tmp_path, "a.xlsx", with_shared_strings(book)).path
    monkeypatch.setattr(xlsx, limit, 30)

    with pytest.raises(TableError, match="too large to read"):
        [*Scan(path, Table.of(columns=["id"])).run()]


def test_a_row_and_the_rows_of_a_sheet_have_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = written(tmp_path, "a.xlsx", workbook([["id"], [1]], cells=1_100_000)).path
    with pytest.raises(TableError, match="too large to read"):
        Reading(sheet="Data").head(wide)

    monkeypatch.setattr(rows, "MAX_SHEET_ROWS", 100)
    monkeypatch.setattr(rows, "MAX_EXCEL_ROWS", 200)
    for empty, last, is_fine in ((99, 0, True), (99, 1, False), (200, 0, False)):
        cells = ["id", *["x"] * (99 + last), *[None] * empty]
        sheet: list[list[object]] = [[each] for each in cells]
        path = written(tmp_path, f"{empty}{last}.xlsx", workbook(sheet)).path
        scan = Scan(path, Table.of(columns=["id"]))
        with nullcontext() if is_fine else pytest.raises(TableError, match="the limit is 100"):
            [*scan.run()]


def test_memory_does_not_depend_on_the_size(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("n,text\n")
        for _ in range(200):
            file.write(f"x,{'long ' * 200}end\n" * 100)
    scan = Scan(path, Table.of(columns=["text"], types={"n": "integer"}))

    tracemalloc.start()
    shares = [*scan.run()]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert path.stat().st_size > 19 * BLOCK
    assert peak < 12 * BLOCK
    assert shares == sorted(shares)
    assert 20_000 / rows.BATCH <= len(shares) < 22_500 / rows.BATCH
    assert scan.count == 20_000


@pytest.mark.parametrize(
    "chosen", [{"encoding": "utf-88"}, {"encoding": "zlib"}, {"delimiter": ",,"}, {"header_row": 0}]
)
def test_a_reading_that_is_impossible_is_an_error(chosen: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"encoding|delimiter"):
        Reading(**chosen)  # type: ignore[arg-type]


def test_of_long_rows_only_a_few_are_read_for_the_guess(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + f"1,{'x' * 3_000_000}\n" * 9)

    head = Reading.guess(path).head(path)

    assert len(head.rows) == 3
    assert match(Table.of(columns=["text"]), head.header, head.rows)[1].samples == ("x" * 100,) * 3


def test_an_empty_file_has_no_header_also_if_all_is_decided(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "").path

    with pytest.raises(TableError, match="The table is empty"):
        cleaned(path, "id", reading=Reading(), columns=("id",))


def test_long_rows_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,text\n" + ("1," + "x" * 1_000_000 + "\n") * 20).path

    sizes = [
        sum(len(value) for row in batch.rows for value in row)
        for batch in rows.batches(path, "utf-8", ",", "", 1)
    ]

    assert sum(sizes) > 20_000_000
    assert max(sizes) < 3 * rows.BATCH_SIZE
