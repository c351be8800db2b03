"""The report of the mutation tests: every survivor is listed in `survivors.toml`, with a reason."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.mutation import (
    AREAS,
    PACKAGES,
    ROOT,
    SURVIVORS,
    Outcome,
    differences,
    function_of,
    read_outcome,
)

LISTED = {"ossferry_uploader.oss.keys.safe_path": 2}
MUTANTS = [
    "ossferry_uploader.oss.keys.x_safe_path__mutmut_1",
    "ossferry_uploader.oss.keys.x_safe_path__mutmut_10",
]


@pytest.mark.parametrize(
    ("mutant", "function"),
    [
        (
            "ossferry_uploader.oss.keys.x_safe_path__mutmut_3",
            "ossferry_uploader.oss.keys.safe_path",
        ),
        ("ossferry_uploader.oss.keys.x__key__mutmut_13", "ossferry_uploader.oss.keys._key"),
        ("a.b.xǁShifterǁcombine__mutmut_6", "a.b.Shifter.combine"),
        ("a.b.xǁShifterǁ__init____mutmut_6", "a.b.Shifter.__init__"),
    ],
)
def test_a_mutant_belongs_to_a_function(mutant: str, function: str) -> None:
    assert function_of(mutant) == function


def test_a_number_of_survivors_other_than_the_listed_one_is_reported() -> None:
    def wrong(*survivors: str) -> Mapping[str, int]:
        mutants = (*MUTANTS, "a.x_b__mutmut_1")
        return differences(Outcome(mutants=mutants, survivors=survivors), LISTED)

    assert wrong(*MUTANTS) == {}
    assert wrong(MUTANTS[0]) == {"ossferry_uploader.oss.keys.safe_path": -1}
    assert wrong(*MUTANTS, "a.x_b__mutmut_1") == {"a.b": 1}
    assert wrong(*MUTANTS, MUTANTS[0]) == {"ossferry_uploader.oss.keys.safe_path": 1}


def test_mutants_without_a_test_have_survived(tmp_path: Path) -> None:
    record = tmp_path / "mutants/src/a/b.py.meta"
    record.parent.mkdir(parents=True)
    codes = {
        "a.x_b__mutmut_1": 1,
        "a.x_b__mutmut_2": 0,
        "a.x_b__mutmut_3": 33,
        "a.x_b__mutmut_4": -24,
        "a.x_b__mutmut_5": 5,
    }
    record.write_text(json.dumps({"exit_code_by_key": codes}))

    outcome = read_outcome(tmp_path)

    assert (outcome.mutants, outcome.killed) == (tuple(codes), 0.4)
    assert outcome.survivors == ("a.x_b__mutmut_2", "a.x_b__mutmut_3", "a.x_b__mutmut_5")


@pytest.mark.parametrize("name", AREAS)
def test_every_pattern_of_an_area_finds_modules_and_tests(name: str) -> None:
    folders = [(ROOT / package).parent for package in PACKAGES]

    for pattern in AREAS[name].modules:
        assert any(list(folder.glob(pattern)) for folder in folders), pattern
    for test in AREAS[name].tests + AREAS[name].without:
        path, _, function = test.partition("::")
        assert (ROOT / path).exists(), path
        assert not function or f"def {function}(" in (ROOT / path).read_text("utf-8"), test


def test_every_listed_function_has_a_count_and_a_reason() -> None:
    rows = tomllib.loads(SURVIVORS.read_text("utf-8"))

    assert [name for name, row in rows.items() if not (row["count"] and row["reason"])] == []
