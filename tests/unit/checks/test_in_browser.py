"""The worker's entry point, on CPython: JSON in and JSON out."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ossferry_checks.in_browser import Checker, fault_of, make_checker
from ossferry_checks.registry import Check
from ossferry_uploader.transfer.checks.rules import matches

SOURCE = """
from ossferry_checks import Note, Reject, Replace, check

@check("*.csv", max_seconds=5)
def columns(file):
    file.progress(0.5)
    if file.path.read_text() != "good":
        raise Reject("Wrong.", line=2)
    new = file.folder / "b"
    new.write_text("better")
    return [Replace(new, name="b.txt"), Note(a="1")]
"""


HIDDEN = """
def hidden(file):
    raise Reject("Never.")

check("*.txt")(hidden)
"""


def config(on_error: str = "reject", **more: Any) -> str:
    """Return the answer of `GET /api/checks` for `SOURCE`."""
    columns = {"name": "columns", "patterns": ["*.csv"], "max_seconds": 5.0}
    columns |= {"seconds_per_mb": 0.0, "built_in": False, "replaces": []}
    return json.dumps(
        {"checks": [columns], "on_error": on_error, "built_in": {}, "limits": {}, **more}
    )


def check(checker: Checker, folder: Path, text: str, **about: Any) -> tuple[dict[str, Any], list]:  # type: ignore[type-arg]
    """Check a file `a.csv`; return the verdict and the calls of the two functions."""
    path = folder / "a.csv"
    path.write_text(text)
    (folder / "new").mkdir()
    calls: list[object] = []
    given = {"name": "a.csv", "type": "text/csv", "language": "en", "failed": {}, **about}
    checking = checker.check(
        str(path),
        str(folder / "new"),
        json.dumps(given),
        lambda name, limit_s: calls.append((name, limit_s)),
        calls.append,
    )
    return json.loads(asyncio.run(checking)), calls


def test_a_file_is_checked(tmp_path: Path) -> None:
    checker = make_checker(config(), SOURCE)

    verdict, calls = check(checker, tmp_path, "good")

    assert calls == [("columns", 5), 0.5]
    assert (verdict["name"], verdict["type"], verdict["notes"]) == (
        "b.txt",
        "text/plain",
        {"a": "1"},
    )
    assert Path(checker.new_path()).read_text() == "better"
    checker.clean(str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    assert checker.new_path() == ""


ORDER = """
from __future__ import annotations
from decimal import Decimal
from pydantic import BaseModel

class Order(BaseModel):
    amount: Decimal
"""


@pytest.mark.parametrize(
    ("source", "table", "fault"),
    [
        (ORDER, {"model": "Order", "unique": ["amount"]}, ""),
        (ORDER, {"model": "Order", "unique": ["amuont"]}, 'did you mean "amount"?'),
        (ORDER + "x", {"model": "Order"}, "NameError: name 'x' is not defined"),
        (None, {"columns": ["a"], "unique": ["b"]}, ""),
    ],
)
def test_the_operator_hears_what_is_wrong_before_a_file_comes(
    source: str | None, table: dict[str, Any], fault: str
) -> None:
    said = fault_of(config(built_in={"table": table}), source)

    assert said.endswith(fault)
    assert bool(said) == bool(fault)


def test_a_rejection_has_its_line(tmp_path: Path) -> None:
    checker = make_checker(config(), SOURCE)

    verdict, _ = check(checker, tmp_path, "bad")

    assert verdict["refusal"] == {
        "check": "columns",
        "reason": "Wrong.",
        "line": 2,
        "is_error": False,
        "repair": False,
    }
    assert checker.new_path() == ""


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        ({"reason": "timeout", "detail": "5"}, "It took longer than 5 seconds."),
        ({"reason": "crashed", "detail": "boom"}, "It crashed: boom"),
    ],
)
def test_a_check_that_has_ended_a_worker(
    tmp_path: Path, failure: dict[str, str], sentence: str
) -> None:
    checker = make_checker(config(), SOURCE)

    verdict, calls = check(checker, tmp_path, "good", failed={"columns": failure})

    assert calls == []
    assert verdict["refusal"]["reason"] == sentence
    assert verdict["refusal"]["is_error"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import pandas_of_the_operator", "ModuleNotFoundError: No module named 'pandas_of"),
        ("raise SystemExit", "SystemExit (checks.py, line 1)"),
        (SOURCE + HIDDEN, "ValueError: checks.py defines hidden in a way that the server cannot"),
    ],
)
def test_a_module_that_cannot_be_loaded_fails_for_the_files_of_its_checks(
    tmp_path: Path, source: str, reason: str
) -> None:
    checker = make_checker(config(), source)

    verdict, _ = check(checker, tmp_path, "good")

    assert verdict["refusal"]["reason"].startswith(reason)
    assert verdict["ran"][0]["check"] == "columns"


def test_without_its_model_the_check_of_tables_names_the_cause(tmp_path: Path) -> None:
    built_in = {"table": {"model": "Sale"}, "json": True}
    checker = make_checker(config(built_in=built_in), "import pandas_of_the_operator")

    verdict, _ = check(checker, tmp_path, "a,b\n")

    assert verdict["refusal"]["check"] == "table"
    assert "No module named 'pandas_of_the_operator'" in verdict["refusal"]["reason"]


def test_a_file_with_another_name_passes(tmp_path: Path) -> None:
    checker = make_checker(config(), "import pandas_of_the_operator")

    verdict, calls = check(checker, tmp_path, "good", name="a.txt")

    assert (verdict["refusal"], verdict["ran"], calls) == (None, [], [])


@pytest.mark.parametrize("pattern", ["*.csv", "*", "a?.txt", "*a*b*", "A*.TXT", "", "x"])
@pytest.mark.parametrize("name", ["a.csv", "B.CSV", "ab.txt", "axb", "x", "xx", "a.csv.gz", ""])
def test_the_page_and_the_worker_agree_about_patterns(pattern: str, name: str) -> None:
    check = Check(name="x", function=lambda file: None, patterns=(pattern,))

    assert matches(name, pattern) == check.matches(name)
