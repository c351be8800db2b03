"""The options of checks: a wrong one prevents the start, and the message names it."""

import json
import re
from dataclasses import replace

import pytest

from ossferry.errors import SettingsError
from ossferry.settings.checks import built_in_json
from ossferry.settings.loading import load_check_settings
from ossferry_checks.builtin.check_options import (
    BuiltInOptions,
    ColumnType,
    PdfOptions,
    PhotoOptions,
    TableOptions,
)
from ossferry_checks.builtin.selection import read_options


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("{x", 'should be an object in JSON, such as {"file_type": true}.'),
        ("[1]", 'must be an object in JSON, such as {"file_type": true}.'),
        ('{"pdff": true}', "there is no check 'pdff'; the nearest is 'pdf'."),
        ('{"pdf": {"pages": 1}}', "the check 'pdf' has no option 'pages'; the nearest is"),
        ('{"pdf": 3}', "pdf must be true, false or an object with options."),
        ('{"pdf": {"max_pages": "x"}}', "pdf.max_pages must be a whole number."),
        ('{"file_type": 7}', "file_type must be 1 or 0."),
        ('{"table": {"columns": "date"}}', "table.columns must be a list."),
        ('{"table": {"types": {"a": "int"}}}', "table.types.a must be 'text', 'integer'"),
        ('{"table": {"model": "Row"}}', "table.model needs OSSFERRY_CHECKS"),
        ('{"photos": {"quality": 1.5}}', "photos.quality must be from 0 to 1."),
        ('{"photos": {"max_side": -1}}', "photos.max_side must be a number from 0."),
        ('{"zip": {"max_ratio": NaN}}', "zip.max_ratio must be a number from 0."),
    ],
)
def test_a_wrong_option_of_a_built_in_check_is_named(
    monkeypatch: pytest.MonkeyPatch, given: str, sentence: str
) -> None:
    monkeypatch.setenv("OSSFERRY_CHECKS_BUILT_IN", given)

    with pytest.raises(SettingsError, match=rf"^OSSFERRY_CHECKS_BUILT_IN: {re.escape(sentence)}"):
        load_check_settings()


def test_built_in_checks_have_default_options_and_can_be_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"file_type": True, "json": False, "pdf": True, "zip": False, "xlsx": None}
    monkeypatch.setenv("OSSFERRY_CHECKS_BUILT_IN", json.dumps(given))

    settings = load_check_settings()

    assert settings.checks_built_in == BuiltInOptions(file_type=True, pdf=PdfOptions())
    assert settings.has_checks


def test_what_the_page_gets_gives_it_the_options_of_the_settings() -> None:
    types: dict[str, ColumnType] = {"date": "date", "amount": "decimal"}
    options = BuiltInOptions(
        json=True, table=TableOptions(types=types), photos=PhotoOptions(max_side=1600, strip=False)
    )

    # MicroPython does not keep the order of an object
    found = read_options(json.loads(json.dumps(built_in_json(options), sort_keys=True)))

    assert found == replace(options, table=TableOptions(columns=[], types=types, unique=[]))  # type: ignore[arg-type]
    assert found.table
    assert [*found.table.types] == [*types]


@pytest.mark.parametrize(
    "requirement",
    ["-r other.txt", "a @ https://host/a.whl", "a; python_version > '3'", "../a.whl", "a=1", ""],
)
def test_a_package_is_a_plain_requirement(
    monkeypatch: pytest.MonkeyPatch, requirement: str
) -> None:
    monkeypatch.setenv("OSSFERRY_CHECKS", "checks.py")
    monkeypatch.setenv("OSSFERRY_CHECKS_PACKAGES", json.dumps(["ok>=1, <2", requirement]))

    with pytest.raises(SettingsError, match=r"^OSSFERRY_CHECKS_PACKAGES: must list requirements"):
        load_check_settings()


def test_packages_are_for_the_operators_own_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSSFERRY_CHECKS_PACKAGES", '["phonenumbers[all]~=8.0"]')

    with pytest.raises(SettingsError, match="needs OSSFERRY_CHECKS, which imports them"):
        load_check_settings()
