"""`make bench` keeps every result it has, and fails only if a measurement failed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.peers.npm import PeerMissingError
from bench.run import all_benches, main
from bench.table import Bench, Only, Peer, Result, Row, Value
from support import prerequisites

PEER = Peer(name="snail", work="carries one file")


def row(name: str) -> Row:
    return Row(name, "m/s", peer=PEER, reach=">= 5 m/s")


def speed(value: float, name: str = "speed") -> Value:
    return name, value, 2


def bench(*values: float, name: str = "speed", needs: tuple[str, ...] = ()) -> Bench:
    """Return a bench with one row, which has the next value in each run."""
    left = iter(values)
    return Bench(
        rows=(row(name),), needs=needs, measure=lambda _only: iter([speed(next(left), name)])
    )


def broken(_only: Only) -> Iterator[Value]:
    yield speed(7, "first")
    raise ValueError("the wheel [fell] off")


BROKEN = Bench(rows=(row("first"), row("second")), measure=broken)


def measured(out: Path) -> dict[str, Any]:
    return {each["name"]: each for each in json.loads(out.read_text("utf-8"))}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "bench.json"


def test_a_row_whose_peer_cannot_be_installed_is_skipped(out: Path) -> None:
    def rows(_only: Only) -> Iterator[Value]:
        yield speed(7, "alone")
        raise PeerMissingError("npm cannot install the packages of snail")

    beside = Bench(rows=(row("alone"), row("beside")), measure=rows)
    status = main(["--runs", "3"], [beside], out=out)

    found = measured(out)
    assert status == 0
    assert found["alone"]["runs"] == 3
    assert found["beside"] == {
        "name": "beside",
        "runs": 0,
        "skipped": "npm cannot install the packages of snail",
    }


def test_a_bench_that_fails_loses_no_other_result(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([], [BROKEN, bench(9)], out=out)

    found, printed = measured(out), capsys.readouterr()
    assert status == 1
    assert found["first"]["value"]["median"] == 7
    assert "failed" not in found["first"]
    assert found["second"] == {
        "name": "second",
        "runs": 0,
        "failed": "ValueError: the wheel [fell] off",
    }
    assert found["speed"]["value"]["median"] == 9
    assert "the wheel [fell] off" in " ".join(printed.out.split())
    assert "Traceback" in printed.err


@pytest.mark.parametrize(
    ("reach", "met"),
    [
        (">= 7 m/s", 1),
        ("< 7 m/s", 0),
        ("<= 1,000 m/s", 1),
        ("<= 3.5 x peer", 1),
        (">= 4 x peer", 0),
        (None, None),
    ],
)
def test_a_goal_is_for_the_value_or_for_the_ratio(reach: str | None, met: int | None) -> None:
    result = Result(Row("speed", "m/s", peer=PEER, reach=reach), [(7, 2)])

    assert result.runs_that_met == met


def test_several_runs_give_median_and_range(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--runs", "3"], [bench(8, 4, 6)], out=out) == 0

    found = measured(out)["speed"]
    assert found == {
        "name": "speed",
        "runs": 3,
        "unit": "m/s",
        "peer": {"name": "snail", "work": "carries one file"},
        "value": {"min": 4, "median": 6, "max": 8},
        "peer_value": {"min": 2, "median": 2, "max": 2},
        "ratio": {"min": 2, "median": 3, "max": 4},
        "reach": ">= 5 m/s",
        "met": 2,
    }
    printed = capsys.readouterr().out
    assert "6.00 (4.00 to 8.00)" in printed
    assert "2 of 3" in printed


def test_every_bench_has_its_own_names_and_needs_known_programs() -> None:
    names = [row.name for bench in all_benches() for row in bench.rows]
    known = {each.name for each in prerequisites.ALL}

    assert len(names) == len(set(names)) > 50
    assert {name for bench in all_benches() for name in bench.needs} <= known
