"""The commands with which the panel repairs a table."""

import io
import json
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from ossferry_checks.tables import Decisions, Reading, Table
from ossferry_checks.tables.session import Session

TABLE = Table.of(
    columns=["id", "date", "amount"], types={"date": "date", "amount": "decimal"}, unique=["id"]
)
COLUMNS = ["id", "date", "amount"]


class Panel:
    """Calls the commands as the page does."""

    def __init__(
        self, folder: Path, content: bytes, *, table: Table = TABLE, language: str = "en"
    ) -> None:
        path = folder / "orders.csv"
        path.write_bytes(content)
        self.written = io.BytesIO()
        self._session = Session(
            path, table, folder=folder, write=self.written.write, language=language
        )

    def __call__(self, command: str, given: object = None) -> Any:
        return json.loads(self._session.call(command, json.dumps(given), lambda share: None))


@pytest.mark.parametrize(
    ("language", "said"), [("ja", "列"), ("zh-TW", "欄"), ("de", "Columns")], ids=str
)
def test_the_panel_gets_its_sentences(tmp_path: Path, language: str, said: str) -> None:
    panel = Panel(tmp_path, b"id,date,amount\n", language=language)

    words = panel("open")["words"]

    assert words["panel_columns"] == said
    assert {key.partition("_")[0] for key in words} == {"panel", "type"}


def test_a_group_shows_what_its_values_become(tmp_path: Path) -> None:
    panel = Panel(tmp_path, b"id,date,amount\n1,1/2/2026,2\n2,3/4/2026,soon\n")
    panel("open")

    dates, amounts = panel("scan", COLUMNS)["groups"]

    assert (dates["fixes"], dates["examples"]) == (
        [],
        [
            ["day/month/year", [["1/2/2026", "2026-02-01"], ["3/4/2026", "2026-04-03"]]],
            ["month/day/year", [["1/2/2026", "2026-01-02"], ["3/4/2026", "2026-03-04"]]],
        ],
    )
    assert (amounts["examples"], "convert" in amounts["fixes"]) == ([], False)
    state = panel("decide", {"format": ["date", "day/month/year"]})
    assert [each["problem"] for each in state["groups"]] == ["kind"]


def test_a_group_shows_the_nearest_allowed_values(tmp_path: Path) -> None:
    class Order(BaseModel):
        state: Literal["open", "paid"]

    table = Table.of(Order)
    panel = Panel(tmp_path, b"state\npayd\npayd\nopn\nzzz\n", table=table)
    panel("open")

    (group,) = panel("scan", ["state"])["groups"]

    assert group["examples"] == [["", [["payd", "paid"], ["opn", "open"], ["zzz", "zzz"]]]]
    value = {"field": "state", "problem": "choice", "fix": "replace", "to": "paid"}
    panel("decide", {"fix": {**value, "value": "opn"}})
    (group,) = panel("decide", {"fix": {**value, "value": "payd"}})["groups"]
    assert (group["examples"], group["fixes"]) == ([], ["replace", "drop_rows"])


def test_values_of_another_format_than_their_column_are_converted_too(tmp_path: Path) -> None:
    panel = Panel(tmp_path, b"id,date,amount\n1,1.2.2026,2\n2,1.3.2026,2\n3,1/20/2026,2\n")
    panel("open")
    panel("scan", COLUMNS)

    (group,) = panel("decide", {"format": ["date", "day.month.year"]})["groups"]

    assert group["problem"] == "kind"
    assert group["examples"] == [["month/day/year", [["1/20/2026", "2026-01-20"]]]]
    fix = {"field": "date", "problem": "kind", "fix": "convert", "to": "month/day/year"}
    assert panel("decide", {"fix": fix})["count"] == 0


def test_another_match_of_the_columns_keeps_the_decisions(tmp_path: Path) -> None:
    panel = Panel(tmp_path, b"id,date,amount\n1,1.2.2026,2\n2,2.2.2026,3\n")
    panel("open")
    panel("scan", COLUMNS)
    panel("decide", {"format": ["date", "day.month.year"]})

    assert panel("scan", COLUMNS)["count"] == 0
    panel("read", panel("open")["reading"])
    assert panel("scan", COLUMNS)["count"] == 2


@pytest.mark.parametrize(
    ("changes", "stays"),
    [
        ([{"encoding": "cp1252"}], True),
        ([{"encoding": "gb18030"}], True),
        ([{"delimiter": ";"}, {}], True),  # back before the scan
        ([{"header_row": 2}], False),
        ([{"delimiter": "|"}], False),
    ],
)
def test_another_reading_keeps_the_decisions_that_fit(
    tmp_path: Path, changes: list[dict[str, object]], stays: bool
) -> None:
    panel = Panel(tmp_path, b"id,date,amount\n1,1.2.2026,2\n1,2.2.2026,x\n3,,y\n")
    read = panel("open")
    reading = read["reading"]
    panel("scan", COLUMNS)
    panel("decide", {"format": ["date", "day.month.year"]})
    fix = {"field": "amount", "problem": "kind", "fix": "replace", "to": "7", "value": "y"}
    panel("decide", {"fix": fix})
    panel("decide", {"cell": [2, "id", "2"]})
    state = panel("decide", {"drop": 3})

    for each in changes:
        read = panel("read", {**reading, **each})
    columns = COLUMNS[: len(read["columns"])]
    again = panel("scan", columns)

    old, new = json.loads(state["decisions"]), json.loads(again["decisions"])
    assert (new["formats"], new["fixes"]) == (old["formats"], old["fixes"])
    assert (new["cells"], new["dropped"]) == ((old["cells"], old["dropped"]) if stays else ([], []))
    assert not again["can_undo"]
    assert panel("decide", {"drop": 1})["can_undo"]
    undone = panel("undo")
    assert (undone["decisions"], undone["count"]) == (again["decisions"], again["count"])


def test_other_bytes_of_a_line_end_give_other_rows() -> None:
    reading = Reading("utf-16-le")
    decisions = Decisions(reading=reading, cells=((1, "id", "2"),), dropped=(2,))

    assert decisions.read_as(Reading("utf-16-le")) == decisions
    assert decisions.read_as(Reading("utf-16-be")) == Decisions(reading=Reading("utf-16-be"))


def test_a_wrong_encoding_can_be_changed(tmp_path: Path) -> None:
    panel = Panel(tmp_path, "id,date,amount\n1,,é\n".encode("cp1252"))
    reading = {**panel("open")["reading"], "encoding": "utf-8"}

    wrong = panel("read", reading)
    right = panel("read", {**reading, "encoding": "cp1252"})

    assert wrong["error"] == "This is not text in the chosen encoding. Choose another encoding."
    assert wrong["columns"] == []
    assert right["error"] is None
    assert [each["header"] for each in right["columns"]] == COLUMNS


def test_the_result_is_written_again(tmp_path: Path) -> None:
    panel = Panel(tmp_path, b"id,date,amount\n1,1.2.2026,2\n1,1.2.2026,2\n")
    panel("open")
    panel("scan", COLUMNS)
    panel("decide", {"format": ["date", "day.month.year"]})

    assert panel("write")["left"][0]["problem"] == "duplicate"
    panel("decide", {"drop": 2})
    result = panel("write")

    assert (result["left"], result["dropped"], result["rows_out"]) == ([], 1, 1)
    assert panel.written.getvalue().endswith(b"1,2026-02-01,2\r\n")
    opened = Panel(tmp_path, b"id,date,amount\n1,1.2.2026,2\n1,1.2.2026,2\n")
    opened("open", result["decisions"])
    assert opened("scan", COLUMNS)["count"] == 0
