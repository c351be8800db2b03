"""The built-in check of CSV and TSV files."""

import asyncio
import csv
import io
import random
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, Field, model_validator

from ossferry_checks import CheckedFile, Reject
from ossferry_checks.builtin import table, table_grammar, text_blocks
from ossferry_checks.builtin.check_options import ColumnType, TableOptions
from ossferry_checks.builtin.table import declared_table, table_check
from ossferry_checks.builtin.table_grammar import detected_delimiter, grammar, has_type, rows
from ossferry_checks.registry import Check
from ossferry_checks.runner import Refusal, run
from ossferry_checks.sentences import LANGUAGES, say
from ossferry_checks.tables import Table
from support.checking import answer, refusal, written
from support.content import workbook

AGAIN = "Correct the row, and choose the file again."
IN_SHEET = "The column id has a wrong value: This is not a whole number."
HERE = ". Repair the table in the page, or correct the file and choose it again."
ANY = table_check(TableOptions())
SHORT_ROW = 3 * text_blocks.BLOCK


class Order(BaseModel):
    sku: str
    amount: int
    comment: str = ""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "date,sku\n2026-01-01,A\n"),
        ("a.csv", "date,sku\n2026-01-01,A"),
        ("a.csv", "date;sku\r\n2026-01-01;A\r\n\r\n"),
        ("a.csv", "date,sku\r2026-01-01,A\r"),
        ("a.tsv", "date\tsku\n2026-01-01\tA, B\n"),
        ("a.csv", "\n\none column\nvalue\n\nvalue\n"),
        ("a.csv", 'a,b\n"x, ""y""\n\n",2\n1,5" wide\n,\n"",""\n'),
        ("a.csv", b"\xef\xbb\xbfa,b\n1,2\n"),
        ("a.csv", "a,b\né,字\n".encode("utf-16")),
        ("a.csv", b"\xfe\xff" + "a,b\né,字\n".encode("utf-16-be")),
        ("a.csv", "only,a,header\n"),
    ],
)
def test_a_table_passes(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert answer(ANY, written(tmp_path, name, content)) is None


@pytest.mark.parametrize(
    ("content", "found", "line"),
    [
        ("a,b\n1,2\n1,2,3\n", 3, 3),
        ("a,b\n1,2\n\n1\n", 1, 4),
        ('a,b\n"x\ny\n""z""",2\n1,2\n1,2,3\n', 3, 6),
        ('a,b\n1,2\n"x\ny",2,"z\n"\n', 3, 3),
        ("a,b\r\n1,2\r\n1\r\n", 1, 3),
        ("a,b\r1,2\r1", 1, 3),
    ],
)
def test_a_row_of_another_length_is_refused_with_its_line(
    tmp_path: Path, content: str, found: int, line: int
) -> None:
    assert refusal(ANY, written(tmp_path, "a.csv", content)) == (
        "This row and the header do not have the same number of columns: "
        f"{found} here, 2 in the header. {AGAIN}",
        line,
    )


def test_memory_does_not_depend_on_the_size(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("number,text\n")
        for _ in range(30):
            file.write('1,"some text"\n' * 100_000)
    check = table_check(TableOptions(types={"number": "integer"}))

    tracemalloc.start()
    answer(check, CheckedFile(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert path.stat().st_size > 40_000_000
    assert peak < 10 * text_blocks.BLOCK


def test_progress_ends_at_one(tmp_path: Path) -> None:
    shares: list[float] = []
    path = written(tmp_path, "a.csv", "a,b\n" + "1,2\n" * 600_000).path

    answer(ANY, CheckedFile(path, on_progress=shares.append))

    assert shares == sorted(shares)
    assert len(shares) == 3
    assert shares[-1] == 1.0


@pytest.fixture
def short_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a row have at most three blocks."""
    monkeypatch.setattr(table_grammar, "MAX_ROW", SHORT_ROW)


@pytest.mark.usefixtures("short_rows")
def test_a_quotation_mark_that_is_not_closed_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write('a,b\n1,"2\n')
        for _ in range(SHORT_ROW // 1_000_000 + 5):
            file.write("some,text\n" * 100_000)
    shares: list[float] = []

    said, line = refusal(ANY, CheckedFile(path, on_progress=shares.append))

    assert said.startswith("A quotation mark that begins in this row is not closed.")
    assert line == 2
    assert shares[-1] < 1


@pytest.mark.usefixtures("short_rows")
def test_a_row_without_end_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "a.csv", "a,b\n1," + "x" * (SHORT_ROW + text_blocks.BLOCK))

    assert refusal(ANY, file) == ("This row is too long for a table. Choose a CSV or TSV file.", 2)


def test_a_value_may_be_large(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    content = f'a,b\n"{"x" * 3_000_000}",2\n'
    check = table_check(TableOptions(model="Wide"), Wide)

    assert answer(check, written(tmp_path, "a.csv", content)) is None
    assert csv.field_size_limit() == limit


class Wide(BaseModel):
    a: str
    b: int


@pytest.mark.parametrize("content", ["", "\n\n", b"\xef\xbb\xbf"])
def test_an_empty_table_is_refused(tmp_path: Path, content: str | bytes) -> None:
    assert refusal(ANY, written(tmp_path, "a.csv", content)) == (
        "The table is empty: it has no header. Choose a file with data.",
        None,
    )


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (b'a,b\n1,"2"x\n', "A quotation mark is in a wrong place.", 2),
        (b'a,b\n1,"2" \n', "A quotation mark is in a wrong place.", 2),
        (b'"a"x,b\n', "A quotation mark is in a wrong place.", 1),
        (b'a,b\n1,"2\n3,4\n', "A quotation mark that begins in this row is not closed.", 2),
        (b'a,"b\n', "A quotation mark that begins in this row is not closed.", 1),
        (b"a,b\n1,2\n1,\xe9\n", "This is not valid UTF-8 text (byte 0xE9).", 3),
        (b"a,b\r\n1,2\r\n\r\n1,\xff", "This is not valid UTF-8 text (byte 0xFF).", 4),
        (
            b"a,b\n1,2\n" * 300_000 + b"\xe5\xad",
            "This is not valid UTF-8 text (byte 0xE5).",
            600_001,
        ),
        (b"\xff\xfea\0,\0b\0\n\0\0\xd8", "This is not valid UTF-16 text (byte 0x00).", 2),
        ("a,b\n1,2\n".encode("utf-16-le"), "The file has zero bytes, which UTF-8", 1),
    ],
    ids=[
        *("quote and text", "quote and space", "quote in header", "open quote", "open header"),
        *("latin-1", "end", "cut off", "utf-16", "utf-16 without mark"),
    ],
)
def test_a_wrong_quotation_mark_or_byte_is_refused_with_its_line(
    tmp_path: Path, content: bytes, reason: str, line: int
) -> None:
    said, found = refusal(ANY, written(tmp_path, "a.csv", content))

    assert said.startswith(reason)
    assert found == line


def test_only_the_encoding_of_the_options_is_allowed(tmp_path: Path) -> None:
    chinese = "日期,金额\n"
    only_gb = table_check(TableOptions(encoding="gb18030"))
    only_utf8 = table_check(TableOptions(encoding="UTF8"))

    assert answer(only_gb, written(tmp_path, "a.csv", chinese.encode("gb18030"))) is None
    assert refusal(only_gb, written(tmp_path, "b.csv", chinese.encode("utf-8-sig"))) == (
        "The encoding of the text is UTF-8, but must be GB18030. "
        "Save the file as GB18030, and choose it again.",
        None,
    )
    assert answer(only_utf8, written(tmp_path, "c.csv", chinese.encode("utf-8-sig"))) is None
    assert (
        "but must be UTF-8"
        in refusal(only_utf8, written(tmp_path, "d.csv", chinese.encode("utf-16")))[0]
    )


def test_an_encoding_that_python_does_not_know_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match="utf-88"):
        table_check(TableOptions(encoding="utf-88"))


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a|b|c\nx, y|2;3|4\n", "|"),
        ("a\tb\n1\t2,3\n", "\t"),
        ('"a;b",c\n1,2\n', ","),
        ("a,b;c\n1;2\n3;4\n", ";"),
        ("name\nx\n", ""),
        ("a;b,c;d\n1;2,3;4\n5;6,7", ";"),  # the sample ends in the middle of a row
    ],
)
def test_the_delimiter_is_detected(content: str, delimiter: str) -> None:
    assert detected_delimiter(content, (), is_tsv=False) == delimiter


def test_the_delimiter_is_the_one_that_makes_the_wanted_columns() -> None:
    content = "a,b;c,d;e,f\n"

    assert detected_delimiter(content, {"b;c"}, is_tsv=False) == ","
    assert detected_delimiter(content, {"c,d"}, is_tsv=False) == ";"


def test_a_tsv_file_prefers_tabs() -> None:
    content = "a\tb,c\n1\t2,3\n"

    assert detected_delimiter(content, (), is_tsv=True) == "\t"
    assert detected_delimiter(content, (), is_tsv=False) == ","


def test_another_delimiter_than_that_of_the_options_is_refused(tmp_path: Path) -> None:
    check = table_check(TableOptions(delimiter=";"))

    assert answer(check, written(tmp_path, "a.csv", "a;b\n1;2\n")) is None
    assert answer(check, written(tmp_path, "b.csv", "one\nvalue\n")) is None
    assert refusal(check, written(tmp_path, "c.csv", "a,b\n1,2\n")) == (
        "The columns are separated by a comma, but must be separated by a semicolon. "
        "Export the table again.",
        1,
    )


def test_the_result_of_a_repair_has_the_columns_in_the_order_of_the_options() -> None:
    options = TableOptions(
        types={"date": "date", "sku": "text"}, aliases={"sku": ("SKU",)}, unique=("id", "sku")
    )

    assert [field.name for field in declared_table(options, None).fields] == ["date", "sku", "id"]


def test_missing_columns_are_refused_in_any_order(tmp_path: Path) -> None:
    check = table_check(TableOptions(columns=("sku", "date", "amount")))

    assert answer(check, written(tmp_path, "a.csv", "x,date, amount ,sku\n")) is None
    assert refusal(check, written(tmp_path, "b.csv", "\nsku,Date\n")) == (
        "Columns missing in the header: date, amount. Add them, and choose the file again.",
        2,
    )


def test_a_value_of_another_type_is_refused(tmp_path: Path) -> None:
    check = table_check(TableOptions(types={"amount": "decimal", "absent": "date"}))

    assert answer(check, written(tmp_path, "a.csv", 'sku,amount\nA,1.5\nB,\nC,"2"\n')) is None
    assert refusal(check, written(tmp_path, "b.csv", 'sku,amount\nA,1\n"B\n","1,5"\n')) == (
        "The value “1,5” in the column amount is not a number. "
        "Correct it, and choose the file again.",
        3,
    )


TYPES: list[tuple[ColumnType, list[str], list[str]]] = [
    ("text", ["anything", ""], []),
    ("integer", ["0", "-12", "+7", " 5 ", ""], ["1.0", "1e3", "x", "--1", "\u0661", "1 2", "1\n2"]),
    ("decimal", ["1", "-1.5", ".5", "2.", "1e-3", ""], [".", "1,5", "1.2.3", "e5", "NaN", "$1"]),
    (
        "date",
        ["2026-01-31", "2024-02-29", "2000-02-29", ""],
        ["2026-02-29", "1900-02-29", "2026-04-31", "2026-13-01", "2026-1-1", "2026-01-00"],
    ),
    (
        "datetime",
        ["2026-01-31 18:30", "2026-01-31T18:30:00.123Z", "2026-01-31T18:30:00+08:00"],
        ["2026-01-31T24:00:00", "2026-02-30T10:00", "2026-01-31T18:60:00", "18:30"],
    ),
    ("boolean", ["true", "FALSE", "1", "0", "yes", "No", ""], ["2", "truee", "maybe"]),
]


@pytest.mark.parametrize(("kind", "good", "bad"), TYPES, ids=[each[0] for each in TYPES])
def test_the_types_of_values(
    tmp_path: Path, kind: ColumnType, good: list[str], bad: list[str]
) -> None:
    check = table_check(TableOptions(types={"v": kind}))
    for number, value in enumerate([*good, *bad]):
        path = tmp_path / f"{number}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([["k", "v"], ["a", value], ["b", value]])

        if value in good:
            assert answer(check, CheckedFile(path)) is None, value
        else:
            assert refusal(check, CheckedFile(path))[0].startswith("The value “"), value


def test_a_fraction_of_a_second_does_not_take_the_next_value(tmp_path: Path) -> None:
    check = table_check(TableOptions(types={"at": "datetime", "count": "integer"}))

    assert answer(check, written(tmp_path, "a.csv", "at,count\n2026-01-31T18:30:00,5\n")) is None


def test_a_model_checks_each_row(tmp_path: Path) -> None:
    check = table_check(TableOptions(model="Order"), Order)

    assert answer(check, written(tmp_path, "a.csv", "sku;amount;comment\nA;1;\n\nB;2;x\n")) is None
    assert refusal(check, written(tmp_path, "b.csv", 'sku,amount\nA,1\n"B\n",2\nC,\n')) == (
        "The column amount has a wrong value: A value is required. "
        "Correct it, and choose the file again.",
        5,
    )
    said, line = refusal(check, written(tmp_path, "c.csv", "sku,amount\nA,1\nB,x\n1,2,3\n"))
    assert "The column amount has a wrong value: This is not a whole number." in said
    assert line == 3


class Gift(BaseModel):
    amount: int
    payer: str = ""

    @model_validator(mode="after")
    def is_free(self) -> Self:
        if self.payer:
            raise ValueError("A gift has no payer.")
        return self


def test_an_error_of_the_models_own_names_no_column(tmp_path: Path) -> None:
    check = table_check(TableOptions(model="Gift"), Gift)

    said, line = refusal(check, written(tmp_path, "a.csv", "amount,payer\n1,\n2,Bo\n"))

    assert (said.partition(". ")[0], line) == ("This row is wrong: A gift has no payer", 3)


class Sale(BaseModel):
    number: int = Field(validation_alias="id")
    sku: str = Field(validation_alias=AliasChoices("sku", "article"))


@pytest.mark.parametrize(
    ("header", "unique", "reason"),
    [
        ("id,article", "sku", "The value in the column sku is in line 2 too."),
        ("id,article", "article", "The value in the column sku is in line 2 too."),
        ("id,No.", "sku", "The value in the column sku is in line 2 too."),
        ("No.,article,sku", "sku", ""),
        ("id,sku", "number", "The value in the column id is in line 3 too."),
        ("id,Article", "sku", "Columns missing in the header: article."),
    ],
)
def test_the_header_may_have_the_aliases_of_the_model(
    tmp_path: Path, header: str, unique: str, reason: str
) -> None:
    options = TableOptions(
        model="Sale",
        columns=("article",),
        types={"number": "integer"},
        aliases={"article": ("No.",)} if "id" in header else {"number": ("No.",)},
        unique=(unique,),
    )
    number = header.count(",") + 1
    lines = [header, *(",".join(row[:number]) for row in ("1AA", "2BB", "2AC"))]
    file = written(tmp_path, "a.csv", "\n".join(lines))

    verdict = asyncio.run(run([table_check(options, Sale)], file))

    assert not [each for each in verdict.ran if each.outcome == "error"]
    said = verdict.refusal.reason if verdict.refusal else ""
    assert said.startswith(reason)
    assert bool(reason) == bool(said)


class Day(BaseModel):
    id: int = 0
    day: str = Field(validation_alias="Day")


class AnyColumns(Day):
    @model_validator(mode="before")
    @classmethod
    def _names(cls, given: dict[str, str]) -> dict[str, str]:
        return {name.strip("_"): value for name, value in given.items()}


NONE = "The header has none of the expected columns: id, Day."


@pytest.mark.parametrize(
    ("model", "name", "header", "reason"),
    [
        *((Day, each, "\u200bid,\u00a0Day\u00a0", "") for each in ("a.csv", "a.xlsx")),
        *((Day, each, "x,y", NONE) for each in ("a.csv", "a.xlsx")),
        (Day, "a.csv", "ID,DAY", NONE),
        (Day, "a.csv", "id,x", "Columns missing in the header: Day."),
        (Day, "a.csv", "Day,Day ,x,x", "Several columns in the header have the same name: Day."),
        (Day, "a.xlsx", "Day,Day", "Several columns in the header have the same name: Day."),
        (Day, "a.csv", "Day,DAY", ""),
        (AnyColumns, "a.csv", "_id,_Day", ""),
        (AnyColumns, "a.xlsx", "_id,_Day", NONE),
    ],
)
def test_the_header_of_another_table_is_refused_and_can_be_repaired(
    tmp_path: Path, model: type[Any], name: str, header: str, reason: str
) -> None:
    cells: list[list[object]] = [[*header.split(",")], ["1"] * len(header.split(","))]
    text = f"{header}\n{header.count(',') * '1,'}1\n"
    content = workbook(cells) if name == "a.xlsx" else text
    check = table_check(TableOptions(model="Day", repair=True), model)

    verdict = asyncio.run(run([check], written(tmp_path, name, content)))

    found = verdict.refusal or Refusal("", "")
    assert (found.reason[: len(reason)], bool(found.reason)) == (reason, bool(reason))
    assert (found.line, found.repair) == ((1, True) if reason else (None, False))


def test_columns_and_types_of_the_options_are_added_to_a_model() -> None:
    table = Table.of(
        Sale, columns=["article"], types={"sku": "integer", "id": "text"}, unique=["number"]
    )

    assert [(each.name, each.kind, each.required) for each in table.fields] == [
        ("id", "integer", True),
        ("sku", "integer", True),
    ]
    assert table.unique == ("id",)


def test_a_row_of_another_length_after_rows_that_the_model_accepts(tmp_path: Path) -> None:
    check = table_check(TableOptions(model="Order"), Order)

    said, line = refusal(check, written(tmp_path, "a.csv", "sku,amount\nA,1\nB,1,2\n"))

    assert said.startswith("This row and the header")
    assert line == 3


def test_a_model_that_is_missing_is_an_error(tmp_path: Path) -> None:
    check = table_check(TableOptions(model="Order"))

    with pytest.raises(ValueError, match="has no model Order"):
        check.function(written(tmp_path, "a.csv", "a,b\n"))


def test_a_long_value_is_shortened_in_the_sentence(tmp_path: Path) -> None:
    check = table_check(TableOptions(types={"v": "integer"}))

    said, _ = refusal(check, written(tmp_path, "a.csv", "k,v\n1," + "x" * 1000 + "\n"))

    assert f"“{'x' * 59}…”" in said


VALUES = st.text(alphabet='ab1,;"\n\té字 ', max_size=6)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=6), st.booleans())
def test_the_grammar_reads_what_python_writes(lines: list[list[str]], quote_all: bool) -> None:
    text = _written(lines, csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL)

    assert rows(",", ["text"] * 3).end(text) == len(text)
    assert rows(",", ["text"] * 4).end(text) == 0
    assert rows(",", ["text"] * 2).end(text) == 0
    found = grammar(",").row.match(text)
    assert found
    assert next(csv.reader(io.StringIO(found[0], newline=""))) == lines[0]


def _written(lines: list[list[str]], quoting: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=quoting).writerows(lines)
    return out.getvalue()


@given(st.dates(), st.times())
def test_every_date_and_time_of_python_has_its_type(date: Any, time: Any) -> None:
    assert has_type(date.isoformat(), "date")
    assert has_type(f"{date.isoformat()}T{time.isoformat()}", "datetime")


GARBAGE = bytes(random.Random(1).choices(range(1, 256), k=100))
TWO = TableOptions(
    types={"id": "integer"}, aliases={"id": ("No.",)}, unique=("id",), max_rows=3, repair=True
)


@pytest.mark.parametrize(
    ("content", "reason", "line", "repair"),
    [
        ("id\n1\n2\n3\n", "", None, False),
        ("No.\n1\n2\n\n3\n", "", None, False),
        ("No.\n1\nx\n", "The value “x” in the column id is not a whole number.", 3, True),
        ('id\n1\n"2\n"\n1\n', "The value “2” in the column id is not a whole number.", 3, True),
        ("id\n1\n\n\n1\n", "The value in the column id is in line 2 too.", 5, True),
        ("id\n1\n2\n3\n4\n", "The table has too many rows; the limit is 3.", 5, False),
        (b"id\n\xe9\n", "This is not valid UTF-8 text", 2, True),
        ("", "The table is empty", None, False),
        ('id\n"1\n', "A quotation mark that begins in this row is not closed.", 2, False),
        (b"id\n1\n\0\n", "The file has zero bytes", 3, False),
        ("id\n1\nx\n".encode("utf-16-le"), "The file has zero bytes", 1, True),
        (GARBAGE, "This is not valid UTF-8 text", 1, False),
        (GARBAGE * 10_000, "This is not valid UTF-8 text", 1, False),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "This is not valid UTF-8 text", 1, False),
        ("id," + "x" * 3_000_000, "This row is too long for a table.", 1, False),
        (f"id{',' * 100}\n1\n", "This row and the header do not have the same", 2, False),
        ('id\n"1\n"x\n', "A quotation mark that begins in this row is not closed.", 2, False),
        (workbook([["No."], [1], [2]]), "", None, False),
        (workbook([["name"], [1], [2]]), "", None, False),
        (workbook([["id"], [1], ["x"], [1]]), IN_SHEET, 3, True),
        (workbook([["id"], [1], [2], [3], [4]]), "The table has too many rows", 5, False),
        (b"PK\3\4", "The workbook is damaged and cannot be read.", None, False),
    ],
)
def test_a_refused_table_can_be_repaired_unless_it_cannot_be_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str | bytes,
    reason: str,
    line: int | None,
    repair: bool,
) -> None:
    monkeypatch.setattr(table_grammar, "MAX_ROW", 2_000_000)
    monkeypatch.setattr(table, "MAX_COLUMNS", 100)
    name = "a.xlsx" if content[:2] == b"PK" else "a.csv"
    file = written(tmp_path, name, content)

    verdict = asyncio.run(run([table_check(TWO)], file))

    found = verdict.refusal or Refusal("", "")
    assert (found.reason[: len(reason)], found.line, found.repair) == (reason, line, repair)
    assert found.reason.endswith(HERE) == repair
    assert bool(reason) == bool(verdict.refusal)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_table_that_can_be_repaired_has_other_advice_in_each_language(
    tmp_path: Path, language: str
) -> None:
    name, path = "a. b。c", written(tmp_path, "a.csv", "a. b。c\nx\n").path
    check = table_check(TableOptions(types={name: "integer"}, repair=True))

    found = asyncio.run(run([check], CheckedFile(path, language=language))).refusal

    assert found
    assert name in found.reason
    assert found.reason.endswith(say("table_repair", language))
    assert len(re.findall("[.。]", found.reason)) == 4


@pytest.mark.parametrize("options", [TWO, TableOptions()], ids=["repair", "no repair"])
def test_a_workbook_is_not_named_csv(tmp_path: Path, options: TableOptions) -> None:
    file = written(tmp_path, "a.csv", workbook([["id"], [1]]))

    verdict = asyncio.run(run([table_check(options)], file))

    assert verdict.refusal
    assert (verdict.refusal.is_error, verdict.refusal.repair) == (False, options.repair)
    assert verdict.refusal.reason.startswith("This is not valid UTF-8 text")


def test_a_text_is_not_named_xlsx(tmp_path: Path) -> None:
    verdict = asyncio.run(run([table_check(TWO)], written(tmp_path, "a.xlsx", "id\n1\n")))

    assert verdict.refusal
    assert verdict.refusal.reason.startswith("This is not an Excel workbook in the XLSX format.")
    assert verdict.refusal.repair


def test_a_table_with_problems_is_a_question_if_the_original_is_allowed(tmp_path: Path) -> None:
    check = table_check(replace(TWO, allow_original=True))

    wrong = asyncio.run(run([check], written(tmp_path, "a.csv", "id\nx\n")))
    sheet = asyncio.run(run([check], written(tmp_path, "a.xlsx", workbook([["id"], ["x"]]))))
    empty = asyncio.run(run([check], written(tmp_path, "b.csv", "")))

    (question,) = wrong.questions
    assert (wrong.refusal, wrong.ran[0].outcome) == (None, "asks")
    assert (question.line, question.repair) == (2, True)
    assert question.question == (
        "The value “x” in the column id is not a whole number. "
        "Repair the table in the page, or upload the original."
    )
    assert sheet.questions[0].question == (
        f"{IN_SHEET} Repair the table in the page, or upload the original."
    )
    assert empty.refusal
    assert not empty.refusal.repair


def test_a_table_that_another_check_refuses_too_can_be_repaired(tmp_path: Path) -> None:
    def refuse(_file: CheckedFile) -> None:
        raise Reject("The first column must be id.")

    checks = [table_check(replace(TWO, allow_original=True)), Check(name="own", function=refuse)]
    wrong = asyncio.run(run(checks, written(tmp_path, "a.csv", "id\nx\n"))).refusal
    right = asyncio.run(run(checks, written(tmp_path, "b.csv", "id\n1\n"))).refusal

    assert wrong == Refusal("own", "The first column must be id.", repair=True)
    assert right == Refusal("own", "The first column must be id.")


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.csv.changes.csv", 'row,line,field,before,after,why\r\n1,2,id,x,1,"replace\r\n', None),
        ("A.CHANGES.CSV", "row,line,field,before,after,why", None),
        ("a.changes.csv", "row,line,field,before,after,why,id\n", 1),
        ("a.changes.csv", "id\n1\n", 1),
        ("a.changes.csv", "", 1),
        ("changes.csv", "id\n1\n", None),
    ],
)
def test_only_the_header_of_a_list_of_changes_is_checked(
    tmp_path: Path, name: str, content: str, line: int | None
) -> None:
    check = table_check(replace(TWO, keep_changes=True, allow_original=True))

    verdict = asyncio.run(run([check], written(tmp_path, name, content)))

    found = verdict.refusal or Refusal("", "")
    assert (found.line, found.repair, verdict.questions) == (line, False, [])
    assert line is None or "row, line, field, before, after, why" in found.reason


def test_without_the_option_no_table_can_be_repaired_and_no_workbook_is_read(
    tmp_path: Path,
) -> None:
    check = table_check(TableOptions(columns=("id",)))

    verdict = asyncio.run(run([check], written(tmp_path, "a.csv", "name\n")))

    assert verdict.refusal
    assert not verdict.refusal.repair
    assert not check.matches("a.xlsx")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "repair needs model, columns or types"),
        ({"columns": ("id",), "delimiter": ";"}, "repair writes UTF-8 with commas"),
        ({"columns": ("id",), "encoding": "gb18030"}, "repair writes UTF-8 with commas"),
    ],
)
def test_a_repair_needs_columns_and_its_own_format(given: dict[str, Any], said: str) -> None:
    TableOptions(columns=("id",), encoding="UTF8", delimiter=",", repair=True)

    with pytest.raises(ValueError, match=said):
        TableOptions(**given, repair=True)
    with pytest.raises(ValueError, match="allow_original and keep_changes need repair"):
        TableOptions(keep_changes=True)
