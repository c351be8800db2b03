"""Selection of the requests that a planned fault affects."""

from pathlib import Path
from typing import Any

import pytest

from mock_oss.errors import WorldError
from mock_oss.faults.plan import Fault, Faults, RequestFacts

PART = RequestFacts("PUT", "bucket", "uploads/a.bin", "UploadPart", 3)


def hits(fault: Fault, requests: list[RequestFacts]) -> list[int]:
    return [number for number, request in enumerate(requests, 1) if fault.triggers_on(request)]


@pytest.mark.parametrize(
    ("plan", "triggers_on"),
    [
        ({}, True),
        ({"method": "PUT"}, True),
        ({"method": "GET"}, False),
        ({"key": "uploads/*"}, True),
        ({"key": "*.txt"}, False),
        ({"operation": "UploadPart"}, True),
        ({"operation": "PutObject"}, False),
        ({"part_number": 3}, True),
        ({"part_number": 4}, False),
        ({"bucket": "other"}, False),
    ],
)
def test_every_given_field_must_match(plan: dict[str, object], triggers_on: bool) -> None:
    fault = Fault(effect="hang", **plan)  # type: ignore[arg-type]  # a table of plans

    assert fault.triggers_on(PART) is triggers_on


def test_counting_decides_which_of_the_matching_requests_are_hit() -> None:
    assert hits(Fault(effect="hang", nth=2), [PART] * 5) == [2]
    assert hits(Fault(effect="hang", times=2), [PART] * 5) == [1, 2]
    assert hits(Fault(effect="hang", skip=1, times=2), [PART] * 5) == [2, 3]


def test_chance_repeats_with_the_seed() -> None:
    def run(seed: int) -> list[int]:
        return hits(Fault(effect="hang", probability=0.3, seed=seed), [PART] * 200)

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 30 < len(run(1)) < 90


NUMBER = "must be a number from"
METHODS = "method must be one of GET, HEAD, PUT, POST, DELETE, OPTIONS"


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({}, "a fault needs an effect"),
        ({"effect": ["hang"]}, "effect must be text"),
        ({"effect": "hang", "key": 5}, "key must be text"),
        ({"effect": "hang", "nth": True}, "nth must be a number"),
        ({"effect": "hang", "self": 1}, "a fault has no 'self'"),
        ({"effect": "explode"}, "there is no fault 'explode'"),
        ({"effect": "delay"}, "a delay fault needs seconds"),
        ({"effect": "error", "code": "NoSuchThing"}, "NoSuchThing is not an error code"),
        ({"effect": "reset", "when": "later"}, "when must be one of"),
        ({"effect": "hang", "colour": "red"}, "a fault has no 'colour'"),
        *(({"effect": "hang", "method": name}, METHODS) for name in ("PUTT", "put", "PATCH", "")),
        *(
            ({"effect": "delay", "seconds": 1, **numbers}, NUMBER)
            for numbers in (
                {"seconds": "a"},
                {"seconds": 1e30},
                {"seconds": float("nan")},
                {"seconds": -1},
                {"probability": 7},
                {"nth": 0},
                {"status": 99999},
                {"part_number": 0},
            )
        ),
    ],
    ids=str,
)
def test_a_plan_that_means_nothing_is_refused(plan: dict[str, Any], message: str) -> None:
    faults = Faults()

    with pytest.raises(WorldError, match=message):
        faults.add_plan(plan)

    assert not list(faults)


def test_plans_are_read_from_toml_and_json(tmp_path: Path) -> None:
    toml, text = tmp_path / "faults.toml", tmp_path / "faults.json"
    toml.write_text('[[faults]]\neffect = "delay"\nseconds = 2\nmethod = "PUT"\n')
    text.write_text('[{"effect": "unavailable", "seconds": 3}]')
    faults = Faults()

    faults.load(toml)
    faults.load(text)

    assert [fault.as_dict() for fault in faults] == [
        {"effect": "delay", "method": "PUT", "seconds": 2},
        {"effect": "unavailable", "seconds": 3},
    ]


def test_a_fault_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text("[[faults")

    with pytest.raises(WorldError, match=r"faults\.toml"):
        Faults().load(path)
