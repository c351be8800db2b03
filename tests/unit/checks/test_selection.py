"""The options switch the built-in checks on."""

from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from ossferry_checks.builtin.check_options import BuiltInOptions
from ossferry_checks.builtin.selection import built_in_checks, read_options
from support.checking import answer, refusal, written

DATA = ("file_type", "table", "json", "xlsx", "zip", "pdf", "secrets")


def test_nothing_is_on_by_default() -> None:
    assert built_in_checks(BuiltInOptions()).around([]) == []


@pytest.mark.parametrize("name", DATA)
def test_each_option_switches_its_check_on(name: str) -> None:
    checks = built_in_checks(read_options({name: True})).around([])

    assert [each.name for each in checks] == [name]


def test_the_checks_run_in_the_order_of_the_options() -> None:
    options = read_options(dict.fromkeys(DATA, True))

    assert [each.name for each in built_in_checks(options).before] == list(DATA)
    assert [each.name for each in fields(BuiltInOptions) if each.name in DATA] == list(DATA)


def test_options_of_json_reach_the_check(tmp_path: Path) -> None:
    (check,) = built_in_checks(read_options({"table": {"columns": ["sku"]}})).before

    said, _ = refusal(check, written(tmp_path, "a.csv", "a,b\n"))

    assert said.startswith("Columns missing in the header: sku.")


def test_the_model_comes_from_the_module(tmp_path: Path) -> None:
    class Order(BaseModel):
        sku: int

    module = ModuleType("checks")
    module.Order = Order  # type: ignore[attr-defined] # a module of the test
    options = read_options({"table": {"model": "Order"}})
    file = written(tmp_path, "a.csv", "sku\nA\n")

    said, line = refusal(built_in_checks(options, module).before[0], file)

    assert said.startswith("The column sku has a wrong value")
    assert line == 2
    with pytest.raises(ValueError, match="has no model Order"):
        built_in_checks(options).before[0].function(file)


def test_a_table_without_model_needs_no_module(tmp_path: Path) -> None:
    (check,) = built_in_checks(read_options({"table": True}), ModuleType("checks")).before

    assert answer(check, written(tmp_path, "a.csv", "a,b\n1,2\n")) is None


def test_a_time_limit_allows_a_slow_device_to_read_5_gb() -> None:
    checks = {each.name: each for each in built_in_checks(read_options({"table": True})).before}

    assert checks["table"].limit_s(5_000_000_000) > 1200
