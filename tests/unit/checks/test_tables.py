"""The repair of tables: problems in groups, decisions, and the repaired file."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationInfo, field_validator, model_validator

from ossferry_checks import CheckedFile
from ossferry_checks.builtin.check_options import TableOptions
from ossferry_checks.builtin.table import table_check
from ossferry_checks.tables import Decisions, Fix, Group, Scan, Table, clean, formats, problems
from ossferry_checks.tables.repair import Repair
from ossferry_checks.tables.repair import repaired as repaired_rows
from ossferry_checks.tables.session import Session
from support.checking import written


class Order(BaseModel):
    """A row of the tables in the tests."""

    id: str = Field(pattern="^[0-9=]")
    day: date | None = None
    amount: Decimal = Field(default=Decimal(1), gt=0)
    paid: bool = False
    state: Literal["open", "closed"] = "open"

    @model_validator(mode="after")
    def _closed_is_paid(self) -> Self:
        if self.state == "closed" and not self.paid:
            raise ValueError("a closed order is paid")
        if self.paid and self.amount == 2:
            {date(2026, 2, 1): "x"}[self.day or date(2026, 1, 1)]
        return self


CHECK = TableOptions(model="Order", unique=("id",))
TABLE = Table.of(Order, unique=CHECK.unique)
SHORT_YEARS = ("day.month.year 1930-2029", "day.month.year 2000-2099")
UNPAID = "_closed_is_paid:3 a closed order is paid"


def scanned(path: Path, table: Table = TABLE, decisions: Decisions = Decisions()) -> Scan:  # noqa: B008
    """Return a scan that has read its file."""
    scan = Scan(path, table, decisions)
    for _ in scan.run():
        pass
    return scan


def table_of(folder: Path, field: str, *values: str) -> Path:
    """Return a table in which the ids are 1, 2, 3, … and another field has these values."""
    path = folder / "orders.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["id", field])
        out.writerows([number, value] for number, value in enumerate(values, 1))
    return path


def repaired(scan: Scan, path: Path, table: Table = TABLE) -> list[dict[str, str]]:
    """Return the rows of the result; the same decisions from JSON make the same bytes."""
    out, again = io.BytesIO(), io.BytesIO()
    clean(path, table, scan.decisions, into=out)
    clean(path, table, Decisions.from_json(scan.decisions.as_json()), into=again)
    assert out.getvalue() == again.getvalue()
    return [*csv.DictReader(io.StringIO(out.getvalue().decode(), newline=""))]


def counts(scan: Scan) -> dict[str, int]:
    return {each.id: each.count for each in scan.groups}


def fix(field: str, problem: str, name: str, **more: str) -> dict[str, object]:
    return {"fix": {"field": field, "problem": problem, "fix": name, **more}}


@pytest.mark.parametrize(
    ("field", "values", "groups", "formats"),
    [
        ("day", ["31.01.2026", "01.02.2026", "2026-02-02"], {"format": 2}, ["day.month.year"]),
        ("day", ["3/4/2026", "31/1/2026"], {"format": 2}, ["day/month/year"]),
        ("day", ["3/4/2026", "4/3/2026"], {"format": 2}, ["day/month/year", "month/day/year"]),
        (
            "day",
            ["31/1/2026", "13/1/2026", "1/31/2026"],
            {"format": 2, "kind": 1},
            ["day/month/year"],
        ),
        (
            "day",
            ["1.2.2026", "1.2.2027", "1.2.26", "soon"],
            {"format": 2, "kind": 2},
            ["day.month.year"],
        ),
        ("day", ["1.2.26"], {"format": 1}, [SHORT_YEARS[0]]),
        ("day", ["1.2.26", "1.2.85"], {"format": 2}, [*SHORT_YEARS]),
        ("day", ["x", "", "2026-01-31"], {"kind": 1}, []),
        ("amount", ["1,5", "2", "1.234,50"], {"format": 2}, ["1.234,56"]),
        ("amount", ["1,234"], {"format": 1}, ["1.234,56", "1,234.56"]),
        ("amount", ["-1", "0"], {"greater_than": 2}, []),
        ("amount", ["€ 5", "5 $", "6,5€"], {"format": 2, "kind": 1}, ["1.234,56 €"]),
        ("amount", ["5%"], {"format": 1}, ["1234.56 %", "1234.56 % / 100"]),
        ("amount", ["5 kg", "5 m"], {"kind": 2}, []),
        ("paid", ["ja", "nein"], {"format": 2}, ["ja/nein"]),
        ("paid", ["x", "", "X"], {"format": 2}, ["x/"]),
        ("state", ["opn", "open"], {"choice": 1}, []),
        ("state", [" open", "\u00a0", "open\t"], {"spaces": 2, "choice": 1}, []),
    ],
)
def test_problems_have_groups_and_columns_have_formats(
    tmp_path: Path, field: str, values: list[str], groups: dict[str, int], formats: list[str]
) -> None:
    scan = scanned(table_of(tmp_path, field, *values))

    assert counts(scan) == {f"{field}:{name}": number for name, number in groups.items()}
    found = [each.formats for each in scan.groups if each.problem == "format"]
    assert found == ([tuple(formats)] if formats else [])
    assert [each.fixes for each in scan.groups if each.problem == "format"] == (
        [("convert",) if len(formats) == 1 else ()] if formats else []
    )


@pytest.mark.parametrize(
    ("field", "values", "decision", "result", "left"),
    [
        (
            "day",
            ["3/4/2026", "2026-01-02", ""],
            ["day", "month/day/year"],
            ["2026-03-04", "2026-01-02", ""],
            0,
        ),
        ("amount", ["1,234", "1.234", "5"], ["amount", "1.234,56"], ["1.234", "1234", "5"], 0),
        ("amount", ["1,5", "x"], ["amount", "1.234,56"], ["1.5", "x"], 1),
        ("amount", ["€ 1.234", "1.234"], ["amount", "1234.56 €"], ["1.234", "1.234"], 0),
        ("amount", ["45 %", "5"], ["amount", "1234.56 % / 100"], ["0.45", "5"], 0),
        ("paid", ["x", "", "true"], ["paid", "x/"], ["true", "false", "true"], 0),
        ("day", [" 2026-01-31\u00a0"], fix("day", "spaces", "trim"), ["2026-01-31"], 0),
        (
            "amount",
            ["5 kg", "x"],
            fix("amount", "kind", "replace", to="5", value="x"),
            ["5 kg", "5"],
            1,
        ),
        ("amount", ["5 kg", "6"], fix("amount", "kind", "empty"), ["", "6"], 0),
        (
            "state",
            ["Opne", "OPEN", "zzz"],
            fix("state", "choice", "look_up"),
            ["open", "open", "zzz"],
            1,
        ),
        ("state", ["opn", "open"], fix("state", "choice", "drop_rows"), ["open"], 0),
        ("amount", ["-1", "x"], fix("amount", "greater_than", "replace", to="1"), ["1", "x"], 1),
        ("amount", ["-1", "2"], fix("amount", "greater_than", "replace", to="-2"), ["-2", "2"], 1),
        ("amount", ["x", "2"], {"cell": [1, "amount", "3"]}, ["3", "2"], 0),
        ("amount", ["x", "2"], {"cell": [1, "amount", "y"]}, ["y", "2"], 1),
        ("amount", ["x", "2"], {"drop": 1}, ["2"], 0),
        ("state", ["closed", "open"], fix("", UNPAID, "drop_rows"), ["open"], 0),
    ],
)
def test_a_decision_mends_a_group_at_once_and_in_the_result(
    tmp_path: Path,
    field: str,
    values: list[str],
    decision: dict[str, object] | list[str],
    result: list[str],
    left: int,
) -> None:
    path = table_of(tmp_path, field, *values)
    scan = scanned(path)
    before = (scan.count, scan.groups)

    scan.decide(decision if isinstance(decision, dict) else {"format": decision})

    assert scan.count == left
    after = (scan.count, scan.groups)
    again = scanned(path, decisions=scan.decisions)
    assert (again.count, again.groups) == after
    assert [row[field] for row in repaired(scan, path)] == result
    assert scan.undo()
    assert (scan.count, scan.groups) == before
    assert scan.redo()
    assert (scan.count, scan.groups) == after
    assert not scan.redo()


def test_a_number_is_converted_once_and_a_new_text_like_the_others(tmp_path: Path) -> None:
    path = table_of(tmp_path, "amount", "1,234", "x", "y", "z")
    scan = scanned(path)

    scan.decide({"format": ["amount", "1.234,56"]})
    scan.decide({"cell": [2, "amount", "2,5"]})
    scan.decide({"cell": [3, "amount", "2.500"]})
    scan.decide(fix("amount", "kind", "drop_rows"))

    assert [row["amount"] for row in repaired(scan, path)] == ["1.234", "2.5", "2.500"]
    assert scan.count == 0


def test_a_value_in_another_format_waits_for_the_format_of_its_column(tmp_path: Path) -> None:
    path = table_of(tmp_path, "day", "31/1/2026", "30/1/2026", "1/31/2026", "soon")
    scan = scanned(path)
    assert [(each.problem, each.fixes) for each in scan.groups] == [
        ("format", ("convert",)),
        ("kind", ()),
    ]

    scan.decide({"format": ["day", "day/month/year"]})
    assert [each.fixes for each in scan.groups] == [("convert", "replace", "empty", "drop_rows")]
    scan.decide(fix("day", "kind", "convert", to="month/day/year"))

    assert [row["day"] for row in repaired(scan, path)][2:] == ["2026-01-31", "soon"]
    assert scan.count == 1


POOLS = {
    "id": ["1", "2", "3", "4", " 2", "=1", "x", ""],
    "day": [
        *("01/02/2026", "13/2/2026", "2/13/2026", "1.2.2026", "2026-02-01", " 2026-02-01"),
        *("1.2.26", "x", ""),
    ],
    "amount": ["1.234", "1,234", "1,5", "1.5", "2", "-1", "x", " 3", "€ 5", "2 %", ""],
    "paid": ["x", "X", "yes", "no", "true", "ja", ""],
    "state": ["open", "closed", "opn", " open", ""],
}
NEW = {**POOLS, "id": ["7", "8", "x", ""]}  # no id of another row, which would be the second one
ROW = st.tuples(*map(st.sampled_from, POOLS.values())).map(",".join)
OTHER_ROWS = ("1", "2,", "3,,1,no", "4,,,,,x", '"5"x,,,,open', "Sum,,5,,", ",".join(POOLS))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_decisions_leave_the_same_problems_in_the_scan_and_in_the_result(
    data: st.DataObject,
) -> None:
    draw = data.draw
    rows = draw(st.lists(ROW | st.sampled_from(OTHER_ROWS), min_size=1, max_size=12))
    is_plain = not {*rows} & {*OTHER_ROWS}
    with TemporaryDirectory() as folder:
        path, into = Path(folder, "a.csv"), Path(folder, "new.csv")
        path.write_text("\n".join([",".join(POOLS), *rows]).replace("1,5", '"1,5"'))
        scan = scanned(path)

        for _ in range(draw(st.integers(0, 6))):
            decide_something(scan, draw)
            assert scan.count == scanned(path, decisions=scan.decisions).count

        new, changes = repaired(scan, path), io.BytesIO()
        result = clean(path, TABLE, scan.decisions, into=into, changes=changes)
        assert result.rows_out == result.rows_in - result.dropped
        assert not is_plain or scanned(into).count == scan.count
        assert result.left or table_check(CHECK, Order).function(CheckedFile(into)) is None
        assert new == listed_changes(path, scan, changes)


def listed_changes(path: Path, scan: Scan, changes: io.BytesIO) -> list[dict[str, str]]:
    """Return the rows of the result, made of the file and the list of changes only."""
    given = Repair(TABLE, replace(scan.decisions, formats={}, fixes=(), cells=(), dropped=()))
    found: dict[int, dict[str, str]] = {}
    for batch in repaired_rows(path, given, scan.decisions):
        for at, texts in enumerate(zip(*batch.before, strict=True), batch.first):
            found[at] = dict(zip(POOLS, texts, strict=True))
    for line in csv.DictReader(io.StringIO(changes.getvalue().decode(), newline="")):
        row = int(line["row"])
        if line["why"] == "drop_rows":
            del found[row]
        else:
            assert found[row][line["field"]] == line["before"] != line["after"]
            found[row][line["field"]] = line["after"]
    return [*found.values()]


def decide_something(scan: Scan, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
    """Make a random decision that the panel offers for a problem, or take one back."""
    moves = [scan.undo, scan.redo]
    if not scan.groups or draw(st.integers(0, 4)) == 0:
        draw(st.sampled_from(moves))()
        return
    group = draw(st.sampled_from(scan.groups))
    problem = draw(st.sampled_from(scan.problems(group.id)))
    choices: list[dict[str, object]] = [{"drop": problem.row}]
    if group.field:
        text = draw(st.sampled_from(NEW[group.field]))
        choices.append({"cell": [problem.row, group.field, text]})
        choices.extend({"format": [group.field, name]} for name in group.formats)
    for name in group.fixes:
        value = draw(st.sampled_from([None, problem.value]))
        kinds = {"amount": "decimal", "day": "date", "paid": "boolean"}
        to = ""
        if name == "convert" and group.field:
            names = [*formats(kinds[group.field]), *group.formats]
            to = draw(st.sampled_from(names))
        elif name == "replace":
            to = draw(st.sampled_from(NEW[group.field]))
        choices.append(
            {
                "fix": {
                    "field": group.field,
                    "problem": group.problem,
                    "fix": name,
                    "to": to,
                    "value": value,
                }
            }
        )
    scan.decide(draw(st.sampled_from(choices)))


def test_an_empty_value_can_be_false_in_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Paid(BaseModel):
        id: int
        paid: bool

    monkeypatch.setattr(problems, "KEPT_ROWS", 1)
    path = table_of(tmp_path, "paid", "x", "", "", "X")
    scan = scanned(path, Table.of(Paid))
    assert counts(scan) == {"paid:format": 2, "paid:missing": 2}

    scan.decide({"format": ["paid", "x/"]})

    assert scan.count == 0
    assert clean(path, Paid, scan.decisions, into=io.BytesIO()).left == ()


def test_the_first_row_with_a_unique_value_stays(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,state\n7,open\n\n8,opn\n7,open\n8,open\n7,closed\n").path
    scan = scanned(path)

    assert counts(scan) == {f":{UNPAID}": 1, "id:duplicate": 2, "state:choice": 1}
    first, second = scan.problems("id:duplicate")
    assert (first.row, first.line, first.reason) == (3, 5, "The same value is in line 2.")
    assert (second.line, second.reason) == (6, "The same value is in line 4.")

    scan.decide(fix("id", "duplicate", "drop_rows"))
    scan.decide({"cell": [5, "id", "9"]})
    scan.decide(fix("", UNPAID, "drop_rows"))
    assert counts(scan) == {"state:choice": 1}
    scan.decide({"drop": 2})
    assert [row["id"] for row in repaired(scan, path)] == ["7", "8"]


@pytest.mark.parametrize(
    ("row", "problem", "name", "result"),
    [
        ("2", "short", "empty", [("2", "")]),
        ("2", "short", "drop_rows", []),
        ("2,open,,x,y z", "long", "drop_rows", []),
        ('"2"x,open', "quote", "convert", [("2x", "open")]),
        ('"2"x,open', "quote", "drop_rows", []),
        ("id,state,", "header", "drop_rows", []),
        ("id,state,", "header", "keep", [("id", "state")]),
        ("Sum,,5", "total", "drop_rows", []),
        (",Gesamt:,7", "total", "keep", [("", "Gesamt:")]),
    ],
)
def test_a_row_of_another_length_or_with_a_wrong_quotation_mark(
    tmp_path: Path, row: str, problem: str, name: str, result: list[tuple[str, str]]
) -> None:
    more = "," if problem in ("header", "total") else ""
    text = f"id,state{more}\n1,open\n{row}\n3,open{more}\n"
    path = written(tmp_path, "a.csv", text).path
    table = Table.of(columns=["id", "state"])
    scan = scanned(path, table)
    assert counts(scan) == {f":{problem}": 1}
    found = scan.problems(f":{problem}")[0]
    assert found.line == 3
    assert ("| x | y z" in found.reason) == (problem == "long")

    scan.decide(fix("", problem, name))

    assert scan.count == 0
    rows = [(row["id"], row["state"]) for row in repaired(scan, path, table)]
    assert rows == [("1", "open"), *result, ("3", "open")]


@pytest.mark.parametrize(
    ("row", "is_total"),
    [
        *((f"{name},,5", True) for name in ("TOTAL", "Sum :", "合计", "小計", "الإجمالي")),
        *((row, False) for row in ("Total,open,5", "Total,,", "Totals Ltd,,5", "1,total,5")),
        *((row, False) for row in ("Sum,,none", ",,5", "Summe 2025,,5")),
    ],
)
def test_a_row_of_totals_has_a_word_and_numbers_but_no_other_words(
    tmp_path: Path, row: str, is_total: bool
) -> None:
    path = written(tmp_path, "a.csv", f"id,state,n\n1,open,2\n{row}\n").path
    scan = scanned(path, Table.of(columns=["id", "state", "n"]))

    assert counts(scan) == ({":total": 1} if is_total else {})
    scan.decide({"cell": [2, "state", "new"]})
    assert scan.count == 0


def test_a_long_value_may_have_a_wrong_quotation_mark(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", f'id,state\n"1"{"x" * 200_000},open\n').path

    assert counts(scanned(path, Table.of(columns=["id", "state"]))) == {":quote": 1}


def test_a_value_that_is_needed_is_missed_in_a_row_and_in_all_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,state\n,open\n2,open\n").path
    one = scanned(path)
    assert counts(one) == {"id:missing": 1}
    assert one.groups[0].fixes == ("replace", "drop_rows")

    both = scanned(path, decisions=Decisions(columns=(None, "state")))
    assert counts(both) == {"id:missing": 2}
    both.decide(fix("id", "missing", "replace", to="5"))
    assert (counts(both), both.count) == ({"id:duplicate": 1}, 1)
    left = clean(path, TABLE, both.decisions, into=io.BytesIO()).left
    assert [(each.id, each.count) for each in left] == [("id:duplicate", 1)]


def test_a_problem_names_the_row_and_speaks_the_language(tmp_path: Path) -> None:
    path = table_of(tmp_path, "state", "open", "opn", "closed")
    scan = Scan(path, TABLE, language="ja")
    [*scan.run()]

    (found,) = scan.problems("state:choice")
    (own,) = scan.problems(f":{UNPAID}")

    assert (found.row, found.line, found.field, found.value) == (2, 3, "state", "opn")
    assert found.values == {"id": "2", "day": "", "amount": "", "paid": "", "state": "opn"}
    assert found.reason == "使用できる値は open、closed だけです。"
    assert (own.row, own.reason) == (3, "a closed order is paid")


def test_the_kept_problems_and_groups_are_bounded_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problems, "KEPT_ROWS", 3)
    monkeypatch.setattr(problems, "GROUPS", 2)
    path = tmp_path / "a.csv"
    rows = [*["1.2.2026,x,"] * 6, *["3.2.2026,,"] * 4, ",y,", ",y,", ",,no", "soon,,"]
    path.write_text("day,n,m\n" + "\n".join(rows) + "\n")
    table = Table.of(types={"day": "date", "n": "integer", "m": "integer"})

    scan = scanned(path, table)

    assert {each.id: (each.count, each.values) for each in scan.groups} == {
        ":other": (2, (("no", 1), ("soon", 1))),
        "day:format": (10, (("1.2.2026", 6), ("3.2.2026", 4))),
        "n:kind": (8, (("x", 6), ("y", 2))),
    }
    assert scan.count == 14
    assert len(scan.problems("day:format")) == 3
    assert [each.row for each in scan.problems("day:format", 1, 1)] == [2]

    scan.decide({"format": ["day", "day.month.year"]})
    scan.decide(fix("n", "kind", "empty", value="y"))
    assert counts(scan) == {":other": 2, "n:kind": 6}
    scan.decide(fix("n", "kind", "empty"))
    assert (counts(scan), scan.count) == ({":other": 2}, 2)
    assert counts(scanned(path, table, scan.decisions)) == {"day:kind": 1, "m:kind": 1}

    monkeypatch.setattr(problems, "KEPT_SIZE", 1)
    small = scanned(path, table)
    assert small.count == 14
    assert len(small.problems("day:format")) == 1


def test_a_result_with_problems_names_them(tmp_path: Path) -> None:
    path = table_of(tmp_path, "day", "31.01.2026", "x", "=1+1")
    changes, into = tmp_path / "changes.csv", tmp_path / "new.csv"
    decisions = Decisions(formats={"day": "day.month.year"}, dropped=(3,))

    result = clean(path, Order, decisions, into=into, changes=changes)

    assert (result.rows_in, result.rows_out, result.changed, result.dropped) == (3, 2, 1, 1)
    assert result.left == (
        Group(
            id="day:kind",
            field="day",
            problem="kind",
            count=1,
            values=(("x", 1),),
            fixes=("convert", "replace", "empty", "drop_rows"),
            formats=(),
        ),
    )
    assert result.model == Table.of(Order).fingerprint
    assert into.read_bytes() == (b"id,day,amount,paid,state\r\n1,2026-01-31,,,\r\n2,x,,,\r\n")
    assert changes.read_bytes() == (
        b"row,line,field,before,after,why\r\n"
        b"1,2,day,31.01.2026,2026-01-31,convert\r\n"
        b'3,4,,"3,=1+1",,drop_rows\r\n'
    )


@pytest.mark.parametrize("text", ["a,b", 'a"b', '"', "a\nb", "a\rb", "a\r\nb", ",", "é", ""])
@pytest.mark.parametrize("columns", [["n"], ["n", "m"]])
def test_the_result_is_what_python_writes(tmp_path: Path, text: str, columns: list[str]) -> None:
    path = written(tmp_path, "a.csv", "x,y\n1,2\n1,2\n").path
    cells = ((2, columns[-1], text),)
    out, expected = io.BytesIO(), io.StringIO()

    clean(path, Table.of(columns=columns), Decisions(columns=("n", None), cells=cells), into=out)

    rows = [columns, ["1", ""][: len(columns)], ["1", text][-len(columns) :]]
    csv.writer(expected, lineterminator="\r\n").writerows(rows)
    assert out.getvalue().decode() == expected.getvalue()


def test_formulas_stay_and_are_counted(tmp_path: Path) -> None:
    texts = ["=1+1", "+49 30", "-5", "+5.5", "@x", "\tx", "a=b", "-x", ""]
    path = table_of(tmp_path, "text", *texts)
    out = io.BytesIO()

    result = clean(path, Table.of(columns=["id", "text"]), into=out)

    assert result.formulas == 5
    assert result.changed == 0
    rows = csv.DictReader(io.StringIO(out.getvalue().decode(), newline=""))
    assert [row["text"] for row in rows] == texts


def test_the_list_of_changes_has_the_reason_of_each(tmp_path: Path) -> None:
    path = written(
        tmp_path, "a.csv", "id,day,amount,state\n1, 2026-01-31,x,opn\n2,1.2.2026,3,open\n"
    ).path
    scan = scanned(path)
    for decision in (
        {"format": ["day", "day.month.year"]},
        {"format": ["amount", "1.234,56"]},
        fix("day", "spaces", "trim"),
        fix("state", "choice", "look_up"),
        {"cell": [1, "amount", "4,5"]},
    ):
        scan.decide(decision)
    out, changes = io.BytesIO(), io.BytesIO()

    result = clean(path, TABLE, scan.decisions, into=out, changes=changes)

    assert (result.left, result.changed) == ((), 4)
    lines = [line.split(",") for line in changes.getvalue().decode().splitlines()[1:]]
    assert [(line[1], line[2], line[-1]) for line in lines] == [
        ("2", "day", "trim"),
        ("2", "amount", "edit"),
        ("2", "state", "look_up"),
        ("3", "day", "convert"),
    ]


@pytest.mark.parametrize(
    "decision",
    [
        {"format": ["day", "day month"]},
        *({"format": ["amount", f"1234.56 {each}"]} for each in ("x", "%%", "", "€ ")),
        {"format": ["none", "day.month.year"]},
        {"format": ["id", "day.month.year"]},
        {"cell": [1, "none", "x"]},
        {"cell": ["1", "day", "x"]},
        {"drop": "1"},
        {"fix": {"field": "day", "problem": "kind", "fix": "guess"}},
        {"fix": {"field": "day", "problem": "kind", "fix": "convert", "to": "x"}},
        {"fix": {"field": "day"}},
        {},
    ],
)
def test_an_impossible_decision_is_an_error_and_changes_nothing(
    tmp_path: Path, decision: Mapping[str, Any]
) -> None:
    scan = scanned(table_of(tmp_path, "day", "x"))
    before = scan.decisions

    with pytest.raises(ValueError, match=r"decision|field|fix"):
        scan.decide(decision)

    assert scan.decisions == before
    assert not scan.undo()


WRONG: dict[str, list[Any]] = {
    "x": [1],
    "reading": [1, {"encoding": 1}, {"header_row": "1"}, {"delimiter": ""}, {"x": 1}],
    "columns": ["id", [1], [["id"]], {}],
    "formats": [[], {"day": 1}],
    "fixes": [{}, [1], [{"field": "day"}], [fix("day", "kind", "guess")["fix"]]],
    "cells": [[[1, "day"]], [["1", "day", "x"]], [[True, "day", "x"]], [[1, "day", None]]],
    "dropped": [1, ["1"], [1.5], [None]],
}


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"version": 2}', "[" * 100_000),
        *(json.dumps({"version": 1, key: each}) for key in WRONG for each in WRONG[key]),
    ],
    ids=lambda text: text[:60],
)
def test_other_json_is_no_decision(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="these are no decisions"):
        Decisions.from_json(text)
    session = Session(table_of(tmp_path, "day"), TABLE, folder=tmp_path, write=len, language="en")
    assert json.loads(session.call("open", json.dumps(text or "-"), print))["is_old"]


def test_decisions_of_another_table_or_release_are_ignored_in_the_page(tmp_path: Path) -> None:
    path = table_of(tmp_path, "day", "1.2.2026", "x")
    good = Decisions(formats={"day": "day.month.year"}, dropped=(2,), columns=("id", "day"))
    old = replace(
        good,
        formats={**good.formats, "paid": "ja/no", "n": "1234.56", "id": "ja/nein"},
        fixes=(Fix("n", "kind", "empty"), Fix("day", "kind", "convert", "month day")),
        cells=((1, "n", "x"),),
        columns=("id", "n"),
    )
    with pytest.raises(ValueError, match="of another table"):
        clean(path, TABLE, old, into=io.BytesIO())
    with pytest.raises(ValueError, match="the file has 2 columns, the decisions 1"):
        clean(path, TABLE, Decisions(columns=("id",)), into=io.BytesIO())
    session = Session(path, TABLE, folder=tmp_path, write=len, language="en")

    opened = json.loads(session.call("open", json.dumps(old.as_json()), print))
    columns = json.dumps([each["field"] for each in opened["columns"]])
    state = json.loads(session.call("scan", columns, print))

    assert (opened["is_old"], columns) == (True, '["id", null]')
    left = Decisions.from_json(state["decisions"])
    assert replace(left, reading=None) == replace(good, columns=("id", None))


def test_a_fix_that_does_not_suit_its_problem_does_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,state\n1,open,x\n,open\n").path
    scan = scanned(path)

    scan.decide(fix("", "long", "empty"))
    scan.decide(fix("id", "missing", "empty"))

    assert scan.count == scanned(path, decisions=scan.decisions).count == 2


class Rising(BaseModel):
    low: int
    high: int = 9


class ModelRule(Rising):
    @model_validator(mode="after")
    def _rises(self) -> Self:
        assert self.low <= self.high
        return self


class FieldRule(Rising):
    @field_validator("high")
    @classmethod
    def _rises(cls, high: int, info: ValidationInfo) -> int:
        assert info.data.get("low", 0) <= high
        return high


class Initialised(Rising):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        if self.low > self.high:
            raise ValueError("it falls")


class PostInitialised(Rising):
    def model_post_init(self, _context: object) -> None:
        assert self.low <= self.high


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (Rising, [3]),
        (ModelRule, [2, 3]),
        (FieldRule, [2, 3]),
        (Initialised, [2, 3]),
        (PostInitialised, [2, 3]),
    ],
)
def test_a_rule_of_two_fields_sees_the_whole_row(
    tmp_path: Path, model: type[Rising], wrong: list[int]
) -> None:
    path = written(tmp_path, "a.csv", f"low,high\n1,2\n2,1\n1,{'9' * 5000}\n8,\n").path

    scan = scanned(path, Table.of(model))

    found = [each.row for group in scan.groups for each in scan.problems(group.id)]
    assert sorted(found) == wrong


def test_many_unique_values_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n" + "".join(f"{number % 30_000}\n" for number in range(30_010)))

    scan = scanned(path, Table.of(columns=["id"], unique=["id"]))

    assert scan.count == 10
    assert scan.problems("id:duplicate")[9].reason == "The same value is in line 11."


def test_a_row_of_the_next_batch_is_looked_at_as_the_first(tmp_path: Path) -> None:
    values = ["2026-01-31"] * 1200
    values[700] = "x"
    path = table_of(tmp_path, "day", *values)
    scan = scanned(path)
    (found,) = scan.problems("day:kind")
    assert (found.row, found.line) == (701, 702)

    scan.decide({"cell": [701, "day", "2026-02-01"]})
    scan.decide({"drop": 1200})

    rows = repaired(scan, path)
    assert (len(rows), rows[700]["day"], scan.rows) == (1199, "2026-02-01", 1200)
